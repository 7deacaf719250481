"""How long to wait before something is tried again, and how much may be tried at once; pure. Never a clock, never a random number of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

FIRST_WAIT_MS = 1_000
LONGEST_WAIT_MS = 5 * 60_000
LONGEST_PROBE_MS = 10_000
"""While the homeserver as a whole is away somebody looks at least this often whether it is back."""

TOKEN_PROBE_MS = 60_000
"""Without a valid token there is nothing to hurry for: a person has to act first."""

FAILURES_TO_PAUSE = 3
"""So many failures in a row, with no success between, are the homeserver's and not one room's."""

WIDE_OPEN = 16
"""A bucket that has given this many in a row needs no watching any more."""

BUCKETS: Mapping[str, str] = {
    "CreateRoom": "create",
    "CreateList": "create",
    "ReplaceRoom": "create",
    "Invite": "invite",
}
"""Effects that homeservers count by themselves; all others draw on one budget."""

REST = "rest"


def bucket(kind: str) -> str:
    """By which of the homeserver's budgets an effect of this kind is counted: create, invite or rest."""
    return BUCKETS.get(kind, REST)


def back_off_ms(attempts: int, chance: float, *, longest_ms: int = LONGEST_WAIT_MS) -> int:
    """How long to wait after the failure number `attempts` (1 is the first): doubling from a second.

    `chance` from 0 to 1 takes up to half of it away, so that many do not come back at once.
    """
    whole = min(longest_ms, FIRST_WAIT_MS * 2 ** min(attempts - 1, 20))
    return int(whole * (1 - chance / 2))


@dataclass(frozen=True, slots=True)
class Pace:
    """What is held back at the moment, over all lanes. Every method gives a new value.

    `held` is until when (UTC ms) nothing may draw on a bucket, `at_once` how many may at the same time, where that is known to be few.
    `paused_until_ms` holds back everything; while `failures` says that the homeserver is away, only one probe at a time goes out.
    """

    held: Mapping[str, int] = field(default_factory=dict)
    at_once: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    pauses: int = 0
    paused_until_ms: int = 0
    token_lost: bool = False

    @property
    def away(self) -> bool:
        """Whether the homeserver as a whole does not do what we ask."""
        return self.token_lost or self.failures >= FAILURES_TO_PAUSE

    @property
    def open(self) -> bool:
        """Whether nothing is held back, nor watched so that it is not drawn on by more than it may."""
        return not (self.away or self.at_once)

    def answered(self, kind: str) -> "Pace":
        """The homeserver did or refused something: it is there, and that bucket has room for one more at a time."""
        name = bucket(kind)
        at_once = {**self.at_once}
        if name in at_once:
            at_once[name] += 1
            if at_once[name] > WIDE_OPEN:
                del at_once[name]
        return replace(self, at_once=at_once, failures=0, pauses=0, paused_until_ms=0, token_lost=False)

    def limited(self, kind: str, until_ms: int) -> "Pace":
        """Too many requests: that bucket is empty until then (UTC ms), and is approached one by one afterwards."""
        name = bucket(kind)
        held = {**self.held, name: max(until_ms, self.held.get(name, 0))}
        return replace(self, held=held, at_once={**self.at_once, name: 1}, failures=0, pauses=0, paused_until_ms=0)

    def failed(self, now_ms: int, chance: float) -> "Pace":
        """Unreachable, or broken: when that happens again and again everything waits, and then one probe goes out."""
        failures = self.failures + 1
        if failures < FAILURES_TO_PAUSE:
            return replace(self, failures=failures)
        if now_ms < self.paused_until_ms:  # one of those that were under way when the others failed
            return replace(self, failures=failures)
        pauses = self.pauses + 1
        wait_ms = back_off_ms(pauses, chance, longest_ms=LONGEST_PROBE_MS)
        return replace(self, failures=failures, pauses=pauses, paused_until_ms=now_ms + wait_ms)

    def without_token(self, now_ms: int) -> "Pace":
        """The homeserver does not know us: everything waits for a person."""
        return replace(self, token_lost=True, paused_until_ms=now_ms + TOKEN_PROBE_MS)

    def held_buckets(self, now_ms: int) -> frozenset[str]:
        """The buckets that nothing may draw on now."""
        return frozenset(name for name, until_ms in self.held.items() if until_ms > now_ms)

    def room_in(self, name: str, under_way: int) -> bool:
        """Whether one more effect of this bucket may go out beside those that are under way."""
        return under_way < self.at_once.get(name, under_way + 1)

    def next_ms(self, now_ms: int) -> int | None:
        """The earliest moment after `now_ms` at which something here changes by itself, or None."""
        moments = [moment for moment in (*self.held.values(), self.paused_until_ms) if moment > now_ms]
        return min(moments, default=None)
