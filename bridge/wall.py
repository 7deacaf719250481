"""Moments on somebody's wall clock as UTC, and back; pure. Never what time it is now.

A time that a day does not have (clocks go forward) moves forward by as much; one that a day has twice (clocks go back) is its first.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def instant(day: date, minute_of_day: int, zone: str) -> int:
    """When the clocks of that zone show this minute of this day (UTC ms)."""
    # fold=0 is what makes both rules: the first of two, and the offset from before a gap, which lands as far behind it.
    wall = datetime.combine(day, time(minute_of_day // 60, minute_of_day % 60), ZoneInfo(zone))
    return int(wall.timestamp()) * 1000


def local(at_ms: int, zone: str) -> datetime:
    """What the clocks of that zone show at that moment (UTC ms)."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))


def local_date(at_ms: int, zone: str) -> str:
    """The date on the wall at that moment (UTC ms), as 2026-01-31."""
    return local(at_ms, zone).date().isoformat()


def next_weekday(day: str, weekday: int) -> str:
    """The first day later than this one that is that weekday (Monday being 0); days as 2026-01-31."""
    today = date.fromisoformat(day)
    return (today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)).isoformat()


def next_time(at_ms: int, minute_of_day: int, zone: str) -> int:
    """The first moment later than `at_ms` at which the clocks of that zone show this minute of a day (UTC ms); of one that comes twice, also its second."""
    today = local(at_ms, zone).date()
    found = []
    for day in (today + timedelta(days=n) for n in range(-1, 3)):
        first_ms = instant(day, minute_of_day, zone)
        second = local(first_ms, zone).replace(fold=1)
        found += [first_ms, int(second.timestamp()) * 1000]
    return min(moment for moment in found if moment > at_ms)


def is_zone(name: str) -> bool:
    """Whether the time zone database of this machine knows this zone (IANA name): it changes, and names disappear from it."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
