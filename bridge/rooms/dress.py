"""Makes of somebody's message its copy for another room; pure. Never lets through an id or address of the room it came from, and pings nobody."""

import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from bridge.scene import Names
from bridge.text import Rendered, clean_html

MOST_BYTES = 45_000
"""A copy's size as JSON; encrypted it grows by a third, and an event may have 64 KiB (client-server API, "Size limits")."""

MEDIA = frozenset({"m.image", "m.file", "m.audio", "m.video"})
_SPOKEN = frozenset({"m.text", "m.notice", "m.emote"})
_INFO = frozenset(
    {"mimetype", "size", "w", "h", "duration", "thumbnail_url", "thumbnail_file", "thumbnail_info", "xyz.amorgan.blurhash"}
)  # fmt: skip
_VOICE = "org.matrix.msc3245.voice"
_FORMAT = "org.matrix.custom.html"
_GONE = "…"

_PLACE = re.compile(
    r"(?P<link>(?:https?://matrix\.to/#/|matrix:)[^\s<>\"')\]]+)"
    r"|(?P<user>@[a-z0-9._=/+-]{1,200}:[a-z0-9.-]+(?::[0-9]{1,5})?)"
    r"|(?P<id>(?<![\w])(?:![\w=/+-]{16,200}|\$[\w=/+-]{20,200})(?::[a-z0-9.-]+(?::[0-9]{1,5})?)?)",
    re.IGNORECASE,
)
_EVERYBODY = re.compile(r"@(?=room\b)", re.IGNORECASE)
_ANCHOR = re.compile(r"<a((?:\s[^>]*)?)>(.*?)</a>", re.DOTALL)
_HREF = re.compile(r'\shref="([^"]*)"')
_TAG = re.compile(r"(<[^>]*>)")
_QUOTED = re.compile(r"> (?:\* )?<@[^>\s]{1,255}>")


def dress(
    kind: str, content: Mapping[str, Any], *, heading: Rendered, placeholder: Rendered, names: Names
) -> dict[str, Any]:
    """The content of the copy, without relation and mark.

    `kind` is the event's type, `content` its newest content as it came. `heading` names the author and the circle, `placeholder` says that there was
    something that cannot be shown. Text keeps its HTML, cleaned; media keep their file and get the heading as caption (spec, "Media captions").
    """
    msgtype = "m.image" if kind == "m.sticker" else _text(content.get("msgtype"))
    if msgtype in MEDIA and (media := _media(content)):
        caption = _caption(content)
        made = {"msgtype": msgtype, "filename": _filename(content), **media, **_said(heading, caption, names)}
    elif msgtype in _SPOKEN:
        made = {"msgtype": "m.text", **_said(heading, _words(content), names)}
    else:
        made = {"msgtype": "m.text", **_said(heading, placeholder, names)}
    return _fit({**made, "m.mentions": {}})


def edit(copy: str, dressed: Mapping[str, Any]) -> dict[str, Any]:
    """The edit that puts this content in the place of a copy (spec, m.replace)."""
    around = {name: value for name, value in dressed.items() if name not in {"format", "formatted_body"}}
    body = str(dressed["body"])
    return {
        **around,
        "body": f"* {body}" if len(body) <= 1_000 else f"* {body[:1_000]}{_GONE}",
        "m.new_content": dict(dressed),
        "m.relates_to": {"rel_type": "m.replace", "event_id": copy},
    }


def thread_relation(root: str, *, partner: str | None, before: str | None) -> dict[str, Any]:
    """The `m.relates_to` of a reply's copy: `partner` is what a genuine reply answers, else `before` is there for clients without threads."""
    return {
        "rel_type": "m.thread",
        "event_id": root,
        "is_falling_back": partner is None,
        "m.in_reply_to": {"event_id": partner or before or root},
    }


def inert(text: str, names: Names) -> str:
    """Plain text whose ids of people are their names, which calls on nobody and leads to no room."""

    def plain(found: re.Match[str]) -> str:
        if found["user"]:
            return names.of(found["user"])
        if found["id"]:
            return _GONE
        return _target_name(found["link"], names) or _GONE

    return _EVERYBODY.sub("@\u200b", _PLACE.sub(plain, text))


def inert_html(source: str, names: Names) -> str:
    """The author's HTML with only what Matrix allows, and inert: pills of people are bold names, links into Matrix are their text."""

    def unlinked(found: re.Match[str]) -> str:
        href = _HREF.search(found[1])
        target = html.unescape(href[1]) if href else ""
        if not target.startswith(("https://matrix.to/", "http://matrix.to/")):
            return found[0] if href else found[2]
        name = _target_name(target, names)
        shown = _TAG.sub("", found[2])
        if not target.partition("#/")[2].startswith(("@", "%40")):
            return found[2]
        return f"<strong>{html.escape(name or '') if _PLACE.search(shown) or not shown.strip() else shown}</strong>"

    clean = _ANCHOR.sub(unlinked, clean_html(source))
    parts = _TAG.split(clean)
    parts[::2] = [html.escape(inert(html.unescape(part), names), quote=False) for part in parts[::2]]
    return clean_html("".join(parts))


def _target_name(link: str, names: Names) -> str | None:
    """The name of the person to whom a matrix.to or matrix: address leads."""
    path = unquote(link.partition("#/")[2] if "#/" in link else link.removeprefix("matrix:"))
    path = path.partition("?")[0]
    if path.startswith("u/"):
        path = "@" + path.removeprefix("u/")
    return names.of(path) if path.startswith("@") else None


def _said(heading: Rendered, words: Rendered | None, names: Names) -> dict[str, str]:
    """Body and HTML of heading and words."""
    title, first_line = (_EVERYBODY.sub("@\u200b", part) for part in (heading.formatted_body, heading.body))
    if words is None:
        return {"body": first_line, "format": _FORMAT, "formatted_body": title}
    body = f"{first_line}\n{inert(words.body, names)}"
    formatted = inert_html(words.formatted_body, names) if words.formatted_body else ""
    if not formatted:
        formatted = html.escape(inert(words.body, names), quote=False).replace("\n", "<br>")
    # The blank is for previews, which drop the break and would join the two lines into one word.
    return {"body": body, "format": _FORMAT, "formatted_body": f"{title} <br>{formatted}"}


def _words(content: Mapping[str, Any]) -> Rendered:
    body, formatted = _text(content.get("body")), _formatted(content)
    if _answers(content) and _QUOTED.match(body):
        body = _without_quote(body)
    if content.get("msgtype") == "m.emote":
        return Rendered(f"* {body}", f"* {formatted}" if formatted else "")
    return Rendered(body, formatted)


def _answers(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    return isinstance(relation, Mapping) and "m.in_reply_to" in relation


def _without_quote(body: str) -> str:
    """What older clients put before a reply is somebody else's words."""
    lines = body.split("\n")
    first = next((number for number, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return "\n".join(lines[first:]).removeprefix("\n")


def _media(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where the file is and what it is like; None when that cannot be understood."""
    url, file, info = content.get("url"), content.get("file"), content.get("info")
    kept: dict[str, Any] = {}
    if isinstance(file, Mapping) and str(file.get("url")).startswith("mxc://"):
        kept["file"] = file
    elif isinstance(url, str) and url.startswith("mxc://"):
        kept["url"] = url
    else:
        return None
    if isinstance(info, Mapping):
        kept["info"] = {name: value for name, value in info.items() if name in _INFO}
    if _VOICE in content:
        kept[_VOICE] = {}
    return kept


def _filename(content: Mapping[str, Any]) -> str:
    return (_text(content.get("filename")) or _text(content.get("body")))[:255]


def _caption(content: Mapping[str, Any]) -> Rendered | None:
    """What the author wrote to a picture or a file; without a caption `body` is the file's name."""
    body, filename = _text(content.get("body")), content.get("filename")
    if not isinstance(filename, str) or filename == body:
        return None
    return Rendered(body, _formatted(content))


def _formatted(content: Mapping[str, Any]) -> str:
    return _text(content.get("formatted_body")) if content.get("format") == _FORMAT else ""


def _text(value: Any) -> str:
    """A string that can be sent again: half a surrogate pair cannot."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _fit(content: dict[str, Any]) -> dict[str, Any]:
    """The same, small enough to be sent: first without HTML, then cut off."""
    if _size(content) > MOST_BYTES:
        content = {name: value for name, value in content.items() if name not in {"format", "formatted_body"}}
    body = str(content["body"])
    while body and (size := _size(content)) > MOST_BYTES:
        body = body[: len(body) * MOST_BYTES // (size + 1)]
        content["body"] = body + _GONE
    return content


def _size(content: Mapping[str, Any]) -> int:
    return len(json.dumps(content, ensure_ascii=False).encode(errors="replace"))
