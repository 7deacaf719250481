"""What somebody said in another form than `m.room.message`, brought into that form; pure. Never decides what is shown of it.

Polls: MSC3381, in its unstable and its stable form. All others: MSC1767 ("Extensible events") and what is built on it (MSC3245, MSC3488, MSC3551,
MSC3552, MSC3553, MSC3927). Every block of these is looked for under its stable and its unstable name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

POLL = "m.poll"
"""The msgtype that a poll gets here; no client sends it."""

MOST_ANSWERS = 20
"""As many as MSC3381 lets a poll have."""

_FORMAT = "org.matrix.custom.html"
_POLL_STARTS = {"m.poll.start": "m.poll", "org.matrix.msc3381.poll.start": "org.matrix.msc3381.poll.start"}
_WITHOUT_WORDS = ("m.poll.", "org.matrix.msc3381.poll.")
"""Votes, and that a poll is over: nobody's words, though the latter has a text for old clients."""

_SPOKEN = {
    "m.message": "m.text", "org.matrix.msc1767.message": "m.text",
    "m.emote": "m.emote", "org.matrix.msc1767.emote": "m.emote",
    "m.notice": "m.notice", "org.matrix.msc1767.notice": "m.notice",
}  # fmt: skip
_FILES = {
    "m.image": "m.image", "org.matrix.msc1767.image": "m.image",
    "m.file": "m.file", "org.matrix.msc1767.file": "m.file",
    "m.video": "m.video", "org.matrix.msc1767.video": "m.video",
    "m.audio": "m.audio", "org.matrix.msc1767.audio": "m.audio",
    "m.voice": "m.audio", "org.matrix.msc3245.voice.v2": "m.audio",
}  # fmt: skip
_PLACES = frozenset({"m.location", "org.matrix.msc3488.location"})
_VOICE = frozenset({"m.voice", "org.matrix.msc3245.voice.v2"})


@dataclass(frozen=True, slots=True)
class Poll:
    """What a poll asks, and what can be answered, in its order."""

    question: str
    answers: tuple[str, ...]


def as_message(kind: str, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The content as an `m.room.message` would have it, with `msgtype` and `body`, from an event of this type; None when nothing is said in it.

    A sticker has the msgtype `m.sticker`, a poll `m.poll`, and what is of no known type the type itself: then its text for old clients is the body.
    """
    if kind == "m.room.message":
        return content if isinstance(content.get("msgtype"), str) and isinstance(content.get("body"), str) else None
    if kind == "m.sticker":
        return {**content, "msgtype": "m.sticker"} if isinstance(content.get("body"), str) else None
    if kind in _POLL_STARTS:
        asked = poll(kind, content)
        body = "\n".join([asked.question, *(f"- {answer}" for answer in asked.answers)]) if asked else ""
        return {**content, "msgtype": POLL, "body": body} if asked else None
    if kind.startswith(_WITHOUT_WORDS):
        return None
    body, html = _words(content)
    if kind in _FILES:
        return _file(kind, content, body)
    if not body:
        return None
    formatted = {"format": _FORMAT, "formatted_body": html} if html else {}
    return {
        **content,
        "msgtype": "m.location" if kind in _PLACES else _SPOKEN.get(kind, kind),
        "body": body,
        **formatted,
    }


def poll(kind: str, content: Mapping[str, Any]) -> Poll | None:
    """The poll in the content of an event of this type; None when it is none, or asks nothing."""
    if kind not in _POLL_STARTS:
        return None
    held = _mapping(content.get(_POLL_STARTS[kind])) or _mapping(content.get("m.poll.start"))
    question = text_of(held.get("question"))
    answers = held.get("answers")
    found = (text_of(answer) for answer in answers[:MOST_ANSWERS]) if isinstance(answers, list) else ()
    return Poll(question, tuple(answer for answer in found if answer)) if question else None


def text_of(block: Any) -> str:
    """The plain text in a block (MSC1767: a string, or a list of representations); empty when there is none."""
    return _words(_mapping(block))[0] or _string(_mapping(block).get("body"))


def place(content: Mapping[str, Any]) -> tuple[float, float, str] | None:
    """Latitude, longitude and description of the place in an `m.location` (spec; MSC3488), None when none can be read. The address is RFC 5870."""
    held = _mapping(content.get("m.location")) or _mapping(content.get("org.matrix.msc3488.location"))
    address = _string(content.get("geo_uri")) or _string(held.get("uri"))
    scheme, _, rest = address.partition(":")
    parts = rest.partition(";")[0].partition("?")[0].split(",")
    try:
        north, east = float(parts[0]), float(parts[1])
    except (IndexError, ValueError):
        return None
    if scheme.lower() != "geo" or not (-90 <= north <= 90 and -180 <= east <= 180):
        return None
    return north, east, _string(held.get("description"))


def is_voice(content: Mapping[str, Any]) -> bool:
    """Whether an audio file is something spoken (MSC3245), in any form of it."""
    return any(isinstance(content.get(name), dict) for name in ("m.voice", "org.matrix.msc3245.voice"))


def waveform(content: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of something spoken, for showing: at most 256 numbers from 0 to 1024 (MSC3246); empty when there is none."""
    held = _mapping(content.get("org.matrix.msc1767.audio")) or _mapping(content.get("m.audio_details"))
    found = held.get("waveform")
    numbers = found[:256] if isinstance(found, list) else ()
    return tuple(min(max(int(each), 0), 1024) for each in numbers if isinstance(each, int))


def _file(kind: str, content: Mapping[str, Any], body: str) -> Mapping[str, Any] | None:
    """A file of MSC3551 and its kin; the key stands beside the address there, and not above it."""
    held = _mapping(content.get("m.file")) or _mapping(content.get("org.matrix.msc1767.file"))
    address, name = held.get("url"), _string(held.get("name"))
    if not isinstance(address, str):
        return None
    named = {"info": {"mimetype": held.get("mimetype"), "size": held.get("size"), **_details(content)}}
    where = {"file": held} if "key" in held else {"url": address}
    spoken: dict[str, Any] = {"m.voice": {}} if kind in _VOICE else {}
    caption = _words(_mapping(content.get("m.caption")))[0]
    name = name or body
    said = {"body": caption, "filename": name} if caption else {"body": name}
    return {**content, **spoken, "msgtype": _FILES[kind], **said, **where, **named}


def _details(content: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("m.image_details", "m.video_details", "m.audio_details"):
        held = _mapping(content.get(name))
        found |= {"w": held.get("width"), "h": held.get("height"), "duration": held.get("duration")}
        if held:
            break
    return {name: value for name, value in found.items() if value is not None}


def _words(content: Mapping[str, Any]) -> tuple[str, str]:
    """Plain text and HTML of the text block in a content; HTML is empty when there is none."""
    for name in ("m.text", "org.matrix.msc1767.text", "org.matrix.msc1767.message", "m.message"):
        held = content.get(name)
        if isinstance(held, str) and held:
            return held, _string(content.get("org.matrix.msc1767.html"))
        if isinstance(held, list):
            parts = [_mapping(part) for part in held]
            by_kind = {str(part.get("mimetype") or "text/plain"): _string(part.get("body")) for part in reversed(parts)}
            if by_kind.get("text/plain"):
                return by_kind["text/plain"], by_kind.get("text/html", "")
    return "", ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
