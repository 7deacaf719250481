"""Takes a line that a person typed apart into words, quotes and pills; never decides what they mean."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, unquote, urlsplit

MOST_CHARACTERS = 8_000
"""A command is shorter than this; what comes after is not looked at."""

MOST_HTML_CHARACTERS = 65_536

_DOUBLE = '"”“'
_SINGLE = "'’‘"
_CLOSERS = {
    '"': _DOUBLE, "“": _DOUBLE, "”": _DOUBLE, "„": _DOUBLE, "«": "»", "»": "«", "‹": "›", "›": "‹",
    "'": _SINGLE, "‘": _SINGLE, "‚": _SINGLE,
}  # fmt: skip
_MARKDOWN_LINK = re.compile(r"\[([^\[\]\n]*)\]\(<?((?:https?:|matrix:)[^\s<>()]+)>?\)")
_LINK_START = re.compile(r"<?(?:https://matrix\.to/#/|matrix:)\S")
_MATRIX_KINDS = {"u": "@", "user": "@", "r": "#", "room": "#", "roomid": "!", "e": "$", "event": "$"}


@dataclass(frozen=True, slots=True)
class Link:
    """Where a matrix.to or matrix: link points: a user, a room or alias, or an event in one. Ids carry their sigils; `via` are server names."""

    target: str
    event: str | None = None
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line: its text without quotes, where it stands in the line, and where it leads when it is a pill or a link."""

    text: str
    start: int
    end: int
    link: Link | None = None
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its words, in order."""

    source: str
    words: tuple[Word, ...]

    def rest(self, at: int) -> str:
        """All from word `at` on, as it was typed; quotes around the whole of it are taken off."""
        words = self.words[at:]
        if not words:
            return ""
        if len(words) == 1:
            return words[0].text
        return self.source[words[0].start :].strip()

    def joined(self, at: int, to: int) -> str:
        """The words from `at` up to and without `to`, as they were typed, quotes taken off, with single blanks."""
        return " ".join(word.text for word in self.words[at:to])


def parse_link(text: str) -> Link | None:
    """Read a `https://matrix.to/#/...` link or a `matrix:` URI (Matrix spec, appendices, URIs). None when it is neither."""
    try:
        if text.startswith("https://matrix.to/#/"):
            return _matrix_to(text.removeprefix("https://matrix.to/#/"))
        if text.startswith("matrix:"):
            return _matrix_uri(text)
    except ValueError:
        return None
    return None


def _matrix_to(rest: str) -> Link | None:
    path, _, query = rest.partition("?")
    parts = [unquote(part) for part in path.rstrip("/").split("/")]
    if parts[0][:1] not in {"@", "#", "!"}:
        return None
    event = "/".join(parts[1:]) or None  # old event ids are base64 and may hold a slash
    if event is not None and not event.startswith("$"):
        event = None
    return Link(parts[0], event, tuple(parse_qs(query).get("via", ())))


def _matrix_uri(text: str) -> Link | None:
    parts = urlsplit(text)
    pieces = parts.path.strip("/").split("/")
    if len(pieces) < 2 or pieces[0] not in _MATRIX_KINDS or pieces[0] in {"e", "event"} or not pieces[1]:
        return None
    event = None
    if len(pieces) >= 4 and pieces[2] in {"e", "event"}:
        event = "$" + unquote("/".join(pieces[3:]))
    via = tuple(parse_qs(parts.query).get("via", ()))
    return Link(_MATRIX_KINDS[pieces[0]] + unquote(pieces[1]), event, via)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, str, Link]] = []
        self._open: Link | None = None
        self._text = ""
        self._at = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._open, self._text = parse_link(dict(attrs).get("href") or ""), ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self._text += data
        self._at += len(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open:
            self.found.append((self._at - len(self._text), self._text.strip(), self._open))
            self._open = None


def _pills(formatted: str | None) -> list[tuple[int, str, Link]]:
    """Offset in the HTML's own text, text and link of each pill."""
    if not formatted or "<a" not in formatted.lower():
        return []
    parser = _Anchors()
    parser.feed(formatted[:MOST_HTML_CHARACTERS])
    parser.close()
    return [(offset, text, link) for offset, text, link in parser.found if text]


def _bordered(text: str) -> str:
    before = r"(?<!\w)@?" if text[0].isalnum() else ""
    return before + re.escape(text) + (r"(?!\w)" if text[-1].isalnum() else "")


def _placed(source: str, formatted: str | None) -> Iterator[tuple[int, int, str, Link]]:
    """Where in the plain text the pills and links stand: start, end, text, link; in order, never overlapping."""
    spans: list[tuple[int, int, str, Link]] = []
    for match in _MARKDOWN_LINK.finditer(source):
        link = parse_link(match[2])
        if link:
            spans.append((match.start(), match.end(), match[1], link))
    at = 0
    for offset, text, link in _pills(formatted):
        places = [match for match in re.finditer(_bordered(text), source) if match.start() >= at]
        if not places:
            continue
        match = min(
            places, key=lambda place: abs(place.start() - offset)
        )  # the command itself may be spelt like a name
        at = match.end()
        if all(match.end() <= start or match.start() >= end for start, end, _, _ in spans):
            spans.append((match.start(), match.end(), text, link))
    yield from sorted(spans, key=lambda span: span[0])


def _quoted(source: str, at: int) -> int | None:
    """The place of the quote that closes the one at `at`, when it stands at the end of a word of the same line."""
    closers = _CLOSERS[source[at]]
    for end in range(at + 2, len(source)):
        if source[end] == "\n":
            return None
        if source[end] in closers and (end + 1 == len(source) or source[end + 1] in " \t\n,.;:!?"):
            return end
    return None


def read_line(body: str, formatted: str | None = None) -> Line:
    """The words of a plain text. `formatted` is the message's HTML, which is looked at only for pills.

    Quotes of any language are quotes at the border of words only, so the apostrophe of a word is a letter. Never raises.
    """
    source = body[:MOST_CHARACTERS]
    spans = {start: (end, text, link) for start, end, text, link in _placed(source, formatted)}
    words: list[Word] = []
    never_closed: set[str] = set()
    at = 0
    while at < len(source):
        if source[at].isspace():
            never_closed = set() if source[at] == "\n" else never_closed
            at += 1
            continue
        if at in spans:
            end, text, link = spans[at]
            words.append(Word(text, at, end, link))
            at = end
            if at < len(source) and source[at] in ":," and (at + 1 == len(source) or source[at + 1].isspace()):
                at += 1  # what clients write after a pill at the beginning of a line
            continue
        closers = _CLOSERS.get(source[at])
        close = _quoted(source, at) if closers and closers not in never_closed else None
        if closers and close is None:
            never_closed.add(closers)  # so that many of them cost no more than one
        if close is not None:
            words.append(Word(source[at + 1 : close].strip(), at, close + 1, quoted=True))
            at = close + 1
            continue
        end = at
        while end < len(source) and not source[end].isspace() and not (end > at and end in spans):
            end += 1
        text = source[at:end]
        target = parse_link(text.strip("<>").rstrip(".,;")) if _LINK_START.match(text) else None
        words.append(Word(text, at, end, target))
        at = end
    return Line(source, tuple(words))
