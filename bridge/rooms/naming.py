"""The names that people choose for this community: whether one is free, where it is kept, and how it is read again. Never writes a name down here.

It stands as a state event in the person's direct room. The database knows that somebody has one, and by a keyed hash what it looks like.
"""

import unicodedata
from collections.abc import Iterable, Mapping

from bridge.config import Config
from bridge.context import language_of
from bridge.effects import Effect, KeepName, Put, SetState, Tell
from bridge.events import Message
from bridge.grammar import read_line
from bridge.scene import Desk, Filler, Names, Scene, Settler, State
from bridge.skeleton import skeleton
from bridge.speak import DirectRoom
from bridge.store import community_names, people, queue
from bridge.words import Text, words

NAME = "org.hearth.name"
"""Type of the state event; its content is `{"name": ...}`."""

MOST_CHARACTERS = 50

_UNSEEN = frozenset({"Cc", "Co", "Cn"})
_TURNING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Marks that turn the direction of writing: with them a name could turn the words around it."""


async def claim(scene: Scene, event: Message, name: str) -> Text | None:
    """Wish that the sender is called so from now on, by what they wrote in this message; the reason in words if they may not be."""
    name = " ".join(name.split())
    after = _words_before(event.content.body, name)
    wrong = fault(name) if after is not None else _unreadable()
    if wrong is not None:
        return wrong
    others = scene.names.like(name) - {event.sender}
    if others or skeleton(name) in {skeleton(one) for one in reserved(scene.config, scene.names, scene.me)}:
        return _taken()
    if not await community_names.claim(scene.db, event.sender, scene.names.seal(name)):
        return _taken()
    scene.puts.append(
        Put(
            KeepName(
                key=f"name/{event.id}", user=event.sender, source_room=event.room, source=event.id, after=after or 0
            )
        )
    )
    return None


async def drop(scene: Scene, user: str, cause: str) -> bool:
    """This person is called by their display name again; False when they were."""
    mine = await community_names.get(scene.db, user)
    if mine is None:
        return False
    await community_names.forget(scene.db, user)
    scene.names.call(user, None)
    if mine.room is not None:
        scene.puts.append(Put(KeepName(key=f"name/off/{cause}", user=user, source_room=mine.room)))
    return True


def fault(name: str) -> Text | None:
    """What is wrong with a name by itself, if anything."""
    if len(name) > MOST_CHARACTERS:
        return words("That is too long for a name; at most %(most)s characters, please.", most=MOST_CHARACTERS)
    hidden = any(unicodedata.category(letter) in _UNSEEN or letter in _TURNING for letter in name)
    if hidden or not skeleton(name) or name.startswith(("@", "#", "!")) or "://" in name:
        return _unreadable()
    return None


def reserved(config: Config, names: Names, me: str) -> Iterable[str]:
    """Names that nobody can have: those of rooms, and our own."""
    community = config.community
    for room in (community.space, community.common, community.staff, *community.circles):
        yield room.name
    for circle in community.circles:
        yield circle.tag
    yield names.of(me)
    yield me[1:].partition(":")[0]


def _words_before(body: str, name: str) -> int | None:
    line = read_line(_unquoted(body))
    at = (number for number in range(len(line.words)) if " ".join(line.rest(number).split()) == name)
    return next(at, None)


def _unquoted(body: str) -> str:
    kept = body.split("\n")
    while kept and kept[0].startswith("> "):
        kept.pop(0)
    return "\n".join(kept).strip()


def fillers(direct_room: DirectRoom) -> Mapping[type[Effect], Filler]:
    """The filler of KeepName. `direct_room` is asked when there is a name to keep."""

    async def keep(desk: Desk, effect: KeepName) -> SetState | None:
        if effect.source is None:
            return SetState(key=effect.key, room=effect.source_room, type=NAME, content={})
        async with desk.reading() as db:
            sealed = await community_names.get(db, effect.user)
        event = await desk.read.event(effect.source_room, effect.source)
        content = event.get("content") if event and event.get("sender") == effect.user else None
        body = content.get("body") if isinstance(content, Mapping) else None
        if sealed is None or not isinstance(body, str):
            return None
        name = " ".join(read_line(_unquoted(body)).rest(effect.after).split())
        if not name or desk.names.seal(name) != sealed.seal:
            return None  # they have chosen another one since, or edited the message
        room = await direct_room(effect.user)
        desk.names.call(effect.user, name)
        return SetState(key=effect.key, room=room, type=NAME, content={"name": name})

    return {KeepName: keep}


async def kept(scene: Scene, effect: KeepName, state: State, _result: str | None) -> None:
    """The name stands in the direct room; or it could not be kept, and its owner hears that."""
    if effect.source is None:
        return
    room = (await people.get(scene.db, effect.user)).direct_room
    if state == "done" and room is not None:
        await community_names.placed(scene.db, effect.user, room)
        return
    pending = await queue.still_due(scene.db, KeepName.__name__, effect.lane)
    if all(wish.key == effect.key for wish in pending):  # else a later one goes on from here
        await community_names.forget(scene.db, effect.user)
        scene.names.call(effect.user, None)
        text = words(
            "I could not keep your name: the message is gone, or I lack the permission in our chat. Begin a new chat with me and write %(name)s there, please.",
            name={"command": "name"},
        )
        language = await language_of(scene, effect.user)
        scene.puts.append(Put(Tell(key=f"name/lost/{effect.key}", user=effect.user, text=text, language=language)))


SETTLERS: Mapping[type[Effect], Settler] = {KeepName: kept}


def _taken() -> Text:
    return words(
        "That name looks too much like one that is in use here already. Please choose another one, or add something to it."
    )


def _unreadable() -> Text:
    return words("I cannot take that as a name. A name has letters, and is no address.")
