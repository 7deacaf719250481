"""One /sync response, computed from the model without waiting. Never changes anything but the device's read inbox."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from .accounts import Session
from .errors import bad
from .events import Content, Event
from .keys import key_counts
from .model import Model
from .relations import shown
from .room import Room


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The part of a filter that chooses events; `*` is a wildcard in types (spec: "Filtering")."""

    limit: int = 10
    types: tuple[str, ...] | None = None
    not_types: tuple[str, ...] = ()
    senders: tuple[str, ...] | None = None
    not_senders: tuple[str, ...] = ()
    lazy: bool = False

    @classmethod
    def read(cls, raw: Content, limit: int = 10) -> EventFilter:
        """From a filter's JSON."""

        def several(key: str) -> tuple[str, ...] | None:
            return tuple(raw[key]) if key in raw else None

        return cls(
            min(int(raw.get("limit", limit)), 1000),
            several("types"),
            several("not_types") or (),
            several("senders"),
            several("not_senders") or (),
            bool(raw.get("lazy_load_members", False)),
        )

    def takes(self, event: Event) -> bool:
        """Whether the event passes."""
        if self.types is not None and not any(fnmatchcase(event.type, glob) for glob in self.types):
            return False
        if any(fnmatchcase(event.type, glob) for glob in self.not_types):
            return False
        return (self.senders is None or event.sender in self.senders) and event.sender not in self.not_senders


@dataclass(frozen=True, slots=True)
class SyncFilter:
    """A whole sync filter."""

    timeline: EventFilter = field(default_factory=EventFilter)
    state: EventFilter = field(default_factory=EventFilter)
    rooms: frozenset[str] | None = None
    not_rooms: frozenset[str] = frozenset()
    include_leave: bool = False

    @classmethod
    def read(cls, raw: Content) -> SyncFilter:
        """From a filter's JSON."""
        room = raw.get("room", {})
        return cls(
            EventFilter.read(room.get("timeline", {})),
            EventFilter.read(room.get("state", {})),
            frozenset(room["rooms"]) if "rooms" in room else None,
            frozenset(room.get("not_rooms", ())),
            bool(room.get("include_leave", False)),
        )


def position(token: str | None) -> int:
    """The stream position of a token: events up to it lie behind, those after it ahead."""
    if not token:
        return 0
    if not token.startswith("s") or not token[1:].isdigit():
        raise bad("Invalid stream token", "M_UNKNOWN")
    return int(token[1:])


@dataclass(slots=True)
class Sync:
    """Builds the answer to one request; `since` is None for a first sync."""

    model: Model
    session: Session
    since: int | None
    wanted: SyncFilter
    full_state: bool = False

    def answer(self) -> tuple[Content, bool]:
        """The response and whether it has something to tell (if not, the request may wait longer)."""
        rooms: dict[str, Content] = {"join": {}, "invite": {}, "knock": {}, "leave": {}}
        for room in self._rooms():
            section, entry = self._room(room)
            if entry is not None:
                rooms[section][room.room_id] = entry
        to_device, lists = self._to_device(), self._device_lists()
        account_data = self._account_data("")
        sections: Content = {
            "rooms": {section: entries for section, entries in rooms.items() if entries},
            "to_device": {"events": to_device} if to_device else {},
            "account_data": {"events": account_data} if account_data else {},
            "device_lists": {name: users for name, users in lists.items() if users},
        }
        told = {name: section for name, section in sections.items() if section}  # Synapse leaves empty ones out
        return {"next_batch": f"s{self.model.stream}", **told, **key_counts(self.session.device)}, bool(told)

    def _rooms(self) -> Iterator[Room]:
        for room_id in self.session.user.rooms:
            if (self.wanted.rooms is None or room_id in self.wanted.rooms) and room_id not in self.wanted.not_rooms:
                yield self.model.rooms[room_id]

    def _room(self, room: Room) -> tuple[str, Content | None]:
        user = self.session.user
        now = room.membership(user.user_id)
        fresh = self.since is None or user.rooms[room.room_id] > self.since
        if now == "join":
            return "join", self._joined(room)
        if now in {"invite", "knock"}:
            return now, {f"{now}_state": {"events": room.preview(user.user_id)}} if fresh else None
        return "leave", self._left(room) if fresh and (self.since is not None or self.wanted.include_leave) else None

    def _joined(self, room: Room) -> Content | None:
        me = self.session.user.user_id
        start = room.index_after(self.since or 0)
        before = room.membership_at(me, start - 1) if start else "leave"
        complete = self.since is None or before != "join"
        quiet = start == len(room.timeline) and room.receipt_stream <= (self.since or 0)
        account_data = self._account_data(room.room_id)
        if quiet and not complete and not account_data and not self.full_state:
            return None
        end = len(room.timeline)
        events, limited, prev = self._timeline(room, 0 if complete else start, end)
        limited = limited or (complete and self.since is not None)
        first = events[0].index if events else end
        state = self._state(room, events, complete or self.full_state, start, first)
        receipts = self._receipts(room)
        if not (events or state or receipts or account_data or limited or complete):
            return None
        heroes = [user_id for user_id in islice(room.joined, 6) if user_id != me][:5]
        return {
            "timeline": {"events": self._forms(room, events, bundle=limited), "limited": limited, "prev_batch": prev},
            "state": {"events": self._forms(room, state)},
            "ephemeral": {"events": receipts},
            "account_data": {"events": account_data},
            "unread_notifications": {"notification_count": 0, "highlight_count": 0},
            "summary": {"m.heroes": sorted(heroes), "m.joined_member_count": len(room.joined)},
        }

    def _left(self, room: Room) -> Content:
        me = self.session.user.user_id
        leave = room.state["m.room.member", me]
        start = room.index_after(self.since or 0)
        was_in = start > 0 and room.membership_at(me, start - 1) == "join"
        events, limited, prev = self._timeline(room, start if was_in else leave.index, leave.index + 1)
        first = events[0].index if events else leave.index
        state = self._state(room, events, False, start, first) if was_in else []
        return {
            "timeline": {"events": self._forms(room, events, bundle=limited), "limited": limited, "prev_batch": prev},
            "state": {"events": self._forms(room, state)},
            "account_data": {"events": []},
        }

    def _timeline(self, room: Room, first: int, end: int) -> tuple[list[Event], bool, str]:
        """The newest matching events of [first, end), whether older ones were cut off, and the token before them."""
        me, chosen = self.session.user.user_id, self.wanted.timeline
        events: list[Event] = []
        limited = False
        for index in range(end - 1, first - 1, -1):
            event = room.timeline[index]
            if not chosen.takes(event) or not room.can_see(me, event):
                continue
            if len(events) == chosen.limit:
                limited = True
                break
            events.append(event)
        events.reverse()
        before = events[0].stream - 1 if events else room.timeline[end - 1].stream
        return events, limited, f"s{before}"

    def _state(self, room: Room, events: list[Event], complete: bool, start: int, first: int) -> list[Event]:
        """State between the last sync and the timeline; everything if complete; with lazy members only who spoke."""
        if complete:
            found = room.state_at(first)
        else:
            gap = room.timeline[start:first]
            found = {(event.type, event.state_key): event for event in gap if event.state_key is not None}
        chosen = self.wanted.state
        if not chosen.lazy:
            return [event for event in found.values() if chosen.takes(event)]
        needed = {event.sender for event in events}
        if complete:
            needed.add(self.session.user.user_id)
        shown_already = {event.state_key for event in events if event.type == "m.room.member"}
        current = found if complete else room.state
        members = [current.get(("m.room.member", user_id)) for user_id in sorted(needed - shown_already)]
        others = [event for (kind, _), event in found.items() if kind != "m.room.member"]
        return [event for event in [*others, *filter(None, members)] if chosen.takes(event)]

    def _forms(self, room: Room, events: Iterable[Event], *, bundle: bool = False) -> list[Content]:
        now_ms = self.model.now_ms()
        return [shown(room, event, self.session, now_ms, bundle=bundle) for event in events]

    def _receipts(self, room: Room) -> list[Content]:
        since = self.since or 0
        if room.receipt_stream <= since:
            return []
        me, content = self.session.user.user_id, dict[str, Any]()
        for (kind, user_id, _), (stream, receipt) in room.receipts.items():
            if stream > since and (kind != "m.read.private" or user_id == me):
                content.setdefault(receipt["event_id"], {}).setdefault(kind, {})[user_id] = receipt["data"]
        return [{"type": "m.receipt", "content": content}] if content else []

    def _account_data(self, room_id: str) -> list[Content]:
        user, since = self.session.user, self.since or 0
        if user.account_stream <= since:
            return []
        return [
            {"type": kind, "content": content}
            for (where, kind), (stream, content) in user.account_data.items()
            if where == room_id and stream > since
        ]

    def _to_device(self) -> list[Content]:
        """What waits for this device; what an earlier answer brought is confirmed by `since` and dropped."""
        device = self.session.device
        if not device or not device.inbox:
            return []
        device.inbox = device.inbox[bisect_right(device.inbox, self.since or 0, key=lambda entry: entry[0]) :]
        return [content for _, content in device.inbox]

    def _device_lists(self) -> dict[str, list[str]]:
        if self.since is None:
            return {"changed": [], "left": []}
        changes = self.model.key_changes
        recent = changes[bisect_right(changes, self.since, key=lambda entry: entry[0]) :]
        me = self.session.user.user_id
        changed = {user_id for _, user_id in recent if user_id == me or self._shares(user_id)}
        gone: set[str] = set()
        for room in self._encrypted():
            for event in room.timeline[room.index_after(self.since) :]:
                if event.type != "m.room.member" or event.state_key is None:
                    continue
                met = room.joined if event.state_key == me else {event.state_key}
                if event.membership == "join":
                    changed |= met & room.joined
                else:
                    gone |= {user_id for user_id in met if not self._shares(user_id)}
        return {"changed": sorted(changed), "left": sorted(gone - changed - {me})}

    def _encrypted(self) -> Iterator[Room]:
        for room in map(self.model.rooms.__getitem__, self.session.user.rooms):
            if room.streams[-1] > (self.since or 0) and ("m.room.encryption", "") in room.state:
                yield room

    def _shares(self, user_id: str) -> bool:
        other, mine = self.model.accounts.users[user_id].rooms, self.session.user.rooms
        me = self.session.user.user_id
        return any({me, user_id} <= self.model.rooms[room_id].joined for room_id in mine.keys() & other.keys())
