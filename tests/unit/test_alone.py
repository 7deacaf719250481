"""Which circles nobody looks after, when staff may be told, and how a circle's word is found."""

from datetime import UTC, datetime

import pytest

from bridge.config import Circle
from bridge.rooms.alone import ARRIVE_MS, alone, may_tell
from bridge.rooms.circles import free_word
from bridge.wall import local_date

KEY, ANN, BEN = "circle/sleep", "@ann:a.test", "@ben:a.test"
LONG_AGO, NOW = 0, 10 * ARRIVE_MS


def circle(*curators: str, substitutes: tuple[str, ...] = ()) -> Circle:
    return Circle(name="Sleep", tag="sleep", curators=curators, substitutes=substitutes)


@pytest.mark.parametrize(
    ("wanted", "there", "made_ms", "expected"),
    [
        (circle(), {}, LONG_AGO, True),
        (circle(), {ANN: "join"}, NOW, True),
        (circle(ANN), {ANN: "join"}, LONG_AGO, False),
        (circle(ANN, BEN), {ANN: "leave", BEN: "join"}, LONG_AGO, False),
        (circle(ANN), {ANN: "leave"}, NOW, True),
        (circle(ANN), {ANN: "ban"}, NOW, True),
        (circle(ANN), {}, NOW, False),
        (circle(ANN), {ANN: "invite"}, NOW - ARRIVE_MS, False),
        (circle(ANN), {ANN: "invite"}, NOW - ARRIVE_MS - 1, True),
        (circle(ANN), {}, LONG_AGO, True),
        (circle(ANN, substitutes=(BEN,)), {ANN: "leave", BEN: "join"}, LONG_AGO, False),
    ],
)
def test_a_circle_is_alone_when_nobody_who_looks_after_it_is_there_or_on_the_way(
    wanted: Circle, there: dict[str, str], made_ms: int, expected: bool
) -> None:
    assert alone([wanted], {KEY: there}, {KEY: made_ms}, NOW) == ((KEY,) if expected else ())


def test_a_circle_that_has_no_room_yet_is_not_alone() -> None:
    assert alone([circle()], {}, {}, NOW) == ()


@pytest.mark.parametrize(
    ("moment", "zone", "day", "told"),
    [
        ("2026-01-05T07:59", "Europe/Berlin", "2026-01-05", False),
        ("2026-01-05T08:00", "Europe/Berlin", "2026-01-05", True),
        ("2026-01-05T19:59", "Europe/Berlin", "2026-01-05", True),
        ("2026-01-05T20:00", "Europe/Berlin", "2026-01-05", False),
        ("2026-07-05T07:00", "Europe/Berlin", "2026-07-05", True),  # summer time
        ("2026-01-05T20:00", "Pacific/Auckland", "2026-01-06", True),
    ],
)
def test_staff_is_told_by_day_where_the_community_is(moment: str, zone: str, day: str, told: bool) -> None:
    at_ms = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() * 1000)
    assert (local_date(at_ms, zone), may_tell(at_ms, zone)) == (day, told)


@pytest.mark.parametrize(
    ("word", "used", "expected"),
    [
        ("hope", (), "hope"),
        ("hope", ("Hope",), "hope-2"),
        ("hope", ("hope", "hope-2", "hope-4"), "hope-3"),
        ("тревога", ("Тревога",), "тревога-2"),
        ("x" * 64, ("x" * 64,), "x" * 60 + "-2"),
    ],
)
def test_a_word_that_is_in_use_gets_a_number(word: str, used: tuple[str, ...], expected: str) -> None:
    assert free_word(word, used) == expected
