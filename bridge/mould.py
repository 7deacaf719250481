"""Markdown of ours with places for values: how it looks is worked out once for each shape, and only filled from then on. Never translates or looks up.

What is said changes from message to message, and the sentences around it hardly ever do. A value is no Markdown, and never goes through it: so no mark
of it works, whatever it holds.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

from bridge import markup

_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
_BETWEEN = "\0"
_FENCES = ("```", "~~~")
_GAP = re.compile(r"\n(?:[ \t]*\n)+")
_ITEM = re.compile(r"^[ \t]*(?:[-+*]|[0-9]{1,9}[.)])[ \t]", re.MULTILINE)
_ITEMS = re.compile(r"- [^\n]*(?:\n(?:- |  (?![-+*>#\s`0-9]))[^\n]*)*")
"""A list without lists or gaps in it: its items look the same wherever they stand."""

_NEXT_ITEM = re.compile(r"\n(?=- )")
_LIST, _LIST_END = "<ul>\n", "\n</ul>"
MOST_SHAPES = 8_192

Parts = tuple[tuple[str, ...], tuple[int, ...]]
"""What stands there, with a gap for each value between, and the numbers of the values in their order."""


def _mark(number: int) -> str:
    return f"{_OPEN}{number}{_CLOSE}"


class Mould:
    """The values of one message. They are put in one by one while its Markdown is written, and shown where their marks stand in it."""

    def __init__(self) -> None:
        self._values: list[str] = []

    def put(self, text: str) -> str:
        """A mark that shows just this text, in Markdown, in a code span and as an address alike; nothing for nothing."""
        if not text:
            return ""
        self._values.append(text)
        return _mark(len(self._values) - 1)

    def convert(self, markdown: str) -> tuple[str, str]:
        """Plain text and HTML of Markdown with marks of this mould, as `markup.convert` makes them. No HTML where it would be above 64 Ki characters."""
        safe = self._safe()
        plain: list[str] = []
        html: list[str] = []
        for block in _blocks(markdown):
            items = _NEXT_ITEM.split(block) if _ITEMS.fullmatch(block) else [block]
            both = [self._filled(item, safe) for item in items]
            if plain:
                plain.append("\n" if _ITEM.match(block) else "\n\n")
            plain.append("\n".join(words for words, _ in both))
            if len(items) == 1:
                html.append(both[0][1])
            else:
                inner = "\n".join(shown.removeprefix(_LIST).removesuffix(_LIST_END) for _, shown in both)
                html.append(f"{_LIST}{inner}{_LIST_END}")
        if len(html) == 1 and html[0].startswith("<p>") and html[0].count("<p>") == 1 and html[0].endswith("</p>"):
            html = [html[0].removeprefix("<p>").removesuffix("</p>")]
        clean = "\n".join(html)
        return "".join(plain)[: markup.MOST_CHARACTERS], clean if len(clean) <= markup.MOST_CHARACTERS else ""

    def _safe(self) -> Sequence[str]:
        """The values for HTML: all in one go, as most of them have nothing in them that means something there."""
        together = escape(_BETWEEN.join(self._values), quote=False).split(_BETWEEN)
        if len(together) == len(self._values):
            return together
        return [escape(value, quote=False) for value in self._values]

    def _filled(self, markdown: str, safe: Sequence[str]) -> tuple[str, str]:
        pieces = _PLACE.split(markdown)
        numbers = [int(number) for number in pieces[1::2]]
        plain, html = _cast(tuple(pieces[::2]))
        return _poured(plain, [self._values[number] for number in numbers]), _poured(
            html, [safe[number] for number in numbers]
        )


def _poured(parts: Parts, values: Sequence[str]) -> str:
    standing, order = parts
    poured = list(standing)
    poured[1::2] = [values[number] for number in order]
    return "".join(poured)


def _blocks(markdown: str) -> list[str]:
    """Parts of Markdown that look the same alone as together."""
    if any(fence in markdown for fence in _FENCES):
        return [markdown]
    found: list[str] = []
    for part in _GAP.split(markdown.strip("\n")):
        if found and (part[:1].isspace() or (_ITEM.match(part) and _ITEM.search(found[-1]))):
            found[-1] += f"\n\n{part}"
        else:
            found.append(part)
    return found


@lru_cache(MOST_SHAPES)
def _cast(shape: tuple[str, ...]) -> tuple[Parts, Parts]:
    """What is around the values, as plain text and as HTML."""
    marked = "".join(text + _mark(number) for number, text in enumerate(shape[:-1])) + shape[-1]
    plain, html = markup.convert_blocks(marked)
    return _parts(plain), _parts(html)


def _parts(text: str) -> Parts:
    pieces = _PLACE.split(text)
    return tuple("" if place % 2 else said for place, said in enumerate(pieces)), tuple(map(int, pieces[1::2]))
