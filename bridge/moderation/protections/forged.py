"""The protection `forged`: messages that pretend to be copies or words of Hearth; never looks at what they say otherwise."""

import re

from pydantic import Field

from bridge.config_types import UserId
from bridge.events import Edited, Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.moderation.surface import surfaces
from bridge.tags import fold
from bridge.words import words

_HEADING = re.compile(r"\s*\**([^\n*]{1,100})\**\s+(?:in|в)\s+#([^\s:#]{1,64}):?\s*(?:\n|$)")


class Settings(Common):
    """What is done about it."""

    acts: Acts = Field(("case",), description="What is done: warn, redact, mute, hold, case.")
    bots: tuple[UserId, ...] = Field(
        (), description="Who may: another Hearth in the same rooms, or a bot that carries messages."
    )


@protection(Settings, place=10)
def forged(event: Message | Edited, settings: Settings, facts: Facts) -> Finding | None:
    """Find messages that pretend to be copies made by Hearth."""
    if event.sender in settings.bots:
        return None
    if event.marked:
        return Finding(tuple(map(Act, settings.acts)), words("it carries Hearth's mark"))
    for surface in surfaces(event.content):
        heading = _HEADING.match(surface.text)
        if heading and surface.text[heading.end() :].strip() and fold(heading[2]) in facts.tags:
            return Finding(tuple(map(Act, settings.acts)), words("it looks like a copy made by Hearth"))
    return None
