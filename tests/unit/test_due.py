"""Wall clocks: the member's own hour, on days that are 23, 24, 25 or 0 hours long."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daylight import Quiet, is_quiet
from bridge.digest.due import AT_ONCE, LATE_MS, Wall, look, moment, moved, next_run, occasion, outside
from bridge.effects import is_asked_for
from bridge.wall import local_date

HOUR_MS = 3600 * 1000
ZONES = sorted(available_timezones() - {"localtime", "Factory"})
zones = st.sampled_from(ZONES)
minutes = st.integers(0, 24 * 60 - 1)
moments = st.integers(
    int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()) * 1000, int(datetime(2037, 1, 1, tzinfo=UTC).timestamp()) * 1000
)


def at(wall: str, zone: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1000


def minute(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def runs(start: str, zone: str, time: str, count: int, weekday: int | None = None) -> list[str]:
    """The local wall times of the next occasions, each asked for at the moment of the one before."""
    now_ms, slot, found = at(start, zone), None, []
    for _ in range(count):
        now_ms, slot = next_run(now_ms, zone, minute(time), weekday, after=slot)
        found.append(datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).isoformat())
    return found


@pytest.mark.parametrize(
    ("zone", "start", "time", "expected"),
    [
        ("Europe/Berlin", "2026-03-27T09:00", "08:00", ["28T08:00:00+01:00", "29T08:00:00+02:00", "30T08:00:00+02:00"]),
        ("Europe/Berlin", "2026-03-27T09:00", "02:30", ["28T02:30:00+01:00", "29T03:30:00+02:00", "30T02:30:00+02:00"]),
        ("Europe/Berlin", "2026-10-23T09:00", "02:30", ["24T02:30:00+02:00", "25T02:30:00+02:00", "26T02:30:00+01:00"]),
        ("America/Santiago", "2026-09-04T09:00", "00:00", ["05T00:00:00-04:00", "06T01:00:00-03:00", "07T00:00:00-03:00"]),
        ("America/Santiago", "2026-04-02T23:45", "23:30", ["03T23:30:00-03:00", "04T23:30:00-03:00", "05T23:30:00-04:00"]),
        ("Australia/Lord_Howe", "2026-10-02T09:00", "02:15", ["03T02:15:00+10:30", "04T02:45:00+11:00", "05T02:15:00+11:00"]),
        ("Australia/Lord_Howe", "2026-04-03T09:00", "01:45", ["04T01:45:00+11:00", "05T01:45:00+11:00", "06T01:45:00+10:30"]),
        ("Asia/Kathmandu", "2026-03-27T09:00", "08:00", ["28T08:00:00+05:45", "29T08:00:00+05:45", "30T08:00:00+05:45"]),
        ("UTC", "2024-02-27T09:00", "08:00", ["28T08:00:00+00:00", "29T08:00:00+00:00", "01T08:00:00+00:00"]),
        ("America/New_York", "2026-03-06T09:00", "02:30", ["07T02:30:00-05:00", "08T03:30:00-04:00", "09T02:30:00-04:00"]),
    ],
)  # fmt: skip
def test_the_clock_on_the_wall_counts(zone: str, start: str, time: str, expected: list[str]) -> None:
    assert [wall[8:] for wall in runs(start, zone, time, 3)] == expected


def test_a_date_that_a_place_never_had_has_no_digest() -> None:
    now_ms, slot = at("2011-12-28T09:00", "Pacific/Apia"), None
    slots = []
    for _ in range(3):
        now_ms, slot = next_run(now_ms, "Pacific/Apia", minute("08:00"), after=slot)
        slots.append(slot)
    assert slots == ["2011-12-29", "2011-12-31", "2012-01-01"]
    assert next_run(at("2011-12-28T09:00", "Pacific/Apia"), "Pacific/Apia", 480, weekday=4)[1] == "2012-01-06"


def test_a_time_missing_before_midnight_moves_into_the_next_day_and_keeps_its_slot() -> None:
    at_ms, slot = next_run(at("2024-03-30T12:00", "America/Nuuk"), "America/Nuuk", minute("23:30"))
    assert slot == "2024-03-30"
    assert local_date(at_ms, "America/Nuuk") == "2024-03-31"
    assert next_run(at_ms, "America/Nuuk", minute("23:30"), after=slot)[1] == "2024-03-31"


def test_weekly_is_the_chosen_weekday() -> None:
    assert [wall[:10] for wall in runs("2026-01-05T08:00", "Europe/Berlin", "08:00", 2, weekday=0)] == [
        "2026-01-12", "2026-01-19",
    ]  # fmt: skip


@given(zones, minutes, moments)
def test_the_next_one_is_in_the_future_and_within_two_days(zone: str, time: int, now_ms: int) -> None:
    at_ms, slot = next_run(now_ms, zone, time)
    assert now_ms < at_ms <= now_ms + 49 * HOUR_MS + 24 * HOUR_MS
    assert abs(date.fromisoformat(slot) - date.fromisoformat(local_date(at_ms, zone))) <= timedelta(days=1)


@given(zones, minutes, moments)
def test_each_date_of_a_fortnight_has_exactly_one(zone: str, time: int, now_ms: int) -> None:
    slots, slot, at_ms = [], None, now_ms
    for _ in range(14):
        before = at_ms
        at_ms, slot = next_run(at_ms, zone, time, after=slot)
        assert at_ms > before
        slots.append(slot)
    first, last = date.fromisoformat(slots[0]), date.fromisoformat(slots[-1])
    every = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    noons = {local_date(at(f"{day}T12:00", zone), zone) for day in every}
    assert slots == [day for day in every if day in noons]


@given(zones, zones, minutes, moments)
def test_a_move_gives_a_date_neither_two_nor_none(old: str, new: str, time: int, now_ms: int) -> None:
    # One was sent as `first`; then the member moves at some moment before the next one.
    sent_ms, first = next_run(now_ms, old, time)
    due_ms, pending = next_run(sent_ms, old, time, after=first)
    move_ms = (sent_ms + due_ms) // 2
    at_ms = max(moved(new, time, pending), move_ms)
    after_ms, later = next_run(at_ms, new, time, after=pending)
    assert first < pending < later
    assert after_ms > at_ms
    for slot, before in ((pending, first), (later, pending)):
        gap = date.fromisoformat(slot) - date.fromisoformat(before)
        assert gap == timedelta(days=1) or not _has_noon(before, gap, old, new)


def _has_noon(before: str, gap: timedelta, old: str, new: str) -> bool:
    between = [(date.fromisoformat(before) + timedelta(days=n)).isoformat() for n in range(1, gap.days)]
    return all(local_date(at(f"{day}T12:00", zone), zone) == day for day in between for zone in (old, new))


def test_a_move_past_todays_hour_is_due_at_once() -> None:
    assert moved("Asia/Tokyo", minute("08:00"), "2026-05-05") < at("2026-05-05T01:30", "Europe/Berlin")


def test_a_digest_a_little_late_is_its_own_slot() -> None:
    due_ms = at("2026-05-05T23:30", "Europe/Berlin")
    assert occasion(due_ms + LATE_MS - 1, due_ms, "Europe/Berlin", "2026-05-05") == ("now", "2026-05-05")


def test_a_missed_one_comes_by_day_and_counts_as_todays() -> None:
    due_ms = at("2026-05-05T08:00", "Europe/Berlin")
    assert occasion(at("2026-05-07T15:00", "Europe/Berlin"), due_ms, "Europe/Berlin", "2026-05-05") == (
        "now",
        "2026-05-07",
    )


@pytest.mark.parametrize("hour", ["22:00", "03:00", "06:59"])
def test_a_missed_one_does_not_wake_anybody(hour: str) -> None:
    due_ms = at("2026-05-05T08:00", "Europe/Berlin")
    now_ms = at(f"2026-05-07T{hour}", "Europe/Berlin")
    assert occasion(now_ms, due_ms, "Europe/Berlin", "2026-05-05")[0] == "wait"


@given(zones, minutes, moments, st.integers(0, 1439), st.integers(0, 1439), st.integers(1, 40_000))
def test_a_wave_is_spread_over_the_hour_and_never_into_quiet_hours(
    zone: str, time: int, now_ms: int, since: int, until: int, number: int
) -> None:
    quiet = Quiet(since, until)
    due_ms, _ = next_run(now_ms, zone, outside(time, quiet))
    goes_ms = moment(due_ms, "@ann:one.test", number, zone, quiet)
    assert due_ms <= goes_ms < due_ms + HOUR_MS
    assert goes_ms == due_ms or not is_quiet(goes_ms, zone, quiet)
    assert moment(due_ms, "@ann:one.test", AT_ONCE, zone, None) == due_ms


def test_a_large_wave_has_about_as_many_in_each_of_its_minutes() -> None:
    goes = [moment(0, f"@u{n}:one.test", 3000, "UTC", None) for n in range(3000)]
    each = [sum(at_ms // 60_000 == n for at_ms in goes) for n in range(50)]
    assert sum(each) == 3000
    assert 20 < min(each) <= max(each) < 120


@given(zones, zones, minutes, minutes, moments, st.integers(0, 30 * 24 * 60))
def test_looking_at_any_time_after_any_move_ends_and_gives_each_slot_once(
    old: str, new: str, time: int, other: int, now_ms: int, later: int
) -> None:
    """However late the look, wherever they are and whatever hour they want by then."""
    row_ms, slot = next_run(now_ms, old, time)
    wall, at_ms, made = Wall(new, other), row_ms + later * 60_000, []
    for _ in range(4):
        seen = look(at_ms, row_ms, slot, wall)
        assert seen.following[0] > at_ms
        if seen.slot is not None:
            assert seen.slot >= slot
            made.append(seen.slot)
        row_ms, slot = seen.following
        at_ms = row_ms
    assert made == sorted(set(made))
    assert len(made) >= 2


def test_no_name_makes_a_digest_one_that_was_asked_for() -> None:
    """An id of a user may have slashes in it (Matrix specification, appendices, user identifiers)."""
    assert is_asked_for("@a:x", "@a:x/now/$event")
    assert not is_asked_for("@a/now/b:x", "@a/now/b:x/2026-01-12")
