"""Until when somebody's membership is paid, from all that was ever told of one payer; pure. The order in which notices came does not matter.

A notice is of a payment, of its refund, or of the end of it all. The same notice twice is one; two notices of the same paid period are one payment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bridge.wall import local_date

PAID, REFUNDED, OVER = "membership.paid", "membership.refunded", "membership.ended"
KINDS = (PAID, REFUNDED, OVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice. `id` is its own, `at_ms` when its sender says that it happened. A payment is for `days`, or lasts until a day; `period` names what is paid."""

    id: str
    kind: str
    at_ms: int
    period: str | None = None
    until: str | None = None
    days: int | None = None


def paid_until(notices: Iterable[Notice], zone: str) -> str | None:
    """The last paid day, in that zone; None when nothing was ever paid.

    Payments for days follow one another without a gap. A refund takes back its period, or without one the payment before it; what was there before
    counts again, but the day of the refund itself is still a member's: nobody is shut out backwards. An end ends all that was paid before it.
    """
    told = sorted({one.id: one for one in notices}.values(), key=lambda one: (one.at_ms, one.id))
    taken_back = _taken_back(told)
    end: str | None = None
    seen: set[str] = set()
    for one in told:
        today = local_date(one.at_ms, zone)
        if one.kind == OVER and seen:
            last = one.until or today
            end = last if end is None or last < end else end
        elif one.kind == PAID and _period(one) not in seen:
            seen.add(_period(one))
            if _period(one) not in taken_back:
                end = _later(end, one.until or _plus(_later(end, today), one.days or 0))
    if taken_back:
        end = _later(end, local_date(max(taken_back.values()), zone))
    return end


def _taken_back(told: Sequence[Notice]) -> Mapping[str, int]:
    """The paid periods that were refunded, and when (UTC ms). A refund that names none is of the newest payment before it that still stood."""
    paid = {_period(one) for one in told if one.kind == PAID}
    gone = {one.period: one.at_ms for one in told if one.kind == REFUNDED and one.period in paid}
    standing: list[str] = []
    for one in told:
        if one.kind == PAID and _period(one) not in (*standing, *gone):
            standing.append(_period(one))
        elif one.kind == REFUNDED and one.period is None and standing:
            gone[standing.pop()] = one.at_ms
    return {period: at_ms for period, at_ms in gone.items() if period is not None}


def _period(one: Notice) -> str:
    return one.period or f"notice {one.id}"


def _later(one: str | None, other: str | None) -> str:
    return max(each for each in (one, other) if each is not None)


def _plus(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
