"""Sees to it that copies never feed copies, when a bridge or a relay bot says one again without our mark. Never answers it, never removes it."""

from bridge.events import AnyEvent, Edited, Message
from bridge.rooms import relayed
from bridge.scene import Naming, Scene
from bridge.store import echoes as store
from bridge.store import rooms
from bridge.store.db import Connection

FRESH_MS = 24 * 60 * 60 * 1000
"""So long a copy is recognised: a relay that was away for longer starts anew."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """What a Hearth said in a room of ours is remembered by its beginning."""
    if isinstance(event, Message | Edited) and event.marked:
        head = relayed.head(event.content.body)
        if head is not None and await rooms.by_id(scene.db, event.room) is not None:
            await store.keep(scene.db, scene.names.seal(relayed.digest(head)), len(head), scene.now_ms)


async def recognised(scene: Scene, event: AnyEvent) -> bool:
    """Whether this message, which might be carried, says a copy again; then it is known as one from now on, and nobody looks at it any more."""
    if not isinstance(event, Message | Edited):
        return False
    found = await said_again(scene.db, scene.names, event.content.body, scene.now_ms)
    if found:
        await store.is_copy(scene.db, event.target if isinstance(event, Edited) else event.id, event.room)
    return found


async def said_again(db: Connection, names: Naming, body: str, now_ms: int) -> bool:
    """Whether this text is a copy of ours, said again."""
    since_ms = now_ms - FRESH_MS
    found = [place for length in await store.lengths(db, since_ms) for place in relayed.places(body, length)]
    seals = {names.seal(relayed.digest(place)) for place in found}
    return bool(seals) and await store.known(db, seals, since_ms)


async def forget(scene: Scene) -> None:
    """What is not fresh any more."""
    await store.prune(scene.db, scene.now_ms - FRESH_MS)
