"""What people of our own homeserver report by their client's own button becomes a case as any other report. Never decides on one, and keeps nothing that they wrote.

How far the homeserver's lists were read is kept in the transaction that holds what follows, so that a crash neither loses a report nor hears one twice.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.errors import UsageError
from bridge.events import Pressed
from bridge.moderation import reports
from bridge.moderation.reports import About
from bridge.scene import Scene
from bridge.store import cursors, journal, people, queue, rooms
from bridge.store.db import Connection, Database
from bridge.times import DAY_MS

FIRST_MS = 2 * DAY_MS
"""At the very first look what is older than this is no news any more."""


class Lists(Protocol):
    """The homeserver's lists. Raises Refused or Unavailable."""

    async def newer(self, kind: str, than: int) -> Sequence[Pressed]:
        """The reports of a kind (event, user) with a higher number, the oldest first."""


async def tick(database: Database, lists: Lists, scene_in: Callable[[Connection], Scene]) -> bool:
    """Look for new reports; whether there is something for the outbox. Raises Refused or Unavailable."""
    wanted = False
    for kind in ("event", "user"):
        cursor = f"reports/{kind}"
        async with database.reading() as db:
            last = await cursors.load(db, cursor)
        new = await lists.newer(kind, int(last or 0))
        if not new:
            continue
        async with database.writing() as db:
            scene = scene_in(db)
            for each in new:
                if last is not None or each.at_ms >= scene.now_ms - FIRST_MS:
                    await _hear(scene, kind, each)
            await cursors.save(db, cursor, str(new[-1].number))
            wanted = bool(await queue.put(db, scene.puts, scene.now_ms)) or wanted
    return wanted


async def _hear(scene: Scene, kind: str, pressed: Pressed) -> None:
    """Not of our rooms, or not about one of our people: then it is none of ours."""
    about = await (_message(scene, pressed) if kind == "event" else _person(scene, pressed))
    if about is None or about.user == scene.me:
        return
    cause = f"button/{kind}/{pressed.number}"
    before = len(scene.puts)
    try:
        async with scene.db.begin_nested():
            await reports.take(
                scene, pressed.reporter, about, "other", cause=cause, words_at=f"{kind}-button {pressed.number}"
            )
    except UsageError as error:
        del scene.puts[before:]
        await reports.tell(scene, pressed.reporter, cause, error)


async def _message(scene: Scene, pressed: Pressed) -> About | None:
    if pressed.room is None or pressed.event is None or await rooms.by_id(scene.db, pressed.room) is None:
        return None
    if pressed.user == scene.me:
        return await reports.of_copy(scene, pressed.event)
    post = await journal.post(scene.db, pressed.event)
    return About(post.author if post else pressed.user, pressed.room, pressed.event)


async def _person(scene: Scene, pressed: Pressed) -> About | None:
    ours = await people.memberships_of(scene.db, pressed.user) and await people.memberships_of(scene.db, pressed.reporter)  # fmt: skip
    return About(pressed.user) if ours else None
