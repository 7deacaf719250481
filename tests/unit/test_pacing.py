"""What is held back, and for how long."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.effects import EFFECTS
from bridge.pacing import FAILURES_TO_PAUSE, LONGEST_PROBE_MS, LONGEST_WAIT_MS, Pace, back_off_ms, bucket

NOW = 1_000_000
CHANCES = st.floats(0, 1)


@given(st.integers(1, 10**6), CHANCES)
def test_waiting_stays_between_half_a_second_and_five_minutes(attempts: int, chance: float) -> None:
    assert 500 <= back_off_ms(attempts, chance) <= LONGEST_WAIT_MS


@given(st.integers(1, 100), CHANCES)
def test_waiting_never_gets_shorter_with_more_failures(attempts: int, chance: float) -> None:
    assert back_off_ms(attempts + 1, chance) >= back_off_ms(attempts, chance)


def test_every_kind_draws_on_a_budget() -> None:
    assert {bucket(kind) for kind in EFFECTS} == {"create", "invite", "rest"}


def test_a_limit_holds_its_bucket_and_no_other() -> None:
    pace = Pace().limited("CreateRoom", NOW + 5000)
    assert pace.held_buckets(NOW) == {"create"}
    assert pace.held_buckets(NOW + 5000) == frozenset()
    assert pace.next_ms(NOW) == NOW + 5000
    assert not pace.away


def test_the_longer_hold_wins() -> None:
    pace = Pace().limited("Say", NOW + 5000).limited("Ban", NOW + 1000)
    assert pace.held_buckets(NOW + 4999) == {"rest"}


def test_after_a_limit_one_goes_and_each_success_makes_room_for_one_more() -> None:
    pace = Pace().limited("Say", NOW)
    assert pace.room_in("rest", 0)
    assert not pace.room_in("rest", 1)
    pace = pace.answered("Say")
    assert pace.room_in("rest", 1)
    assert not pace.room_in("rest", 2)
    for _ in range(20):
        pace = pace.answered("Say")
    assert pace.at_once == {}


def test_one_failing_room_pauses_nothing_while_others_succeed() -> None:
    pace = Pace()
    for _ in range(20):
        pace = pace.failed(NOW, 0.5).failed(NOW, 0.5).answered("Say")
        assert not pace.away
    assert pace.paused_until_ms == 0


@given(st.lists(CHANCES, min_size=1, max_size=50))
def test_while_the_homeserver_is_away_somebody_looks_every_ten_seconds(chances: list[float]) -> None:
    pace, now_ms = Pace(), NOW
    for _ in range(FAILURES_TO_PAUSE - 1):
        pace = pace.failed(now_ms, 0)
    for chance in chances:
        pace = pace.failed(now_ms, chance)
        assert pace.away
        assert now_ms < pace.paused_until_ms <= now_ms + LONGEST_PROBE_MS
        now_ms = pace.paused_until_ms
    assert not pace.answered("Say").away
    assert pace.answered("Say").paused_until_ms == 0


def test_those_that_fail_together_make_one_pause_and_not_sixteen() -> None:
    pace = Pace()
    for _ in range(16):
        pace = pace.failed(NOW, 0)
    assert pace.pauses == 1
    assert pace.paused_until_ms == NOW + 1000


def test_without_a_token_everything_waits_until_an_answer() -> None:
    pace = Pace().without_token(NOW)
    assert pace.away
    assert pace.paused_until_ms > NOW
    assert pace.answered("Say") == Pace()
