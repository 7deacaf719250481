import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bridge import catalogues as loaded
from bridge.locale.extract import PACKAGE, TEMPLATE, as_bytes, catalogues, extracted, merged
from bridge.markup import convert

LANGUAGES = dict(catalogues())
PLACE = re.compile(r"%\(\w+\)s|%%|%")


def catalogue(language: str) -> Catalog:
    with LANGUAGES[language].open("rb") as file:
        return read_po(file, locale=language)


def forms(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def test_the_template_holds_what_the_code_says_now() -> None:
    assert TEMPLATE.read_bytes() == as_bytes(extracted()), "run: python -m bridge.locale"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_exactly_these_strings(language: str) -> None:
    path = LANGUAGES[language]
    assert path.read_bytes() == as_bytes(merged(language, path, extracted())), "run: python -m bridge.locale"


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated_in_every_form(language: str) -> None:
    found = catalogue(language)
    wanted = {"ru": 3, "de": 2}[language]
    for message in found:
        if message.id:
            assert all(forms(message.string)), message.id
            assert not message.fuzzy, message.id
            assert len(forms(message.string)) == (wanted if message.pluralizable else 1), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_places_and_marks_are_the_same_in_translation(language: str) -> None:
    for message in catalogue(language):
        allowed = {frozenset(PLACE.findall(one)) for one in forms(message.id)}
        for translated in forms(message.string) if message.id else ():
            assert frozenset(PLACE.findall(translated)) in allowed, message.id
            assert "**" not in convert(re.sub(r"%\(\w+\)s", "x", translated))[0], message.id
            for mark in ("**", "`"):
                assert translated.count(mark) % 2 == 0, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_commands_share_a_translated_name(language: str) -> None:
    seen: dict[str, str] = {}
    english = {str(message.id) for message in catalogue(language) if message.context == "command"}
    for message in catalogue(language):
        if message.context == "command":
            for spelling in str(message.string).casefold().split(loaded.BETWEEN):
                assert spelling == spelling.strip() != ""
                assert seen.setdefault(spelling, str(message.id)) == message.id
                assert spelling not in english - {message.id}


def test_plural_forms_of_russian_and_german() -> None:
    russian, german = catalogue("ru"), catalogue("de")
    assert [russian.plural_expr, russian.num_plurals, german.num_plurals] == [catalogue("ru").plural_expr, 3, 2]
    found = [message for message in russian if message.pluralizable and len(set(forms(message.string))) == 3]
    assert found, "no string has three forms"
    message = found[0]
    one, many = forms(message.id)
    shown = [
        loaded.translate("ru", one, plural=many, count=count, context=message.context)
        for count in (1, 2, 5, 11, 21, 22)
    ]
    assert shown == [forms(message.string)[place] for place in (0, 1, 2, 2, 0, 1)]


def test_what_is_not_translated_stays_english() -> None:
    assert loaded.translate("ru", "no such string") == "no such string"
    assert loaded.translate("de", "") == ""


def test_words_are_always_written_out_where_they_are_said() -> None:
    """A string that is put together at run time would never reach a translator."""
    for path in sorted(Path(PACKAGE).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"words", "words_n"}:
                for argument in node.args[: 2 if node.func.id == "words_n" else 1]:
                    literal = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
                    assert literal, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_in_a_translation_is_called_as_it_is_there(language: str) -> None:
    """What somebody copies from a help is what that help is written in."""
    found = catalogue(language)
    called = {str(one.id): str(one.string).partition(loaded.BETWEEN)[0] for one in found if one.context == "command"}
    english = [
        (name, str(one.id)[:60])
        for one in found
        for text in forms(one.string)
        for code in re.findall(r"`!?([^`]+)`", text if one.id else "")
        for name, own in called.items()
        if own != name and re.match(re.escape(name) + r"(?: |$)", code)
    ]
    assert not english
