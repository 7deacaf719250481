"""Markdown to what Matrix shows: safe HTML, and a plain text that stands alone; never translates and never looks anything up."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

MOST_CHARACTERS = 65_536
MOST_DEPTH = 100
"""Matrix allows no deeper nesting (client-server API, m.room.message)."""

_TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "span", "br", "hr", "blockquote", "pre", "code"),
    *("b", "i", "u", "s", "em", "strong", "del", "sup", "sub", "a", "img", "ul", "ol", "li", "details", "summary"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {
    "span": {"data-mx-bg-color", "data-mx-color", "data-mx-spoiler", "data-mx-maths"},
    "a": {"target", "href"},
    "img": {"width", "height", "alt", "title", "src"},
    "ol": {"start"},
    "code": {"class"},
    "div": {"data-mx-maths"},
}
_SCHEMES = {"https", "http", "ftp", "mailto", "magnet", "mxc"}
_VOID = {"br", "hr", "img", "input", "meta", "link", "wbr", "col", "area", "base", "embed", "source", "track", "param"}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_EMPTY = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs by their kind, of which nothing is drawn."""

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True})
_MARKDOWN.normalizeLink = str  # type: ignore[assignment, method-assign]  # our addresses are percent-encoded already, and this is a fifth of the time


def shown(text: str) -> str:
    """What is to be seen of a text of somebody else's: one line, without what turns the reading direction or is not seen at all."""
    # Nothing that can be printed is unseen, the only blank among it is " ", and to know that is much less work.
    if not text.isprintable():
        text = _UNSEEN.sub(" ", text)
    elif "  " not in text and text[:1] != " " != text[-1:]:
        return text
    return " ".join(text.split())


def is_seen(text: str) -> bool:
    """Whether there is anything to be seen of a text: a letter, a digit or a sign, and not only what is as empty as a blank."""
    return any(letter not in _EMPTY and unicodedata.category(letter)[0] in "LNPS" for letter in text)


@cache  # there are two or three
def escape_between(text: str) -> str:
    """What stands between the values of a list, as Markdown, with its blanks kept."""
    return _PUNCTUATION.sub(r"\\\1", text)


def convert(markdown: str) -> tuple[str, str]:
    """Plain text and HTML of our own Markdown (CommonMark without HTML). What is above 64 Ki characters is cut off."""
    plain, clean = convert_blocks(markdown)
    if clean.startswith("<p>") and clean.count("<p>") == 1 and clean.endswith("</p>"):
        clean = clean.removeprefix("<p>").removesuffix("</p>")
    return plain, clean


def convert_blocks(markdown: str) -> tuple[str, str]:
    """The same with the paragraph's tags, also where there is only one."""
    tokens = _MARKDOWN.parse(markdown[:MOST_CHARACTERS])
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return _plain(tokens), clean_html(html).strip()


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if value.startswith("mxc://") else None
    if tag == "a" and name == "href":
        return None if value.startswith("mxc:") else value
    if tag == "code":
        return " ".join(part for part in value.split() if part.startswith("language-")) or None
    return value


def clean_html(html: str) -> str:
    """HTML with the tags and attributes that Matrix allows, and nothing else; the text of all others stays, that of scripts, styles and reply fallbacks goes.

    Empty when it is larger than 64 Ki characters or nested deeper than 100: then the message's plain text has to do.
    """
    if len(html) > MOST_CHARACTERS or _depth(html) > MOST_DEPTH:
        return ""
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags={"script", "style", "mx-reply"},
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        link_rel=None,
        strip_comments=True,
    )


def _depth(html: str) -> int:
    """How deep the tags can be nested at most; what is closed without having been opened does not count."""
    opened: Counter[str] = Counter()
    deepest = now = 0
    for match in _TAG.finditer(html):
        tag = match[2].lower()
        if tag in _VOID:
            continue
        if not match[1]:
            opened[tag] += 1
            now += 1
            deepest = max(deepest, now)
        elif opened[tag]:
            opened[tag] -= 1
            now -= 1
    return deepest


def _plain(tokens: Sequence[Token]) -> str:
    """The same words without marks: lists with dashes or numbers, quotes with `>`, links with their address where it says more than their text."""
    out: list[str] = []
    lists: list[int | None] = []
    quotes = 0
    bullet = ""
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                number = lists[-1]
                bullet = "- " if number is None else f"{number}. "
                lists[-1] = None if number is None else number + 1
            case "blockquote_open":
                quotes += 1
            case "blockquote_close":
                quotes -= 1
            case "inline" | "fence" | "code_block":
                text = _inline(token.children or []) if token.type == "inline" else token.content.rstrip("\n")
                indent = "> " * quotes + "  " * max(0, len(lists) - 1)
                rest = indent + " " * (2 if lists else 0)
                block = (
                    (indent + bullet + text.replace("\n", "\n" + rest))
                    if bullet
                    else rest + text.replace("\n", "\n" + rest)
                )
                tight = bool(out) and bool(lists) and token.level > 1
                out += [("\n" if tight and bullet else "\n\n") if out else "", block]
                bullet = ""
            case "hr":
                out += ["\n\n" if out else "", "—"]
    return "".join(out).strip("\n")


def _inline(tokens: Sequence[Token]) -> str:
    """One block's words. The address of a message is long and says nothing: it stands at the block's end, on a line of its own."""
    out: list[str] = []
    links: list[tuple[str, int]] = []
    addresses: list[str] = []
    for number, token in enumerate(tokens, start=1):
        if token.type == "link_open":
            links.append((str(token.attrGet("href") or ""), len(out)))
        elif token.type == "link_close":
            href, at = links.pop()
            text = "".join(out[at:])
            if not _address_says_more(href, text):
                continue
            if not href.startswith("https://matrix.to/"):
                out.append(f" ({href})")
            elif number == len(tokens):
                out.append(f": {href}")
            else:
                addresses.append(href)
        elif token.type in {"softbreak", "hardbreak"}:
            out.append("\n")
        else:
            out.append(token.content)
    return "\n".join(["".join(out), *addresses])


def _address_says_more(href: str, text: str) -> bool:
    """A pill of a person or a room is known by its text; a message is not, and neither is any other address."""
    if href.startswith("https://matrix.to/#/"):
        return "/" in href.removeprefix("https://matrix.to/#/").partition("?")[0]
    return href.removeprefix("mailto:") != text
