"""What a community takes for a cry for help, and where people find help: the file `crisis.yaml`; pure. Never says anything, never opens a file."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from bridge.section import Section

MOST_TOLD = 6
"""More lines than this help nobody."""

OLD_DAYS = 366
"""After so long somebody should look again whether the numbers still hold."""


class HelpLine(Section):
    """Where people find somebody who listens."""

    country: str = Field(..., description="The country, as in ISO 3166.")
    languages: tuple[Literal["en", "ru", "de"], ...] = Field((), description="In which languages it listens.")
    name: str = Field(..., min_length=1, max_length=200, description="What it is called.")
    phone: str = Field("", max_length=200, description="Whom to call.")
    web: str = Field("", max_length=300, description="A page, or a chat.")

    @field_validator("country")
    @classmethod
    def _is_a_country(cls, country: str) -> str:
        if not re.fullmatch("[A-Z]{2}", country):
            raise ValueError("must be the two letters of a country, such as DE")
        return country

    @property
    def tells(self) -> bool:
        """Whether there is a way to reach it."""
        return bool(self.phone or self.web)


class Guide(Section):
    """The whole file."""

    reviewed: date = Field(..., description="When somebody last looked whether all this holds.")
    en: tuple[str, ...] = Field((), description="Patterns in English.")
    ru: tuple[str, ...] = Field((), description="Patterns in Russian.")
    de: tuple[str, ...] = Field((), description="Patterns in German.")
    lines: tuple[HelpLine, ...] = Field((), description="Whom people can call.")

    @property
    def patterns(self) -> tuple[str, ...]:
        """All patterns: nobody knows in which language somebody despairs."""
        return (*self.en, *self.ru, *self.de)


def lines_for(guide: Guide, country: str | None, language: str) -> tuple[HelpLine, ...]:
    """Whom somebody in this country (None: unknown) who speaks this language can call: those of the country, their language first; or else all in their language."""
    usable = [line for line in guide.lines if line.tells]
    here = [line for line in usable if line.country == country]
    chosen = here or [line for line in usable if language in line.languages] or usable
    return tuple(sorted(chosen, key=lambda line: language not in line.languages))[:MOST_TOLD]


def country_of(zone: str, table: str) -> str | None:
    """The country in which a time zone is (ISO 3166), by the table `zone.tab` of the time zone database; None when it is in none."""
    rows = (row.split("\t") for row in table.splitlines() if row and not row.startswith("#"))
    return {row[2]: row[0] for row in rows}.get(zone)


def is_old(guide: Guide, today: date) -> bool:
    """Whether nobody has looked at it for too long."""
    return (today - guide.reviewed).days > OLD_DAYS


def unfinished(guide: Guide) -> Collection[HelpLine]:
    """Lines that can tell nobody anything yet."""
    return [line for line in guide.lines if not line.tells]


def languages_without_help(guide: Guide, languages: Collection[str]) -> Mapping[str, str]:
    """Which of these languages have no patterns, or no line."""
    missing: dict[str, str] = {}
    for language in sorted(languages):
        if not getattr(guide, language, ()):
            missing[language] = "patterns"
        elif not any(language in line.languages and line.tells for line in guide.lines):
            missing[language] = "lines"
    return missing
