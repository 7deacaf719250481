"""Hours at which people may be spoken to, by the clock on their own wall; pure. Never knows what is said then, and never what time it is now."""

from datetime import date, timedelta

from bridge.wall import instant, local

MORNING, NIGHT = 8, 22
"""Hours of the local day between which nobody minds a word that could wait."""

NOON = 12


def awake(at_ms: int, zone: str) -> int:
    """The first moment from `at_ms` on (UTC ms) at which it is not night there: that moment itself, or the next morning."""
    here = local(at_ms, zone)
    if MORNING <= here.hour < NIGHT:
        return at_ms
    day = here.date() if here.hour < MORNING else here.date() + timedelta(days=1)
    return max(at_ms, instant(day, MORNING * 60, zone))


def days_later(at_ms: int, zone: str, days: int) -> str:
    """The local date so many days after this moment (UTC ms), as 2026-01-31."""
    here = local(at_ms, zone)
    return (here.date() + timedelta(days=days)).isoformat()


def noon(day: str, zone: str) -> int:
    """Noon of a local date (UTC ms)."""
    return instant(date.fromisoformat(day), NOON * 60, zone)
