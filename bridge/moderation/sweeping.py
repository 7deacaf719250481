"""Looks for messages that are to be redacted, in the rooms themselves, and wishes for each to go; never redacts anything itself.

Reading comes first and changes nothing; what was found is written down in one transaction. Whoever is killed before that looks again.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from bridge.context import later_answer
from bridge.effects import Put, Redact
from bridge.errors import Refused, Unavailable
from bridge.globs import is_glob
from bridge.moderation import taken
from bridge.moderation.taken import Found
from bridge.scene import Scene
from bridge.store import ledger, people, queue, rooms, sweeps
from bridge.store.db import Connection, Database
from bridge.words import words


class Rooms(Protocol):
    """What is read of rooms. Raises Refused or Unavailable."""

    async def written_by(
        self, room: str, senders: Sequence[str], *, since_ms: int | None, most: int | None
    ) -> Sequence[dict[str, Any]]:
        """The raw events of these people, the newest first: from a moment on, or at least so many messages."""

    async def about(self, room: str, event: str) -> Sequence[dict[str, Any]]:
        """An event and everything that relates to it, directly or through others, raw."""


async def tick(database: Database, read: Rooms, scene_in: Callable[[Connection], Scene]) -> bool:
    """Look for what is to be redacted since the last look; whether there is something for the outbox. What cannot be read now is looked for later."""
    async with database.reading() as db:
        waiting = await sweeps.waiting(db)
    wanted = False
    for sweep in waiting:
        try:
            found = await _look(database, read, sweep)
        except Unavailable:
            continue
        async with database.writing() as db:
            scene = scene_in(db)
            await _wish(scene, sweep, found)
            wanted = bool(await queue.put(db, scene.puts, scene.now_ms)) or wanted
    return wanted


async def _look(database: Database, read: Rooms, sweep: sweeps.Sweep) -> tuple[Found, ...]:
    async with database.reading() as db:
        ours = [room.room for room in await rooms.all_rooms(db) if sweep.scope in ("", room.room)]
        known = await sweeps.known(db, sweep, ours)
        glob = is_glob(sweep.target) or not sweep.target.startswith("@")
        authors = await sweeps.authors(db, sweep) if glob else (sweep.target,)
        been = await people.memberships_of(db, sweep.target)
    if sweep.kind != "user":
        found = [*known, *await _read(partial(read.about, sweep.scope, sweep.target), sweep.scope)]
        return taken.with_edits(found, sweep.target, thread=sweep.kind == "thread")
    found = list(known)
    for room in ours if authors else ():
        if glob or room in been:  # where somebody never was they wrote nothing
            look = partial(read.written_by, room, authors, since_ms=sweep.since_ms, most=sweep.most)
            found += await _read(look, room)
    if sweep.most is not None:
        return taken.last(found, sweep.most)
    return taken.since(found, sweep.since_ms or 0)


async def _read(look: Callable[[], Awaitable[Sequence[dict[str, Any]]]], room: str) -> list[Found]:
    try:
        raws = await look()
    except Refused:
        return []  # a room that we are out of: what we know of it is tried all the same, and told
    return [each for raw in raws if (each := taken.found(room, raw)) is not None]


async def _wish(scene: Scene, sweep: sweeps.Sweep, found: Sequence[Found]) -> None:
    """One Redact for each, and the answer at once where there is nothing."""
    await sweeps.done(scene.db, sweep.cause, scene.now_ms)
    entry = await ledger.get(scene.db, sweep.cause)
    if entry is None:
        return
    for each in found:
        redact = Redact(key=f"redact/{each.id}/{sweep.cause}", room=each.room, event=each.id, reason=entry.reason)
        scene.puts.append(Put(redact, intent=sweep.cause))
    if not found:
        await ledger.settle(scene.db, sweep.cause, {"done": 0}, scene.now_ms)
        if entry.event and entry.room:
            text = words("There is nothing left to take away.")
            scene.puts += await later_answer(scene, entry.event, entry.room, entry.actor, text)
