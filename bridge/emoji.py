"""Which reactions are a sign and not somebody's words; pure. Never tells what a sign means."""

import unicodedata

MOST_CHARACTERS = 12
"""Families and flags are the longest."""

_FORM = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])
_JOINER, _KEYCAP = "\u200d", "\u20e3"


def emoji(key: str) -> str | None:
    """The sign of a reaction (m.annotation) without its form and skin tone; None when it is a word, a picture of its own or anything else.

    Words are told from signs because they are somebody's words, and these are kept nowhere.
    """
    plain = key.translate(_FORM)
    if not plain or len(plain) > MOST_CHARACTERS:
        return None
    keycap = plain.endswith(_KEYCAP) and len(plain) == 2
    signs = [unicodedata.category(letter) == "So" for letter in plain if letter != _JOINER]
    return plain if keycap or (signs and all(signs)) else None
