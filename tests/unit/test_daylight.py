"""Nobody is spoken to at night by their own clock, whatever clocks do."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from bridge.daylight import MORNING, NIGHT, awake, days_later, noon

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
