"""When a membership ends and what is due on the way there, by the clock on the member's own wall; pure. Never what time it is now.

A membership lasts to the end of its last day. Some days before there are reminders; after it come some days of grace, in which a member can read
and not write; then it is over.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bridge.config import Membership
from bridge.wall import instant, local_date

RUNNING, GRACE, ENDED = "running", "grace", "ended"
_STAGES = (RUNNING, GRACE, ENDED)
NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One person's membership. `until` is its last day on their own calendar, as 2026-03-01; None: it has no end.

    `granted` is what staff or a code said, a day or `never`, apart from what was paid. `days` is how long it was given for the last time. `period`
    counts up whenever the end changes. `reminded` is the smallest number of days before the end for which there was a reminder. `places` are the
    keys of the rooms that they were in when it ended, which they get back. `cause` is the ledger row that it comes from.
    """

    user: str
    until: str | None
    granted: str | None = None
    days: int | None = None
    period: int = 1
    stage: str = RUNNING
    reminded: int | None = None
    places: tuple[str, ...] = ()
    cause: int


@dataclass(frozen=True, slots=True)
class Look:
    """What is so at one moment: the stage, a reminder that is due (so many days before the end), and when to look again (UTC ms)."""

    stage: str
    remind: int | None = None
    next_ms: int | None = None


def ends_ms(until: str, zone: str, more_days: int = 0) -> int:
    """The end of that day, or of the one so many days later, in that zone (UTC ms)."""
    return instant(date.fromisoformat(until) + timedelta(days=more_days + 1), 0, zone)


def look(term: Term, zone: str, rules: Membership, now_ms: int) -> Look:
    """How this membership stands now. A stage never goes back by itself; of reminders that were missed only the nearest is due."""
    if term.until is None:
        return Look(RUNNING)
    end_ms, over_ms = ends_ms(term.until, zone), ends_ms(term.until, zone, rules.grace_days)
    stage = ENDED if now_ms >= over_ms else GRACE if now_ms >= end_ms else RUNNING
    stage = max(stage, term.stage, key=_STAGES.index)
    if stage == ENDED:
        return Look(ENDED)
    if stage == GRACE:
        return Look(GRACE, next_ms=over_ms)
    moments = {days: _reminder_ms(term.until, zone, rules, days) for days in rules.reminders}
    passed = min((days for days, at_ms in moments.items() if at_ms <= now_ms), default=None)
    due = passed if passed is not None and (term.reminded is None or passed < term.reminded) else None
    return Look(RUNNING, due, min((at_ms for at_ms in (*moments.values(), end_ms) if at_ms > now_ms), default=None))


def renewed(
    term: Term, until: str | None, granted: str | None, cause: int, zone: str, rules: Membership, now_ms: int
) -> Term:
    """The same person's membership with another end, running anew. Reminders whose time is past already are left out: this change is told at once."""
    today = local_date(now_ms, zone)
    return replace(
        term,
        until=until,
        granted=granted,
        days=_days_between(today, until) if until is not None and until > today else term.days,
        period=term.period + 1,
        stage=RUNNING,
        reminded=None if until is None else _passed(rules.reminders, until, zone, rules, now_ms),
        cause=cause,
    )


def last_day(now_ms: int, zone: str, span_ms: int, after: str | None = None) -> str:
    """The last day of a membership that is given for this span, from today on, or from the end of the day `after` if that is later."""
    if after is not None and ends_ms(after, zone) > now_ms:
        now_ms = ends_ms(after, zone) - 1
    return local_date(now_ms + span_ms, zone)


def days_left(until: str, zone: str, now_ms: int) -> int:
    """How many days lie between today, there, and the last day."""
    return _days_between(local_date(now_ms, zone), until)


def _passed(reminders: Collection[int], until: str, zone: str, rules: Membership, now_ms: int) -> int | None:
    return min((days for days in reminders if _reminder_ms(until, zone, rules, days) <= now_ms), default=None)


def _reminder_ms(until: str, zone: str, rules: Membership, days: int) -> int:
    hour, minute = rules.remind_at.split(":")
    return instant(date.fromisoformat(until) - timedelta(days=days), int(hour) * 60 + int(minute), zone)


def _days_between(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
