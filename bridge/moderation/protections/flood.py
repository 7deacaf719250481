"""The protection `flood`: very many messages by one person in a short time; never counts what they wrote elsewhere."""

from pydantic import Field

from bridge.events import Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.words import words


class Settings(Common):
    """How many are too many."""

    acts: Acts = Field(("redact", "case"), description="What is done: warn, redact, mute, hold, case.")
    limit: int = Field(20, ge=2, le=200, description="So many messages in one room by one person are let be ...")
    seconds: int = Field(30, ge=1, le=3600, description="... within so many seconds.")


@protection(Settings, place=80)
def flood(_event: Message, settings: Settings, facts: Facts) -> Finding | None:
    """Find very many messages of one person within seconds."""
    if facts.recent + 1 <= settings.limit:
        return None
    matched = words(
        "more than %(limit)s messages within %(seconds)s seconds", limit=settings.limit, seconds=settings.seconds
    )
    return Finding(tuple(map(Act, settings.acts)), matched)
