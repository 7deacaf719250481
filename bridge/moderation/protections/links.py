"""The protection `links`: addresses and invitations to other places; never opens one."""

import re
from collections.abc import Iterator

from pydantic import Field

from bridge.events import Edited, Message
from bridge.moderation.leads import linked
from bridge.moderation.model import Act, Facts, Finding
from bridge.moderation.patterns import plain
from bridge.moderation.protection import Acts, Common, protection
from bridge.moderation.surface import addresses, surfaces
from bridge.words import words

_ENDINGS = [
    "com",
    "net",
    "org",
    "info",
    "biz",
    "xyz",
    "top",
    "online",
    "site",
    "club",
    "shop",
    "app",
    "io",
    "me",
    "ru",
    "su",
    "de",
    "at",
    "ch",
    "eu",
    "uk",
    "us",
    "co",
    "tv",
    "cc",
    "ly",
    "gg",
    "link",
    "click",
    "live",
    "icu",
    "pro",
    "to",
    "ws",
    "рф",
]
_ADDRESS = re.compile(r"(?:h(?:tt|xx)ps?:/{1,3}|www\.)([^\s/?#<>\"']{1,253})([^\s<>\"']{0,2000})", re.IGNORECASE)
_BARE = re.compile(
    rf"(?<![\w@./-])((?:[\w-]{{1,63}}\.){{1,4}}(?:{'|'.join(_ENDINGS)}))(?![\w.-]*:)(?!\w)(/\S{{0,2000}})?",
    re.IGNORECASE,
)
_TAKEN_APART = re.compile(
    r"\s?[\[({](?:\.|dot|точка)[\])}]\s?|\s(?:dot|точка)\s(?=(?:com|net|org|ru|info|xyz)\b)", re.IGNORECASE
)
_NAME = re.compile(r"[@#!][^\s:]{1,255}:[\w.-]{1,255}")
"""Names of people and rooms hold a domain, too."""

_INVITING = (
    "t.me",
    "discord.gg",
    "discord.com/invite",
    "chat.whatsapp.com",
    "invite.gg",
    "joinchat",
    "join.skype.com",
    "vk.me",
)


class Settings(Common):
    """Which addresses are welcome."""

    enabled: bool = Field(False, description="Is it looked at?")
    acts: Acts = Field(("redact", "warn"), description="What is done: warn, redact, mute, hold, case.")
    newcomers_only: bool = Field(True, description="Only what newcomers write.")
    all_links: bool = Field(
        True, description="Every address that is not allowed; without it only invitations to other places."
    )
    allowed: tuple[str, ...] = Field((), description="Domains that are welcome, with all below them.")


@protection(Settings, place=40)
def links(event: Message | Edited, settings: Settings, facts: Facts) -> Finding | None:
    """Find addresses and invitations to other places."""
    if settings.newcomers_only and facts.trusted:
        return None
    texts = [plain(surface.text) for surface in surfaces(event.content)] + list(
        addresses(event.content.formatted_body or "")
    )
    for text in texts:
        if any(room.casefold() not in facts.rooms for room in linked(text)):
            return Finding(tuple(map(Act, settings.acts)), words("an invitation to a room elsewhere"))
        for domain, path in _found(text):
            if any(f"{domain}{path}".startswith(each) or domain == each for each in _INVITING):
                return Finding(tuple(map(Act, settings.acts)), words("an invitation to another place"))
            if settings.all_links and not _welcome(domain, settings.allowed):
                return Finding(tuple(map(Act, settings.acts)), words("an address that is not on the list"))
    return None


def _found(text: str) -> Iterator[tuple[str, str]]:
    """The domains of all addresses, without `www.` and port, and what follows each."""
    for found in (*_ADDRESS.finditer(text), *_BARE.finditer(_NAME.sub(" ", _TAKEN_APART.sub(".", text)))):
        domain = found[1].casefold().rpartition("@")[2].partition(":")[0].removeprefix("www.").strip(".")
        yield domain, (found[2] or "").casefold()


def _welcome(domain: str, allowed: tuple[str, ...]) -> bool:
    known = ("matrix.to", *allowed)
    return any(domain == each.casefold() or domain.endswith(f".{each.casefold()}") for each in known)
