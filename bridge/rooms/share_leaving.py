"""Whoever is out of a circle, or of the common room, takes along what was carried from there. Writes wishes, never sends.

What they shared is held back, as by `unshare`: should they come back, they say so anew. Who was moved into another circle, or went there when theirs
was split or merged, did not leave: that stays until they are in no circle any more.
"""

from bridge.events import AnyEvent, MemberChanged
from bridge.rooms import share_wishes as wish
from bridge.rooms import shares
from bridge.scene import Scene
from bridge.store import shares as store
from bridge.store import strikes

HOMES = ("circle", "common")
"""Whoever leaves a room of these kinds takes along what was carried out of it: what they shared, their replies, their answers."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """Somebody left a room, or was removed from it."""
    if isinstance(event, MemberChanged) and event.membership in ("leave", "ban") and event.user != scene.me:
        here = scene.here
        if here is not None and here.kind in HOMES and await strikes.carried(scene.db, event.user):
            for room in (here.room, *await strikes.left_by_move(scene.db, event.user)):
                await withdraw(scene, event.user, event.id, room=room)


async def sweep(scene: Scene) -> None:
    """The same for everybody of whom we heard in another way that they are out: after an outage, or when a room was looked at."""
    for user, room in await strikes.wanted_of_gone(scene.db, HOMES):
        await withdraw(scene, user, f"gone/{scene.now_ms}", room=room)


async def withdraw(scene: Scene, user: str, cause: str, *, room: str | None = None) -> None:
    """Take back all copies of what somebody wrote in `room`, if they are not there; without `room`, of all that they wrote anywhere."""
    if room is not None and not await strikes.gone(scene.db, (user,), room):
        return  # they are in the room that goes on in its place, or were moved on
    for root, source_room in await strikes.roots_of(scene.db, user, room):
        await shares.take_back(scene, root, source_room, cause)
    for each in await strikes.of_author(scene.db, user, room):
        if each.live:
            await store.unwant(scene.db, (each.source,), each.room)
            scene.puts.append(wish.withdraw(each.room, each.source, cause))
