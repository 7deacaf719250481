"""What was paid is the same in whatever order it was told, and however often."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.paid import KINDS, OVER, PAID, REFUNDED, Notice, paid_until

ZONE = "Europe/Berlin"
DAY_MS = 24 * 3600 * 1000


def ms(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC).timestamp()) * 1000


def paid(name: str, day: str, **more: Any) -> Notice:
    return Notice(id=name, kind=PAID, at_ms=ms(day), **more)


def refund(name: str, day: str, period: str | None = None) -> Notice:
    return Notice(id=name, kind=REFUNDED, at_ms=ms(day), period=period)


notices = st.lists(
    st.builds(
        Notice,
        id=st.uuids().map(str),
        kind=st.sampled_from(KINDS),
        at_ms=st.integers(0, 60).map(lambda day: ms("2026-01-01") + day * DAY_MS),
        period=st.none() | st.sampled_from(["jan", "feb", "mar"]),
        until=st.none() | st.sampled_from(["2026-01-31", "2026-02-28", "2026-06-30"]),
        days=st.none() | st.integers(1, 400),
    ),
    max_size=8,
)


@given(notices, st.randoms())
def test_the_order_does_not_matter_and_a_repetition_is_nothing_new(told: list[Notice], dice: Any) -> None:
    end = paid_until(told, ZONE)
    again = told + told[: len(told) // 2]
    dice.shuffle(again)
    assert paid_until(again, ZONE) == end


@given(notices)
def test_more_money_never_makes_a_membership_shorter(told: list[Notice]) -> None:
    calm = [one for one in told if one.kind == PAID]
    end = paid_until(calm, ZONE)
    more = paid_until([*calm, paid("x", "2026-05-01", days=30)], ZONE)
    assert more is not None
    assert end is None or more >= end


def test_nothing_paid_is_nothing() -> None:
    assert paid_until([], ZONE) is None
    assert paid_until([refund("r", "2026-01-02", "jan")], ZONE) is None
    assert paid_until([Notice(id="o", kind=OVER, at_ms=ms("2026-01-02"))], ZONE) is None


def test_payments_for_days_follow_one_another_without_a_gap() -> None:
    two = [paid("1", "2026-01-01", days=30), paid("2", "2026-01-20", days=30)]
    assert paid_until(two, ZONE) == "2026-03-02"
    assert paid_until([two[0], paid("3", "2026-06-01", days=30)], ZONE) == "2026-07-01"


def test_two_notices_of_one_period_are_one_payment() -> None:
    twice = [paid("1", "2026-01-01", days=30, period="jan"), paid("2", "2026-01-02", days=30, period="jan")]
    assert paid_until(twice, ZONE) == "2026-01-31"


def test_a_refund_takes_back_its_own_period_and_nobody_is_shut_out_backwards() -> None:
    told = [
        paid("1", "2026-01-01", until="2026-01-31", period="jan"),
        paid("2", "2026-01-30", until="2026-02-28", period="feb"),
    ]
    assert paid_until([*told, refund("r", "2026-02-10", "feb")], ZONE) == "2026-02-10"
    assert paid_until([*told, refund("r", "2026-02-10", "jan")], ZONE) == "2026-02-28"
    assert paid_until([*told, refund("r", "2026-01-30", "feb")], ZONE) == "2026-01-31"


def test_a_refund_without_a_period_is_of_the_newest_payment_before_it() -> None:
    told = [paid("1", "2026-01-01", until="2026-01-31"), paid("2", "2026-01-30", until="2026-02-28")]
    assert paid_until([*told, refund("r", "2026-01-30")], ZONE) == "2026-01-31"


def test_after_the_end_of_it_all_one_can_pay_again() -> None:
    told = [paid("1", "2026-01-01", until="2026-12-31"), Notice(id="o", kind=OVER, at_ms=ms("2026-03-01"))]
    assert paid_until(told, ZONE) == "2026-03-01"
    assert paid_until([*told, paid("2", "2026-05-01", days=10)], ZONE) == "2026-05-11"
