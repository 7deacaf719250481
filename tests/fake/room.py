"""One room: its timeline, state, members and relations, and who may see what. Never asks whether an event is allowed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from .events import Content, Event, pruned, relation_of, stripped

CREATORS_ABOVE_ALL = {"12"}
INVITE_STATE = (
    "m.room.create",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.avatar",
    "m.room.name",
    "m.room.encryption",
    "m.room.topic",
)


class Room:
    """Appending is the only way to change it."""

    def __init__(self, room_id: str, version: str) -> None:
        self.room_id = room_id
        self.version = version
        self.timeline: list[Event] = []
        self.streams: list[int] = []
        self.by_id: dict[str, Event] = {}
        self.state: dict[tuple[str, str], Event] = {}
        self.joined: set[str] = set()
        self.children: dict[str, dict[str, list[Event]]] = {}
        self.receipts: dict[tuple[str, str, str], tuple[int, Content]] = {}
        self.receipt_stream = 0
        self.published = False
        self._memberships: dict[str, list[tuple[int, str]]] = {}
        self._visibilities: list[tuple[int, str]] = []

    def append(self, event: Event) -> None:
        """Take an accepted event: state, membership, relations and redaction follow."""
        self.timeline.append(event)
        self.streams.append(event.stream)
        self.by_id[event.event_id] = event
        if event.state_key is not None:
            self._set_state(event, event.state_key)
        event.relation = relation_of(event.content)
        if event.relation:
            kind, parent = event.relation
            self.children.setdefault(parent, {}).setdefault(kind, []).append(event)
        if event.redacts and (target := self.by_id.get(event.redacts)) and not target.redacted_because:
            self._redact(target, event)

    def _set_state(self, event: Event, state_key: str) -> None:
        event.replaces = self.state.get((event.type, state_key))
        self.state[event.type, state_key] = event
        if membership := event.membership:
            self._memberships.setdefault(state_key, []).append((event.index, membership))
            (self.joined.add if membership == "join" else self.joined.discard)(state_key)
        elif event.type == "m.room.history_visibility":
            self._visibilities.append((event.index, event.content.get("history_visibility", "shared")))

    def _redact(self, target: Event, because: Event) -> None:
        target.redacted_because = because
        target.content = pruned(target.type, target.content)
        if target.relation:
            kind, parent = target.relation
            self.children[parent][kind].remove(target)
            target.relation = None

    def content(self, event_type: str, state_key: str = "") -> Content:
        """The content of a state event, {} if there is none."""
        event = self.state.get((event_type, state_key))
        return event.content if event else {}

    def related(self, event_id: str, kind: str) -> list[Event]:
        """The events that relate to this one in this way, oldest first, without redacted ones."""
        return self.children.get(event_id, {}).get(kind, [])

    def newest_edit(self, event: Event) -> Event | None:
        """The edit that counts: the latest of the same sender and type (spec: "Event replacements")."""
        if event.redacted_because or event.state_key is not None:
            return None
        valid = (
            edit
            for edit in self.related(event.event_id, "m.replace")
            if edit.sender == event.sender
            and edit.type == event.type
            and isinstance(edit.content.get("m.new_content"), dict)
        )
        return max(valid, key=lambda edit: (edit.origin_server_ts, edit.event_id), default=None)

    @property
    def creators(self) -> set[str]:
        """Who outranks everyone; empty before room version 12."""
        if self.version not in CREATORS_ABOVE_ALL:
            return set()
        create = self.state["m.room.create", ""]
        return {create.sender, *create.content.get("additional_creators", ())}

    def membership(self, user_id: str) -> str:
        """Membership now: join, invite, knock, leave or ban; "leave" for strangers."""
        event = self.state.get(("m.room.member", user_id))
        return event.content["membership"] if event else "leave"

    def membership_at(self, user_id: str, index: int) -> str:
        """Membership right after the event of that index."""
        history = self._memberships.get(user_id, [])
        at = bisect_right(history, index, key=lambda entry: entry[0])
        return history[at - 1][1] if at else "leave"

    def index_after(self, stream: int) -> int:
        """Index of the first event later than this stream position."""
        return bisect_right(self.streams, stream)

    def can_see(self, user_id: str, event: Event) -> bool:
        """Whether history visibility shows the event to this user (spec: "Room history visibility")."""
        history = self._memberships.get(user_id, [])
        at = bisect_right(history, event.index, key=lambda entry: entry[0])
        then = history[at - 1][1] if at else "leave"
        if then == "join" or (event.type == "m.room.member" and event.state_key == user_id):
            return True
        known = bisect_right(self._visibilities, event.index, key=lambda entry: entry[0])
        visibility = self._visibilities[known - 1][1] if known else "shared"
        if visibility == "world_readable":
            return True
        if visibility == "shared":
            return any(membership == "join" for _, membership in history[at:])
        return visibility == "invited" and then == "invite"

    def visible(self, user_id: str, first: int = 0, last: int | None = None) -> Iterator[Event]:
        """Events of the index range [first, last) that the user may see, oldest first."""
        return (event for event in self.timeline[first:last] if self.can_see(user_id, event))

    def state_at(self, index: int) -> dict[tuple[str, str], Event]:
        """The state right before the event of that index."""
        state = dict(self.state)
        for event in reversed(self.timeline[index:]):
            if event.state_key is None:
                continue
            if event.replaces:
                state[event.type, event.state_key] = event.replaces
            else:
                state.pop((event.type, event.state_key), None)
        return state

    def preview(self, user_id: str) -> list[Content]:
        """Stripped state for an invited or knocking user, with the own membership last."""
        own = self.state["m.room.member", user_id]
        shown = [self.state[kind, ""] for kind in INVITE_STATE if (kind, "") in self.state]
        inviter = self.state.get(("m.room.member", own.sender))
        if inviter and own.sender != user_id:
            shown.append(inviter)
        own_form = {**stripped(own), "event_id": own.event_id, "origin_server_ts": own.origin_server_ts}
        return [*map(stripped, shown), own_form]
