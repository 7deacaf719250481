"""Prepares digests for sending, and their corrections; never sends, and keeps no text.

What a member may read is looked at again here, as late as can be: whatever is not theirs to read any more is left out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from bridge.daylight import after_quiet
from bridge.digest import calls, letter, rhythm, store, turned, watched
from bridge.digest.due import LATE_MS, next_run, not_before
from bridge.digest.excerpt import said_in_copy
from bridge.digest.letter import Letter, Line
from bridge.digest.model import ORDER, Item
from bridge.digest.standing import Standing, known_already, readable
from bridge.effects import Call, Correct, Deliver, Effect, Hand, Offer, Put, Send, is_asked_for, is_call, transaction_id
from bridge.errors import TURNED_AWAY, NotYet, Refused
from bridge.events import COPY_MARK
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.speak import DirectRoom
from bridge.store import authority, due, people, queue
from bridge.store import rooms as room_store
from bridge.store.people import Person
from bridge.wall import local_date
from bridge.words import Text

HOUR_MS = 3600 * 1000
USUAL_MS = {"daily": 36 * HOUR_MS, "weekly": 8 * 24 * HOUR_MS}
"""A digest that goes back further than this says so."""

JUST_NOW_MS = 1000
"""The outbox notes a first try this much before it at most; whatever was first tried earlier is being tried again."""


UNDER_WAY_MS = 3000
"""A correction of a digest that is being sent looks again after so long where it stands."""

CATCHING_UP_MS = 1000
"""After a start, and while the homeserver is away, a digest that is ready is looked at again after so long."""


def fillers(direct_room: DirectRoom, caught_up: Callable[[], bool] = lambda: True) -> Mapping[type[Effect], Filler]:
    """The fillers of Deliver and Correct. `direct_room` is asked when there is something to deliver.

    `caught_up`: whether all is known that happened until a moment ago. Until then nobody is given anything: who left or was banned meanwhile may read no more.
    """

    def wait_until_all_is_heard(desk: Desk) -> None:
        if not caught_up():
            raise NotYet(desk.now_ms + CATCHING_UP_MS)

    async def correct_then(desk: Desk, effect: Correct) -> Send | None:
        wait_until_all_is_heard(desk)
        return await correct(desk, effect)

    async def deliver(desk: Desk, effect: Deliver) -> Send | None:
        wait_until_all_is_heard(desk)
        async with desk.reading() as db:
            made = await store.get(db, effect.digest)
            person = await people.get(db, effect.user)
        if made is None or made.event is not None or not _is_wanted(desk, made, person):
            return None
        _wait_for_day(desk, made, person)
        said = await _texts(desk, made)
        in_doubt = await _in_doubt(desk, effect.key)
        if isinstance(effect, Call) and not in_doubt:
            async with desk.reading() as db:
                known = await known_already(db, made)
            said = {item: content for item, content in said.items() if item not in known}
        if not said and not in_doubt and await _watched(desk, made) is None:
            return None
        room = await direct_room(effect.user)
        words = await _letter(desk, made, said, may_be_empty=in_doubt)
        # A database that came back from a backup may know nothing of a digest that was sent since.
        return Send(key=effect.key, room=room, type="m.room.message", content=words, once=True) if words else None

    return {Deliver: deliver, Call: deliver, Hand: deliver, Correct: correct_then}


async def correct(desk: Desk, effect: Correct) -> Send | None:
    """The edit that brings a delivered digest up to date (spec, m.replace); None when it was never delivered. It notifies nobody.

    NotYet while the digest is being sent: its words may have been read before that which is to be corrected. One that waits for its moment reads them then.
    """
    async with desk.reading() as db:
        sending = await queue.get(db, f"digest/{effect.digest}")
        made = await store.get(db, effect.digest)
    if made is None or made.room is None or made.event is None:
        if made is not None and sending is not None and sending.state == "due" and sending.first_tried_ms is not None:
            raise NotYet(desk.now_ms + UNDER_WAY_MS)
        return None
    alone = await _is_for_two(desk, made.room, made.user)
    new = await _letter(desk, made, await _texts(desk, made), key=effect.key, may_be_empty=True, alone=alone)
    if new is None:
        return None
    edit = {
        "msgtype": new["msgtype"],
        "body": f"* {new['body']}",
        "m.mentions": {},
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": made.event},
        COPY_MARK: transaction_id(effect.key),
    }
    return Send(key=effect.key, room=made.room, type="m.room.message", content=edit)


async def _is_for_two(desk: Desk, room: str, user: str) -> bool:
    """Whether nobody else is in this room, or invited to it: whoever came since has no part in what is said anew to its reader."""
    try:
        held = await desk.read.state(room)
    except Refused:
        return False
    members = [raw for raw in held if raw.get("type") == "m.room.member"]
    present = {raw.get("state_key") for raw in members if _membership(raw) in ("join", "invite")}
    return present <= {desk.me, user}


def _membership(raw: Mapping[str, Any]) -> object:
    content = raw.get("content")
    return content.get("membership") if isinstance(content, Mapping) else None


def _is_wanted(desk: Desk, made: store.Made, person: Person) -> bool:
    if is_call(made.user, made.id):
        return calls.wants(person, desk.config, desk.now_ms)
    return person.digest != "off" or is_asked_for(made.user, made.id)


def _wait_for_day(desk: Desk, made: store.Made, person: Person) -> None:
    """NotYet where a digest that was long under way would come at night, or in somebody's quiet hours; and what is told at once at any of these."""
    zone, quiet = rhythm.zone_of(person, desk.config), rhythm.quiet_of(person)
    until_ms = not_before(desk.now_ms, made.made_ms, zone, quiet)
    if is_call(made.user, made.id):
        until_ms = after_quiet(desk.now_ms, zone, rhythm.undisturbed(person, desk.config))
    if until_ms > desk.now_ms and not is_asked_for(made.user, made.id):
        raise NotYet(until_ms)


async def _in_doubt(desk: Desk, key: str) -> bool:
    """Whether this may have been sent already, by a try that was cut off.

    Then it must be sent in any case, even if nothing is left to say: by the same transaction id the homeserver tells where the first one stands
    (client-server API, "Transaction identifiers"), and only so can that be corrected.
    """
    async with desk.reading() as db:
        wish = await queue.get(db, key)
    if wish is None or wish.first_tried_ms is None:
        return False
    return wish.attempts > 0 or desk.now_ms - wish.first_tried_ms > JUST_NOW_MS


async def delivered(scene: Scene, effect: Deliver, state: State, result: str | None) -> None:
    """Remember where the digest stands, so that it can be corrected and answered by a reaction. Who wants no direct room wants no digest."""
    person = await people.get(scene.db, effect.user)
    if state == "dead":
        wish = await queue.get(scene.db, effect.key)
        if wish is not None and wish.error == TURNED_AWAY:
            await turned.away(scene, effect.user)
    if state == "done" and result is not None and person.direct_room is not None:
        await store.delivered(scene.db, effect.digest, person.direct_room, result)
        for sign in letter.OFFERED_AT_ONCE if isinstance(effect, Call) else letter.OFFERED:
            offer = Offer(key=f"offered/{result}/{sign}", room=person.direct_room, event=result, emoji=sign)
            scene.puts.append(Put(offer))
        if not is_asked_for(effect.user, effect.digest) and not isinstance(effect, Call):
            await _used_up(scene, person, effect.digest)


async def _used_up(scene: Scene, person: Person, digest: str) -> None:
    """A digest that waited for another day is that day's. One of shortly before midnight that comes shortly after it is not: it would take that day's place each time."""
    made = await store.get(scene.db, digest)
    if made is None or scene.now_ms - made.made_ms < LATE_MS:
        return
    zone = rhythm.zone_of(person, scene.config)
    today = local_date(scene.now_ms, zone)
    pending = await due.get(scene.db, store.DUE, person.user)
    if pending is not None and pending.slot <= today:
        minute, weekday = rhythm.comes_at(person, scene.config), rhythm.weekday_of(person)
        following = next_run(scene.now_ms, zone, minute, weekday, after=today)
        await due.set_next(scene.db, store.DUE, person.user, *following)


SETTLERS: Mapping[type[Effect], Settler] = {Deliver: delivered}


async def _texts(desk: Desk, made: store.Made) -> dict[Item, Mapping[str, Any]]:
    """What is said now in the items that this member may read. What is gone is not in it."""
    async with desk.reading() as db:
        there = await readable(db, made, desk.me, desk.config.digest.bots)
    found = {}
    for item, standing in there.items():
        try:
            event = await desk.read.event(item.room, item.event)
        except Refused:
            continue
        if event is None or event.get("sender") != (desk.me if standing.copied else standing.author):
            continue
        content = event.get("content")
        if isinstance(content, Mapping) and content:
            found[item] = said_in_copy(content) if standing.copied else content
    return found


async def _letter(
    desk: Desk,
    made: store.Made,
    said: Mapping[Item, Mapping[str, Any]],
    *,
    key: str | None = None,
    may_be_empty: bool = False,
    alone: bool = True,
) -> dict[str, Any] | None:
    """The message of a digest, from texts that were read just now; who may read what is looked at once more. None when nothing is left.

    `alone`: its reader is the only one there beside us; else nobody is quoted, and nothing is told of those whom they look after.
    """
    config = desk.config
    async with desk.reading() as db:
        there = await readable(db, made, desk.me, config.digest.bots)
        person = await people.get(db, made.user)
        rooms = {room.room: room for room in await room_store.all_rooms(db)}
    # A digest that stands in a former direct room is corrected there: about that one we know nothing any more.
    there_now = made.room in (None, person.direct_room)
    open_to = config.community.encrypted_to_open or (bool(person.direct_encrypted) and there_now)

    def line(item: Item, standing: Standing) -> Line:
        quoted = alone and standing.quotable and (open_to or not rooms[item.room].encrypted)
        words_of = said[item] if quoted else None
        now = replace(item, reasons=standing.reasons)
        return Line(now, standing.author, words_of, bool(standing.copied), standing.late_ms)

    numbers = {item: number for number, item in enumerate(made.digest.items, start=1)}
    shown = [(line(item, there[item]), number) for item, number in numbers.items() if item in said and item in there]
    shown.sort(key=lambda one: ORDER[one[0].item.reasons[0].kind])  # what somebody has answered since stands elsewhere
    lines = tuple(each for each, _ in shown)
    seen = await _watched(desk, made) if alone else None
    if not lines and not may_be_empty and seen is None:
        return None
    via = tuple(dict.fromkeys(user.partition(":")[2] for user in (desk.me, made.user)))
    zone = rhythm.zone_of(person, config)
    since_ms, paused = _since(made, person, zone)
    what = Letter(
        lines,
        made.digest.more,
        made.made_ms,
        zone,
        rooms,
        since_ms,
        via,
        paused,
        {each.item: number for each, number in shown},
        is_call(made.user, made.id),
        seen,
        calm=not made.digest.items,
    )
    return letter.content(what, person.language or config.language, desk.names, key or f"digest/{made.id}")


async def _watched(desk: Desk, made: store.Made) -> Text | None:
    """What may need this member at this moment, who looks after others; None when that is nothing or nobody. What is told at once has no such part."""
    if is_call(made.user, made.id):
        return None
    async with desk.reading() as db:
        seen = await watched.watch_of(db, await authority.named(db, desk.config), made.user)
        via = (desk.me.partition(":")[2],)
        return await watched.told(db, seen, desk.config, desk.now_ms, since_ms=made.from_ms or 0, via=via)


def _since(made: store.Made, person: Person, zone: str) -> tuple[int | None, bool]:
    """From when on the digest covers what happened (UTC ms), if that is longer ago than usual: some were missed. And whether that was a pause of the member's own."""
    usual_ms = USUAL_MS.get(person.digest)
    if usual_ms is None or made.from_ms is None:
        return None, False
    since_ms = max(made.from_ms, made.made_ms - store.LOOK_BACK_MS)
    if made.made_ms - since_ms <= usual_ms:
        return None, False
    between = (local_date(made.from_ms, zone), local_date(made.made_ms, zone))
    return since_ms, person.digest_pause is not None and between[0] < person.digest_pause <= between[1]
