"""The protection `words`: a list of words and patterns that are not wanted here; never a regular expression."""

from dataclasses import replace
from functools import lru_cache

from pydantic import Field

from bridge import words as language  # this module has a `words` of its own
from bridge.events import Edited, Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.patterns import Patterns
from bridge.moderation.protection import Acts, Common, protection
from bridge.moderation.surface import surfaces


class Settings(Common):
    """The list, and what follows."""

    acts: Acts = Field(("redact", "warn"), description="What is done: warn, redact, mute, hold, case.")
    words: tuple[str, ...] = Field(
        (),
        max_length=2000,
        description="Words and patterns: `*` stands for any letters of a word, ? for one letter, ... for up to four words.",
    )
    newcomers_only: bool = Field(False, description="Only what newcomers write.")


_ready = lru_cache(maxsize=4)(Patterns)


@protection(Settings, place=30)
def words(event: Message | Edited, settings: Settings, facts: Facts) -> Finding | None:
    """Find words of the community's list, however they are dressed up."""
    if not settings.words or (settings.newcomers_only and facts.trusted):
        return None
    for surface in surfaces(event.content):
        found = _ready(settings.words).find(surface.text)
        if found:
            matched = replace(PLACES[surface.place], values={"word": found.pattern})
            return Finding(tuple(map(Act, settings.acts)), matched)
    return None


PLACES = {
    "body": language.words("“%(word)s” in the text"),
    "formatted body": language.words("“%(word)s” in the formatted text"),
    "caption": language.words("“%(word)s” in the caption"),
    "file name": language.words("“%(word)s” in the file name"),
    "poll": language.words("“%(word)s” in the poll"),
}
"""What matched, by the place where it stood."""
