"""Into which rooms the threads of a room can be carried, and by which tag; never whether they may be."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bridge.config import Config
from bridge.scene import Scene
from bridge.store import rooms
from bridge.store import shares as store
from bridge.store.rooms import Room
from bridge.tags import fold


@dataclass(frozen=True, slots=True)
class Target:
    """One room, and the tag (folded) by which a thread's author has it carried there."""

    room: Room
    tag: str


def targets(config: Config, source: Room, ours: Iterable[Room]) -> tuple[Target, ...]:
    """From a circle a thread goes into the common room, by the share tag; from the common room into each circle, by its own. `ours` are rooms in use."""
    if source.kind == "circle":
        return tuple(Target(room, fold(config.community.share_tag)) for room in ours if room.kind == "common")
    if source.kind == "common":
        return tuple(Target(room, room.tag) for room in ours if room.kind == "circle" and room.tag)
    return ()


async def all_targets(scene: Scene, source: Room) -> tuple[Target, ...]:
    """All that is possible from this room now."""
    if source.kind == "circle":
        common = await rooms.by_key(scene.db, "common")
        return targets(scene.config, source, (common,) if common else ())
    return targets(scene.config, source, await rooms.in_use(scene.db)) if source.kind == "common" else ()


async def targets_of(scene: Scene, source: Room, root: str) -> tuple[Target, ...]:
    """Those that this thread may have to do with: its tags name them, or it was carried there before."""
    possible = await all_targets(scene, source)
    if len(possible) < 2:
        return possible
    tags: Collection[str] = await store.tags_in(scene.db, root)
    known = await store.rooms_of(scene.db, root)
    return tuple(each for each in possible if each.tag in tags or each.room.room in known)


async def former_of(scene: Scene, source: Room, root: str) -> tuple[Target, ...]:
    """Rooms that were replaced, into which this thread was carried, with the tag of the room in their place."""
    possible = await all_targets(scene, source)
    known = await store.rooms_of(scene.db, root)
    found = []
    for each in possible:
        found += [Target(old, each.tag) for old in await rooms.former(scene.db, each.room.room) if old.room in known]
    return tuple(found)
