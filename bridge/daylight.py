"""Hours at which people may be spoken to, by the clock on their own wall; pure. Never knows what is said then, and never what time it is now."""

from dataclasses import dataclass
from datetime import date, timedelta

from bridge.wall import instant, local, next_time

MORNING, NIGHT = 8, 22
"""Hours of the local day between which nobody minds a word that could wait."""

NOON = 12


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours that somebody wants to themselves, as minutes of the local day: from `since` up to `until`, over midnight where that is the earlier one."""

    since: int
    until: int

    def covers(self, minute: int) -> bool:
        """Whether this minute of the local day is among them."""
        if self.since <= self.until:
            return self.since <= minute < self.until
        return minute >= self.since or minute < self.until


def awake(at_ms: int, zone: str) -> int:
    """The first moment from `at_ms` on (UTC ms) at which it is not night there: that moment itself, or the next morning."""
    here = local(at_ms, zone)
    if MORNING <= here.hour < NIGHT:
        return at_ms
    day = here.date() if here.hour < MORNING else here.date() + timedelta(days=1)
    return max(at_ms, instant(day, MORNING * 60, zone))


def is_quiet(at_ms: int, zone: str, quiet: Quiet | None) -> bool:
    """Whether this moment (UTC ms) is among somebody's quiet hours, by the clock on their wall; None: they have none."""
    here = local(at_ms, zone)
    return quiet is not None and quiet.covers(here.hour * 60 + here.minute)


def after_quiet(at_ms: int, zone: str, quiet: Quiet | None) -> int:
    """The first moment from `at_ms` on (UTC ms) that is not among somebody's quiet hours: that moment itself, or when they end."""
    # Where clocks jump, the end of the hours can be among them once more: an hour that comes twice is quiet twice.
    while quiet is not None and is_quiet(at_ms, zone, quiet):
        at_ms = next_time(at_ms, quiet.until, zone)
    return at_ms


def days_later(at_ms: int, zone: str, days: int) -> str:
    """The local date so many days after this moment (UTC ms), as 2026-01-31."""
    here = local(at_ms, zone)
    return (here.date() + timedelta(days=days)).isoformat()


def noon(day: str, zone: str) -> int:
    """Noon of a local date (UTC ms)."""
    return instant(date.fromisoformat(day), NOON * 60, zone)
