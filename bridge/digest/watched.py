"""What may need somebody, for those who look after others: a curator is told who and where, staff outside of a circle how many. Never a word of anybody."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.config import Config
from bridge.digest import letter, watch
from bridge.digest.watch import FEWEST, Facts, Sight, see
from bridge.roles import Authority
from bridge.store import people, watching
from bridge.store import rooms as room_store
from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.tags import fold
from bridge.words import Text, lines, words, words_n

MOST_SHOWN = 3
"""So many people or messages of a circle are named, the longest waiting first."""

MOST_NAMED, MOST_CIRCLES = 3, 10
"""Of so many circles it is told who and where, and of so many how many: all of it has to fit into a digest."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The circles that `reader` is told of: `named` with people and links, because they look after them from inside; `counted` in numbers."""

    reader: str
    named: tuple[Room, ...] = ()
    counted: tuple[Room, ...] = ()


async def watch_of(db: Connection, say: Authority, user: str, *, only_counted: bool = False) -> Watch:
    """What somebody looks after now. A curator who is not in the circle (any more), and whoever is asked where others read along, is given numbers."""
    mine = {fold(circle.tag) for circle in say.led_by(user)}
    staff = user in say.staff
    if not mine and not staff:
        return Watch(user)
    inside = set(await people.rooms_of(db, user))
    if not inside:  # whoever is in no room of ours looks after nobody, whatever the configuration still says
        return Watch(user)
    circles = [room for room in await room_store.in_use(db) if room.kind == "circle" and room.tag]
    led = [room for room in circles if fold(room.tag or "") in mine]
    named = [room for room in led if room.room in inside and not only_counted]
    others = [room for room in (circles if staff else led) if room not in named]
    return Watch(user, tuple(named), tuple(others))


async def sights(
    db: Connection, rooms: Collection[Room], config: Config, now_ms: int, since_ms: int = 0
) -> tuple[Sight, ...]:
    """How these circles are now, in their order; of people what became so after `since_ms` (UTC). Four queries, however many circles."""
    if not rooms:
        return ()
    ids, apart = [room.room for room in rooms], {config.matrix.user_id, *config.digest.bots}
    facts = Facts(
        await watching.waiting(db, ids, apart, now_ms - watch.FORGET_MS),
        await watching.people(db, ids, apart),
        await watching.weeks(db, ids, apart, now_ms, watch.PAST_WEEKS + 1),
        await watching.answers(db, ids, apart, now_ms - 2 * watching.WEEK_MS),
    )
    return tuple(see(room, facts, now_ms, since_ms) for room in ids)


async def told(
    db: Connection, seen: Watch, config: Config, now_ms: int, *, since_ms: int = 0, via: Sequence[str] = ()
) -> Text | None:
    """All of that in words; None when there is nothing to say. Of circles with fewer than five people staff is told nothing."""
    rooms = {room.room: room for room in (*seen.named, *seen.counted)}
    seen_now = await sights(db, tuple(rooms.values()), config, now_ms, since_ms)
    found = [one for one in (_without(each, seen.reader) for each in seen_now) if one.says]
    named = [one for one in found if rooms[one.room] in seen.named]
    counted = [one for one in found if rooms[one.room] in seen.counted and one.size >= FEWEST] + named[MOST_NAMED:]
    counted.sort(key=lambda one: (-len(one.waiting), one.waiting[0].at_ms if one.waiting else now_ms, one.room))
    parts = [part for one in named[:MOST_NAMED] for part in _named(one, rooms, now_ms, tuple(via))]
    parts += [words("In other circles:")] if parts and counted else []
    parts += [_counted(one, rooms, now_ms) for one in counted[:MOST_CIRCLES]]
    if len(counted) > MOST_CIRCLES:
        parts.append(words_n("- And %(count)s more circle.", "- And %(count)s more circles.", len(counted) - MOST_CIRCLES))  # fmt: skip
    return lines(*parts) if parts else None


def _without(one: Sight, reader: str) -> Sight:
    """The same without what somebody knows of themselves."""
    return replace(
        one,
        waiting=tuple(each for each in one.waiting if each.author != reader),
        silent=tuple(user for user in one.silent if user != reader),
        unseen=tuple(user for user in one.unseen if user != reader),
    )


def _named(one: Sight, rooms: Mapping[str, Room], now_ms: int, via: tuple[str, ...]) -> list[Text]:
    found = [words("In %(circle)s:", circle=letter.place(rooms[one.room], one.room))]
    for each in one.waiting[:MOST_SHOWN]:
        link = {"event": each.event, "room": each.room, "name": words("Open it"), "via": via}
        age = {"duration_ms": _rounded(now_ms - each.at_ms)}
        found.append(words("- %(who)s has had no answer for %(age)s. %(open)s", who={"user": each.author}, age=age, open=link))  # fmt: skip
    if len(one.waiting) > MOST_SHOWN:
        found.append(words_n("- And %(count)s more message without an answer.", "- And %(count)s more messages without an answer.", len(one.waiting) - MOST_SHOWN))  # fmt: skip
    if one.silent:
        found.append(words("- New, and without a word so far: %(people)s", people=_people(one.silent)))
    if one.unseen:
        found.append(words("- Not seen for two weeks: %(people)s", people=_people(one.unseen)))
    if one.quiet:
        found.append(words("- It has gone quiet. People who wrote this week: %(now)s, usually: %(usual)s", now=one.quiet[0], usual=one.quiet[1]))  # fmt: skip
    if one.heavy:
        who, some, total = one.heavy
        found.append(words("- %(who)s gave %(some)s of %(all)s answers in two weeks. Perhaps that is too much for one.", who={"user": who}, some=some, all=total))  # fmt: skip
    return found


def _people(users: Sequence[str]) -> dict[str, Any]:
    rest = len(users) - MOST_SHOWN
    more = [words_n("%(count)s more", "%(count)s more", rest)] if rest > 0 else []
    return {"list": [*({"user": user} for user in users[:MOST_SHOWN]), *more]}


def _counted(one: Sight, rooms: Mapping[str, Room], now_ms: int) -> Text:
    found = []
    if one.waiting:
        age = {"duration_ms": _rounded(now_ms - one.waiting[0].at_ms)}
        found.append(words("without an answer: %(count)s, the oldest for %(age)s", count=len(one.waiting), age=age))
    if one.silent:
        found.append(words("new and silent: %(count)s", count=len(one.silent)))
    if one.unseen:
        found.append(words("not seen for two weeks: %(count)s", count=len(one.unseen)))
    if one.quiet:
        found.append(words("it has gone quiet"))
    if one.heavy:
        found.append(words("one person gives most of the answers"))
    where = letter.place(rooms[one.room], one.room, linked=False)
    return words("- %(circle)s: %(what)s", circle=where, what={"list": found, "between": "; "})


def _rounded(age_ms: int) -> int:
    """An age in whole days, or in whole hours where it is less than two days."""
    step = watch.DAY_MS if age_ms >= 2 * watch.DAY_MS else watch.HOUR_MS
    return age_ms // step * step
