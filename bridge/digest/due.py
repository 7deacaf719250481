"""When somebody's next digest is due, by the clock on their own wall; never what is in it, and never what time it is now.

Wall-clock rules are those of `bridge/wall.py`; besides, a date that a place never had has no digest. A slot is the local date of an occasion: one digest a slot, whatever the clocks do.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal
from zlib import crc32

from bridge.daylight import Quiet, after_quiet, is_quiet
from bridge.wall import instant, local, local_date, next_time

LATE_MS = 2 * 3600 * 1000
"""From here on a digest is late: it was missed, and not only slow."""

MORNING, NIGHT = 7, 22
"""Hours of the local day between which a missed digest may come unasked."""

DAYS_TO_LOOK = 400
"""No zone has ever gone longer than this without a day that has all its dates and weekdays."""

AT_ONCE = 10
"""So many digests go out at once; with more, each person has a moment of their own within the hour."""

_MOST_WALLS = 1_024

_MORNINGS_TO_LOOK = 3
"""On a day when clocks jump, quiet hours can end at another time than on the others."""

EACH_MS, SPREAD_MS = 1_000, 50 * 60 * 1000
"""So much time each digest of a wave is given, and all of them together at most."""


@dataclass(frozen=True, slots=True)
class Wall:
    """By what clock somebody gets digests: their zone, the minute of the day, the weekday (0 is Monday, None: every day), and their quiet hours."""

    zone: str
    minute: int
    weekday: int | None = None
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What follows from a look at a pending occasion: as which slot a digest is to be made now (None: not yet), and the next occasion (UTC ms, slot)."""

    slot: str | None
    following: tuple[int, str]


@lru_cache(_MOST_WALLS)  # one clock is that of many people, and what is due is due for them at the same moment
def look(now_ms: int, row_ms: int, slot: str, wall: Wall) -> Look:
    """Look at an occasion that was written down for `row_ms`, which is not later than `now_ms` (UTC ms).

    By the clock where the person is now: they may have moved, or their country changed its clocks, since it was written down.
    """
    planned_ms = moved(wall.zone, wall.minute, slot)
    if planned_ms > now_ms:
        return Look(None, (planned_ms, slot))
    what, made = occasion(now_ms, planned_ms, wall.zone, slot, quiet=wall.quiet, row_ms=row_ms)
    if what == "wait":
        return Look(None, next_run(now_ms, wall.zone, wall.minute))
    return Look(made, next_run(now_ms, wall.zone, wall.minute, wall.weekday, after=made))


def next_run(
    now_ms: int, zone: str, minute_of_day: int, weekday: int | None = None, after: str | None = None
) -> tuple[int, str]:
    """The first occasion later than `now_ms`, as (UTC ms, slot).

    `minute_of_day` counts from local midnight; `weekday` 0 is Monday, None every day; slots up to and including `after` are used up.
    """
    day = local(now_ms, zone).date() - timedelta(days=1)
    if after is not None:
        day = max(day, date.fromisoformat(after) + timedelta(days=1))
    for _ in range(DAYS_TO_LOOK):
        if _exists(day, zone) and (weekday is None or day.weekday() == weekday):
            at_ms = instant(day, minute_of_day, zone)
            if at_ms > now_ms:
                return at_ms, day.isoformat()
        day += timedelta(days=1)
    raise AssertionError("a calendar without this weekday")


def outside(minute_of_day: int, quiet: Quiet | None) -> int:
    """The minute at which a digest comes that is wanted at this one: where that is a quiet one, the first that is not."""
    return quiet.until if quiet is not None and quiet.covers(minute_of_day) else minute_of_day


def moved(zone: str, minute_of_day: int, slot: str) -> int:
    """When the pending slot is due for somebody who has come to another zone (UTC ms).

    It keeps its name, so every local date still has one digest and none has two; if its time is past there, it is due at once.
    """
    return instant(date.fromisoformat(slot), minute_of_day, zone)


def occasion(
    now_ms: int, due_ms: int, zone: str, slot: str, *, quiet: Quiet | None = None, row_ms: int | None = None
) -> tuple[Literal["now", "wait"], str]:
    """What to do with a digest that was due at `due_ms`: send it now, and as which slot; or wait for the member's own hour.

    On time it is its own slot. Missed, it comes at once in the daytime and counts as today's; at night and in quiet hours it waits. `row_ms` is
    for when it was written down: later than `due_ms` where the member has just come to a zone in which its hour is over. Then nothing was missed,
    and as they have said so a moment ago, nobody is woken.
    """
    if now_ms - due_ms < LATE_MS:
        return "now", slot
    here = local(now_ms, zone)
    today = max(slot, here.date().isoformat())
    if row_ms is not None and now_ms - row_ms < LATE_MS:
        return ("wait", slot) if is_quiet(now_ms, zone, quiet) else ("now", today)
    if MORNING <= here.hour < NIGHT and not is_quiet(now_ms, zone, quiet):
        return "now", today
    return "wait", slot


@lru_cache(_MOST_WALLS)
def not_before(now_ms: int, made_ms: int, zone: str, quiet: Quiet | None) -> int:
    """The first moment at which a digest that was made at `made_ms` and is still under way may come (UTC ms).

    At once as long as it is not late: it was for an hour that is not quiet. A late one comes by day, and not in quiet hours; to whom all of the day is
    quiet, as to somebody who works at night, when these end.
    """
    if now_ms - made_ms < LATE_MS:
        return now_ms
    at_ms = now_ms
    for _ in range(_MORNINGS_TO_LOOK):
        at_ms = after_quiet(at_ms, zone, quiet)
        if MORNING <= local(at_ms, zone).hour < NIGHT:
            return at_ms
        at_ms = next_time(at_ms, MORNING * 60, zone)
    return after_quiet(now_ms, zone, quiet)


def moment(now_ms: int, user: str, number: int, zone: str, quiet: Quiet | None) -> int:
    """When this member's digest goes out that is due now, one of so many (UTC ms): within the hour, and for the same person always about the same.

    A homeserver gets them one by one, and what is more urgent finds it free. Nobody's comes in their quiet hours because of it.
    """
    if number <= AT_ONCE:
        return now_ms
    at_ms = now_ms + crc32(user.encode()) % min(number * EACH_MS, SPREAD_MS)
    return now_ms if is_quiet(at_ms, zone, quiet) else at_ms


def _exists(day: date, zone: str) -> bool:
    return any(local_date(instant(day, minute, zone), zone) == day.isoformat() for minute in (0, 23 * 60 + 59))
