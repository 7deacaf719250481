"""Whether words of one room may stand in another, as the configuration and the rooms are now; never who wants it.

Wider than where they were said they go only if the owner allowed it and the people of that room were told (`widening.py`).
"""

from bridge.community import circle_by_key, circle_by_tag, everything
from bridge.config import Config, RoomSettings
from bridge.globs import server_of
from bridge.rooms import reach
from bridge.rooms.reach import Place, Refusal
from bridge.scene import Desk
from bridge.store import people
from bridge.store.rooms import Room


def may_leave(config: Config, source: Room, target: Room) -> bool:
    """Whether words of one room may be carried into the other as both are now, and as the circle's own rule is."""
    return refusal(config, source, target) is None


def refusal(config: Config, source: Room, target: Room) -> Refusal | None:
    """Why words of one room may not be carried into the other; None when they may."""
    if rule_of(config, source) == "never":
        return "never"
    community = config.community
    return reach.refusal(
        steps(config, source, target),
        source.told.split(),
        out_of_encryption=community.encrypted_to_open,
        beyond_servers=community.beyond_servers,
    )


def steps(config: Config, source: Room, target: Room) -> frozenset[str]:
    """How much further words of one room reach in the other, as `reach` calls it."""
    return reach.further(place(config, source), place(config, target), server_of(config.matrix.user_id))


async def may_go_now(desk: Desk, source: Room, target: Room) -> bool:
    """The same at the moment of sending. Nor does anybody read along whose server the source does not admit, however they came in."""
    if not may_leave(desk.config, source, target):
        return False
    there = place(desk.config, source)
    if not there.servers:
        return True
    async with desk.reading() as db:
        readers = await people.members(db, target.room)
    servers = {server_of(user) for user in readers}
    return not reach.outsiders(servers, there, server_of(desk.config.matrix.user_id), source.told.split())


def place(config: Config, room: Room) -> Place:
    """The room as far as it matters here."""
    found = _settings(config, room)
    return Place(room.encrypted, found.servers if found else ())


def rule_of(config: Config, room: Room) -> str:
    """What a circle's rule about sharing is: ask, authors or never. Other rooms have none: ask."""
    circle = circle_by_key(config, room.key) or (circle_by_tag(config, room.tag) if room.tag else None)
    return circle.sharing if circle else "ask"


def _settings(config: Config, room: Room) -> RoomSettings | None:
    """What the configuration says of a room; of one that was replaced, what it says of the one in its place."""
    known = everything(config)
    if room.key in known:
        return known[room.key]
    if room.kind == "circle":
        return circle_by_tag(config, room.tag) if room.tag else None
    return known.get(room.kind)
