"""One batch of events, from claim to consequences, in one transaction. Never acts: what is wanted goes into the outbox.

The cursor is stored in the transaction that holds the consequences of everything before it; so a crash at any moment neither loses an event nor
handles one twice. An event whose handler crashes is set aside for a person to look at, and the others go on.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from bridge import answer, direct, kinds, mishaps, tags, welcome
from bridge.digest import react as digest
from bridge.digest import store as digest_store
from bridge.events import AnyEvent, Batch, Edited, Message
from bridge.moderation import lists, protect
from bridge.moderation import react as moderation
from bridge.rooms import react as rooms
from bridge.scene import Naming, Scene
from bridge.store import attention, claims, cursors, failures, journal, queue
from bridge.store.db import Connection, Database
from bridge.store.errors import LeadershipLost, StoreUnavailable
from bridge.store.settings import Overlay
from bridge.store.watched import Watched

SYNC = "sync"
"""The name of the cursor."""

STEPS: tuple[Callable[[Scene, AnyEvent], Awaitable[None]], ...] = (
    direct.react,
    lists.react,
    moderation.react,
    rooms.react,
    kinds.react,
    digest.react,
    welcome.react,
    answer.react,
)
"""What looks at every event, in this order. A step reads the database and appends to `scene.puts`."""

log = structlog.get_logger(__name__)


async def handle(
    database: Database,
    batch: Batch,
    *,
    overlay: Overlay,
    me: str,
    names: Naming,
    now_ms: int,
    watched: Watched | None = None,
) -> int:
    """Handle all events of a batch in their order; returns how many effects are newly wanted. `watched` has the rules of watched lists.

    Events that were handled before are skipped. After a batch that fills a gap (`final` is false) the cursor stays where it was.
    """
    wanted = 0
    watched = watched or Watched()
    async with database.writing() as db:
        config = await overlay.config(db)
        for event in batch.events:
            if await claims.claim(db, event.id, now_ms):
                new = await _one(db, event, Scene(db, config, me, now_ms, names, watched=watched))
                wanted += new
                if new:  # perhaps a command, and what it decided holds from the next event on
                    config = await overlay.config(db)
        await attention.read(db, batch.receipts, now_ms)
        await digest_store.see(db, batch.receipts, now_ms)
        if batch.final:
            await cursors.save(db, SYNC, batch.cursor)
    return wanted


async def _one(db: Connection, event: AnyEvent, scene: Scene) -> int:
    """One event in a savepoint of its own, so that its crash undoes only its own consequences."""
    try:
        async with db.begin_nested():
            hidden = await protect.look(scene, event)
            if hidden and isinstance(event, Edited):  # what stood there before will stand there again
                return await queue.put(db, scene.puts, scene.now_ms)
            heard = await journal.remember(db, event, frozenset() if hidden else _tags_of(event), scene.now_ms)
            scene.news, scene.ours, scene.ordinary = heard.news, heard.ours, heard.ordinary
            scene.slowed, scene.liked, scene.here = heard.slowed, heard.liked, heard.here
            for step in () if hidden else STEPS:
                await step(scene, event)
            return await queue.put(db, scene.puts, scene.now_ms)
    except (StoreUnavailable, LeadershipLost):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the next event must be handled
        where = await failures.record(db, event.id, event.room, error, scene.now_ms)
        log.error("event set aside", event_id=event.id, where=where, error=type(error).__name__)  # noqa: TRY400 - a traceback could quote the event
        aside = replace(scene, puts=[])
        await mishaps.tell(aside)
        return await queue.put(db, aside.puts, scene.now_ms)


def _tags_of(event: AnyEvent) -> frozenset[str]:
    if isinstance(event, Message | Edited) and not event.marked:
        return tags.find(event.content)
    return frozenset()  # a copy has no tags of its own: they belong to what it is a copy of
