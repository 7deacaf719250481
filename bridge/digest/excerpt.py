"""The beginning of what somebody said, as plain text for a digest; pure. What its author covered stays covered."""

import re
from collections.abc import Mapping
from typing import Any

from bridge.markup import is_seen, shown
from bridge.words import Text, words

_QUOTED = re.compile(r"\A(?:>[^\n]*\n)+\n?")
_SPOILER = "data-mx-spoiler"
_MOST_LOOKED_AT = 4_000
"""Of a message that begins with so many signs of which nothing is seen, nothing is quoted."""

_KINDS = {
    "m.image": words("a picture"),
    "m.sticker": words("a sticker"),
    "m.file": words("a file"),
    "m.audio": words("a recording"),
    "m.video": words("a video"),
    "m.location": words("a place"),
}


def excerpt(content: Mapping[str, Any], most_characters: int) -> str | Text | None:
    """The first words of a message's newest content (m.room.message), cut between words; what it is when it has no words; None when it is to stay covered.

    The quote that old clients put before a reply is left out (client-server API, reply fallbacks); a text with a spoiler in it is not quoted at all.
    """
    if most_characters <= 0 or _SPOILER in str(content.get("formatted_body", "")):
        return None
    body = content.get("body")
    text = body if isinstance(body, str) else ""
    kind = _KINDS.get(str(content.get("msgtype", "")))
    if kind is not None and content.get("filename") in (None, body):  # no caption: the body is only a file's name
        return kind
    if isinstance(content.get("m.relates_to"), Mapping):
        text = _QUOTED.sub("", text)
    seen = shown(text[:_MOST_LOOKED_AT])
    return shorten(seen, most_characters) if is_seen(seen) else None


def said_in_copy(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The content of a copy without its first line, which names the author."""
    body = content.get("body")
    return {**content, "body": body.partition("\n")[2]} if isinstance(body, str) else content


def shorten(text: str, most_characters: int) -> str:
    """A text of one line, cut at the last blank that fits, with an ellipsis when something is missing."""
    if len(text) <= most_characters:
        return text
    cut = text[: most_characters - 1]
    head, blank, _ = cut.rpartition(" ")
    return (head if blank and len(head) > most_characters // 2 else cut).rstrip(" ,.;:-") + "…"
