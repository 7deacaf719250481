"""The steps by which newcomers are led, and what their answers mean; pure. Never asks anybody, and never does what an answer wants.

Every step is asked once. An answer is a plain word or a reaction; whatever else is a command goes its own way before it comes here.
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bridge.config import Rules
from bridge.tags import fold
from bridge.times import LANGUAGES, read_language, read_zone
from bridge.words import Text, pgettext

Step = Literal["language", "rules", "zone", "name", "follows"]
STEPS: tuple[Step, ...] = get_args(Step)
"""In this order. The language is first, so that all that comes after it is in the newcomer's own."""

Meaning = Literal["skip", "later", "resume", "accept", "language", "zone", "name", "follow", "unclear"]

PROMPT = "onboarding/"
"""Before the name of a step: what a reaction on its question answers."""

SKIP_WORD, LATER_WORD, RESUME_WORD = "skip", "later", "continue"
YES_WORDS, NO_WORDS = frozenset({"yes", "ok", "all"}), frozenset({"no", "none"})
WORDS: tuple[Text, ...] = (
    pgettext("choice", "skip"),
    pgettext("choice", "later"),
    pgettext("choice", "continue"),
    pgettext("choice", "yes"),
    pgettext("choice", "ok"),
    pgettext("choice", "all"),
    pgettext("choice", "no"),
    pgettext("choice", "none"),
)
"""The plain words that mean something at every step; people write them in their own language."""

NUMBERS = ("1️⃣", "2️⃣", "3️⃣")
YES, PASS = "✅", "⏭️"
OFFERED: Mapping[Step, tuple[str, ...]] = {"language": NUMBERS[: len(LANGUAGES)], "rules": (YES,), "follows": (YES,)}
"""Reactions that Hearth puts under its own questions, so that one touch answers."""

_VARIANTS = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])
_FLAGS = {"🇬🇧": "en", "🇺🇸": "en", "🇷🇺": "ru", "🇩🇪": "de", "🇦🇹": "de", "🇨🇭": "de"}
_ACCEPTING = frozenset({"✅", "✔", "☑", "👍", "❤", "💚"})
_REFUSING = frozenset({"👎", "❌", "✖", "🚫"})
_PASSING = frozenset({"⏭", "⏩"})
_PAUSING = frozenset({"⏸", "💤", "⏰"})
_NUMBER = re.compile(r"\d{1,2}")
_APART = re.compile(r"[\s,;.]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer means. `value` is a language's code or a zone's name; `numbers` and `tags` say what is followed, all of it when `numbers` is None."""

    meaning: Meaning
    value: str = ""
    numbers: tuple[int, ...] | None = None
    tags: tuple[str, ...] = ()


def after(step: Step | None, passed: Collection[str]) -> Step | None:
    """The step behind this one (None: the first) that is not to be passed over; None at the end."""
    behind = STEPS if step is None else STEPS[STEPS.index(step) + 1 :]
    return next((each for each in behind if each not in passed), None)


def read_word(step: Step, text: str, spelt: Mapping[str, str], offered: Collection[str] = ()) -> Reading:
    """What somebody means who writes this when they were asked this.

    `spelt` has the plain words in every language, folded, with the English one; `offered` are the tags that were offered to be followed.
    """
    plain = " ".join(text.casefold().split()).strip(".,!")
    word = spelt.get(plain, plain)
    if word == SKIP_WORD:
        return Reading("skip")
    if word == LATER_WORD:
        return Reading("later")
    if word == RESUME_WORD:
        return Reading("resume")
    if step == "language":
        number = plain.strip("()")
        code = read_language(plain) or (
            LANGUAGES[int(number) - 1] if number.isdecimal() and 1 <= int(number) <= len(LANGUAGES) else None
        )
        return Reading("language", code) if code else Reading("unclear")
    if step == "zone":
        zone = read_zone(plain)
        return Reading("zone", zone) if zone else Reading("skip" if word in NO_WORDS else "unclear")
    if step == "name":
        return Reading("skip" if word in NO_WORDS else "name")
    if word in NO_WORDS:
        return Reading("skip")
    if step == "rules":
        return Reading("accept" if word in YES_WORDS else "unclear")
    return Reading("follow") if word in YES_WORDS else _some(text, offered)


def _some(text: str, offered: Collection[str]) -> Reading:
    numbers: list[int] = []
    tags: list[str] = []
    for part in filter(None, _APART.split(text)):
        tag = fold(part)
        if _NUMBER.fullmatch(part):
            numbers.append(int(part))
        elif tag and (part.startswith("#") or tag in offered):
            tags.append(tag)
        else:
            return Reading("unclear")
    if not numbers and not tags:
        return Reading("unclear")
    return Reading("follow", numbers=tuple(dict.fromkeys(numbers)), tags=tuple(dict.fromkeys(tags)))


def read_emoji(step: Step, key: str) -> Reading | None:
    """What this reaction on a step's question means; None when it means nothing. Skin tones and emoji variants do not matter."""
    plain = key.translate(_VARIANTS)
    if plain in _PASSING:
        return Reading("skip")
    if plain in _PAUSING:
        return Reading("later")
    if step == "language":
        numbers = {number.translate(_VARIANTS): code for number, code in zip(NUMBERS, LANGUAGES, strict=True)}
        code = numbers.get(plain) or _FLAGS.get(plain)
        return Reading("language", code) if code else None
    if plain in _REFUSING:
        return Reading("skip")
    if plain in _ACCEPTING and step in ("rules", "follows"):
        return Reading("accept" if step == "rules" else "follow")
    return None


def rules_in(rules: Rules, language: str, usual: str) -> str:
    """The rules in this language, or in the usual one, or in any; empty when there are none."""
    texts = (getattr(rules, language, ""), rules.text, getattr(rules, usual, ""), rules.en, rules.ru, rules.de)
    return next((text.strip() for text in texts if text.strip()), "")


def version(rules: Rules) -> str | None:
    """The name of this version of the rules, all languages together: the same rules have the same one. None when there are none."""
    texts = [" ".join(text.split()) for text in (rules.text, rules.en, rules.ru, rules.de)]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16] if any(texts) else None


def may_be_shared(*, rules: str | None, begun: bool, accepted: str | None) -> bool:
    """Whether somebody's own thread may be shared: there are no rules, they were here before, or they accepted them, in whatever version."""
    return rules is None or not begun or accepted is not None
