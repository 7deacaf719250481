"""A circle that has grown too large: told once, and split by its people themselves. Moves nobody who did not say yes; writes wishes, never acts."""

from typing import Any

from bridge import cases
from bridge.cases import Kind
from bridge.community import MADE, circle_by_key, circle_key, leaders, most
from bridge.config import Circle
from bridge.effects import Kick, Put
from bridge.errors import UsageError
from bridge.events import AnyEvent, Reacted
from bridge.rooms import circles, moves
from bridge.rooms.share import answer as yes_or_no
from bridge.scene import Scene
from bridge.store import authority, people, rooms, settings
from bridge.store import cases as case_store
from bridge.store import circles as store
from bridge.store.cases import Case
from bridge.store.rooms import Room
from bridge.times import WEEK_MS
from bridge.words import Text, lines, words

CROWDED = "crowded"
"""What the case is called that proposes to split a circle."""

KIND = "split/"
"""How the name of what a reaction answers begins; behind it stands the number of the split."""


async def begin(scene: Scene, room: Room, key: str, made: dict[str, Any], cause: int) -> None:
    """Decide that there shall be a sister circle, whose room is to be made; everybody is asked when it is there. UsageError when they are asked already."""
    for earlier in await store.splits_of(scene.db, room.room):
        if earlier.asked_ms is None or scene.now_ms - earlier.asked_ms < WEEK_MS:
            raise UsageError(
                words("The people of %(circle)s are being asked already. Give them a week.", circle=circles.name(room))
            )
    await settings.decide(scene.db, key, MADE, made, cause, scene.now_ms)
    await store.split(scene.db, room.room, key, cause, scene.now_ms)


async def ask_all(scene: Scene) -> None:
    """Ask the people of every circle whose sister circle is there by now, each of them once. Who leads it need not choose: they lead both."""
    for split in await store.unasked(scene.db):
        target, source = await rooms.by_key(scene.db, split.target), await rooms.by_id(scene.db, split.source)
        if target is None or source is None:
            continue
        new, old = circle_by_key(scene.config, target.key), circle_by_key(scene.config, source.key)
        leading = {user for circle in (new, old) if circle for user in leaders(circle)}
        asked = [user for user in await circles.crew(scene, source.room) if user not in leading]
        await store.asked(scene.db, split.id, asked, scene.now_ms)
        for user in asked:
            text = lines(
                words(
                    "%(old)s has become large, so there is a second circle now: %(new)s. Would you like to go there?",
                    old=circles.name(source),
                    new=circles.name(target),
                ),
                words(
                    "React with 👍 to go, or with 👎 to stay. If you say nothing, you stay. You can change your mind for a week."
                ),
            )
            await circles.tell(scene, user, f"split/{split.id}/{user}", text, prompt=f"{KIND}{split.id}")


async def react(scene: Scene, event: AnyEvent) -> None:
    """Somebody said whether they would like to go."""
    yes = yes_or_no(event.key) if isinstance(event, Reacted) else None
    if not isinstance(event, Reacted) or yes is None:
        return
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or not prompt.kind.startswith(KIND) or prompt.user != event.sender:
        return
    split = await store.split_of(scene.db, int(prompt.kind.removeprefix(KIND)))
    target = await rooms.by_key(scene.db, split.target) if split else None
    source = await rooms.by_id(scene.db, split.source) if split else None
    if split is None or split.asked_ms is None or target is None or source is None:
        return
    key = f"split/{split.id}/{event.id}"
    if scene.now_ms - split.asked_ms > WEEK_MS or not (target.tag and source.tag):
        text = words("That question is over. If you would like to go to another circle, please ask a moderator.")
        await circles.tell(scene, event.sender, key, text)
        return
    if not await store.answer(scene.db, split.id, event.sender, yes):
        return
    if yes:
        text = words(
            "Good. Come into %(new)s; once you are there, you leave %(old)s.",
            new=circles.name(target),
            old=circles.name(source),
        )
        await moves.begin(scene, event.sender, source.room, target.room, split.cause, text)
    elif await people.membership(scene.db, target.room, event.sender) == "join":
        text = words("Good. Come back into %(old)s; once you are there, you leave %(new)s.", new=circles.name(target), old=circles.name(source))  # fmt: skip
        await moves.begin(scene, event.sender, target.room, source.room, split.cause, text)
    else:
        await _stays(scene, event.sender, target.room, key)
        await circles.tell(scene, event.sender, key, words("Good. You stay in %(old)s.", old=circles.name(source)))


async def _stays(scene: Scene, user: str, target: str, key: str) -> None:
    """An invitation that is not wanted any more is taken back: it would keep others from reaching them."""
    await moves.give_up(scene, user, target)
    if await people.membership(scene.db, target, user) == "invite":
        scene.puts.append(Put(Kick(key=f"{key}/uninvite", room=target, user=user)))


def too_large(circle: Circle, people_there: int, scene: Scene) -> bool:
    """Whether there are more people in a circle than it holds well."""
    return people_there > most(circle, scene.config)


async def watch(scene: Scene) -> None:
    """Tell staff and the curators, once, of each circle that has become too large since the last look."""
    known, sizes = await store.crowds(scene.db), await store.sizes(scene.db, scene.me)
    small = set(known)
    by_key = {room.key: room for room in await rooms.in_use(scene.db)}
    for circle in scene.config.community.circles:
        room = by_key.get(circle_key(circle))
        number = sizes.get(room.room, 0) if room else 0
        if room is None:
            continue
        if not too_large(circle, number, scene):
            if scene.now_ms - room.made_ms < WEEK_MS and await rooms.former(scene.db, room.room):
                small.discard(room.room)  # its people are still on their way from the old room
            continue
        small.discard(room.room)
        if room.room not in known and await store.crowd(scene.db, room.room, scene.now_ms):
            await cases.show(scene, KINDS, f"crowded/{room.room}/{scene.now_ms}", CROWDED, room.key, room.room)
            for user in (await authority.named(scene.db, scene.config)).leads(circle):
                text = words(
                    "%(circle)s has %(people)s people now and holds %(most)s well. The moderators have been told. They can let its people choose whether to go to a second circle; nobody is moved who does not want to be.",
                    circle=circles.name(room),
                    people=number,
                    most=most(circle, scene.config),
                )
                await circles.tell(scene, user, f"crowded/{room.room}/{scene.now_ms}/{user}", text)
    if small:
        await store.uncrowd(scene.db, small)
        for case in await case_store.waiting(scene.db, CROWDED):
            if case.room in small:
                end = words("That has passed by itself.")
                await cases.close(scene, KINDS, case, "passed", scene.me, end)


async def _about(scene: Scene, case: Case) -> Text:
    room, circle = await rooms.by_key(scene.db, case.subject), circle_by_key(scene.config, case.subject)
    if room is None or circle is None:
        return words("A circle was too large, and is archived by now.")
    return words(
        "%(circle)s has %(people)s people now and holds %(most)s well.",
        circle=circles.name(room),
        people=(await store.sizes(scene.db, scene.me)).get(room.room, 0),
        most=most(circle, scene.config),
    )


async def _accept(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    """Make a sister circle, and ask everybody when it is there."""
    room, circle = await rooms.by_key(scene.db, case.subject), circle_by_key(scene.config, case.subject)
    if room is None or circle is None:
        raise UsageError(words("That circle is archived already."))
    key, made = await circles.sister(scene, circle, None, "")
    await begin(scene, room, key, made, entry)


async def _refuse(_scene: Scene, _case: Case, _actor: str, _entry: int) -> None:
    """It stays as it is."""


KINDS = {
    CROWDED: Kind(
        about=_about,
        question=words(
            "Yes makes a second circle and asks everybody privately whether they would like to go there; nobody is moved who does not say yes. No leaves it as it is."
        ),
        accept=_accept,
        refuse=_refuse,
    )
}
"""The kinds of case that are looked after here."""
