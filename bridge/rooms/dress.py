"""Makes of somebody's message its copy for another room; pure. Never lets through an id or address of the room it came from, and pings nobody."""

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from bridge import extensible
from bridge.rooms.attached import MEDIA, attached
from bridge.rooms.inert import GONE, Inert
from bridge.text import Rendered

MOST_BYTES = 45_000
"""A copy's size as JSON; encrypted it grows by a third, and an event may have 64 KiB (client-server API, "Size limits")."""

_SPOKEN = frozenset({"m.text", "m.notice", "m.emote"})
_FORMAT = "org.matrix.custom.html"
_QUOTED = re.compile(r"> (?:\* )?<@[^>\s]{1,255}>")
_MX_REPLY = re.compile(r"\s*<mx-reply>.*?</mx-reply>", re.DOTALL | re.IGNORECASE)


def dress(
    kind: str,
    content: Mapping[str, Any],
    *,
    heading: Rendered,
    placeholder: Rendered,
    inert: Inert,
    file: bool = True,
    voting: Rendered | None = None,
) -> dict[str, Any]:
    """The content of the copy, without relation and mark.

    `kind` is the event's type, `content` its newest content as it came. `heading` names the author and the circle, and is inert already; `placeholder` says that
    there was something that cannot be shown. Text keeps its HTML, cleaned; media keep their file and get the heading as caption (spec, "Media
    captions"), or stand as the placeholder when their `file` cannot be had. A poll becomes its question and answers, with what `voting` says below; a place
    its coordinates.
    """
    said = extensible.as_message(kind, content) or content
    msgtype = _msgtype(said)
    called = _called(said, inert)
    media = attached(said, inert) if msgtype in MEDIA else None
    if media and file:
        caption = _said(heading, _caption(said), inert, called)
        made = {"msgtype": msgtype, "filename": inert.text(filename(said), called), **media, **caption}
    elif media:
        made = {"msgtype": "m.text", **_said(heading, placeholder, inert, called, _caption(said))}
    elif msgtype in _SPOKEN:
        made = {"msgtype": "m.text", **_said(heading, _words(said), inert, called)}
    elif asked := extensible.poll(kind, content):
        made = {"msgtype": "m.text", **_said(heading, _poll(asked), inert, called, voting)}
    elif msgtype == "m.location" and (where := extensible.place(said)):
        made = {"msgtype": "m.text", **_said(heading, _place(*where), inert, called)}
    else:
        fallback = None if msgtype in MEDIA else _words(said)
        made = {"msgtype": "m.text", **_said(heading, placeholder, inert, called, fallback)}
    return _fit({**made, "m.mentions": {}})


def silent(kind: str, content: Mapping[str, Any]) -> bool:
    """Whether no words follow the heading: a file without a caption."""
    said = extensible.as_message(kind, content) or content
    return _msgtype(said) in MEDIA and _caption(said) is None


def kind_of(kind: str, content: Mapping[str, Any]) -> str:
    """What sort of message this is, by the name that Matrix has for it."""
    said = extensible.as_message(kind, content) or content
    return _text(said.get("msgtype")) or kind


def filename(content: Mapping[str, Any]) -> str:
    """What a file is called; without a name of its own, by its description."""
    return (_text(content.get("filename")) or _text(content.get("body")))[:255]


def edit(copy: str, dressed: Mapping[str, Any]) -> dict[str, Any]:
    """The edit that puts this content in the place of a copy (spec, m.replace)."""
    around = {name: value for name, value in dressed.items() if name not in {"format", "formatted_body"}}
    body = str(dressed["body"])
    return {
        **around,
        "body": f"* {body}" if len(body) <= 1_000 else f"* {body[:1_000]}{GONE}",
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


def relation(bundle: str | None, root: str | None, *, partner: str | None, before: str | None) -> dict[str, Any] | None:
    """The `m.relates_to` of a copy; None for one that begins a thread of its own. `root` is the copy of the thread's root, None for that itself.

    A thread in a `bundle` stands in the thread of that message, for threads have no threads in them (spec, m.thread); its replies genuinely answer
    what they answered, or the root, and so keep its shape.
    """
    if bundle is None:
        return thread_relation(root, partner=partner, before=before) if root is not None else None
    return thread_relation(bundle, partner=(partner or root) if root is not None else None, before=None)


def _msgtype(said: Mapping[str, Any]) -> str:
    msgtype = _text(said.get("msgtype"))
    return "m.image" if msgtype == "m.sticker" else msgtype


def _called(said: Mapping[str, Any], inert: Inert) -> tuple[str, ...]:
    """Whom the message mentions (spec, m.mentions; before that, by pills)."""
    held = said.get("m.mentions")
    users = held.get("user_ids") if isinstance(held, Mapping) else None
    named = [user for user in users if isinstance(user, str)] if isinstance(users, list) else []
    return tuple(sorted({*named, *inert.people_in(_formatted(said))}))


def _said(
    heading: Rendered, words: Rendered | None, inert: Inert, called: tuple[str, ...], more: Rendered | None = None
) -> dict[str, str]:
    """Body and HTML of heading and words."""
    bodies, formatted = [heading.body], [heading.formatted_body]
    for part in (words, more):
        if part is None or not part.body.strip():
            continue
        body = inert.text(part.body, called)
        marked = inert.html(part.formatted_body, called) if part.formatted_body else ""
        bodies.append(body)
        # The blank is for previews, which drop the break and would join the two lines into one word.
        formatted.append(" <br>" + (marked or html.escape(body, quote=False).replace("\n", "<br>")))
    return {"body": "\n".join(bodies), "format": _FORMAT, "formatted_body": "".join(formatted)}


def _words(content: Mapping[str, Any]) -> Rendered:
    body, formatted = _text(content.get("body")), _formatted(content)
    if _answers(content):
        body = _without_quote(body) if _QUOTED.match(body) else body
        formatted = _MX_REPLY.sub("", formatted, count=1)
    if content.get("msgtype") == "m.emote":
        return Rendered(f"* {body}", f"* {formatted}" if formatted else "")
    return Rendered(body, formatted)


def _poll(asked: extensible.Poll) -> Rendered:
    """Question and answers; every client shows a list, and hardly any a poll."""
    question, answers = _text(asked.question), [_text(answer) for answer in asked.answers]
    shown = "".join(f"<li>{html.escape(answer, quote=False)}</li>" for answer in answers)
    formatted = html.escape(question, quote=False).replace("\n", "<br>") + f"<ul>{shown}</ul>"
    return Rendered("\n".join([f"📊 {question}", *(f"• {answer}" for answer in answers)]), f"📊 {formatted}")


def _place(north: float, east: float, description: str) -> Rendered:
    """A place in numbers, with a link that shows it on a map."""
    numbers = f"{north:.5f}, {east:.5f}"
    address = f"https://www.openstreetmap.org/?mlat={north:.5f}&mlon={east:.5f}"
    named = f"📍 {_text(description)[:500]}".strip()
    shown = f'<a href="{html.escape(address)}">{numbers}</a>'
    return Rendered(f"{named} {numbers}\n{address}", f"{html.escape(named, quote=False)} {shown}")


def _answers(content: Mapping[str, Any]) -> bool:
    relation = content.get("m.relates_to")
    return isinstance(relation, Mapping) and "m.in_reply_to" in relation


def _without_quote(body: str) -> str:
    """What older clients put before a reply is somebody else's words."""
    lines = body.split("\n")
    first = next((number for number, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return "\n".join(lines[first:]).removeprefix("\n")


def _caption(content: Mapping[str, Any]) -> Rendered | None:
    """What the author wrote to a picture or a file; without a caption `body` is the file's name."""
    body, named = _text(content.get("body")), content.get("filename")
    if not isinstance(named, str) or named == body:
        return None
    return _words(content)


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
        content["body"] = body + GONE
    return content


def _size(content: Mapping[str, Any]) -> int:
    return len(json.dumps(content, ensure_ascii=False).encode(errors="replace"))
