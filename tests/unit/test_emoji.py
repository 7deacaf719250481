"""Signs are told from words."""

import pytest

from bridge.emoji import emoji


@pytest.mark.parametrize(
    ("key", "sign"),
    [
        ("👍", "👍"),
        ("👍🏽", "👍"),
        ("❤️", "❤"),
        ("👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"),
        ("🇩🇪", "🇩🇪"),
        ("1️⃣", "1\u20e3"),
        ("lol", None),
        ("спасибо", None),
        ("+1", None),
        ("👍 Ann", None),
        ("mxc://a.test/1", None),
        ("", None),
        ("\u200d", None),
        ("👍" * 13, None),
    ],
)
def test_a_sign_is_kept_without_form_and_tone_and_a_word_is_none(key: str, sign: str | None) -> None:
    assert emoji(key) == sign
