"""The homeserver's memory and the one place that changes it. Never speaks HTTP and never waits for the network."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import power
from .accounts import Accounts, User
from .errors import MatrixError, bad, not_found
from .events import Content, Event, domain_of, opaque_id
from .room import Room

MAX_EVENT_BYTES = 65_536
ACTIONS = {
    "join": "join",
    "knock": "knock",
    "leave": "leave",
    "kick": "leave",
    "unban": "leave",
    "invite": "invite",
    "ban": "ban",
}


class Model:
    """Rooms, aliases, accounts. Every change gets the next stream position and calls `changed(user ids or None)`."""

    def __init__(self, server_name: str, changed: Callable[[set[str] | None], None]) -> None:
        self.server_name = server_name
        self.accounts = Accounts(server_name)
        self.rooms: dict[str, Room] = {}
        self.aliases: dict[str, tuple[str, str]] = {}  # alias -> (room id, who made it)
        self.media: dict[str, tuple[bytes, str, str | None]] = {}
        self.reports: list[Content] = []
        self.transactions: dict[tuple[str, str], str] = {}
        self.key_changes: list[tuple[int, str]] = []
        self.stream = 0
        self.now_ms: Callable[[], int] = lambda: int(time.time() * 1000)
        self.changed = changed

    def tick(self) -> int:
        """The next stream position."""
        self.stream += 1
        return self.stream

    def once(self, session_key: str, what: str, do: Callable[[], str]) -> str:
        """Do it once per session and transaction; a repeat gets the first answer again."""
        known = self.transactions.get((session_key, what))
        if known is None:
            known = self.transactions[session_key, what] = do()
        return known

    def report(self, by: str, what: Content, reason: str | None) -> None:
        """Somebody tells the administrators of a room, an event in it, or a user."""
        row: Content = {"id": len(self.reports) + 1, "received_ts": self.now_ms(), "user_id": by, "reason": reason}
        if room_id := what.get("room"):
            room, event = self.room(room_id), what.get("event")
            if event and event not in room.by_id:
                raise not_found("Unable to report event: it does not exist or you aren't able to see it.")
            sender = room.by_id[event].sender if event else None
            row |= {"kind": "event" if event else "room", "room_id": room_id, "event_id": event, "sender": sender}
        elif what["user"] not in self.accounts.users:
            raise MatrixError(404, "M_NOT_FOUND", "User not found")
        else:
            row |= {"kind": "user", "target_user_id": what["user"]}
        self.reports.append(row)
        self.changed(None)

    def room(self, room: str) -> Room:
        """A room by id or alias; 404 if there is none."""
        room_id = self.aliases[room][0] if room in self.aliases else room
        if room_id not in self.rooms:
            raise not_found("Room not found" if room.startswith("!") else f"Room alias {room} not found")
        return self.rooms[room_id]

    def room_for(self, room: str, user_id: str) -> Room:
        """A room to act in: to a user who is not in it, an unknown one is just as forbidden."""
        if room not in self.rooms:
            raise power.forbidden(f"User {user_id} not in room {room}")
        return self.rooms[room]

    def readable(self, room: str, user_id: str) -> Room:
        """A room whose history the user may read at all."""
        found = self.room_for(room, user_id)
        open_to_all = found.content("m.room.history_visibility").get("history_visibility") == "world_readable"
        was_in = found.membership(user_id) in {"join", "leave"} and ("m.room.member", user_id) in found.state
        if not open_to_all and not was_in:
            raise power.forbidden(f"User {user_id} not in room {room}, and room previews are disabled")
        return found

    def accept(
        self,
        room: Room,
        sender: str,
        event_type: str,
        content: Content,
        *,
        state_key: str | None = None,
        ts: int | None = None,
        sent_by: tuple[str, str] | None = None,
        event_id: str | None = None,
    ) -> Event:
        """Append an event without asking anybody, wake who waits. `ts` lets it arrive late, as federation does."""
        stream = self.tick()
        event = Event(
            event_id or "$" + opaque_id(f"{self.server_name}/event/{stream}"),
            room.room_id,
            sender,
            event_type,
            content,
            self.now_ms() if ts is None else ts,
            stream,
            len(room.timeline),
            state_key,
            sent_by=sent_by,
            redacts=content.get("redacts") if event_type == "m.room.redaction" else None,
        )
        room.append(event)
        audience = room.joined
        if event_type == "m.room.member" and state_key is not None:
            self.accounts.ensure(state_key).rooms[room.room_id] = stream
            audience = audience | {state_key}
        self.changed(audience)
        return event

    def send(
        self,
        room: Room,
        sender: str,
        event_type: str,
        content: Content,
        *,
        state_key: str | None = None,
        ts: int | None = None,
        sent_by: tuple[str, str] | None = None,
    ) -> Event:
        """What a client's send or state request does, with every check; the same state again is the same event."""
        if len(repr(content)) > MAX_EVENT_BYTES:
            raise MatrixError(413, "M_TOO_LARGE", "event too large")
        if event_type == "m.room.member" and state_key is not None:
            return self._member_by_state(room, sender, state_key, content)
        power.check_send(room, sender, event_type, content, state_key=state_key, local=self.server_name)
        if event_type == "m.room.redaction":
            power.check_redaction(room, sender, content.get("redacts", ""))
        if state_key is None:
            self._check_relation(room, sender, event_type, content)
        else:
            self._check_alias(room, event_type, content)
            known = room.state.get((event_type, state_key))
            if known and known.content == content and known.sender == sender:
                return known
        return self.accept(room, sender, event_type, content, state_key=state_key, ts=ts, sent_by=sent_by)

    def redact(self, room: Room, sender: str, event_id: str, reason: str | None = None, **more: Any) -> Event:
        """Redact an event of the room."""
        content = {"redacts": event_id} | ({"reason": reason} if reason is not None else {})
        return self.send(room, sender, "m.room.redaction", content, **more)

    def member(self, room: Room, sender: str, target: str, action: str, **content: Any) -> Event:
        """Join, knock, leave, invite, kick, ban or unban, with every check; joined again is the same event."""
        if sender == target and action == "kick":
            action = "leave"
        power.check_member(room, sender, target, action, local=self.server_name, is_joined=self.is_joined)
        membership = ACTIONS[action]
        body = {"membership": membership, **{key: value for key, value in content.items() if value is not None}}
        if membership in {"join", "invite", "knock"}:
            body = self._profile(self.accounts.ensure(target)) | body
        rule = room.content("m.room.join_rules").get("join_rule")
        if action == "join" and rule in {"restricted", "knock_restricted"} and room.membership(target) == "leave":
            body["join_authorised_via_users_server"] = self._authoriser(room)
        known = room.state.get(("m.room.member", target))
        if known and known.sender == sender and _without_authoriser(known.content) == _without_authoriser(body):
            return known
        return self.accept(room, sender, "m.room.member", body, state_key=target)

    def is_joined(self, room_id: str, user_id: str) -> bool:
        """Whether the user is in that room."""
        return room_id in self.rooms and user_id in self.rooms[room_id].joined

    def set_profile(self, user: User, **changes: str | None) -> None:
        """Change display name or avatar everywhere, as Synapse does: one member event a room."""
        for key, value in changes.items():
            setattr(user, key, value)
        for room_id in list(user.rooms):
            room = self.rooms[room_id]
            if user.user_id in room.joined:
                old = room.content("m.room.member", user.user_id)
                content = {"membership": "join", **self._profile(user)}
                if old != content:
                    self.accept(room, user.user_id, "m.room.member", content, state_key=user.user_id)

    def set_account_data(self, user: User, room_id: str, event_type: str, content: Content) -> None:
        """Set account data; an empty room id means the global one."""
        user.account_stream = self.tick()
        user.account_data[room_id, event_type] = (user.account_stream, content)
        self.changed({user.user_id})

    def add_alias(self, alias: str, room_id: str, by: str) -> None:
        """Let an alias of this server point to a room; 409 if it does already (spec: "Room aliases")."""
        if not alias.startswith("#") or domain_of(alias) != self.server_name:
            raise bad("Room alias must be local")
        if alias in self.aliases:
            raise MatrixError(409, "M_UNKNOWN", f"Room alias {alias} already exists")
        self.aliases[alias] = (room_id, by)
        self.changed(None)

    def _member_by_state(self, room: Room, sender: str, target: str, content: Content) -> Event:
        wanted, now = content.get("membership"), room.membership(target)
        rest = {key: value for key, value in content.items() if key != "membership"}
        if wanted == "leave" and sender != target:
            return self.member(room, sender, target, "unban" if now == "ban" else "kick", **rest)
        if wanted not in ACTIONS:
            raise bad("Invalid membership key", "M_UNKNOWN")
        return self.member(room, sender, target, wanted, **rest)

    def _check_relation(self, room: Room, sender: str, event_type: str, content: Content) -> None:
        relates = content.get("m.relates_to")
        if not isinstance(relates, dict) or not relates.get("rel_type"):
            return
        parent = room.by_id.get(relates.get("event_id", ""))
        if not parent:
            raise bad("Can't send relation to unknown event", "M_UNKNOWN")
        if relates["rel_type"] == "m.annotation":
            for other in room.related(parent.event_id, "m.annotation"):
                same_key = other.content["m.relates_to"].get("key") == relates.get("key")
                if same_key and other.sender == sender and other.type == event_type:
                    raise bad("Can't send same reaction twice", "M_DUPLICATE_ANNOTATION")
        if relates["rel_type"] == "m.thread" and parent.relation:
            raise bad("Cannot start threads from an event with a relation", "M_UNKNOWN")

    def _check_alias(self, room: Room, event_type: str, content: Content) -> None:
        if event_type != "m.room.canonical_alias":
            return
        for alias in [content.get("alias"), *content.get("alt_aliases", ())]:
            if alias and self.aliases.get(alias, ("", ""))[0] != room.room_id:
                raise bad(f"Room alias {alias} does not point to the room", "M_BAD_ALIAS")

    def _authoriser(self, room: Room) -> str:
        """Somebody here who may invite: on a real server nobody else can let a restricted join through."""
        need = power.named(room, "invite")
        local = (u for u in room.joined if domain_of(u) == self.server_name and power.level_of(room, u) >= need)
        found = next(local, None)
        if not found:
            raise bad("No server that is in the room can authorise the join", "M_UNABLE_TO_GRANT_JOIN")
        return found

    @staticmethod
    def _profile(user: User) -> Content:
        return {k: v for k, v in (("displayname", user.displayname), ("avatar_url", user.avatar_url)) if v is not None}


def _without_authoriser(content: Content) -> Content:
    return {key: value for key, value in content.items() if key != "join_authorised_via_users_server"}
