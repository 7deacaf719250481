"""Looks for the existing rooms that the file names, and for the children of an existing space; never enters one, never changes one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.config_types import BOT
from bridge.errors import Refused
from bridge.rooms.contents import leads
from bridge.rooms.model import ActualRoom, Adoption, Desired, DesiredRoom
from bridge.rooms.plan import powers_of
from bridge.scene import Reader

OLDEST = 8
"""Rooms of an earlier version cannot let in the members of a space (spec: "Room Version 8")."""

Look = Callable[[str, str], Awaitable[ActualRoom]]
"""Reads a room that is to have this key, by its id."""


@dataclass(frozen=True, slots=True)
class Existing:
    """What was found: how it stands with each room that is to be adopted (by key), those that can be, and what else is in the adopted space."""

    adoptions: Mapping[str, Adoption]
    ready: Mapping[str, ActualRoom]
    strangers: tuple[str, ...]


async def existing(read: Reader, wanted: Desired, known: Mapping[str, ActualRoom], look: Look) -> Existing:
    """Where every room stands that the file names instead of having it made. `known` are our rooms by key. Raises Unavailable."""
    look_at = _Looking(wanted, look, {room.room for room in known.values()})
    for room in wanted.rooms:
        if room.adopts and room.key not in known:
            by_alias = room.adopts.startswith("#")
            room_id = await read.resolve_alias(room.adopts) if by_alias else room.adopts
            await look_at.one(room, room.adopts, room_id)
    space = look_at.ready.get("space") or known.get("space")
    if not wanted.rooms[0].adopts or space is None or not space.here:
        return Existing(look_at.adoptions, look_at.ready, ())
    children = await _children(read, space)
    for room in wanted.rooms[1:]:
        matching = [each for each in children if each.room not in look_at.taken and _is_meant(room, each)]
        if len(matching) == 1 and room.key not in known and not room.adopts and not room.archived:
            await look_at.one(room, matching[0].alias or matching[0].room, matching[0].room)
    strangers = (each.shown for each in children if each.room not in look_at.taken)
    return Existing(look_at.adoptions, look_at.ready, tuple(sorted(strangers)))


@dataclass(slots=True)
class _Looking:
    """One look at existing rooms: each is taken by one room of ours at most."""

    wanted: Desired
    look: Look
    taken: set[str]
    adoptions: dict[str, Adoption] = field(default_factory=dict)
    ready: dict[str, ActualRoom] = field(default_factory=dict)

    async def one(self, room: DesiredRoom, target: str, room_id: str | None) -> None:
        """See whether this room can be the one that is wanted."""
        if room_id is None:
            self.adoptions[room.key] = Adoption(target, "unknown")
        elif room_id in self.taken:
            self.adoptions[room.key] = Adoption(target, "taken")
        else:
            self.taken.add(room_id)
            found = await self.look(room.key, room_id)
            self.adoptions[room.key] = adoption = _judged(self.wanted, target, found)
            if adoption.state == "ready":
                self.ready[room.key] = found


def _judged(wanted: Desired, target: str, found: ActualRoom) -> Adoption:
    if not found.here:
        return Adoption(target, "outside")
    if found.version.isdecimal() and int(found.version) < OLDEST:
        return Adoption(target, "old", int(found.version))
    level = powers_of(found).level(wanted.me)
    return Adoption(target, "ready") if level >= BOT else Adoption(target, "lacks", int(level))


@dataclass(frozen=True, slots=True)
class _Child:
    """A room that the space shows, as far as we may see it."""

    room: str
    name: str | None
    alias: str | None

    @property
    def shown(self) -> str:
        """What a person knows it by."""
        return self.name or self.alias or self.room


def _is_meant(room: DesiredRoom, child: _Child) -> bool:
    if child.alias is not None and child.alias.casefold() == room.alias.casefold():
        return True
    return child.name is not None and child.name.strip().casefold() == room.name.strip().casefold()


async def _children(read: Reader, space: ActualRoom) -> list[_Child]:
    """The rooms that the space shows (spec: m.space.child), with what we may know of each."""
    found = []
    summaries = {str(each.get("room_id")): each for each in await read.children(space.room)}
    for (kind, room), content in sorted(space.state.items()):
        if kind == "m.space.child" and leads(content):
            summary = summaries.get(room) or await _from_inside(read, room)
            found.append(_Child(room, _string(summary.get("name")), _string(summary.get("canonical_alias"))))
    return found


async def _from_inside(read: Reader, room: str) -> Mapping[str, Any]:
    try:
        state = await read.state(room)
    except Refused:
        return {}
    content = {raw.get("type"): raw.get("content") or {} for raw in state if raw.get("state_key") == ""}
    return {
        "name": content.get("m.room.name", {}).get("name"),
        "canonical_alias": content.get("m.room.canonical_alias", {}).get("alias"),
    }


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
