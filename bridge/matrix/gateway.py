"""Does in Matrix what an effect wants, so that doing it twice is doing it once; never decides and never retries.

Refused and Unavailable go to the caller, which is the outbox and nobody else.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.config_types import PICTURES
from bridge.effects import (
    Ban,
    CreateList,
    CreateRoom,
    Effect,
    Invite,
    Join,
    Kick,
    Leave,
    Offer,
    React,
    Redact,
    ReplaceRoom,
    Send,
    SetAlias,
    SetServerAcl,
    SetState,
    Unban,
    Upload,
    transaction_id,
)
from bridge.errors import Refused, TokenLost, Unavailable
from bridge.events import COPY_MARK
from bridge.matrix.admin import AdminReports
from bridge.matrix.client import Client
from bridge.matrix.crypto import Crypto
from bridge.matrix.direct import DirectRooms
from bridge.matrix.files import Files
from bridge.matrix.reading import Reading
from bridge.matrix.replacing import Replacing
from bridge.matrix.rooms import Rooms
from bridge.scene import Lacking

_LOOK_BACK = 100
_DONE: Mapping[type[Effect], frozenset[str | None]] = {
    Ban: frozenset({"ban"}),
    Unban: frozenset({"leave", "join", "invite", "knock", None}),
    Kick: frozenset({"leave", "ban", None}),
    Invite: frozenset({"invite", "join"}),
}
"""The memberships in which there is nothing left to do."""

JOIN_AGAIN_MS = 2_000


class Gateway(Reading):
    """The one door through which anything of ours reaches Matrix, and through which it is read."""

    def __init__(
        self, client: Client, user: str, rooms: Rooms, crypto: Crypto | None, reports: AdminReports | None = None
    ) -> None:
        """`user` is our own id. Without `crypto` sending into an encrypted room is Refused (M_HEARTH_NO_ENCRYPTION)."""
        super().__init__(client, crypto, reports)
        self._user = user
        self._rooms = rooms
        self._replacing = Replacing(client, user, self)
        self._direct = DirectRooms(client, user, self, rooms)
        self._files = Files(client, rooms.encrypted)
        self._ways: dict[type[Effect], Callable[[Any, bool], Awaitable[str | None]]] = {
            Send: self._send,
            React: self._react,
            Offer: self._offer,
            Redact: self._redact,
            Join: self._join,
            Leave: self._leave,
            Ban: self._member,
            Unban: self._member,
            Kick: self._member,
            Invite: self._member,
            SetState: self._set_state,
            SetServerAcl: self._set_state,
            SetAlias: self._set_alias,
            CreateRoom: self._create,
            CreateList: self._create,
            Upload: self._upload,
            ReplaceRoom: lambda effect, _again: self._replacing.replace(effect),
        }

    async def perform(self, effect: Effect, *, again: bool = True) -> str | None:
        """Do it; the event id or room id that came of it, if any. Raises Refused, Unavailable or TokenLost.

        With `again=False` (nobody has tried before) bans and invites are not looked up first, which halves their cost.
        """
        return await self._ways[type(effect)](effect, again)

    async def already_sent(self, effect: Send) -> str | None:
        """The event id of this effect if it stands among the room's newest events, else None. Raises Refused or Unavailable.

        For an effect that is in doubt for longer than the homeserver remembers our transaction ids.
        """
        mark = transaction_id(effect.key)
        for raw in await self.raw_recent(effect.room, _LOOK_BACK):
            # A mark can stand outside of what is encrypted: keys that we had then may be lost with what a backup did not hold.
            inside = self.opened(raw, effect.room) or {}
            marks = (each.get("content") for each in (raw, inside))
            if raw.get("sender") == self._user and any(
                isinstance(each, dict) and each.get(COPY_MARK) == mark for each in marks
            ):
                return str(raw.get("event_id"))
        return None

    async def bring(self, effect: Send, seconds: float) -> Send | Lacking:
        """The same with files that its room can have, uploaded and sealed as messages are there; or why they cannot be had within that time.

        Raises Refused or Unavailable.
        """
        found = await self._files.bring(effect.room, effect.content, seconds)
        return found if isinstance(found, str) else replace(effect, content=found, files=False)

    async def direct_room(self, user: str, known_room: str | None, *, encrypted: bool, insist: bool = False) -> str:
        """The room where we speak to this one person, made when there is none, and if we `insist` also when they left such rooms twice. Raises Refused or Unavailable."""
        return await self._direct.find_or_make(user, known_room, encrypted=encrypted, insist=insist)

    async def is_encrypted(self, room: str) -> bool:
        """Whether messages there are encrypted. Raises Refused or Unavailable."""
        return await self._rooms.encrypted(room)

    async def _send(self, effect: Send, _again: bool) -> str:
        kind = effect.type
        content: Mapping[str, Any] = {**effect.content, COPY_MARK: transaction_id(effect.key)}
        if not effect.clear and await self._rooms.encrypted(effect.room):
            if self._crypto is None:
                raise Refused(0, "M_HEARTH_NO_ENCRYPTION", "PUT send")
            recipients = await self._rooms.recipients(effect.room)
            kind, content = await self._crypto.encrypt(effect.room, recipients, kind, content)
            if effect.once:
                content = {**content, COPY_MARK: transaction_id(effect.key)}
        return await self._put_event(effect, kind, content)

    async def _react(self, effect: React, _again: bool) -> str | None:
        relation = {"rel_type": "m.annotation", "event_id": effect.event, "key": effect.emoji}
        try:
            content = {"m.relates_to": relation, COPY_MARK: transaction_id(effect.key)}
            return await self._put_event(effect, "m.reaction", content)
        except Refused as no:
            if no.errcode == "M_DUPLICATE_ANNOTATION":
                return None
            raise

    async def _offer(self, effect: Offer, again: bool) -> str | None:
        """A room where we may not react has no reactions to touch, and nobody has to hear of that."""
        try:
            return await self._react(effect, again)
        except TokenLost:
            raise
        except Refused:
            return None

    async def _put_event(self, effect: Send | React, kind: str, content: Mapping[str, Any]) -> str:
        parts = {"room": effect.room, "kind": kind, "transaction": transaction_id(effect.key)}
        answer = await self._client.request("PUT", "/rooms/{room}/send/{kind}/{transaction}", parts=parts, body=content)
        return str(answer.get("event_id"))

    async def _redact(self, effect: Redact, _again: bool) -> str:
        parts = {"room": effect.room, "event": effect.event, "transaction": transaction_id(effect.key)}
        body = {"reason": effect.reason} if effect.reason else {}
        answer = await self._client.request("PUT", "/rooms/{room}/redact/{event}/{transaction}", parts=parts, body=body)
        return str(answer.get("event_id"))

    async def _join(self, effect: Join, again: bool) -> str:
        """Enter. An invitation over federation can be here before the inviting server itself knows of it: one refusal is not yet a no."""
        query = {"via": effect.via, "server_name": effect.via} if effect.via else None
        try:
            answer = await self._client.request(
                "POST", "/join/{room}", parts={"room": effect.room}, query=query, timeout_seconds=120
            )
        except TokenLost:
            raise
        except Refused as no:
            if again or no.status not in (403, 404):
                raise
            raise Unavailable("POST join", retry_after_ms=JOIN_AGAIN_MS) from None
        room = str(answer.get("room_id") or effect.room)
        if effect.person is not None:
            await self._direct.know(effect.person, room)
        return room

    async def _leave(self, effect: Leave, _again: bool) -> None:
        try:
            await self._client.request("POST", "/rooms/{room}/leave", parts={"room": effect.room})
        except TokenLost:
            raise
        except Refused:
            if effect.room in await self.joined_rooms():
                raise

    async def _member(self, effect: Ban | Unban | Kick | Invite, again: bool) -> None:
        """Change a membership. Kick and Unban always look first: done to the wrong membership, each would do the other's work."""
        done = _DONE[type(effect)]
        look_first = again or isinstance(effect, Kick | Unban)
        if look_first and await self.membership(effect.room, effect.user) in done:
            return
        body = {"user_id": effect.user, **({"reason": effect.reason} if effect.reason else {})}
        parts = {"room": effect.room, "verb": type(effect).__name__.lower()}
        try:
            await self._client.request("POST", "/rooms/{room}/{verb}", parts=parts, body=body, timeout_seconds=60)
        except TokenLost:
            raise
        except Refused:
            if await self.membership(effect.room, effect.user) not in done:
                raise

    async def _set_state(self, effect: SetState, _again: bool) -> str | None:
        if await self.state_content(effect.room, effect.type, effect.state_key) == effect.content:
            return None
        parts = {"room": effect.room, "kind": effect.type, "key": effect.state_key}
        answer = await self._client.request(
            "PUT", "/rooms/{room}/state/{kind}/{key}", parts=parts, body=dict(effect.content)
        )
        if effect.type == "m.room.encryption":
            self._rooms.now_encrypted(effect.room)
        return str(answer.get("event_id"))

    async def _set_alias(self, effect: SetAlias, _again: bool) -> None:
        alias = self._full_alias(effect.alias)
        known = await self.resolve_alias(alias)
        if known is not None and known == effect.was:
            await self._client.request("DELETE", "/directory/room/{alias}", parts={"alias": alias})
            known = None
        if known is None:
            try:
                parts = {"alias": alias}
                await self._client.request("PUT", "/directory/room/{alias}", parts=parts, body={"room_id": effect.room})
            except TokenLost:
                raise
            except Refused as no:
                if no.status != 409:
                    raise
                known = await self.resolve_alias(alias)
            else:
                return
        if known != effect.room:
            raise Refused(409, "M_ROOM_IN_USE", "PUT /directory/room/{alias}")

    async def _create(self, effect: CreateRoom, again: bool) -> str:
        alias = self._full_alias(effect.alias)
        if again and (known := await self._made_before(effect, alias)):
            return known
        creation = {**effect.request.get("creation_content", {}), COPY_MARK: transaction_id(effect.key)}
        body = {**effect.request, "creation_content": creation, "room_alias_name": alias[1:].partition(":")[0]}
        try:
            answer = await self._client.request("POST", "/createRoom", body=body, timeout_seconds=180)
        except Refused as no:
            known = await self._made_before(effect, alias) if no.errcode == "M_ROOM_IN_USE" else None
            if known is None:
                raise
            return known
        return str(answer.get("room_id"))

    async def _upload(self, effect: Upload, _again: bool) -> str:
        """The address of the file. A kill between uploading and writing that down leaves a file on the homeserver that nothing shows."""
        try:
            data = await asyncio.to_thread(Path(effect.file).read_bytes)
        except OSError:
            raise Refused(0, "M_HEARTH_NO_FILE", "POST upload") from None
        if hashlib.sha256(data).hexdigest() != effect.sha256:
            raise Refused(0, "M_HEARTH_FILE_CHANGED", "POST upload")
        kind = PICTURES.get(Path(effect.file).suffix.lower(), "application/octet-stream")
        return await self._client.upload(data, kind)

    async def _made_before(self, effect: CreateRoom, alias: str) -> str | None:
        """The room behind this alias if an earlier try of this very effect made it: we created it, and it carries the mark."""
        room = await self.resolve_alias(alias)
        if room is None:
            return None
        try:
            state = await self.state(room)
        except TokenLost:
            raise
        except Refused:
            return None
        mark = transaction_id(effect.key)
        ours = (raw for raw in state if raw.get("type") == "m.room.create" and raw.get("sender") == self._user)
        return room if any(raw.get("content", {}).get(COPY_MARK) == mark for raw in ours) else None

    def _full_alias(self, alias: str) -> str:
        """`#local:our.server`, from that or from the local part alone."""
        return alias if alias.startswith("#") else f"#{alias}:{self._user.partition(':')[2]}"
