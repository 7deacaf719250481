"""The protection `listed_rooms`: links to rooms that a watched list bans; never opens one."""

from pydantic import Field

from bridge.events import Edited, Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.words import words


class Settings(Common):
    """What follows."""

    acts: Acts = Field(
        ("redact", "case"),
        description="What is done: warn, redact, mute, hold, case. Of a list that is to be asked about it is a case alone.",
    )


@protection(Settings, place=45)
def listed_rooms(_event: Message | Edited, settings: Settings, facts: Facts) -> Finding | None:
    """Find links to rooms that a list bans which you watch."""
    if not facts.listed:
        return None
    acts = tuple(map(Act, settings.acts)) if facts.listed == "followed" else (Act.CASE,)
    return Finding(acts, words("a link to a room that a list of bans names"))
