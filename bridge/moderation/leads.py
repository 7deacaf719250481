"""The rooms elsewhere to which a message leads: by a link of either kind, or by an address in its text; pure."""

import re
from urllib.parse import unquote

from bridge.events import Content
from bridge.moderation.patterns import plain
from bridge.moderation.surface import addresses, surfaces

MOST = 50
"""So many rooms of one message are looked at."""

_LINK = re.compile(r"(?:matrix\.to/#/|matrix:(r|roomid)/)((?:[#!]|%23|%21)?[^/?\s\"'<>]{1,255})", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\w/])([#!][^\s:/?#!\"'<>]{1,200}:[\w.-]{1,230}(?::\d{1,5})?)")
_SIGIL = {"r": "#", "roomid": "!"}


def rooms(content: Content) -> frozenset[str]:
    """Room ids and addresses, as they are written (spec: "Appendices, Matrix URI scheme" and "matrix.to navigation")."""
    found: list[str] = []
    for text in (*(plain(surface.text) for surface in surfaces(content)), *addresses(content.formatted_body or "")):
        found += linked(text)
        found += (each.rstrip(".,;)") for each in _ADDRESS.findall(text))
    return frozenset(found[:MOST])


def linked(text: str) -> tuple[str, ...]:
    """The rooms to which links in this text lead; links to people are none."""
    named = ((_SIGIL.get(scheme.lower(), ""), unquote(name)) for scheme, name in _LINK.findall(text))
    whole = (name if name.startswith(("#", "!")) else f"{sigil}{name}" for sigil, name in named)
    return tuple(each for each in whole if each.startswith(("#", "!")))
