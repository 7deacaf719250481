"""What the commands about circles share: which circle is meant, whether a tag is free, how a decision is written down. Never touches a room."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from bridge import arguments
from bridge.community import circle_by_key, circle_by_tag, circle_key, leaders
from bridge.config import Circle
from bridge.context import Context, language_of
from bridge.effects import Invite, Put, Tell
from bridge.errors import UsageError
from bridge.rooms.invites import has_open
from bridge.rooms.model import local_alias
from bridge.scene import Scene
from bridge.store import ledger, people, rooms, settings
from bridge.store.rooms import Room
from bridge.tags import fold
from bridge.words import Text, words

LONGEST_WORD = 60
"""A tag has 64 letters at most, and `-2` must fit behind it."""


async def write_down(ctx: Context, action: str, target: str, reason: str | None = None) -> int:
    """The command's row in the ledger, written before anything is done: its id. `target` is a room's key or a user id."""
    return await ledger.write(
        ctx.db, actor=ctx.sender, action=action, target=target, reason=reason or None, rule=None,
        room=ctx.event.room, event=ctx.event.id, now_ms=ctx.scene.now_ms,
    )  # fmt: skip


async def decide(ctx: Context, cause: int, key: str, **fields: Any) -> None:
    """Write down what shall be from now on: each field with its value (plain JSON)."""
    for field, value in fields.items():
        await settings.decide(ctx.db, key, field, value, cause, ctx.scene.now_ms)


def room_of(ctx: Context, room: str) -> Room:
    """The room of ours with this id."""
    return next(each for each in ctx.rooms if each.room == room)


def meant(ctx: Context, circle: arguments.Circle | None) -> tuple[Room, Circle]:
    """The circle that a command is about: its room, and how it is wanted.

    It is the one that was named, or else the one where it was written, or in a direct room the only one that the sender looks after.
    UsageError when there is none, or when the sender does not look after it.
    """
    room = room_of(ctx, circle.room) if circle else ctx.circle
    if room is None and ctx.direct:
        mine = set(map(circle_key, ctx.say.led_by(ctx.sender)))
        room = next((each for each in ctx.rooms if each.key in mine), None) if len(mine) == 1 else None
    found = circle_by_key(ctx.config, room.key) if room else None
    if room is None or found is None:
        raise UsageError(words("Which circle? Name it first, please, like #sleep."))
    if not ctx.curates(found.tag):
        raise UsageError(words("Only whoever looks after %(circle)s can do that.", circle=name(room)))
    return room, found


def as_it_was(room: Room) -> dict[str, Any]:
    """What the configuration would say of a circle that it does not name any more, as far as that is known."""
    alias = (room.alias or "").removeprefix("#").partition(":")[0]
    made: dict[str, Any] = {"name": title_of(room.tag or room.key), "tag": room.tag, "encrypted": room.encrypted}
    if room.history in ("shared", "invited", "joined"):
        made["history"] = room.history
    return {**made, **({"alias": alias} if alias else {})}


def name(room: Room) -> dict[str, object]:
    """The value for a text that names a circle, as a link to it."""
    return {"room": room.room, "alias": room.alias, "name": f"#{room.tag}" if room.tag else room.alias or room.key}


def tag_free(scene: Scene, tag: str, *, but: str | None = None) -> None:
    """UsageError when this tag cannot be a circle's, because it is none, or is in use (by another circle than the one with the key `but`)."""
    other = circle_by_tag(scene.config, tag)
    if other is not None and circle_key(other) != but:
        raise UsageError(
            words("There is a circle with the tag %(tag)s already. Please choose another one.", tag=f"#{tag}")
        )
    if fold(scene.config.community.share_tag) == fold(tag):
        raise UsageError(
            words("%(tag)s is what shares a thread with everybody. Please choose another tag.", tag=f"#{tag}")
        )
    try:
        Circle.model_validate({"name": "x", "tag": tag})
    except ValidationError:
        raise UsageError(words("A tag has letters, digits, - and _, at most 64 of them, like #sleep.")) from None


def free_word(word: str, used: Iterable[str]) -> str:
    """This word, or the first of `word-2`, `word-3`... that is not in use."""
    taken = {fold(each) for each in used}
    if fold(word) not in taken:
        return word
    number = 2
    while fold(f"{word[:LONGEST_WORD]}-{number}") in taken:
        number += 1
    return f"{word[:LONGEST_WORD]}-{number}"


async def used_words(scene: Scene) -> frozenset[str]:
    """Every word that is or was a room's address or name for ever: what leads to a room goes on leading there, whatever its tag is by now."""
    community, ours = scene.config.community, await rooms.all_rooms(scene.db)
    found = {room.key.partition("/")[2] for room in ours}
    found |= {(room.alias or "")[1:].partition(":")[0] for room in ours}
    for each in await settings.standing(scene.db):
        if each.field in ("tag", "alias") and isinstance(each.value, str):
            found.add(each.value)
    for circle in (*community.circles, *community.archived):
        found |= {circle.was or circle.tag, circle.tag, circle.alias or circle.tag}
    found |= {local_alias(room.alias, None, room.name) for room in (community.space, community.common, community.staff)}
    return frozenset(found - {""})


async def new(scene: Scene, tag: str, title: str, curators: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    """A circle that there could be: its key, and what it begins with (see `community.MADE`). UsageError when it cannot be called so."""
    tag_free(scene, tag)
    word = free_word(tag, await used_words(scene))
    made: dict[str, Any] = {"name": title, "tag": tag, "curators": list(curators)}
    # Without encryption of its own Hearth could not read along, and there would be no digests of that circle.
    made["encrypted"] = scene.config.matrix.encryption
    if word != tag:
        made["alias"] = word
    try:
        Circle.model_validate(made)
    except ValidationError:
        raise UsageError(words("A name has at most 100 letters. Please choose a shorter one.")) from None
    return f"circle/{word}", made


async def sister(scene: Scene, old: Circle, tag: str | None, title: str) -> tuple[str, dict[str, Any]]:
    """A second circle beside this one, with the same people looking after it and the same rules; as `new` gives it."""
    used = {fold(circle.tag) for circle in scene.config.community.circles} | await used_words(scene)
    called = tag or free_word(fold(old.tag), used)
    key, made = await new(
        scene, called, title or (title_of(called) if tag else _second(old.name, called)), leaders(old)
    )
    same = {"topic": old.topic, "encrypted": old.encrypted, "history": old.history, "size": old.size}
    return key, {**made, **same}


def _second(title: str, tag: str) -> str:
    """The first one's name with the number that its tag got."""
    return f"{title[:90]} {tag.rpartition('-')[2]}"


def title_of(tag: str) -> str:
    """The name of a circle whose maker gave none."""
    return tag[:1].upper() + tag[1:].replace("_", " ").replace("-", " ")


async def in_community(ctx: Context, user: str) -> None:
    """UsageError when this is nobody of this community."""
    if user == ctx.scene.me:
        raise UsageError(words("I am only a program, and look after everything already. Please name a person."))
    if not await people.rooms_of(ctx.db, user):
        raise UsageError(words("%(who)s is not in this community.", who={"user": user, "with_id": True}))


async def crew(scene: Scene, room: str) -> tuple[str, ...]:
    """Who is in a room, without ourselves, sorted."""
    return tuple(user for user in await people.members(scene.db, room) if user != scene.me)


async def tell(scene: Scene, user: str, key: str, text: Text, prompt: str | None = None) -> None:
    """Tell this person, in their language. `key` names the occasion."""
    language = await language_of(scene, user)
    scene.puts.append(Put(Tell(key=key, user=user, text=text, language=language, prompt=prompt)))


async def let_in(scene: Scene, user: str, room: str, cause: str) -> None:
    """Open the door for somebody who is not in this room yet. `cause` tells this occasion from others.

    Who has an invitation that they have not answered gets no second one (see `invites.py`): from the space they can enter by themselves.
    """
    there = await people.memberships_of(scene.db, user)
    if there.get(room) not in ("join", "ban") and not has_open(there):
        scene.puts.append(Put(Invite(key=f"invite/{room}/{user}/{cause}", room=room, user=user)))
