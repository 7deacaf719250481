"""Skeletons of names: what looks alike is alike, whatever it is written with; cases/skeleton has the pairs."""

import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.names import NOT_YET_KNOWN, NameBook
from bridge.skeleton import skeleton

CASES = sorted((Path(__file__).parent.parent / "cases" / "skeleton").glob("*.yaml"))
SPECIAL = st.text(alphabet="abcdehiklmnorw ABCIMNO0158|авекмнорстухыюяАВЕКМНОРСТХαβηιμνορωΝΗΜΥ\u200b\u200d\u0301İıſß")


@given(st.one_of(st.text(), SPECIAL))
def test_the_skeleton_of_a_skeleton_is_itself(name: str) -> None:
    once = skeleton(name)
    assert skeleton(once) == once


@given(st.text())
def test_case_accents_blanks_and_what_cannot_be_seen_make_no_difference(name: str) -> None:
    once = skeleton(name)
    assert skeleton(f" \u200b{name}\u2060 ") == once
    assert skeleton(unicodedata.normalize("NFD", name)) == once
    assert all(letter.isalnum() for letter in once)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_names(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group in case.get("alike", ()):
        assert len({skeleton(str(name)) for name in group}) == 1, {name: skeleton(str(name)) for name in group}
    for group in case.get("different", ()):
        assert len({skeleton(str(name)) for name in group}) == len(group), {name: skeleton(str(name)) for name in group}


def test_a_chosen_name_goes_before_a_display_name_and_both_are_found() -> None:
    book = NameBook(b"key")
    book.learn({"@nora:a": "Nora Real", "@ben:a": "Ben"})
    book.call("@nora:a", "Robin")
    assert book.of("@nora:a") == "Robin"
    assert book.find("robin") == book.find("Nora Real") == ["@nora:a"]
    assert book.like("R0b1n") == {"@nora:a"}
    book.call("@nora:a", None)
    assert book.of("@nora:a") == "Nora Real"


def test_namesakes_are_those_who_are_called_so_now() -> None:
    book = NameBook(b"key")
    book.learn({"@a:x": "Kim", "@b:x": "KIM", "@c:x": "Lee"})
    book.call("@c:x", "kim")
    assert book.find("Kim") == ["@a:x", "@b:x", "@c:x"]
    book.learn({"@a:x": "Jo", "@b:x": "Kim"})
    book.call("@c:x", "Lee")
    assert book.find("kim") == ["@b:x"]
    book.call("@c:x", None)
    assert book.find("lee") == ["@c:x"]  # her display name is the same
    book.call("@b:x", "Ro\u200bbin")
    assert book.find("Ro\u200bbin") == book.find("Kim") == ["@b:x"]
    book.learn({"@b:x": "Jo", "@c:x": "Jo"})
    assert (book.find("kim"), book.find("Lee"), book.find("JO")) == ([], [], ["@a:x", "@b:x", "@c:x"])


def test_of_a_name_that_is_not_known_yet_nothing_else_is_shown() -> None:
    book = NameBook(b"key")
    book.learn({"@nora:a": "Nora Real"})
    book.expect(["@nora:a"])
    assert book.of("@nora:a") == NOT_YET_KNOWN
    book.call("@nora:a", "Robin")
    book.expect(["@nora:a"])
    assert book.of("@nora:a") == "Robin"


def test_a_seal_is_the_same_for_what_looks_alike_and_differs_with_the_key() -> None:
    book = NameBook(b"key")
    assert book.seal("Robin") == book.seal("R0BIN") != book.seal("Robina")
    assert NameBook(b"other").seal("Robin") != book.seal("Robin")
