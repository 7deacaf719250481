"""Whether somebody who is to write slowly wrote too soon; pure."""

from collections.abc import Iterable

from bridge.moderation.enforce import hits, holds_in
from bridge.moderation.model import Sanction


def gap_of(sanctions: Iterable[Sanction], user: str, key: str) -> Sanction | None:
    """The sanction with the longest gap that makes this person write slowly in the room with this key, or None."""
    found = [each for each in sanctions if each.gap_ms and holds_in(each, key) and hits(each, user)]
    return max(found, key=lambda each: each.gap_ms or 0, default=None)


def too_soon(before_ms: int | None, at_ms: int, gap_ms: int) -> bool:
    """Whether a message comes less than the gap after the one before that counted (UTC ms, by the sender's server; None: there is none)."""
    return before_ms is not None and at_ms - before_ms < gap_ms
