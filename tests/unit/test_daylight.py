"""Nobody is spoken to at night by their own clock, whatever clocks do."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from bridge.daylight import MORNING, NIGHT, Quiet, after_quiet, awake, days_later, is_quiet, noon
from bridge.wall import is_zone

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
moments = st.integers(
    int(datetime(1990, 1, 1, tzinfo=UTC).timestamp()) * 1000, int(datetime(2037, 1, 1, tzinfo=UTC).timestamp()) * 1000
)


def at(wall: str, zone: str) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


@given(moments, st.sampled_from(ZONES))
def test_it_is_soon_and_never_at_night(moment: int, zone: str) -> None:
    found = awake(moment, zone)
    assert moment <= found <= moment + 36 * 3600 * 1000
    assert awake(found, zone) == found
    assert MORNING <= datetime.fromtimestamp(found / 1000, ZoneInfo(zone)).hour < NIGHT


def test_night_ends_at_eight() -> None:
    zone = "Europe/Berlin"
    assert awake(at("2026-01-05 23:30", zone), zone) == at("2026-01-06 08:00", zone)
    assert awake(at("2026-01-06 07:59", zone), zone) == at("2026-01-06 08:00", zone)
    assert awake(at("2026-01-06 21:59", zone), zone) == at("2026-01-06 21:59", zone)
    assert awake(at("2026-03-28 22:00", zone), zone) == at("2026-03-29 08:00", zone)


def test_two_days_later_is_counted_where_the_person_is() -> None:
    moment = at("2026-01-05 23:30", "Europe/Berlin")
    assert days_later(moment, "Europe/Berlin", 2) == "2026-01-07"
    assert days_later(moment, "Asia/Tokyo", 2) == "2026-01-08"
    assert noon("2026-01-07", "Asia/Tokyo") == at("2026-01-07 12:00", "Asia/Tokyo")


@given(moments, st.sampled_from(ZONES), st.integers(0, 1439), st.integers(0, 1439))
def test_quiet_hours_end_and_nothing_comes_in_them(moment: int, zone: str, since: int, until: int) -> None:
    quiet = Quiet(since, until)
    found = after_quiet(moment, zone, quiet)
    assert not is_quiet(found, zone, quiet)
    assert moment <= found <= moment + 49 * 3600 * 1000
    assert (found == moment) is not is_quiet(moment, zone, quiet)
    assert after_quiet(moment, zone, None) == moment


def test_quiet_hours_go_over_midnight_and_an_hour_that_comes_twice_is_quiet_twice() -> None:
    zone, quiet = "Europe/Berlin", Quiet(22 * 60, 2 * 60 + 30)
    assert after_quiet(at("2026-01-05 23:00", zone), zone, quiet) == at("2026-01-06 02:30", zone)
    assert after_quiet(at("2026-01-06 02:30", zone), zone, quiet) == at("2026-01-06 02:30", zone)
    first = at("2026-10-25 02:10", zone)
    assert after_quiet(first, zone, quiet) == at("2026-10-25 02:30", zone)
    again = first + 3600 * 1000  # ten past two for the second time
    assert after_quiet(again, zone, quiet) == again + 20 * 60 * 1000


def test_quiet_hours_within_a_day() -> None:
    zone, quiet = "Asia/Kathmandu", Quiet(13 * 60, 15 * 60)
    assert not is_quiet(at("2026-01-05 12:59", zone), zone, quiet)
    assert after_quiet(at("2026-01-05 13:00", zone), zone, quiet) == at("2026-01-05 15:00", zone)
    assert not is_quiet(at("2026-01-05 15:00", zone), zone, quiet)


def test_a_zone_that_the_database_forgot_is_none() -> None:
    assert is_zone("Europe/Berlin")
    assert not is_zone("Europe/Atlantis")
    assert not is_zone("../etc/passwd")
