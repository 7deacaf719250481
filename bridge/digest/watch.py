"""What in a circle may need somebody: who waits, who is silent, who was not seen, whether it has gone quiet, who carries too much; pure. Never a word of anybody."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from bridge.digest.model import Answers, Presence, Waiting, Week

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
WAIT_MS, FORGET_MS = 4 * HOUR_MS, 14 * DAY_MS
"""Who asked something waits from here to there: before, it is early; after, it was too late long ago."""

SILENT_MS, NEW_MS = 3 * DAY_MS, 30 * DAY_MS
"""Between these somebody is new, and might have said a word by now."""

UNSEEN_MS = 14 * DAY_MS
PAST_WEEKS, LEAST_WEEKS, LEAST_PEOPLE = 8, 4, 3
"""A circle's own past; shorter than that, or with fewer people in a usual week, nothing can be told from it."""

LEAST_ANSWERS = 20
"""Who gives more than half of the answers of two weeks carries too much, where there are at least so many."""

FEWEST = 5
"""Of fewer people than this no numbers are shown to those who are not among them."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A circle as it is now. `quiet`: how many people wrote this week, and usually. `heavy`: who gives how many of how many answers."""

    room: str
    size: int = 0
    waiting: tuple[Waiting, ...] = ()
    silent: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    quiet: tuple[int, int] | None = None
    heavy: tuple[str, int, int] | None = None

    @property
    def says(self) -> bool:
        """Whether there is anything to say of it."""
        return bool(self.waiting or self.silent or self.unseen or self.quiet or self.heavy)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of some rooms: `waiting` in the order in which it was heard, which is how what came at the same moment is told; the rest in any order."""

    waiting: Sequence[Waiting] = ()
    people: Collection[Presence] = ()
    weeks: Collection[Week] = ()
    answers: Collection[Answers] = field(default=())


def see(room: str, facts: Facts, now_ms: int, since_ms: int = 0) -> Sight:
    """How this room is at `now_ms` (UTC). People are told of once: only those of whom it became so after `since_ms`."""
    here = [one for one in facts.people if one.room == room]
    unseen = {one.user for one in here if _unseen_from(one) <= now_ms}
    silent = {
        one.user
        for one in here
        if one.said_ms is None and now_ms - NEW_MS <= one.since_ms <= now_ms - SILENT_MS and one.user not in unseen
    }
    present = {one.user for one in here}
    waiting = [
        one
        for one in facts.waiting
        if one.room == room and one.author in present and now_ms - FORGET_MS <= one.at_ms <= now_ms - WAIT_MS
    ]
    return Sight(
        room,
        len(here),
        tuple(sorted(waiting, key=lambda one: one.at_ms)),
        tuple(sorted(one.user for one in here if one.user in silent and one.since_ms + SILENT_MS > since_ms)),
        tuple(sorted(one.user for one in here if one.user in unseen and _unseen_from(one) > since_ms)),
        _quiet([one for one in facts.weeks if one.room == room]),
        _heavy([one for one in facts.answers if one.room == room and one.user in present], len(here)),
    )


def _unseen_from(one: Presence) -> int:
    """From when on somebody counts as not seen (UTC ms)."""
    return max(one.since_ms, one.said_ms or 0, one.seen_ms or 0) + UNSEEN_MS


def _quiet(weeks: Iterable[Week]) -> tuple[int, int] | None:
    """Whether fewer than half as many people as usual wrote. How many messages there are says little: one person alone does not make a circle alive."""
    people = {one.ago: one.people for one in weeks}
    first = max(people, default=0)
    past = [people.get(ago, 0) for ago in range(1, min(first, PAST_WEEKS) + 1)]
    if len(past) < LEAST_WEEKS:
        return None
    usual, now = round(sum(past) / len(past)), people.get(0, 0)
    return (now, usual) if usual >= LEAST_PEOPLE and now * 2 < usual else None


def _heavy(answers: Collection[Answers], size: int) -> tuple[str, int, int] | None:
    total = sum(one.number for one in answers)
    if size < FEWEST or total < LEAST_ANSWERS:
        return None
    most = min(answers, key=lambda one: (-one.number, one.user))
    return (most.user, most.number, total) if most.number * 2 > total else None
