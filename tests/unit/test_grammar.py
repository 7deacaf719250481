from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.grammar import Link, parse_link, read_line
from bridge.times import (
    near_zones,
    read_clock,
    read_date,
    read_duration,
    read_hours,
    read_language,
    read_weekday,
    read_zone,
)

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def texts(body: str, formatted: str | None = None) -> list[str]:
    return [word.text for word in read_line(body, formatted).words]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('say "two words" end', ["say", "two words", "end"]),
        ("say “two words” end", ["say", "two words", "end"]),
        ("sag „zwei Wörter“ Ende", ["sag", "zwei Wörter", "Ende"]),
        ("sag „zwei Wörter” Ende", ["sag", "zwei Wörter", "Ende"]),
        ("sag »zwei Wörter« Ende", ["sag", "zwei Wörter", "Ende"]),
        ("скажи «два слова» конец", ["скажи", "два слова", "конец"]),
        ("say 'two words', end", ["say", "two words", ",", "end"]),
        ("say ‘two words’ end", ["say", "two words", "end"]),
        ("sag ‚zwei Wörter‘", ["sag", "zwei Wörter"]),
        ("it's l'eau d’accord", ["it's", "l'eau", "d’accord"]),
        ('an "open quote', ["an", '"open', "quote"]),
        ('a"b c"d', ['a"b', 'c"d']),
        ("'tis so", ["'tis", "so"]),
        ('""', ['""']),
        ("  \n\t ", []),
        ("one\ntwo", ["one", "two"]),
    ],
)
def test_quotes_of_all_languages_are_quotes_only_at_the_border_of_words(body: str, expected: list[str]) -> None:
    assert texts(body) == expected


def test_a_pill_is_one_word_wherever_its_name_stands_in_the_body() -> None:
    line = read_line("!ban Anna Maria spam", '!ban <a href="https://matrix.to/#/@anna:one.test">Anna Maria</a> spam')
    assert [word.text for word in line.words] == ["!ban", "Anna Maria", "spam"]
    assert line.words[1].link == Link("@anna:one.test")


def test_a_person_called_like_the_command_does_not_eat_it() -> None:
    line = read_line("!ban ban spam", '!ban <a href="https://matrix.to/#/@ban:one.test">ban</a> spam')
    assert [word.link is None for word in line.words] == [True, False, True]


def test_a_pill_at_the_beginning_may_be_followed_by_a_colon() -> None:
    line = read_line("Hearth: help", '<a href="matrix:u/hearth:one.test">Hearth</a>: help')
    assert [word.text for word in line.words] == ["Hearth", "help"]
    assert line.words[0].link == Link("@hearth:one.test")


def test_a_pill_with_an_at_sign_and_a_markdown_link_are_pills() -> None:
    assert read_line("follow @Anna", 'follow <a href="https://matrix.to/#/%40a%3Aone.test">Anna</a>').words[
        1
    ].link == Link("@a:one.test")
    words = read_line("follow [Anna B](https://matrix.to/#/@a:one.test) now").words
    assert (words[1].text, words[1].link, words[2].text) == ("Anna B", Link("@a:one.test"), "now")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://matrix.to/#/@a:b.c", Link("@a:b.c")),
        ("https://matrix.to/#/%23room%3Ab.c", Link("#room:b.c")),
        ("https://matrix.to/#/!r:b.c/$e?via=b.c&via=d.e", Link("!r:b.c", "$e", ("b.c", "d.e"))),
        ("https://matrix.to/#/!room12/$e", Link("!room12", "$e")),
        ("matrix:u/a:b.c", Link("@a:b.c")),
        ("matrix:r/room:b.c", Link("#room:b.c")),
        ("matrix:roomid/room:b.c/e/event?via=b.c", Link("!room:b.c", "$event", ("b.c",))),
        ("matrix:e/x", None),
        ("matrix:", None),
        ("https://matrix.to/#/", None),
        ("https://matrix.to/#/nothing", None),
        ("https://example.org/#/@a:b.c", None),
    ],
)
def test_links_of_both_kinds_are_read(text: str, expected: Link | None) -> None:
    assert parse_link(text) == expected


def test_many_open_quotes_cost_no_more_than_a_few() -> None:
    start = perf_counter()
    read_line('"a ' * 2_600)
    assert perf_counter() - start < 1


@given(st.text(), st.text())
def test_any_text_is_read_and_nothing_but_blanks_and_quotes_is_lost(body: str, formatted: str) -> None:
    line = read_line(body, f'<a href="https://matrix.to/#/@a:b">{formatted}</a>')
    assert all(0 <= word.start < word.end <= len(line.source) for word in line.words)
    assert [word.start for word in line.words] == sorted(word.start for word in line.words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", 30_000), ("5m", 5 * MINUTE), ("2h", 2 * HOUR), ("3d", 3 * DAY), ("1w", 7 * DAY), ("1d12h", 36 * HOUR),
        ("2 hours", 2 * HOUR), ("1 day, 2 hours", 26 * HOUR), ("2 часа", 2 * HOUR), ("5 минут", 5 * MINUTE), ("1 нед.", 7 * DAY),
        ("3 Tage", 3 * DAY), ("for 3 days", 3 * DAY), ("für 2 Stunden", 2 * HOUR), ("на 2 часа", 2 * HOUR), ("for spam", None), ("2 Stunden", 2 * HOUR), ("1 Std.", HOUR),
        ("0m", None), ("5", None), ("m", None), ("5 foo", None), ("x5m", None), ("999999999w", None), ("", None), ("5m x", None), ("30s 2h", None), ("2h 2h", None),
    ],
)  # fmt: skip
def test_spans_are_read_in_three_languages(text: str, expected: int | None) -> None:
    assert read_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("08:00", 480), ("8", 480), ("8 am", 480), ("8pm", 1200), ("12 am", 0), ("12 pm", 720), ("8:30 p.m.", 1230), ("20.30", 1230),
        ("8 Uhr", 480), ("20 Uhr 30", 1230), ("um 8 Uhr abends", 1200), ("8 утра", 480), ("в 8 вечера", 1200), ("8 часов", 480), ("0:00", 0),
        ("24:00", None), ("8:60", None), ("13 pm", None), ("", None), ("eight", None), ("8 8", None),
    ],
)  # fmt: skip
def test_times_of_day_are_read_as_people_write_them(text: str, expected: int | None) -> None:
    assert read_clock(text) == expected


@pytest.mark.parametrize(
    "text",
    ["22:00 7:30", "22:00-7:30", "22.00 – 7.30", "from 10 pm to 7:30 am", "10pm 7:30am", "с 22 до 7:30", "von 22 bis 7:30 Uhr", "between 22 and 7.30"],
)  # fmt: skip
def test_hours_are_read_as_people_write_them(text: str) -> None:
    assert read_hours(text) == (1320, 450)


@pytest.mark.parametrize("text", ["22", "22:00", "", "8 pm", "22 25", "7-8-9", "off"])
def test_what_is_no_pair_of_times_is_no_hours(text: str) -> None:
    assert read_hours(text) is None


def test_until_is_understood_before_a_day() -> None:
    assert [read_weekday(day) for day in ("until Monday", "bis Dienstag", "до среды", "until 5")] == [0, 1, 2, None]
    assert [read_date(day) for day in ("until 2026-03-01", "до 1 марта 2026", "bis 1.3.2026")] == ["2026-03-01"] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Europe/Berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("Berlin", "Europe/Berlin"), ("Берлин", "Europe/Berlin"),
        ("Wien", "Europe/Vienna"), ("new york", "America/New_York"), ("Москва", "Europe/Moscow"), ("UTC+3", "Etc/GMT-3"), ("utc", "UTC"),
        ("Europe/Berln", None), ("", None), ("UTC+99", None),
    ],
)  # fmt: skip
def test_zones_are_known_by_name_city_and_offset(text: str, expected: str | None) -> None:
    assert read_zone(text) == expected


def test_a_misspelt_zone_has_neighbours() -> None:
    assert near_zones("Europe/Berln")[0] == "Europe/Berlin"
    assert near_zones("qqqqqqq") == ()


def test_weekdays_and_languages_are_known_in_three_languages() -> None:
    assert [read_weekday(day) for day in ("Monday", "Di", "Mittwoch", "чт", "пятницу", "Sat.", "xyz")] == [
        0,
        1,
        2,
        3,
        4,
        5,
        None,
    ]
    assert [read_language(name) for name in ("de", "Deutsch", "немецкий", "Russian", "english", "Klingon")] == [
        "de",
        "de",
        "de",
        "ru",
        "en",
        None,
    ]
