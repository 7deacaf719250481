"""The protection `mass_mention`: one message that calls on many people; never counts an answer's own addressee."""

import re

from pydantic import Field

from bridge.events import Edited, Message
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.protection import Acts, Common, protection
from bridge.moderation.surface import addresses
from bridge.words import words, words_n

_ID = re.compile(r"@[^\s:@<>\"']{1,100}:[\w.\-]{1,100}")
_PILL = re.compile(r"(?:matrix\.to/#/|matrix:u/)(?:%40|@)?([^/?\s\"'<>]{1,200})", re.IGNORECASE)


class Settings(Common):
    """How many are too many."""

    acts: Acts = Field(("redact", "warn"), description="What is done: warn, redact, mute, hold, case.")
    limit: int = Field(10, ge=1, le=1000, description="So many people can be called on by one message.")
    whole_room: bool = Field(False, description="May a message call on the whole room (@room)?")


@protection(Settings, place=50)
def mass_mention(event: Message | Edited, settings: Settings, _facts: Facts) -> Finding | None:
    """Find messages that call on very many people, or on the whole room."""
    content = event.content
    called = {user.casefold() for user in content.mentions}
    called |= {user.casefold() for user in _ID.findall(content.body)}
    markup = content.formatted_body or ""
    for address in addresses(markup):
        called |= {
            f"@{found.removeprefix('@').casefold()}"
            for found in _PILL.findall(address)
            if not found.startswith(("#", "!", "%23", "%21"))
        }
    if len(called) > settings.limit:
        return Finding(
            tuple(map(Act, settings.acts)),
            words_n("%(count)s person is called on", "%(count)s people are called on", len(called)),
        )
    if content.mentions_room and not settings.whole_room:
        return Finding(tuple(map(Act, settings.acts)), words("the whole room is called on"))
    return None
