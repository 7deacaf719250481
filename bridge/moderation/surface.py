"""Everything in a message that somebody reads: each place where words could be hidden; pure. Never judges what they say.

Looked at alike: the plain text, the formatted one, captions, file names, the text that stands in for a picture, and polls (MSC3381).
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.events import Content

MOST = 70_000
"""No event is larger than 65,536 bytes (spec: "Size limits"), so nothing is ever left out."""

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>|<!--|-->")
_BLOCKS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "blockquote",
        "pre",
        "tr",
        "td",
        "th",
        "table",
        "hr",
        "details",
        "summary",
    ]
)
_SHOWN = re.compile(r"""(?:^|\s)(?:alt|title)\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))""", re.IGNORECASE)
_LINK = re.compile(r"""(?:^|\s)href\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Surface:
    """One place and what stands there. `place` is body, formatted body, caption, file name, picture text or poll."""

    place: str
    text: str


def surfaces(content: Content) -> tuple[Surface, ...]:
    """All places of a message (or of the new text of an edit) that hold anything, each once."""
    found = [Surface(place, text[:MOST]) for place, text in _places(content) if text.strip()]
    kept: dict[str, Surface] = {}
    for each in found:
        kept.setdefault(each.text.strip(), each)
    return tuple(kept.values())


def visible(markup: str) -> str:
    """What a reader sees of HTML: without tags and comments, entities as what they stand for. Time grows with the length alone.

    What stands between two inline tags is one word; a block begins a new line.
    """
    parts: list[str] = []
    at = 0
    hidden = False
    for tag in _TAG.finditer(markup):
        if not hidden:
            parts.append(markup[at : tag.start()])
            if (tag[2] or "").casefold() in _BLOCKS:
                parts.append("\n")
            parts += [f" {shown} " for shown in _attributes(_SHOWN, tag[3])]
        hidden = tag[0] == "<!--" or (hidden and tag[0] != "-->")
        at = tag.end()
    parts.append(markup[at:])
    return html.unescape("".join(parts))


def addresses(markup: str) -> tuple[str, ...]:
    """The addresses behind the links of HTML."""
    return tuple(each for tag in _TAG.finditer(markup) for each in _attributes(_LINK, tag[3]))


def _attributes(which: re.Pattern[str], inside: str | None) -> list[str]:
    return [html.unescape(found[1] or found[2] or found[3] or "") for found in which.finditer(inside or "")]


def _places(content: Content) -> Iterator[tuple[str, str]]:
    named = content.raw.get("filename")
    media = content.msgtype in MEDIA
    if content.msgtype == "m.poll":
        yield "poll", content.body
    elif media and not isinstance(named, str):
        yield "file name", content.body
    elif media and named != content.body:
        yield "caption", content.body
    else:
        yield "body", content.body
    if content.formatted_body is not None:
        yield "formatted body", visible(content.formatted_body)
    if content.beside is not None:
        yield "body", content.beside[0]
        yield "formatted body", visible(content.beside[1])
    if isinstance(named, str):
        yield "file name", named
    for text in _extensible(content.raw):
        yield "body", text
    for text in _poll(content.raw):
        yield "poll", text


MEDIA = frozenset({"m.image", "m.video", "m.audio", "m.file", "m.sticker"})
"""Kinds of message that carry a file."""

POLLS = ("m.poll.start", "org.matrix.msc3381.poll.start", "m.poll")
"""How polls are called (MSC3381): the stable name, what clients send, and the name of the stable content."""


def _extensible(raw: Mapping[str, Any]) -> Iterator[str]:
    """Texts of extensible events (MSC1767), which newer clients show in place of the body."""
    for name in ("m.text", "org.matrix.msc1767.text", "m.message", "org.matrix.msc1767.message"):
        yield from _texts(raw.get(name))
    caption = raw.get("m.caption")
    if isinstance(caption, Mapping):
        yield from _texts(caption.get("m.text"))


def _poll(raw: Mapping[str, Any]) -> Iterator[str]:
    for name in POLLS:
        poll = raw.get(name)
        if not isinstance(poll, Mapping):
            continue
        question = poll.get("question")
        yield from _text_in(question)
        answers = poll.get("answers")
        for answer in answers[:100] if isinstance(answers, list) else ():
            yield from _text_in(answer)


def _text_in(holder: Any) -> Iterator[str]:
    if isinstance(holder, Mapping):
        if isinstance(holder.get("body"), str):
            yield holder["body"]
        for name in ("m.text", "org.matrix.msc1767.text"):
            yield from _texts(holder.get(name))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value[:20]:
            if isinstance(each, Mapping) and isinstance(each.get("body"), str):
                yield visible(each["body"]) if each.get("mimetype") == "text/html" else each["body"]
