"""A moderator allows again what was taken out of a room for good; writes wishes, never sends, and never decides whether its author still wants it.

What is lifted is one decision: of a message whose copy was removed just that message, of any other the removal of its whole thread.
"""

from bridge.rooms import share_told as told
from bridge.rooms import shares
from bridge.rooms.share_back import bring_back
from bridge.scene import Scene
from bridge.store import ledger, people, rooms, strikes
from bridge.store import shares as store
from bridge.store.rooms import Room
from bridge.store.strikes import Struck
from bridge.words import Text, lines, words

ACTION = "share again"


async def lift(scene: Scene, event: str, *, by: str, cause: str) -> Text | None:
    """Lift what was decided about this message or the copy with this id, or else about its thread; what is said of it, or None when nothing was."""
    found = await strikes.about(scene.db, event)
    if not found and (top := await store.top(scene.db, event)) is not None:
        found = await strikes.about(scene.db, top.event)
    said = []
    for each in found:
        source, place = await rooms.by_id(scene.db, each.source_room), await rooms.by_id(scene.db, each.room)
        await strikes.lift(scene.db, each.source, each.room)
        if source is None or place is None:
            continue
        await _look_again(scene, each, source, cause)
        said.append(words("What was removed from %(place)s may be shared there again.", place=told.name(place)))
        if await people.membership(scene.db, source.room, each.author) == "join":
            key = f"share/lifted/{each.room}/{each.source}/{cause}"
            await told.tell(scene, each.author, key, _allowed(source, place, whole=each.source == each.root))
    if found:
        written = await ledger.write(
            scene.db, by, ACTION, found[0].author, None, None, found[0].room, cause, scene.now_ms
        )
        await ledger.settle(scene.db, written, {"lifted": len(found)}, scene.now_ms)
    return lines(*said) if said else None


async def _look_again(scene: Scene, each: Struck, source: Room, cause: str) -> None:
    home = await store.room_of(scene.db, each.root)
    if home == source.room:
        await shares.refresh(scene, each.root, home, cause)
    else:  # an answer, given where the copies are
        await bring_back(scene, each.root, cause, source)


def _allowed(source: Room, place: Room, *, whole: bool) -> Text:
    if whole:
        return words(
            "A thread of yours that was taken out of %(place)s may be shared there again. If it still carries its tag in %(home)s, it is there now; if you would rather leave it here, take the tag away.",
            place=told.name(place), home=told.name(source),
        )  # fmt: skip
    return words(
        "A message of yours whose copy was taken out of %(place)s may stand there again, as long as its thread does.",
        place=told.name(place),
    )
