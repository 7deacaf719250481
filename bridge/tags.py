"""Finds hashtags in what somebody said; pure. Never decides what a tag means, and never keeps a text."""

import html
import re
import unicodedata

from bridge.events import Content


def _marks() -> str:
    """All combining marks as the inside of a character class: without them no word of Hindi, Thai or vowelled Arabic would be whole."""
    ranges: list[list[int]] = []
    for point in (*range(0x20000), *range(0xE0100, 0xE01F0)):
        if unicodedata.category(chr(point)).startswith("M"):
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


# Joiners stand inside words of Persian and of many scripts of India.
_LETTERS = rf"\w{_marks()}\u200c\u200d"
_TAG = re.compile(rf"(?<![{_LETTERS}/&#])#([^\W\d_][{_LETTERS}-]{{0,63}})(?![{_LETTERS}-]|[{_LETTERS}-]*:\w)")
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, *range(0xFE00, 0xFE10)])

_FENCE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`)[^`]*\1")
_QUOTE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_LINK_WITH_TEXT = re.compile(r"\[[^\[\]\n]*\]\([^()\n]*\)")
_LINK = re.compile(r"\b(?:[a-z][a-z0-9+.-]{0,30}://|mailto:|matrix:|magnet:|www\.)\S+", re.IGNORECASE)

_COMMAND = re.compile(r"\s*![^\W\d_]")

_ELEMENT = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)[^<>]*>")
_UNSPOKEN = frozenset({"a", "blockquote", "code", "mx-reply", "pre"})
_INLINE = frozenset({"b", "del", "em", "font", "i", "s", "span", "strike", "strong", "sub", "sup", "u"})


def fold(tag: str) -> str:
    """The form in which tags are stored and compared: without `#`, letter case, Unicode form, joiners, and the dots of `ё`."""
    before, plain = "", tag
    while plain != before:  # taking something away can make the rest foldable
        before = plain
        plain = unicodedata.normalize("NFKD", plain.translate(_INVISIBLE)).casefold()
        plain = unicodedata.normalize("NFKC", plain).replace("ё", "е").strip().strip("#_-")
    return plain


def find(content: Content) -> frozenset[str]:
    """The folded tags in a text or a caption; never from code, links, pills, quotes, room addresses or the middle of a word.

    A command (`!follow #sleep`) is spoken to us and not to people: it has no tags. Where there is HTML it says what is code, link or quote; otherwise the signs that people type do. Takes time linear in the text, whatever it is.
    """
    if _COMMAND.match(content.body):
        return frozenset()
    text = content.body if content.formatted_body is None else spoken(content.formatted_body)
    return _in_plain(text)


def spoken(source: str) -> str:
    """The text of Matrix HTML as it is read, without code, quotes and links (and with them pills). Takes any string."""
    kept, _, rest = source.partition("<!--")
    for part in rest.split("<!--"):
        kept += part.partition("-->")[2]
    out: list[str] = []
    closed_by: list[str] = []
    at = 0
    for element in _ELEMENT.finditer(kept):
        if not closed_by:
            out.append(html.unescape(kept[at : element.start()]))
        at = element.end()
        closing, name = bool(element[1]), element[2].lower()
        if closed_by:
            _nest(closed_by, name, closing)
        elif name in _UNSPOKEN and not closing:
            closed_by.append(name)
        if name not in _INLINE:
            out.append(" " if name in {"a", "code"} else "\n")
    if not closed_by:
        out.append(html.unescape(kept[at:]))
    return "".join(out)


def _nest(closed_by: list[str], name: str, closing: bool) -> None:
    """Only elements of the kind that was opened first are counted: `</b>` in a quote does not end it."""
    if name == closed_by[0]:
        if closing:
            closed_by.pop()
        else:
            closed_by.append(name)


def _in_plain(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKC", text).replace("\r", "\n")
    for unspoken in (_FENCE, _CODE, _QUOTE, _LINK_WITH_TEXT, _LINK):
        plain = unspoken.sub(" ", plain)
    return frozenset(folded for found in _TAG.findall(plain) if (folded := fold(found)))
