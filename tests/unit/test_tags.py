import time
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Content
from bridge.tags import find, fold, spoken

CASES = Path(__file__).parent.parent / "cases" / "tags"
FORMS = ("NFC", "NFD", "NFKC", "NFKD")
TALK = st.lists(st.sampled_from([*"#ёЁéßИйıİͅſΐ-_:/&<>a`Z>\n\u0301\u200d", "e\u0308", "<a>", "</a>", "<!--", "#s"])).map(
    "".join
)


def cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}-{number}")
        for path in sorted(CASES.glob("*.yaml"))
        for number, case in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), 1)
    ]


@pytest.mark.parametrize("case", cases())
def test_tags_are_found_where_a_person_means_them(case: dict[str, Any]) -> None:
    assert find(Content("m.text", case["body"], case.get("html"))) == frozenset(case["tags"])


@given(st.text() | TALK, st.none() | st.text() | TALK)
def test_no_text_is_too_strange(body: str, html: str | None) -> None:
    for tag in find(Content("m.text", body, html)):
        assert fold(tag) == tag
        assert not tag.startswith("#")


@given(st.text() | TALK)
def test_the_unicode_form_that_a_keyboard_sends_changes_nothing(body: str) -> None:
    assert len({find(Content("m.text", unicodedata.normalize(form, body))) for form in FORMS}) == 1


@given(st.text() | TALK, st.sampled_from(FORMS))
def test_folding_twice_is_folding_once_in_every_form(tag: str, form: str) -> None:
    assert fold(fold(tag)) == fold(tag)
    assert fold(unicodedata.normalize(form, tag)) == fold(tag)


@pytest.mark.parametrize(
    ("a", "b"), [("#Тревога", "тревога"), ("ЁЖ", "еж"), ("Straße", "STRASSE"), ("می‌خواهم", "میخواهم")]
)
def test_spellings_of_one_tag(a: str, b: str) -> None:
    assert fold(a) == fold(b)


def test_a_tag_longer_than_anybody_means_is_none() -> None:
    assert find(Content("m.text", "#" + "a" * 64)) == {"a" * 64}
    assert find(Content("m.text", "#" + "a" * 65)) == frozenset()


@pytest.mark.parametrize(
    "unit", ["<a ", "<a b=", "<!--", "`", "```\n", "[#](", "#a", "#a-", "<a href='", "> ", "&", "a://"]
)
def test_a_hostile_text_takes_no_longer_than_an_ordinary_one(unit: str) -> None:
    text = unit * (64_000 // len(unit))
    before = time.process_time()
    find(Content("m.text", text, None))
    find(Content("m.text", "", text))
    assert time.process_time() - before < 1


def test_what_is_spoken_keeps_words_apart() -> None:
    assert spoken("<p>one</p><p>two</p>").split() == ["one", "two"]
    assert spoken("s<b>lee</b>p") == "sleep"
