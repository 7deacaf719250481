"""When somebody's next digest is due, by the clock on their own wall; never what is in it, and never what time it is now.

Wall-clock rules are those of `bridge/wall.py`; besides, a date that a place never had has no digest. A slot is the local date of an occasion: one digest a slot, whatever the clocks do.
"""

from datetime import date, timedelta
from typing import Literal

from bridge.wall import instant, local, local_date

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


def moved(zone: str, minute_of_day: int, slot: str) -> int:
    """When the pending slot is due for somebody who has come to another zone (UTC ms).

    It keeps its name, so every local date still has one digest and none has two; if its time is past there, it is due at once.
    """
    return instant(date.fromisoformat(slot), minute_of_day, zone)


def occasion(now_ms: int, due_ms: int, zone: str, slot: str) -> tuple[Literal["now", "wait"], str]:
    """What to do with a digest that was due at `due_ms`: send it now, and as which slot; or wait for the member's own hour.

    On time it is its own slot. Missed, it comes at once in the daytime and counts as today's; at night it waits.
    """
    if now_ms - due_ms < LATE_MS:
        return "now", slot
    here = local(now_ms, zone)
    if MORNING <= here.hour < NIGHT:
        return "now", max(slot, here.date().isoformat())
    return "wait", slot


def _exists(day: date, zone: str) -> bool:
    return any(local_date(instant(day, minute, zone), zone) == day.isoformat() for minute in (0, 23 * 60 + 59))
