"""Finds or makes the room where we speak to one person; never more than one each, also when a crash comes between.

Spec: "Direct Messaging" (`m.direct`). The person's id stands in the creation content, so that an orphan is known for what it is.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from bridge.errors import TURNED_AWAY, Refused, TokenLost
from bridge.matrix.client import Client
from bridge.matrix.crypto import MEGOLM
from bridge.matrix.reading import Reading
from bridge.matrix.rooms import Rooms

DIRECT_MARK = "org.hearth.direct"
"""Key of the creation content: whom the room is for."""

_PRESENT = frozenset({"join", "invite"})
_MOST_LEFT = 1
"""One room somebody may leave by mistake."""


class DirectRooms:
    """Our direct rooms. `m.direct` is read once and written by us alone."""

    def __init__(self, client: Client, user: str, read: Reading, rooms: Rooms) -> None:
        """`user` is our own id."""
        self._client = client
        self._user = user
        self._read = read
        self._rooms = rooms
        self._direct: dict[str, list[str]] | None = None
        self._others: set[str] = set()
        self._lock = asyncio.Lock()

    async def find_or_make(self, user: str, known_room: str | None, *, encrypted: bool, insist: bool = False) -> str:
        """The direct room with this user: the known one, one from `m.direct`, an orphan of ours, or a new one, in this order.

        A room that they left or replaced is no longer theirs, nor one where somebody else is: what we say is for one person. Who left two rooms that
        we made wants none: Refused (TURNED_AWAY) until they open one themselves, unless we `insist`. Raises Refused or Unavailable.
        """
        if known_room and await self._is_for_two(known_room, user):
            return known_room
        async with self._lock:
            direct = await self._load()
            left = 0
            for room in direct.get(user, []):
                there = await self._there(room)
                if self._are_two(there, user) and await self._read.state_content(room, "m.room.tombstone") is None:
                    return room
                left += there.get(self._user) == "join" and there.get(user) not in _PRESENT
            found, lost = await self._orphan(user, direct)
            if found is None and left + lost > _MOST_LEFT and not insist:
                raise Refused(0, TURNED_AWAY, "direct room")
            found = found or await self._make(user, encrypted=encrypted)
            await self._remember(user, found, direct)
            return found

    async def know(self, user: str, room: str) -> None:
        """We have come into a direct room that this user made: it is theirs from now on, also when all other records are lost. Raises Refused or Unavailable."""
        async with self._lock:
            direct = await self._load()
            if direct.get(user, [])[:1] != [room]:
                await self._remember(user, room, direct)

    async def _is_for_two(self, room: str, user: str) -> bool:
        return self._are_two(await self._there(room), user)

    def _are_two(self, there: Mapping[str, str], user: str) -> bool:
        """Whether we are in a room with this person, or they are invited, and nobody else is."""
        present = {each for each, membership in there.items() if membership in _PRESENT}
        return there.get(self._user) == "join" and present == {self._user, user}

    async def _there(self, room: str) -> Mapping[str, str]:
        """What everybody is in a room; nothing when we may not see that."""
        try:
            return await self._rooms.members(room)
        except TokenLost:
            raise
        except Refused:
            return {}

    async def _load(self) -> dict[str, list[str]]:
        if self._direct is None:
            try:
                parts = {"user": self._user}
                held = await self._client.request("GET", "/user/{user}/account_data/m.direct", parts=parts)
            except TokenLost:
                raise
            except Refused as no:
                if no.status != 404:
                    raise
                held = {}
            self._direct = {
                user: list(filter(_is_text, rooms)) for user, rooms in held.items() if isinstance(rooms, list)
            }
        return self._direct

    async def _remember(self, user: str, room: str, direct: dict[str, list[str]]) -> None:
        rooms = [room, *(other for other in direct.get(user, []) if other != room)]
        fresh = {**direct, user: rooms}
        await self._client.request("PUT", "/user/{user}/account_data/m.direct", parts={"user": self._user}, body=fresh)
        self._direct = fresh

    async def _orphan(self, user: str, direct: dict[str, list[str]]) -> tuple[str | None, int]:
        """A room that we made for this user and that is written down nowhere, and how many of that kind they left."""
        written = {room for rooms in direct.values() for room in rooms}
        left = 0
        for room in await self._read.joined_rooms():
            if room in written or room in self._others:
                continue
            content = await self._read.state_content(room, "m.room.create") or {}
            if content.get(DIRECT_MARK) is None:
                self._others.add(room)
            elif content.get(DIRECT_MARK) == user:
                membership = await self._read.membership(room, user)
                if membership is None:
                    await self._invite(room, user)
                if membership is None or membership in _PRESENT:
                    return room, left
                left += 1
        return None, left

    async def _invite(self, room: str, user: str) -> None:
        """An invite that says it is direct, which POST /invite cannot."""
        parts = {"room": room, "user": user}
        content = {"membership": "invite", "is_direct": True}
        await self._client.request("PUT", "/rooms/{room}/state/m.room.member/{user}", parts=parts, body=content)

    async def _make(self, user: str, *, encrypted: bool) -> str:
        state: list[dict[str, Any]] = [
            {"type": "m.room.guest_access", "state_key": "", "content": {"guest_access": "forbidden"}},
            {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "invited"}},
        ]
        if encrypted:
            state.append({"type": "m.room.encryption", "state_key": "", "content": {"algorithm": MEGOLM}})
        body = {
            "preset": "private_chat",
            "is_direct": True,
            "invite": [user],
            "creation_content": {DIRECT_MARK: user},
            "initial_state": state,
            # What we say there is for one person: nobody else is brought in.
            "power_level_content_override": {"invite": 100},
        }
        room = str((await self._client.request("POST", "/createRoom", body=body, timeout_seconds=120)).get("room_id"))
        if encrypted:
            self._rooms.now_encrypted(room)
        return room


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
