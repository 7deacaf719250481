"""The protection `newcomer_media`: pictures and files by people who are new here; never looks into a file."""

from pydantic import Field

from bridge.events import Edited, Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.moderation.surface import MEDIA
from bridge.words import words


class Settings(Common):
    """What newcomers may show."""

    enabled: bool = Field(False, description="Is it looked at?")
    acts: Acts = Field(("redact", "warn"), description="What is done: warn, redact, mute, hold, case.")
    allowed: tuple[str, ...] = Field(
        ("m.sticker",),
        description="Kinds that newcomers may show all the same: m.image, m.video, m.audio, m.file, m.sticker.",
    )


@protection(Settings, place=60)
def newcomer_media(event: Message | Edited, settings: Settings, facts: Facts) -> Finding | None:
    """Find pictures, recordings and files by newcomers."""
    kind = event.content.msgtype
    pictures = "<img" in (event.content.formatted_body or "").casefold()
    if facts.trusted or not (pictures or (kind in MEDIA and kind not in settings.allowed)):
        return None
    return Finding(tuple(map(Act, settings.acts)), words("a picture or file by a newcomer"))
