"""Which circles nobody looks after, and when staff may be told; pure. Never what time it is now."""

from collections.abc import Iterable, Mapping

from bridge.community import circle_key, leaders
from bridge.config import Circle
from bridge.wall import local

FROM_HOUR, TO_HOUR = 9, 21
"""Hours of the local day between which staff hears of it unasked: what is so in the morning is told at nine, what comes later at once."""

ARRIVE_MS = 24 * 60 * 60 * 1000
"""So long after a circle was made its curators may take to enter it."""


def alone(
    circles: Iterable[Circle], there: Mapping[str, Mapping[str, str]], made_ms: Mapping[str, int], now_ms: int
) -> tuple[str, ...]:
    """The keys of the circles that nobody looks after: nobody is named, or nobody of those named is in the room, or may still be on the way.

    `there` says what each person is in each circle's room, as far as we heard of them there (join, invite, leave, ban); `made_ms` when the room was
    made; both by key. A circle without a room is none yet.
    """
    found = []
    for circle in circles:
        key, named = circle_key(circle), leaders(circle)
        if key not in made_ms:
            continue
        inside = there.get(key, {})
        coming = any(inside.get(user, "invite") == "invite" for user in named)
        arriving = coming and now_ms - made_ms[key] <= ARRIVE_MS
        if not arriving and not any(inside.get(user) == "join" for user in named):
            found.append(key)
    return tuple(found)


def may_tell(now_ms: int, zone: str) -> bool:
    """Whether it is day there at that moment (UTC ms)."""
    return FROM_HOUR <= local(now_ms, zone).hour < TO_HOUR
