"""When curators are asked to say hello, and what counts as one."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daylight import awake
from bridge.events import Content, Message
from bridge.rooms.greeting import HOUR_MS, LAST, due_ms, turned_to

ZONE = "Europe/Berlin"
CLEO, NORA = "@cleo:a.test", "@nora:b.test"
NAMES = {CLEO: "Cleo", NORA: "Нора"}


def at(wall: str) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) * 1000


def said(body: str, *, sender: str = "@ann:a.test", html: str | None = None, mentions: tuple[str, ...] = ()) -> Message:
    return Message("$1", "!r", sender, 0, Content("m.text", body, html, frozenset(mentions)))


def test_words_come_at_once_after_four_hours_and_after_a_day() -> None:
    entered = at("2026-01-05 10:00")
    first = due_ms(0, entered, None, ZONE)
    second = due_ms(1, entered, first, ZONE)
    assert (first, second) == (entered, at("2026-01-05 14:00"))
    assert due_ms(2, entered, second, ZONE) == at("2026-01-06 10:00")


def test_at_night_they_wait_and_do_not_come_all_at_once() -> None:
    entered = at("2026-01-05 23:00")
    first = due_ms(0, entered, None, ZONE)
    second = due_ms(1, entered, first, ZONE)
    assert (first, second) == (at("2026-01-06 08:00"), at("2026-01-06 12:00"))
    assert due_ms(2, entered, second, ZONE) == at("2026-01-07 08:00")


@given(st.integers(0, 2**41), st.integers(0, 40 * HOUR_MS))
def test_between_two_words_there_are_hours(entered: int, late: int) -> None:
    said_ms = None
    for number in range(LAST + 1):
        due = due_ms(number, entered, said_ms, ZONE)
        assert awake(due, ZONE) == due
        assert said_ms is None or due - said_ms >= 4 * HOUR_MS
        said_ms = due + late


@pytest.mark.parametrize(
    ("message", "who"),
    [
        (said("hello all"), ()),
        (said("Hi Cleo!"), (CLEO,)),
        (said("cleopatra was a queen"), ()),
        (said("Привет, нора и Cleo"), (CLEO, NORA)),
        (said("hi", mentions=(NORA,)), (NORA,)),
        (said("hi", html=f'<a href="https://matrix.to/#/{CLEO}">somebody</a>'), (CLEO,)),
        (said("I am Cleo", sender=CLEO), ()),
    ],
)
def test_who_is_turned_to(message: Message, who: tuple[str, ...]) -> None:
    assert turned_to(message, (CLEO, NORA), NAMES, ()) == who


def test_an_answer_turns_to_whom_it_answers() -> None:
    assert turned_to(said("me, too"), (CLEO, NORA), NAMES, {NORA}) == (NORA,)
