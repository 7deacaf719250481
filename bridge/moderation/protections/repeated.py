"""The protection `repeated`: the same words in several rooms, or by several newcomers. Never sees the words again: they are compared by a keyed hash that is soon forgotten."""

from pydantic import Field

from bridge.events import Edited, Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.words import words


class Settings(Common):
    """How often is too often."""

    acts: Acts = Field(("redact", "case"), description="What is done: warn, redact, mute, hold, case.")
    rooms_limit: int = Field(2, ge=1, le=100, description="A newcomer can say the same in so many rooms ...")
    people_limit: int = Field(5, ge=1, le=100, description="... and so many newcomers can say the same ...")
    minutes: int = Field(60, ge=1, le=1440, description="... within so many minutes. After that it is forgotten.")
    shortest: int = Field(60, ge=8, le=1000, description="Only texts of at least so many letters are compared.")


@protection(Settings, place=70)
def repeated(_event: Message | Edited, settings: Settings, facts: Facts) -> Finding | None:
    """Find the same words in several rooms, or by several newcomers."""
    if facts.same_rooms > settings.rooms_limit:
        matched = words("the same words in %(number)s rooms", number=facts.same_rooms)
    elif facts.same_people > settings.people_limit:
        matched = words("the same words by %(number)s people", number=facts.same_people)
    else:
        return None
    return Finding(tuple(map(Act, settings.acts)), matched)
