"""The translations, read from the catalogues in `locale/` when they are first needed; never what is done with them."""

import io
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from bridge.times import LANGUAGES

HERE = Path(__file__).parent / "locale"
SOURCE_LANGUAGE = "en"
BETWEEN = "|"
"""Stands between several spellings of a command's name or of a choice in a catalogue; the first is the one that is shown."""


@cache
def catalogue(language: str) -> NullTranslations:
    """The translations into a language; those of English, and of a language without a catalogue, give every string back."""
    path = HERE / language / "LC_MESSAGES" / "hearth.po"
    if language == SOURCE_LANGUAGE or not path.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled, domain="hearth")


def translate(
    language: str, source: str, *, plural: str | None = None, count: int = 0, context: str | None = None
) -> str:
    """One source string in a language, in the form for `count` when it has a plural. What is not translated comes back in English."""
    found = catalogue(language)
    if not source:
        return ""  # in a catalogue this is its header
    if plural is None:
        text = found.upgettext(context, source) if context else found.ugettext(source)
    elif context:
        text = found.unpgettext(context, source, plural, count)
    else:
        text = found.ungettext(source, plural, count)
    if context in {"command", "choice"}:
        text = text.partition(BETWEEN)[0]
    return str(text)


def spellings(english: Iterable[str], context: str, languages: Iterable[str] = LANGUAGES) -> Mapping[str, str]:
    """Every spelling of these names in these languages (all there are, if none is said) in small letters, with the English one. An English name is never taken for another's translation."""
    names = tuple(english)
    found: dict[str, str] = {}
    for language in languages:
        for name in names:
            for spelling in str(catalogue(language).upgettext(context, name)).split(BETWEEN):
                plain = " ".join(spelling.casefold().split())
                if plain not in names:
                    found.setdefault(plain, name)
    return MappingProxyType(found)
