"""When somebody's next digest is due, by the clock on their own wall; never what is in it, and never what time it is now.

Wall-clock rules: a time that a day does not have (clocks go forward) moves forward by as much; one that a day has twice (clocks go back) is its
first; a date that a place never had has no digest. A slot is the local date of an occasion: one digest a slot, whatever the clocks do.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

LATE_MS = 2 * 3600 * 1000
"""From here on a digest is late: it was missed, and not only slow."""

MORNING, NIGHT = 7, 22
"""Hours of the local day between which a missed digest may come unasked."""

DAYS_TO_LOOK = 400
"""No zone has ever gone longer than this without a day that has all its dates and weekdays."""


def next_run(
    now_ms: int, zone: str, minute_of_day: int, weekday: int | None = None, after: str | None = None
) -> tuple[int, str]:
    """The first occasion later than `now_ms`, as (UTC ms, slot).

    `minute_of_day` counts from local midnight; `weekday` 0 is Monday, None every day; slots up to and including `after` are used up.
    """
    day = _local(now_ms, zone).date() - timedelta(days=1)
    if after is not None:
        day = max(day, date.fromisoformat(after) + timedelta(days=1))
    for _ in range(DAYS_TO_LOOK):
        if _exists(day, zone) and (weekday is None or day.weekday() == weekday):
            at_ms = _instant(day, minute_of_day, zone)
            if at_ms > now_ms:
                return at_ms, day.isoformat()
        day += timedelta(days=1)
    raise AssertionError("a calendar without this weekday")


def moved(zone: str, minute_of_day: int, slot: str) -> int:
    """When the pending slot is due for somebody who has come to another zone (UTC ms).

    It keeps its name, so every local date still has one digest and none has two; if its time is past there, it is due at once.
    """
    return _instant(date.fromisoformat(slot), minute_of_day, zone)


def occasion(now_ms: int, due_ms: int, zone: str, slot: str) -> tuple[Literal["now", "wait"], str]:
    """What to do with a digest that was due at `due_ms`: send it now, and as which slot; or wait for the member's own hour.

    On time it is its own slot. Missed, it comes at once in the daytime and counts as today's; at night it waits.
    """
    if now_ms - due_ms < LATE_MS:
        return "now", slot
    here = _local(now_ms, zone)
    if MORNING <= here.hour < NIGHT:
        return "now", max(slot, here.date().isoformat())
    return "wait", slot


def local_date(at_ms: int, zone: str) -> str:
    """The date on the wall at that moment (UTC ms), as 2026-01-31."""
    return _local(at_ms, zone).date().isoformat()


def _local(at_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))


def _instant(day: date, minute_of_day: int, zone: str) -> int:
    # fold=0 is what makes both rules: the first of two, and the offset from before a gap, which lands as far behind it.
    wall = datetime.combine(day, time(minute_of_day // 60, minute_of_day % 60), ZoneInfo(zone))
    return int(wall.timestamp()) * 1000


def _exists(day: date, zone: str) -> bool:
    return any(local_date(_instant(day, minute, zone), zone) == day.isoformat() for minute in (0, 23 * 60 + 59))
