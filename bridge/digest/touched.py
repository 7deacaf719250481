"""One touch on a digest: less, more, none, or something in it that is to be followed or kept quiet. Changes nothing for anybody but its reader."""

from collections.abc import Mapping
from typing import cast

from bridge.context import language_of
from bridge.digest import bells, ladder, letter, rhythm, store
from bridge.digest.standing import by_number
from bridge.effects import Effect, Offer, Put, Tell, is_call
from bridge.events import Reacted
from bridge.scene import Scene, Settler, State
from bridge.store import people
from bridge.words import Text, lines, words

_VARIATION = "\ufe0f"
STOPS = frozenset({letter.STOP, "⏹", "✋"})
WHICH = "digest/which/"
"""The prompt of the question which one is meant: then the wish, and the digest's id."""

NUMBERS: Mapping[str, int] = {**{f"{n}\u20e3": n for n in range(1, 10)}, "🔟": 10}
"""The signs of numbers, without their form."""


async def touched(scene: Scene, event: Reacted) -> bool:
    """Do what this reaction asks for, if it is its reader's on a digest, or answers our question about one. Whether it was about a digest at all."""
    key = event.key.replace(_VARIATION, "")
    if key in NUMBERS:
        return await _chosen(scene, event, NUMBERS[key])
    if key not in {*STOPS, letter.LESS, letter.MORE, *bells.BELLS}:
        return False
    made = await store.delivered_as(scene.db, event.target)
    if made is None:
        return False
    if made.user != event.sender:
        return True
    if key in STOPS:
        await _stop(scene, event, made)
    elif key in bells.BELLS:
        await _ring(scene, event, made, key)
    else:
        await _tell(scene, event, await ladder.step(scene, event.sender, "less" if key == letter.LESS else "more"))
    return True


async def _stop(scene: Scene, event: Reacted, made: store.Made) -> None:
    if is_call(made.user, made.id):
        await people.change(scene.db, made.user, notify=False)
        await _tell(scene, event, words("Who answers or mentions you stands in your digest from now on, and nowhere else. %(on)s: I tell you at once again.", on={"command": "notify on"}))  # fmt: skip
    elif await rhythm.end(scene, event.sender):
        await _tell(scene, event, words("No more digests from now on. If you miss them, write %(command)s.", command={"command": "digest daily"}))  # fmt: skip


async def _ring(scene: Scene, event: Reacted, made: store.Made, bell: str) -> None:
    there = await by_number(scene.db, made, scene.me, scene.config.digest.bots)
    if len(there) == 1:
        (item,) = there.values()
        await bells.ring(scene, event, (item.room, item.event), bell)
    elif there:
        asked = {
            bells.MUTE: (words("Which one shall be quiet? Tap its number below."), "mute"),
            bells.FOLLOW: (words("Which one would you like to follow? Tap its number below."), "follow"),
        }
        said, name = asked[bell]
        newest = await store.newest_of(scene.db, made.user)
        if newest is not None and newest.id == made.id:
            said = lines(
                said, words("Or write, for example, %(example)s.", example={"command": f"{name} {min(there)}"})
            )
        await _tell(scene, event, said, prompt=f"{WHICH}{bell}/{made.id}")


async def _chosen(scene: Scene, event: Reacted, number: int) -> bool:
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or not prompt.kind.startswith(WHICH):
        return False
    bell, _, digest = prompt.kind.removeprefix(WHICH).partition("/")
    made = await store.get(scene.db, digest)
    if made is None or prompt.user != event.sender:
        return True
    item = (await by_number(scene.db, made, scene.me, scene.config.digest.bots)).get(number)
    if item is None:
        await _tell(scene, event, words("There is no number %(number)s in it any more.", number=number))
    else:
        await bells.ring(scene, event, (item.room, item.event), bell)
    return True


async def _tell(scene: Scene, event: Reacted, said: Text, prompt: str | None = None) -> None:
    language = await language_of(scene, event.sender)
    key = f"touched/{event.id}"
    scene.puts.append(Put(Tell(key=key, user=event.sender, text=said, language=language, prompt=prompt)))


async def _asked(scene: Scene, effect: Effect, state: State, result: str | None) -> None:
    """A question which one is meant stands: put the numbers under it."""
    prompt = cast("Tell", effect).prompt or ""
    if state != "done" or result is None or not prompt.startswith(WHICH):
        return
    made = await store.get(scene.db, prompt.removeprefix(WHICH).partition("/")[2])
    room = (await people.get(scene.db, cast("Tell", effect).user)).direct_room
    if made is None or room is None:
        return
    there = await by_number(scene.db, made, scene.me, scene.config.digest.bots)
    signs = {number: sign for sign, number in NUMBERS.items()}
    for number in there:
        if number in signs:
            sign = _formed(signs[number])
            scene.puts.append(Put(Offer(key=f"offered/{result}/{number}", room=room, event=result, emoji=sign)))


def _formed(sign: str) -> str:
    return f"{sign[0]}{_VARIATION}\u20e3" if sign.endswith("\u20e3") else sign


SETTLERS: Mapping[type[Effect], Settler] = {Tell: _asked}
