"""Moments on somebody's wall clock as UTC, and back; pure. Never what time it is now.

A time that a day does not have (clocks go forward) moves forward by as much; one that a day has twice (clocks go back) is its first.
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


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
