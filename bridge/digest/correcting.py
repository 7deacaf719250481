"""That delivered digests are to be brought up to date, once for however many things happen at a time; never says what is in one, and never sends."""

from collections.abc import Iterable

from bridge.digest import store
from bridge.effects import Correct, Put
from bridge.events import Edited, Event
from bridge.scene import Scene
from bridge.store import queue

CORRECTED_FOR_MS = 14 * 24 * 3600 * 1000
"""When somebody leaves a room or blocks somebody, digests that are older than this keep what they quoted."""

APART_MS = 15_000
"""Somebody who edits again and again makes a digest change this often at most. What is taken back never waits."""


async def correct(scene: Scene, cause: Event, digests: Iterable[tuple[str, str]], *, patient: bool = False) -> None:
    """Put the wish to bring these digests, as (digest id, user), up to date because of this event; what is `patient` waits as an edit does.

    Also where the digest is still on its way: its words may have been read a moment ago. A wish that nobody has begun
    with will read what is so then; there need not be a second one.
    """
    digests = tuple(digests)
    if not digests:
        return
    lately = await queue.lately(scene.db, Correct.__name__, scene.now_ms - APART_MS)
    before: dict[str, int | None] = {}
    for key, at_ms in sorted(lately.items(), key=lambda one: (one[1] is None, one[1] or 0)):
        before[key.rpartition("/correct/")[0]] = at_ms
    for digest, user in digests:
        name = f"digest/{digest}"
        if name in before and before[name] is None:
            continue
        wish = Correct(key=f"{name}/correct/{cause.id}", user=user, digest=digest, cause=cause.id)
        wait = (patient or isinstance(cause, Edited)) and name in before
        scene.puts.append(Put(wish, (before[name] or 0) + APART_MS if wait else 0))


async def part(scene: Scene, cause: Event, one: str, other: str) -> None:
    """Neither of these two is to read of the other: their recent digests are corrected."""
    since_ms = scene.now_ms - CORRECTED_FOR_MS
    found = [
        *await store.quoting(scene.db, one, other, since_ms),
        *await store.quoting(scene.db, other, one, since_ms),
    ]
    await correct(scene, cause, found)
