"""What we have to know of a room before we may send into it: whether it is encrypted, and for whom. Never a decision, never a name.

Learned from the homeserver when first needed, and kept up to date by what the sync loop sees.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.errors import Refused, TokenLost
from bridge.matrix.client import Client
from bridge.matrix.crypto import Crypto


class Rooms:
    """Encryption and recipients of the rooms that we are in."""

    def __init__(self, client: Client, crypto: Crypto | None) -> None:
        """Begin with what the encryption store remembers of encrypted rooms."""
        self._client = client
        self._crypto = crypto
        self._encrypted: set[str] = set(crypto.encrypted_rooms) if crypto else set()
        self._open: set[str] = set()
        self._members: dict[str, dict[str, str]] = {}
        self._heard_while_asking: dict[str, list[dict[str, str]]] = {}
        self._history: dict[str, str] = {}

    async def encrypted(self, room: str) -> bool:
        """Whether messages there have to be encrypted. Once yes, always yes. Raises Refused or Unavailable."""
        if room not in self._encrypted and room not in self._open:
            if await self._state(room, "m.room.encryption") is None:
                self._open.add(room)
            else:
                self.now_encrypted(room)
        return room in self._encrypted

    async def recipients(self, room: str) -> Sequence[str]:
        """Who has to be able to read what is sent there now: the joined, and the invited where they may read it later. Sorted.

        Raises Refused or Unavailable.
        """
        # What the sync loop sees meanwhile can change either of both, or take it away.
        members = self._members.get(room)
        if members is None:
            members = await self._learn_members(room)
        history = self._history.get(room)
        if history is None:
            visibility = (await self._state(room, "m.room.history_visibility") or {}).get("history_visibility")
            history = self._history[room] = visibility if isinstance(visibility, str) else "shared"
        wanted = {"join"} if history == "joined" else {"join", "invite"}
        return sorted(user for user, membership in members.items() if membership in wanted)

    async def _learn_members(self, room: str) -> dict[str, str]:
        """Ask who is there. Who comes or goes before the answer is here may not be in it, and is heard only once."""
        heard: dict[str, str] = {}
        asking = self._heard_while_asking.setdefault(room, [])
        asking.append(heard)
        try:
            found = await self.members(room)
        finally:
            asking[:] = [other for other in asking if other is not heard]
        self._members[room] = members = {**found, **heard}
        return members

    def now_encrypted(self, room: str) -> None:
        """This room is encrypted."""
        self._open.discard(room)
        self._encrypted.add(room)
        if self._crypto:
            self._crypto.remember_encrypted(room)

    def saw(self, room: str, raw: Mapping[str, Any]) -> None:
        """Take in one raw state event that the sync loop met."""
        content, key = raw.get("content"), raw.get("state_key")
        if not isinstance(content, dict):
            return
        if raw.get("type") == "m.room.encryption" and key == "":
            self.now_encrypted(room)
        elif raw.get("type") == "m.room.history_visibility" and key == "":
            self._history.pop(room, None)
        elif raw.get("type") == "m.room.member" and isinstance(key, str):
            known = [self._members[room]] if room in self._members else []
            for members in (*known, *self._heard_while_asking.get(room, ())):
                members[key] = str(content.get("membership"))

    def left(self, room: str) -> None:
        """We are out: what we know of it grows old."""
        self._members.pop(room, None)
        self._history.pop(room, None)

    async def _state(self, room: str, kind: str) -> dict[str, Any] | None:
        try:
            return await self._client.request("GET", "/rooms/{room}/state/{kind}/", parts={"room": room, "kind": kind})
        except TokenLost:
            raise
        except Refused as no:
            if no.errcode == "M_NOT_FOUND":
                return None
            raise

    async def members(self, room: str) -> dict[str, str]:
        """What everybody is in the room now, by their id; who left is not in it. Raises Refused or Unavailable."""
        query = {"not_membership": "leave"}
        answer = await self._client.request(
            "GET", "/rooms/{room}/members", parts={"room": room}, query=query, timeout_seconds=120
        )
        chunk = answer.get("chunk")
        found = {}
        for raw in chunk if isinstance(chunk, list) else ():
            content = raw.get("content") if isinstance(raw, dict) else None
            if isinstance(content, dict) and isinstance(raw.get("state_key"), str):
                found[raw["state_key"]] = str(content.get("membership"))
        return found
