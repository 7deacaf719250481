"""The file that belongs to a message, as its copy may have it; pure. Never fetches one, and lets nothing through that it does not know.

Spec: "Sending encrypted attachments", "Extensions to m.room.message msgtypes"; voice messages: MSC3245, MSC3246.
"""

import re
from collections.abc import Mapping
from typing import Any

from bridge.extensible import is_voice, waveform
from bridge.rooms.inert import Inert

MEDIA = frozenset({"m.image", "m.file", "m.audio", "m.video"})

_ADDRESS = re.compile(r"mxc://[a-zA-Z0-9.:\[\]-]{1,255}/[\w-]{1,255}", re.ASCII)
_KIND = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9_/+=-]{1,200}")
_NUMBERS = ("size", "w", "h", "duration")
_BLURHASH = "xyz.amorgan.blurhash"
_VOICE = ("m.voice", "org.matrix.msc3245.voice")
_AUDIO = "org.matrix.msc1767.audio"
_ALTERNATIVE = ("m.alt_text", "org.matrix.msc3552.alt_text")


def attached(content: Mapping[str, Any], inert: Inert) -> dict[str, Any] | None:
    """Where the file of a message is and what it is like, as keys of a content; None when that cannot be understood.

    `content` is that of an `m.room.message`, or of a sticker. Only what is known to be harmless is kept.
    """
    where = _where(content, "url", "file")
    if where is None:
        return None
    held = content.get("info")
    kept: dict[str, Any] = {**where, "info": _info(held if isinstance(held, Mapping) else {}, inert)}
    if is_voice(content):
        duration = kept["info"].get("duration")
        told = {"duration": duration} if duration is not None else {}
        kept |= {_AUDIO: {**told, "waveform": list(waveform(content))}, **{name: {} for name in _VOICE}}
    for name in _ALTERNATIVE:
        if told_so := _alternative(content.get(name), inert):
            kept[name] = told_so
    return kept


def size(content: Mapping[str, Any]) -> int | None:
    """How large the file is by its sender's word, in bytes."""
    held = content.get("info")
    told = held.get("size") if isinstance(held, Mapping) else None
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 2**53 else None


def _info(held: Mapping[str, Any], inert: Inert, *, inner: bool = False) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    kind, blurred = held.get("mimetype"), held.get(_BLURHASH)
    if isinstance(kind, str) and _KIND.fullmatch(kind) and not inert.holds_address(kind):
        kept["mimetype"] = kind
    for name in _NUMBERS:
        value = held.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
            kept[name] = value
    if isinstance(blurred, str) and len(blurred) <= 100 and not inert.holds_address(blurred):
        kept[_BLURHASH] = blurred
    small = None if inner else _where(held, "thumbnail_url", "thumbnail_file")
    if small is not None:
        about = held.get("thumbnail_info")
        kept |= {**small, "thumbnail_info": _info(about if isinstance(about, Mapping) else {}, inert, inner=True)}
    return kept


def _where(held: Mapping[str, Any], plain: str, sealed: str) -> dict[str, Any] | None:
    """The address of a file, or the encrypted file with its key."""
    url, file = held.get(plain), held.get(sealed)
    if isinstance(file, Mapping):
        whole = _file(file)
        return {sealed: whole} if whole else None
    return {plain: url} if isinstance(url, str) and _ADDRESS.fullmatch(url) else None


def _file(file: Mapping[str, Any]) -> dict[str, Any] | None:
    """An EncryptedFile with what belongs into one; None when something is missing or odd."""
    key, hashes = file.get("key"), file.get("hashes")
    url, secret = file.get("url"), key.get("k") if isinstance(key, Mapping) else None
    checked, start = hashes.get("sha256") if isinstance(hashes, Mapping) else None, file.get("iv")
    if not isinstance(url, str) or not _ADDRESS.fullmatch(url):
        return None
    if not all(isinstance(each, str) and _BASE64.fullmatch(each) for each in (secret, checked, start)):
        return None
    whole = {"kty": "oct", "key_ops": ["encrypt", "decrypt"], "alg": "A256CTR", "k": secret, "ext": True}
    return {"v": "v2", "url": url, "key": whole, "iv": start, "hashes": {"sha256": checked}}


def _alternative(held: Any, inert: Inert) -> list[dict[str, str]] | None:
    """What a picture shows, in words (MSC3552)."""
    if isinstance(held, str):
        held = [{"body": held}]
    bodies = (part.get("body") for part in held if isinstance(part, Mapping)) if isinstance(held, list) else ()
    kept = [
        {"body": inert.text(body.encode(errors="replace").decode()[:1000])} for body in bodies if isinstance(body, str)
    ]
    return kept[:3] or None
