"""Whom somebody in danger is told to call: by their country, then by their language; and what is wrong with a community's own file, in words that help."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from test_config import GOOD

from bridge.config_file import ConfigError, load
from bridge.moderation.guide import MOST_TOLD, Guide, HelpLine, country_of, is_old, languages_without_help, lines_for

TODAY = date(2026, 1, 5)
TABLE = "# comment\nDE\t+5230+01322\tEurope/Berlin\nGB\t+513030-0000731\tEurope/London\tmost of\n"


def line(country: str, *languages: str, name: str = "", phone: str = "1") -> HelpLine:
    return HelpLine.model_validate(
        {"country": country, "languages": languages, "name": name or country, "phone": phone}
    )


GUIDE = Guide(
    reviewed=TODAY,
    en=("a",),
    ru=("b",),
    lines=(line("DE", "de"), line("DE", "ru", name="DE in Russian"), line("GB", "en"), line("FR", phone=""), line("US", "en")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("country", "language", "told"),
    [
        ("DE", "de", ["DE", "DE in Russian"]),
        ("DE", "ru", ["DE in Russian", "DE"]),  # in their language first
        ("FR", "en", ["GB", "US"]),  # a line that tells nothing is none
        (None, "ru", ["DE in Russian"]),
        ("JP", "en", ["GB", "US"]),
    ],
)
def test_lines_are_those_of_the_country_in_the_language_or_else_of_the_language(
    country: str | None, language: str, told: list[str]
) -> None:
    assert [each.name for each in lines_for(GUIDE, country, language)] == told


def test_never_nothing_where_there_is_anything_and_never_very_many() -> None:
    only = GUIDE.model_copy(update={"lines": (line("US", "en"),)})
    assert [each.name for each in lines_for(only, None, "ru")] == ["US"]
    many = GUIDE.model_copy(update={"lines": tuple(line("DE", "de", name=str(n)) for n in range(9))})
    assert len(lines_for(many, "DE", "de")) == MOST_TOLD
    assert dict(languages_without_help(GUIDE, ("en", "ru", "de"))) == {"de": "patterns"}


def test_the_country_is_that_of_the_time_zone() -> None:
    assert [country_of(zone, TABLE) for zone in ("Europe/Berlin", "Europe/London", "UTC")] == ["DE", "GB", None]


@pytest.mark.parametrize(("days", "old"), [(0, False), (366, False), (367, True)])
def test_a_file_is_old_after_a_year(days: int, old: bool) -> None:
    assert is_old(GUIDE, TODAY + timedelta(days=days)) is old


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (None, "there is no file"),
        ("reviewed: 2026-01-01\n\ten: [a]", "there is a tab"),
        ("", "is missing; add it"),
        ("- a", "this is not a configuration"),
        ("reviewed: soon", "must be a date, such as 2026-03-01"),
        ("reviewed: 2026-01-01\npatterns: [a]", "unknown key; known here: reviewed, en, ru, de, lines"),
        ("reviewed: 2026-01-01\nlines: [{country: Germany, name: X}]", "lines[1].country: must be the two letters of a country"),
        ("reviewed: 2026-01-01\nlines: [{country: DE, languages: [fr], name: X}]", "must be 'en', 'ru' or 'de'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_file_is_said_with_its_name(tmp_path: Path, text: str | None, wrong: str) -> None:
    (tmp_path / "hearth.yaml").write_text(GOOD + "protections: {crisis: {file: crisis.yaml}}\n", encoding="utf-8")
    if text is not None:
        (tmp_path / "crisis.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "hearth.yaml", {})
    assert wrong in str(caught.value)
    assert "crisis.yaml" in str(caught.value)
