"""The protection `crisis`: a message that sounds like danger to life. Never hides or punishes anything, and goes before every other one."""

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field

from bridge.config_types import UserId
from bridge.events import Edited, Message
from bridge.moderation.guide import Guide
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.patterns import Patterns
from bridge.moderation.protection import Common, protection
from bridge.moderation.surface import surfaces
from bridge.words import words

SAMPLE = Path(__file__).parent.parent / "crisis.yaml"
"""What a community begins with. It comes with the code, and is read once, when the schema is made."""


class Settings(Common):
    """What is a cry for help, and who hears it."""

    file: Path | None = Field(
        None,
        description="The community's own crisis.yaml: patterns, help lines and when they were looked at. `hearth example-crisis` writes one to begin with; nothing: that one.",
    )
    guide: Guide = Field(
        Guide.model_validate(yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))),
        description="What stands in the file.",
        exclude=True,
    )
    on_call: tuple[UserId, ...] = Field((), description="Which moderators are called at once; nothing: all of them.")
    answer_minutes: int = Field(
        10, ge=1, le=1440, description="After so many minutes without an answer the owners are called, too."
    )


_ready = lru_cache(maxsize=2)(Patterns)


@protection(Settings, place=0, everybody=True, pauses=False)
def crisis(event: Message | Edited, settings: Settings, _facts: Facts) -> Finding | None:
    """Find messages that sound like danger to life, so that somebody is there at once."""
    ready = _ready(settings.guide.patterns)
    if any(ready.find(surface.text) for surface in surfaces(event.content)):
        return Finding((Act.CASE,), words("it sounds like danger to life"))
    return None
