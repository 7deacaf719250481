"""Asks curators to say hello to who is new in their circle, and again if nobody did; stops by itself once somebody turned to them. Never says hello itself."""

from bridge.community import circle_by_key
from bridge.context import language_of
from bridge.daylight import awake
from bridge.effects import Put, Say, Tell
from bridge.events import AnyEvent, Message, Reacted
from bridge.rooms import greeting, questions
from bridge.scene import Scene
from bridge.store import authority, due, onboarding, people, rooms
from bridge.store.due import Due
from bridge.store.rooms import Room
from bridge.words import Text, words

DUE = "hello"
"""The kind of our rows in the table of what is due; a subject is `circle newcomer reader`."""

STAFF = "staff"
MOST_AT_ONCE = 100


async def entered(scene: Scene, room: Room, user: str) -> None:
    """Somebody new to the community came into a circle: its curators hear of it, and staff where there are none."""
    circle = circle_by_key(scene.config, room.key)
    say = await authority.current(scene.db, scene.config)
    if circle is None or user in say.leads(circle) or user in say.staff:
        return
    if not await onboarding.enter(scene.db, room.key, user, scene.now_ms):
        return
    curators = [
        curator for curator in say.leads(circle) if await people.membership(scene.db, room.room, curator) == "join"
    ]
    for curator in curators:
        await _plan(scene, f"{room.key} {user} {curator}", 0, scene.now_ms, None, await _zone(scene, curator))
    first = greeting.LAST if curators else 0
    await _plan(scene, f"{room.key} {user} {STAFF}", first, scene.now_ms, None, scene.config.zone)


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look whether somebody turned to a newcomer."""
    if not isinstance(event, Message | Reacted) or event.sender == scene.me or not scene.config.community.onboarding:
        return
    if scene.ordinary or (isinstance(event, Message) and event.marked):
        return
    waiting = [user for user in await onboarding.ungreeted(scene.db, event.room) if user != event.sender]
    if not waiting:
        return
    if isinstance(event, Reacted):
        authors = await onboarding.authors(scene.db, [event.target])
        found = tuple(user for user in waiting if user in authors)
    else:
        above = [one for one in (event.thread, event.reply_to) if one]
        authors = await onboarding.authors(scene.db, above) if above else frozenset()
        found = greeting.turned_to(event, waiting, {user: scene.names.of(user) for user in waiting}, authors)
    if found:
        await onboarding.greeted(scene.db, event.room, found, scene.now_ms)


async def tick(scene: Scene) -> None:
    """Say what is due."""
    for row in await due.claim_due(scene.db, DUE, scene.now_ms, MOST_AT_ONCE):
        key, user, reader = row.subject.split(" ")
        room = await rooms.by_key(scene.db, key)
        begun = await onboarding.greeting(scene.db, key, user)
        if (
            room is None
            or begun is None
            or begun.greeted_ms is not None
            or not await _concerns(scene, room, user, reader)
        ):
            await due.remove(scene.db, DUE, row.subject)
            continue
        zone = scene.config.zone if reader == STAFF else await _zone(scene, reader)
        by_day_ms = awake(scene.now_ms, zone)
        if by_day_ms > scene.now_ms:
            await due.set_next(scene.db, DUE, row.subject, by_day_ms, row.slot)
            continue
        await _say(scene, row, room, user, reader)
        number = greeting.LAST if reader == STAFF else int(row.slot) + 1
        if int(row.slot) < greeting.LAST:
            await _plan(scene, row.subject, number, begun.entered_ms, scene.now_ms, zone)
        else:
            await due.remove(scene.db, DUE, row.subject)


async def _plan(scene: Scene, subject: str, number: int, entered_ms: int, said_ms: int | None, zone: str) -> None:
    at_ms = greeting.due_ms(number, entered_ms, said_ms, zone)
    await due.set_next(scene.db, DUE, subject, at_ms, str(number))


async def _concerns(scene: Scene, room: Room, user: str, reader: str) -> bool:
    """Whether the newcomer is still there, and the reader still looks after them."""
    circle = circle_by_key(scene.config, room.key)
    if circle is None or await people.membership(scene.db, room.room, user) != "join":
        return False
    return reader == STAFF or reader in (await authority.named(scene.db, scene.config)).leads(circle)


async def _say(scene: Scene, row: Due, room: Room, user: str, reader: str) -> None:
    who, where, number = {"user": user}, questions.circle(room), int(row.slot)
    key = f"hello/{room.key}/{user}/{reader}/{number}"
    if reader != STAFF:
        text = _to_a_curator(number, who, where)
        language = await language_of(scene, reader)
        scene.puts.append(Put(Tell(key=key, user=reader, text=text, language=language)))
        return
    staff = await rooms.by_key(scene.db, "staff")
    circle = circle_by_key(scene.config, room.key)
    if staff is None or circle is None:
        return
    lead = (await authority.named(scene.db, scene.config)).leads(circle)
    curators = {"list": [{"user": curator} for curator in lead]}
    if number < greeting.LAST:
        text = words("%(who)s is new in %(circle)s, and nobody looks after that circle. Would one of you say hello?", who=who, circle=where)  # fmt: skip
    elif lead:
        text = words(
            "%(who)s has been in %(circle)s for a day, and nobody has turned to them yet. It is looked after by: %(curators)s.",
            who=who, circle=where, curators=curators,
        )  # fmt: skip
    else:
        text = _a_day(who, where)
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


def _to_a_curator(number: int, who: object, circle: object) -> Text:
    if number == 0:
        return words(
            "%(who)s is new in %(circle)s. A short hello from you would help them to arrive.", who=who, circle=circle
        )
    if number < greeting.LAST:
        return words("Nobody has said hello to %(who)s in %(circle)s yet. One word, or one reaction, is enough.", who=who, circle=circle)  # fmt: skip
    return _a_day(who, circle)


def _a_day(who: object, circle: object) -> Text:
    return words("%(who)s has been in %(circle)s for a day, and nobody has turned to them yet.", who=who, circle=circle)


async def _zone(scene: Scene, user: str) -> str:
    return (await people.get(scene.db, user)).zone or scene.config.zone
