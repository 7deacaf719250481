"""The protection `first_message`: what somebody who is new here writes first, so that a person looks before they write on; never looks at what it says."""

from pydantic import Field

from bridge.events import Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.times import DAY_MS
from bridge.words import words


class Settings(Common):
    """Who is new, and what is done."""

    enabled: bool = Field(False, description="Is it looked at?")
    acts: Acts = Field(
        ("hold",),
        description="What is done: warn, redact, mute, hold, case. hold: what they wrote stays, and they write on once staff has looked; "
        "redact and hold: it is taken away, and they write it again then.",
    )
    days: int = Field(
        7, ge=1, le=365, description="Who came more days ago than this is not new, though they wrote nothing yet."
    )


@protection(Settings, place=75)
def first_message(_event: Message, settings: Settings, facts: Facts) -> Finding | None:
    """Have somebody look at the first message of a newcomer before they write on."""
    came_ms = facts.now_ms if facts.since_ms is None else facts.since_ms
    if facts.trusted or facts.posts or facts.now_ms - came_ms >= settings.days * DAY_MS:
        return None
    return Finding(tuple(map(Act, settings.acts)), words("a newcomer's first message"))
