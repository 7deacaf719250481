"""Files that could not be had when the copy of their message was sent: looked for again and again, and put in by an edit. Never holds up anybody's words."""

from bridge.effects import Copy, CopyFile, EditCopy, Put
from bridge.rooms import share_wishes
from bridge.scene import Scene, State
from bridge.store import shares as store

FIRST_WAIT_MS = 15_000
LONGEST_WAIT_MS = 60 * 60 * 1000
GIVE_UP_MS = 7 * 24 * 60 * 60 * 1000
"""After this long the copy stays as it is, with the name of the file."""


def later(effect: Copy | EditCopy, now_ms: int) -> Put:
    """The wish for the file of what was sent without it."""
    return _wish(effect, effect.key, 1, now_ms + GIVE_UP_MS, now_ms)


async def brought(scene: Scene, effect: CopyFile, state: State, _result: str | None) -> None:
    """The file is at hand, or is gone for good: the copy is edited. Or it could still not be had: look once more, later, while its copy can be seen."""
    errand = await store.errand(scene.db, effect.source, effect.room)
    if errand is None or not errand.live or errand.copy is None:
        return
    if state == "done":
        scene.puts.append(share_wishes.edit(effect.room, effect.source_room, effect.source, effect.key))
    elif scene.now_ms < effect.until_ms:
        scene.puts.append(_wish(effect, effect.cause, effect.number + 1, effect.until_ms, scene.now_ms))


def _wish(effect: Copy | EditCopy | CopyFile, cause: str, number: int, until_ms: int, now_ms: int) -> Put:
    wait_ms = min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** min(number - 1, 12))
    wish = CopyFile(
        key=f"{cause}/file/{number}", room=effect.room, source_room=effect.source_room, source=effect.source,
        cause=cause, number=number, until_ms=until_ms,
    )  # fmt: skip
    return Put(wish, now_ms + wait_ms)
