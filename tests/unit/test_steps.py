"""The steps of newcomers: every one is reached at most once, and an answer is a pure matter of words."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Community, Rules
from bridge.rooms.onboarding import (
    OFFERED,
    STEPS,
    after,
    may_be_shared,
    read_emoji,
    read_word,
    rules_in,
    version,
)

NAMES = {"space": {"name": "Home"}, "common": {"name": "All"}, "staff": {"name": "Staff"}}
passed = st.frozensets(st.sampled_from(STEPS))


@given(passed)
def test_every_step_that_is_not_passed_over_comes_once_and_in_order(over: frozenset[str]) -> None:
    seen = []
    step = after(None, over)
    while step is not None:
        seen.append(step)
        step = after(step, over)
    assert seen == [each for each in STEPS if each not in over]


@given(st.sampled_from(STEPS), st.text())
def test_any_words_mean_something(step: str, text: str) -> None:
    assert read_word(step, text, {}).meaning


@given(st.sampled_from(STEPS), st.text(max_size=4))
def test_any_reaction_means_something_or_nothing(step: str, key: str) -> None:
    read_emoji(step, key)


def test_what_is_offered_below_a_question_answers_it() -> None:
    for step, emojis in OFFERED.items():
        for emoji in emojis:
            found = read_emoji(step, emoji)
            assert found is not None
            assert found.meaning not in ("skip", "later", "unclear")


def test_rules_are_one_text_or_one_for_each_language() -> None:
    plain = Community.model_validate({**NAMES, "rules": "Be kind."}).rules
    assert [rules_in(plain, language, "en") for language in ("en", "ru", "de")] == ["Be kind."] * 3
    both = Community.model_validate({**NAMES, "rules": {"en": "Be kind.", "de": "Sei gut."}}).rules
    assert [rules_in(both, language, "de") for language in ("en", "ru", "de")] == ["Be kind.", "Sei gut.", "Sei gut."]


def test_a_version_is_of_the_words_and_not_of_their_breaks() -> None:
    assert version(Rules()) is None
    assert version(Rules(en=" \n")) is None
    assert version(Rules(en="Be kind.\nAlways.")) == version(Rules(en="Be kind. Always. "))
    assert version(Rules(en="Be kind.")) != version(Rules(de="Be kind."))


def test_who_was_here_before_needs_to_accept_nothing() -> None:
    assert may_be_shared(rules=None, begun=True, accepted=None)
    assert may_be_shared(rules="1", begun=False, accepted=None)
    assert not may_be_shared(rules="1", begun=True, accepted=None)
    assert may_be_shared(rules="2", begun=True, accepted="1")
