"""A person of any server, acting through the model as a client would: same rules, no HTTP, no rate limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .accounts import User
from .creation import create_room, upgrade_room
from .errors import MatrixError
from .events import Content, Event, opaque_id
from .model import Model
from .room import Room


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as its reader sees it now: the newest text, nothing if redacted, reactions counted."""

    event_id: str
    sender: str
    type: str
    body: str
    html: str | None
    content: Content
    ts: int
    edited: bool
    redacted: bool
    thread: str | None  # event id of the thread's root
    reply_to: str | None
    reactions: dict[str, frozenset[str]]  # key -> who


class Member:
    """A handle on one account. Rooms are given by id or alias; refusals are raised as MatrixError."""

    def __init__(self, model: Model, user: User) -> None:
        self._model = model
        self.user = user
        self.user_id = user.user_id

    def token(self, device_id: str | None = None) -> str:
        """A new access token, as if by logging in on that device."""
        return self._model.accounts.open(self.user, device_id).token

    def _room(self, room: str) -> Room:
        return self._model.room(room)

    async def create(self, **fields: Any) -> str:
        """Create a room with the fields of POST /createRoom; its id."""
        return create_room(self._model, self.user_id, fields).room_id

    async def send(self, room: str, event_type: str, content: Content, *, ts: int | None = None) -> str:
        """Send any event; its id."""
        return self._model.send(self._room(room), self.user_id, event_type, content, ts=ts).event_id

    async def state(self, room: str, event_type: str, content: Content, key: str = "") -> str:
        """Set a state event; its id."""
        return self._model.send(self._room(room), self.user_id, event_type, content, state_key=key).event_id

    async def say(self, room: str, body: str, *, ts: int | None = None, **content: Any) -> str:
        """Write a message; further content keys override."""
        return await self.send(room, "m.room.message", {"msgtype": "m.text", "body": body, **content}, ts=ts)

    async def reply(self, room: str, event_id: str, body: str, **content: Any) -> str:
        """A reply outside of threads."""
        return await self.say(room, body, **{"m.relates_to": {"m.in_reply_to": {"event_id": event_id}}, **content})

    async def thread(self, room: str, root_id: str, body: str, **content: Any) -> str:
        """A message in the thread of that root."""
        found = self._room(room)
        newest = next(reversed(found.related(root_id, "m.thread")), None)
        relates = {
            "rel_type": "m.thread",
            "event_id": root_id,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": newest.event_id if newest else root_id},
        }
        return await self.say(room, body, **{"m.relates_to": relates, **content})

    async def edit(self, room: str, event_id: str, body: str, **new_content: Any) -> str:
        """Replace the text of an own message."""
        new = {"msgtype": "m.text", "body": body, **new_content}
        relates = {"rel_type": "m.replace", "event_id": event_id}
        return await self.say(room, f"* {body}", **{"m.new_content": new, "m.relates_to": relates})

    async def react(self, room: str, event_id: str, key: str) -> str:
        """React; the id of the reaction."""
        relates = {"rel_type": "m.annotation", "event_id": event_id, "key": key}
        return await self.send(room, "m.reaction", {"m.relates_to": relates})

    async def redact(self, room: str, event_id: str, reason: str | None = None) -> str:
        """Redact an event; the id of the redaction."""
        return self._model.redact(self._room(room), self.user_id, event_id, reason).event_id

    async def report(self, room: str, event_id: str, reason: str | None = None) -> None:
        """Use the client's own button on a message."""
        self._model.report(self.user_id, {"room": self._room(room).room_id, "event": event_id}, reason)

    async def report_person(self, user_id: str, reason: str | None = None) -> None:
        """Use the client's own button on a person."""
        self._model.report(self.user_id, {"user": user_id}, reason)

    async def join(self, room: str) -> str:
        """Join; the room's id."""
        return self._member(room, self.user_id, "join")

    async def leave(self, room: str) -> str:
        """Leave, or decline an invite."""
        return self._member(room, self.user_id, "leave")

    async def knock(self, room: str, reason: str | None = None) -> str:
        """Ask to be let in."""
        return self._member(room, self.user_id, "knock", reason=reason)

    async def invite(self, room: str, user_id: str) -> str:
        """Invite somebody."""
        return self._member(room, user_id, "invite")

    async def kick(self, room: str, user_id: str, reason: str | None = None) -> str:
        """Remove somebody."""
        return self._member(room, user_id, "kick", reason=reason)

    async def ban(self, room: str, user_id: str, reason: str | None = None) -> str:
        """Ban somebody."""
        return self._member(room, user_id, "ban", reason=reason)

    async def unban(self, room: str, user_id: str) -> str:
        """Lift a ban."""
        return self._member(room, user_id, "unban")

    def _member(self, room: str, target: str, action: str, **content: Any) -> str:
        found = self._room(room)
        self._model.member(found, self.user_id, target, action, **content)
        return found.room_id

    async def upgrade(self, room: str, version: str = "12") -> str:
        """Replace a room; the new one's id."""
        return upgrade_room(self._model, self.user_id, self._room(room), version, []).room_id

    async def read(self, room: str, event_id: str) -> None:
        """Send a public read receipt."""
        found = self._room(room)
        found.receipt_stream = self._model.tick()
        entry = {"event_id": event_id, "data": {"ts": self._model.now_ms()}}
        found.receipts["m.read", self.user_id, ""] = (found.receipt_stream, entry)
        self._model.changed(found.joined)

    async def upload(self, data: bytes, content_type: str = "application/octet-stream") -> str:
        """Upload a file; its mxc:// address."""
        name = opaque_id(f"media/{len(self._model.media)}")[:24]
        self._model.media[name] = (data, content_type, None)
        return f"mxc://{self._model.server_name}/{name}"

    def rooms(self, membership: str = "join") -> list[str]:
        """Ids of the rooms in which the member has this membership, oldest membership first."""
        mine = self.user.rooms
        return [r for r in mine if self._model.rooms[r].membership(self.user_id) == membership]

    def invites(self) -> list[str]:
        """Ids of the rooms the member is invited to."""
        return self.rooms("invite")

    def can_see(self, room: str, event_id: str) -> bool:
        """Whether history visibility shows that event to the member."""
        found = self._room(room)
        return event_id in found.by_id and found.can_see(self.user_id, found.by_id[event_id])

    def sees(self, room: str) -> list[Seen]:
        """The messages of a room as the member sees them now, oldest first; state, edits, reactions, redactions folded in."""
        found = self._room(room)
        if ("m.room.member", self.user_id) not in found.state:
            raise MatrixError(403, "M_FORBIDDEN", f"{self.user_id} is not in the room")
        hidden = {"m.room.redaction", "m.reaction"}
        return [
            self._seen(found, event)
            for event in found.visible(self.user_id)
            if event.state_key is None
            and event.type not in hidden
            and not (event.relation and event.relation[0] == "m.replace")
            and not (event.redacted_because and event.type == "m.reaction")
        ]

    def texts(self, room: str) -> list[str]:
        """The bodies of all messages that are not redacted, oldest first."""
        return [seen.body for seen in self.sees(room) if not seen.redacted]

    def _seen(self, room: Room, event: Event) -> Seen:
        edit = room.newest_edit(event)
        if edit and not room.can_see(self.user_id, edit):
            edit = None
        content = edit.content["m.new_content"] if edit else event.content
        relates = event.content.get("m.relates_to") or {}
        reactions: dict[str, set[str]] = {}
        for reaction in room.related(event.event_id, "m.annotation"):
            if room.can_see(self.user_id, reaction):
                key = reaction.content["m.relates_to"].get("key", "")
                reactions.setdefault(key, set()).add(reaction.sender)
        return Seen(
            event_id=event.event_id,
            sender=event.sender,
            type=event.type,
            body=content.get("body", ""),
            html=content.get("formatted_body"),
            content=content,
            ts=event.origin_server_ts,
            edited=edit is not None,
            redacted=event.redacted_because is not None,
            thread=relates.get("event_id") if relates.get("rel_type") == "m.thread" else None,
            reply_to=(relates.get("m.in_reply_to") or {}).get("event_id"),
            reactions={key: frozenset(who) for key, who in reactions.items()},
        )
