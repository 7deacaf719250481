"""What speaks against a copy whatever its author wants: somebody took it away, or its author is out of the room. Writes wishes, never sends.

A moderator's redaction of a copy is final: it is written down, and nothing makes that copy again. Of the copy of a thread's root it means the thread.
"""

from dataclasses import replace

from bridge.effects import Effect, WithdrawCopy, load
from bridge.events import Redacted
from bridge.rooms import share_told as told
from bridge.rooms import share_wishes as wish
from bridge.rooms.share import Thread
from bridge.scene import Scene
from bridge.store import people, queue, rooms, strikes
from bridge.store import shares as store
from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.store.strikes import Stands
from bridge.words import Text, words


async def limited(db: Connection, thread: Thread, source: str, room: str) -> Thread:
    """The thread with what is known of copies that were taken away in `room`, and of people who are out of its own room, `source`."""
    writers = {thread.root.author, *(said.author for said in thread.replies)}
    struck = await strikes.struck_of(db, thread.root.event, room)
    return replace(thread, struck=struck, gone=await strikes.gone(db, writers, source))


async def redacted(scene: Scene, event: Redacted) -> str | None:
    """Somebody emptied a copy of ours, or our edit of one: that is final. The root of the thread that has to be looked at again, or None."""
    found = await strikes.copy_of(scene.db, event.target, event.room)
    if found is None or (event.sender == scene.me and (not found.live or await _taking_back(scene, found))):
        return None
    await strike(scene, found, event.target, event.id, by=event.sender)
    return found.root


async def strike(scene: Scene, found: Stands, emptied: str, cause: str, *, by: str | None) -> None:
    """The copy is gone for good, and what else holds its words goes, too. Its author hears of it once, if they are still there; not who did it (`by`)."""
    new = await strikes.strike(scene.db, found.source, found.room, cause, scene.now_ms)
    errand = await store.errand(scene.db, found.source, found.room)
    if errand is not None and errand.copy == emptied:
        await store.sent(scene.db, found.source, found.room, None)
    elif (
        errand is not None and errand.copy is not None
    ):  # an edit of ours was emptied, and the words of before would be back
        scene.puts.append(wish.withdraw(found.room, found.source, cause))
    await wish.empty_edits(scene, found.source, found.room)
    if found.source == found.root:
        for source in await strikes.beside(scene.db, found.root, found.room):
            await store.unwant(scene.db, (source,), found.room)
            scene.puts.append(wish.withdraw(found.room, source, cause))
    home, place = await rooms.by_id(scene.db, found.source_room), await rooms.by_id(scene.db, found.room)
    if not new or by == found.author or home is None or place is None:
        return
    if await people.membership(scene.db, home.room, found.author) == "join":
        key = f"share/struck/{found.room}/{found.source}"
        await told.tell(scene, found.author, key, _taken_away(home, place, whole=found.source == found.root))


async def was_taken(scene: Scene, source: str, copy: str, room: str) -> None:
    """A copy's id became known just now: if somebody emptied it before that, that is final as well."""
    cause = await strikes.taken_early(scene.db, copy, room)
    found = await strikes.copy_of(scene.db, copy, room) if cause is not None else None
    if cause is not None and found is not None and found.source == source:
        await strike(scene, found, copy, cause, by=None)


async def _taking_back(scene: Scene, found: Stands) -> bool:
    """Whether we are about to take this copy back ourselves: then the redaction is ours, and decides nothing."""
    lane = WithdrawCopy(key="", room=found.room, source=found.source).lane
    waiting: list[Effect] = [
        load(each.kind, each.key, each.payload)
        for each in await queue.still_due(scene.db, WithdrawCopy.__name__, lane)
        if each.payload
    ]
    return any(isinstance(each, WithdrawCopy) and each.source == found.source for each in waiting)


def _taken_away(home: Room, place: Room, *, whole: bool) -> Text:
    if whole:
        return words(
            "A moderator took your thread out of %(place)s, so it does not appear there any more. In %(home)s nothing has changed. If you would like to know why, please ask a moderator: this is no reproach.",
            place=told.name(place),
            home=told.name(home),
        )
    return words(
        "A moderator took the copy of a message of yours out of %(place)s, so it does not appear there any more. In %(home)s nothing has changed. If you would like to know why, please ask a moderator: this is no reproach.",
        place=told.name(place),
        home=told.name(home),
    )


def for_good(home: Room, place: Room) -> Text:
    """What we say to somebody who would like a thread to be shared that was taken away."""
    return words(
        "That thread stays in %(home)s: a moderator took it out of %(place)s, and I do not carry it there again. Please talk to a moderator about it.",
        home=told.name(home),
        place=told.name(place),
    )
