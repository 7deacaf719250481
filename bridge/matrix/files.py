"""Brings files from one room into another, so that each room's files are sealed as its messages are; never decides whether they may go there.

Spec: "Sending encrypted attachments", "Content repository". A file is never whole in memory, and on its way never on a disk in the clear unless it is going to
be so on the homeserver. No key of one room is ever used in another.
"""

import asyncio
import base64
import hashlib
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from bridge.errors import Refused, TokenLost, Unavailable
from bridge.matrix.client import Client
from bridge.scene import Lacking

MOST_FILE_BYTES = 100 * 1024 * 1024
"""Whatever the homeserver would take: larger files are not carried."""

_USUAL_LIMIT_BYTES = 50 * 1024 * 1024
_LIMIT_KNOWN_SECONDS = 3600.0
_IN_MEMORY_BYTES = 1024 * 1024
_MOST_KNOWN = 500
_PLACES = (("url", "file"), ("thumbnail_url", "thumbnail_file"))


@dataclass(frozen=True, slots=True)
class _NotNow(Exception):  # noqa: N818 - says what is so
    why: Lacking


class Files:
    """The files of messages that are carried. What was brought once is remembered while we run, so that an edit or a retry does not do it again."""

    def __init__(self, client: Client, encrypted: Callable[[str], Awaitable[bool]]) -> None:
        """`encrypted` says of a room whether what is sent there is encrypted."""
        self._client = client
        self._encrypted = encrypted
        self._brought: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._limit = (0, 0.0)

    async def bring(self, room: str, content: Mapping[str, Any], seconds: float) -> Mapping[str, Any] | Lacking:
        """The content with files that this room can have, or why it cannot have them now; `seconds` is how long it may take.

        What is open and stays open keeps its address. A thumbnail that cannot be had is left out. Raises TokenLost, and what asking about the room raises.
        """
        sealed = await self._encrypted(room)
        try:
            async with asyncio.timeout(seconds):
                return await self._content(room, content, sealed=sealed)
        except TimeoutError:
            return "later"
        except _NotNow as no:
            return no.why

    async def _content(self, room: str, content: Mapping[str, Any], *, sealed: bool) -> Mapping[str, Any]:
        made = await self._replaced(room, content, _PLACES[0], content.get("info"), sealed=sealed)
        info = content.get("info")
        if isinstance(info, Mapping):
            try:
                made["info"] = await self._replaced(room, info, _PLACES[1], info.get("thumbnail_info"), sealed=sealed)
            except _NotNow:
                dropped = {*_PLACES[1], "thumbnail_info"}
                made["info"] = {name: value for name, value in info.items() if name not in dropped}
        inner = content.get("m.new_content")
        if isinstance(inner, Mapping):
            made["m.new_content"] = await self._content(room, inner, sealed=sealed)
        return made

    async def _replaced(
        self, room: str, held: Mapping[str, Any], names: tuple[str, str], info: Any, *, sealed: bool
    ) -> dict[str, Any]:
        plain, closed = names
        source = held.get(closed) if isinstance(held.get(closed), Mapping) else held.get(plain)
        if source is None or (isinstance(source, str) and not sealed):
            return dict(held)
        about = info if isinstance(info, Mapping) else {}
        address, secret = (source, "") if isinstance(source, str) else (str(source["url"]), str(source["key"]["k"]))
        known = (room, address, secret)
        if known not in self._brought:
            self._brought[known] = await self._carry(source, about, sealed=sealed)
            self._brought = dict(list(self._brought.items())[-_MOST_KNOWN:])
        where = self._brought[known]
        kept = {name: value for name, value in held.items() if name not in names}
        return {**kept, closed: where} if sealed else {**kept, plain: where["url"]}

    async def _carry(
        self, source: str | Mapping[str, Any], info: Mapping[str, Any], *, sealed: bool
    ) -> Mapping[str, Any]:
        """Download, open if it is sealed, seal anew if it has to be, upload. The new EncryptedFile, or only its `url`."""
        try:
            most = await self._most_bytes()
            told = info.get("size")
            if isinstance(told, int) and told > most:
                raise _NotNow("too large")
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
                old = _Opened(source) if not isinstance(source, str) else None
                new = _Sealed() if sealed else None
                address = str(old.url if old else source)

                def take(chunk: bytes) -> None:
                    clear = old.read(chunk) if old else chunk
                    spool.write(new.write(clear) if new else clear)

                await self._client.download_to(address, take, most)
                if old and not old.is_whole():
                    raise _NotNow("gone")
                kind = info.get("mimetype")
                shown = kind if isinstance(kind, str) and not new else "application/octet-stream"
                there = await self._client.upload_from(spool, shown)
        except TokenLost:
            raise
        except Refused as no:
            raise _NotNow("too large" if no.status == 413 else "gone") from None
        except Unavailable:
            raise _NotNow("later") from None
        return new.described(there) if new else {"url": there}

    async def _most_bytes(self) -> int:
        """What the homeserver takes at most (spec: GET /media/config)."""
        most, known = self._limit
        if not most or time.monotonic() - known > _LIMIT_KNOWN_SECONDS:
            answer = await self._client.request("GET", "/_matrix/client/v1/media/config")
            told = answer.get("m.upload.size")
            most = told if isinstance(told, int) and told > 0 else _USUAL_LIMIT_BYTES
            self._limit = (most, time.monotonic())
        return min(most, MOST_FILE_BYTES)


class _Opened:
    """A sealed file on its way into the clear. It is whole only when its hash is as it was told."""

    def __init__(self, file: Mapping[str, Any]) -> None:
        self.url = str(file["url"])
        try:
            key, start = _from_base64(file["key"]["k"]), _from_base64(file["iv"])
            self._told = _from_base64(file["hashes"]["sha256"])
            self._cipher = _counter(key, start)
        except (ValueError, KeyError, TypeError):
            raise _NotNow("gone") from None
        self._hash = hashlib.sha256()

    def read(self, chunk: bytes) -> bytes:
        self._hash.update(chunk)
        return self._cipher.update(chunk)

    def is_whole(self) -> bool:
        return secrets.compare_digest(self._hash.digest(), self._told)


class _Sealed:
    """A file that is being sealed under a key of its own."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._start = secrets.token_bytes(8) + bytes(8)  # the counter is the other half, so that it never runs over
        self._cipher = _counter(self._key, self._start)
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> bytes:
        closed = self._cipher.update(chunk)
        self._hash.update(closed)
        return closed

    def described(self, url: str) -> Mapping[str, Any]:
        """The EncryptedFile of the spec."""
        secret = base64.urlsafe_b64encode(self._key).decode().rstrip("=")
        key = {"kty": "oct", "key_ops": ["encrypt", "decrypt"], "alg": "A256CTR", "k": secret, "ext": True}
        return {
            "v": "v2",
            "url": url,
            "key": key,
            "iv": _to_base64(self._start),
            "hashes": {"sha256": _to_base64(self._hash.digest())},
        }


def _counter(key: bytes, start: bytes) -> CipherContext:
    if len(key) != 32 or len(start) != 16:
        raise ValueError("not AES-256-CTR")
    return Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()


def _from_base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
