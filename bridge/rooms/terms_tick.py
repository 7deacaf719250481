"""Looks whose membership comes to its next day: reminders, days of grace, the end. Never decides what is due, never sends anything."""

from collections.abc import Callable
from dataclasses import replace

from bridge.rooms import terms_change
from bridge.rooms.term import ENDED, GRACE
from bridge.scene import Scene
from bridge.store import due, failures, queue, terms
from bridge.store.db import Connection, Database
from bridge.store.errors import LeadershipLost, StoreUnavailable

BATCH = 100


async def tick(database: Database, scene_in: Callable[[Connection], Scene]) -> int:
    """Do what is due for every membership whose time has come; returns how many effects are newly wanted.

    Up to BATCH people in one transaction, each in a savepoint: a kill in between loses nothing, and one crash is not everybody's.
    """
    wanted = 0
    while True:
        async with database.writing() as db:
            scene = scene_in(db)
            rows = await due.claim_due(db, terms_change.DUE, scene.now_ms, BATCH)
            for row in rows:
                await _one(scene, row.subject)
            wanted += await queue.put(db, scene.puts, scene.now_ms)
        if len(rows) < BATCH:
            return wanted


async def _one(scene: Scene, user: str) -> None:
    """One membership. Whose crashes keeps its row, and comes again when the claim runs out."""
    inner = replace(scene, puts=[])
    try:
        async with scene.db.begin_nested():
            term = await terms.get(scene.db, user)
            if term is None or scene.config.membership is None:
                await due.remove(scene.db, terms_change.DUE, user)
            else:
                await terms_change.advance(inner, term)
    except (StoreUnavailable, LeadershipLost):
        raise
    except Exception as error:  # noqa: BLE001 - one person's bad luck must not be everybody's
        await failures.record(scene.db, None, None, error, scene.now_ms)
    else:
        scene.puts += inner.puts


async def sweep(database: Database, scene_in: Callable[[Connection], Scene]) -> int:
    """Once more, everybody who is out or silent: after a start, after an outage, every hour. What is so already costs nothing."""
    async with database.writing() as db:
        scene = scene_in(db)
        users = {*await terms.users(db, GRACE, ENDED), *await terms.all_silent(db)}
        for user in sorted(users):
            term = await terms.get(db, user)
            if term is not None:
                await terms_change.settle(scene, term, again=True)
        if scene.config.membership is not None:
            for user in await terms.without_a_look(db):
                await due.set_next(db, terms_change.DUE, user, scene.now_ms, "")
        return await queue.put(db, scene.puts, scene.now_ms)
