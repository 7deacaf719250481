"""Knows when somebody only greets or thanks us, in any of our languages, and what to say to that; never sends it."""

from collections.abc import Iterable
from functools import cache

from bridge.catalogues import spellings
from bridge.words import Text, pgettext, words

_GREETINGS = (
    pgettext("greeting", "hello"),
    pgettext("greeting", "hi"),
    pgettext("greeting", "hey"),
    pgettext("greeting", "good morning"),
    pgettext("greeting", "good evening"),
)
_THANKS = (pgettext("greeting", "thanks"), pgettext("greeting", "thank you"))


@cache
def _known() -> tuple[frozenset[str], frozenset[str]]:
    return _spelt(_GREETINGS), _spelt(_THANKS)


def _spelt(said: Iterable[Text]) -> frozenset[str]:
    english = tuple(each.source for each in said)
    return frozenset((*english, *spellings(english, "greeting")))


def courtesy(text: str) -> Text | None:
    """What to say to a greeting or thanks and nothing else; None when it is neither. Capitals and signs around it do not matter."""
    plain = " ".join(text.casefold().split()).strip(" .,!?…)(:;👋🙏")
    greetings, thanks = _known()
    if plain in greetings:
        return words("Hello! It is good to hear from you.")
    return words("You are welcome.") if plain in thanks else None
