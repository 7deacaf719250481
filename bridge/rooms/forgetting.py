"""Somebody is to be forgotten: their copies go, their messages if they wish, then all that is known of them; at the end it is proved. Writes wishes, never sends.

Step by step, each in one transaction, by the clock: a kill at any moment goes on where it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from bridge.context import DONE
from bridge.effects import Correct, Put, React, Redact, Say
from bridge.rooms import naming, share_leaving, share_told
from bridge.scene import Reader, Scene
from bridge.store import forgetting as store
from bridge.store import ledger, people, queue, rooms
from bridge.store.db import Connection, Database
from bridge.store.forgetting import Forgetting, Known
from bridge.words import Text, lines, words, words_n

ACTION = "forget me"
PAGE = 20
"""So many messages are emptied before the next ones are wished for: moderation is not to wait behind thousands."""


def preview(known: Known, *, messages: bool) -> Text:
    """What being forgotten would mean, in numbers."""
    parts = [
        words("This is what I would do:"),
        words_n(
            "- take back %(count)s copy of what you wrote, wherever it stands",
            "- take back %(count)s copies of what you wrote, wherever they stand",
            known.copies,
        ),
    ]
    if messages:
        parts.append(
            words_n(
                "- empty %(count)s message of yours in the rooms of this community",
                "- empty %(count)s messages of yours in the rooms of this community",
                known.messages,
            )
        )
    else:
        parts.append(
            words(
                "- leave your messages in their rooms, without remembering whose they are; %(command)s empties them, too",
                command={"command": "forget me messages"},
            )
        )
    parts += [
        words(
            "- forget what I know of you: what you follow (%(follows)s), who follows you (%(followers)s), your digests (%(digests)s), your name here, your language and time zone, and what you agreed to",
            follows=known.follows,
            followers=known.followers,
            digests=known.digests,
        ),
        _what_stays(),
        words("Nobody can take back what somebody has read already, or what a device or another server has kept."),
    ]
    return lines(*parts)


async def begin(scene: Scene, user: str, room: str, event: str, language: str, *, messages: bool) -> bool:
    """From now on nothing of theirs is carried anywhere, and what was is taken back. False when that has begun before."""
    if any(one.user == user for one in await store.open_ones(scene.db)):
        return False
    cause = await ledger.write(scene.db, user, ACTION, user, None, None, room, event, scene.now_ms)
    await store.begin(scene.db, user, room, messages=messages, language=language, cause=cause)
    await people.change(scene.db, user, consent=False)
    await share_leaving.withdraw(scene, user, event)
    return True


async def tick(database: Database, scene_of: Callable[[Connection], Scene], read: Reader) -> bool:
    """One step for everybody who is on their way; whether anything is wanted now. Raises Unavailable."""
    async with database.reading() as db:
        ones = await store.open_ones(db)
    wanted = False
    for one in ones:
        edits = await _edits(database, read, one)
        async with database.writing() as db:
            scene = scene_of(db)
            await _STAGES[one.stage](scene, one, edits)
            await queue.put(db, scene.puts, scene.now_ms)
        wanted = wanted or bool(scene.puts)
    return wanted


async def _edits(database: Database, read: Reader, one: Forgetting) -> Mapping[str, tuple[str, ...]]:
    """The edits of their next messages: emptying a message leaves its edits, and they hold words, too (spec, m.replace)."""
    if one.stage != "messages":
        return {}
    async with database.reading() as db:
        page = await store.page(db, one, PAGE)
    return {event: tuple(await read.edits(room, event)) for _, event, room, edited in page if edited}


async def _copies(scene: Scene, one: Forgetting, _edits_of: Mapping[str, tuple[str, ...]]) -> None:
    await share_leaving.withdraw(scene, one.user, f"forget/{one.cause}/{scene.now_ms}")
    if not scene.puts and not await store.under_way(scene.db, one.user):
        await store.move_on(scene.db, one.user, "messages" if one.messages else "memory")


async def _messages(scene: Scene, one: Forgetting, edits_of: Mapping[str, tuple[str, ...]]) -> None:
    if await queue.pending_of_intent(scene.db, one.cause):
        return
    page = await store.page(scene.db, one, PAGE)
    for _, event, room, _ in page:
        for edit in edits_of.get(event, ()):
            key = f"forget/{one.cause}/{edit}/edit"
            scene.puts.append(Put(Redact(key=key, room=room, event=edit), intent=one.cause))
        key = f"forget/{one.cause}/{event}/message"
        scene.puts.append(Put(Redact(key=key, room=room, event=event), intent=one.cause))
    await store.move_on(scene.db, one.user, "messages" if page else "memory", page[-1][0] if page else None)


async def _memory(scene: Scene, one: Forgetting, _edits_of: Mapping[str, tuple[str, ...]]) -> None:
    if await queue.pending_of_intent(scene.db, one.cause) or await store.take_wishes(scene.db, one.user):
        return
    entry = await ledger.get(scene.db, one.cause)
    emptied = await store.emptied(scene.db, one.cause)
    standing = await store.still_standing(scene.db, one.user)
    for digest, reader in await store.quoted_in(scene.db, one.user, scene.now_ms):
        key = f"digest/{digest}/correct/forget/{one.cause}"
        scene.puts.append(Put(Correct(key=key, user=reader, digest=digest, cause=f"forget/{one.cause}")))
    await naming.drop(scene, one.user, f"forget/{one.cause}")
    done = await store.erase(scene.db, one.user)
    scene.names.call(one.user, None)
    outcome: dict[str, Any] = {"copies": dict(one.places), "standing": standing, "erased": done}
    outcome["messages"] = {room: list(both) for room, both in emptied.items()}
    await ledger.settle(scene.db, one.cause, outcome, scene.now_ms)
    text = await _proof(scene, one, emptied, standing, done)
    scene.puts.append(Put(Say(key=f"forget/{one.cause}/proof", room=one.room, text=text, language=one.language)))
    if entry is not None and entry.event is not None:
        mark = React(key=f"done/{entry.event}", room=one.room, event=entry.event, emoji=DONE)
        scene.puts.append(Put(mark))


_STAGES = {"copies": _copies, "messages": _messages, "memory": _memory}


async def _proof(
    scene: Scene, one: Forgetting, emptied: Mapping[str, tuple[int, int]], standing: int, done: Mapping[str, int]
) -> Text:
    """What was done where, and what could not be."""
    names = {room.room: share_told.name(room) for room in await rooms.all_rooms(scene.db)}
    parts = [words("You are forgotten. This is what was done:")]
    for room, number in sorted(one.places.items()):
        parts.append(
            words_n(
                "- %(room)s: %(count)s copy taken back", "- %(room)s: %(count)s copies taken back", number,
                room=names.get(room, {"code": room}),
            )
        )  # fmt: skip
    if standing:
        parts.append(
            words_n(
                "- %(count)s of these copies could not be taken back; staff knows of it",
                "- %(count)s of these copies could not be taken back; staff knows of it",
                standing,
            )
        )
    for room, (number, refused) in sorted(emptied.items()):
        where = names.get(room, {"code": room})
        if number:
            parts.append(
                words_n(
                    "- %(room)s: %(count)s message emptied",
                    "- %(room)s: %(count)s messages emptied",
                    number,
                    room=where,
                )
            )
        if refused:
            parts.append(
                words_n(
                    "- %(room)s: %(count)s message could not be emptied; please delete it yourself",
                    "- %(room)s: %(count)s messages could not be emptied; please delete them yourself",
                    refused,
                    room=where,
                )
            )
    counted = [
        words_n("whose %(count)s message was", "whose %(count)s messages were", done["posts"]),
        words_n("%(count)s follow", "%(count)s follows", done["follows"]),
        words_n("%(count)s digest", "%(count)s digests", done["digests"]),
    ]
    parts += [
        words(
            "- erased from my memory: %(things)s, your name here, your language, your time zone, and what you agreed to",
            things={"list": [{"text": asdict(each)} for each in counted]},
        ),
        _what_stays(),
    ]
    return lines(*parts)


def _what_stays() -> Text:
    return words(
        "What stays: in which rooms you are, until when your membership lasts and what was paid for it, your role, what moderators decided, and that you asked me to forget you. You can go on here as before; what you write from now on is new to me."
    )
