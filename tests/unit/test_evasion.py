"""Words of the list are found in nearly every disguise, ordinary sentences are let be, and no cry for help is ever removed. These are the figures of PRODUCT.md, section 9."""

from collections import Counter
from typing import Any

import pytest
from evasion import LISTED, cries, evasions, ordinary
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Message
from bridge.matrix import translate
from bridge.moderation.model import Act, Facts
from bridge.moderation.patterns import Patterns
from bridge.moderation.protection import protections

FACTS = Facts(key="common", kind="common", now_ms=1)
STRICT = {
    "words": {"words": LISTED},
    "links": {"enabled": True},
    "newcomer_media": {"enabled": True},
}
"""Everything is on, and everybody is new here."""


def said(content: dict[str, Any]) -> Message:
    raw = {"event_id": "$e", "sender": "@eve:b.test", "origin_server_ts": 1, "type": "m.room.message"}
    formatted = {"format": "org.matrix.custom.html"} if "formatted_body" in content else {}
    event = translate.event({**raw, "content": {"msgtype": "m.text", **formatted, **content}}, "!r:a.test")
    assert isinstance(event, Message)
    return event


def found(name: str, event: Message) -> bool:
    rule = protections()[name]
    return rule(event, rule.settings.model_validate(STRICT.get(name, {})), FACTS) is not None


def test_nearly_every_disguise_is_seen_through() -> None:
    cases = evasions()
    missed = [(name, text) for name, text, content in cases if not found("words", said(content))]
    assert len(cases) >= 400
    assert len(missed) <= 0.05 * len(cases), Counter(name for name, _ in missed)
    assert {name for name, _ in missed} >= {"one letter less"}  # so the figure says something


def test_ordinary_sentences_are_let_be() -> None:
    sentences = ordinary(20_000)
    assert len(set(sentences)) == 20_000
    events = [said({"body": sentence}) for sentence in sentences]
    for name in ("words", "links", "forged", "mass_mention"):
        wrong = [event.content.body for event in events if found(name, event)]
        assert len(wrong) <= 0.005 * len(sentences), (name, wrong[:10])
    alarms = [event.content.body for event in events if found("crisis", event)]
    assert len(alarms) <= 0.005 * len(sentences), alarms[:10]


def test_no_cry_for_help_is_ever_removed() -> None:
    texts = cries()
    assert len(texts) > 1000
    would_be_removed = 0
    for text in texts:
        event = said({"body": text})
        first = next(iter(protections()))
        assert first == "crisis"
        assert found("crisis", event), text
        would_be_removed += found("words", event)
    assert would_be_removed > 100  # by the list alone, if nobody had asked first
    rule = protections()["crisis"]
    asked = rule(said({"body": texts[0]}), rule.settings(), FACTS)
    assert asked
    assert asked.acts == (Act.CASE,)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("a*" * 40 + "b", "a" * 60_000), ("?" * 90 + "b", "a" * 60_000), ("a ... b", "a " * 30_000), ("a" * 200, "a" * 60_000), (" ... ".join("abcdefghijklmnopqrstuvwxyz"), "a b " * 15_000), ("x", "*" * 60_000), ("((a+)+)+$", "a" * 60_000)],
)  # fmt: skip
def test_no_pattern_and_no_text_can_stall_it(pattern: str, text: str) -> None:
    """The work is counted, not timed: one step of the automaton for each sign of the text, in each of four passes at most."""
    ready = Patterns([pattern] * 50)
    steps = 0
    for stream, _ in ready._streams(text):
        steps += len(stream)
    assert steps <= 4 * (2 * len(text) + 2)
    ready.find(text)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_between_words_may_stand_up_to_four_others_each_time(between: list[int]) -> None:
    names = ["alder", "beech", "cedar", "daphne", "elder", "fir", "ginkgo"]
    pattern = " ... ".join(names[: len(between) + 1])
    text = names[0] + "".join(" pebble" * n + " " + name for n, name in zip(between, names[1:], strict=False))
    assert bool(Patterns([pattern]).find(f"so {text} then")) is all(n <= 4 for n in between)


WORDS = st.text("abcdeаб", min_size=1, max_size=6)


@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=3))
def test_what_stands_there_is_found_wherever_it_stands(listed: list[str], before: list[str], after: list[str]) -> None:
    assert Patterns([" ".join(listed)]).find(" ".join([*before, *listed, *after]))


@given(WORDS, st.text("abcdeаб", max_size=12))
def test_a_pattern_with_letters_left_open_is_what_globs_are(word: str, rest: str) -> None:
    assert Patterns([f"{word}*"]).find(f"x {word}{rest} y")
    assert Patterns([f"*{word}"]).find(f"x {rest}{word} y")
    assert Patterns([f"?{word}"]).find(f"q{word}")
    assert not Patterns([f"?{word}"]).find(word[:-1])


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_and_any_list_can_be_looked_at(text: str, listed: list[str]) -> None:
    Patterns(listed).find(text)
