"""One HTTP request to the homeserver, and its outcome as a value or as one of our errors; never a retry, never a decision.

Errors name the method and the template of the path. No id, token or body ever gets into one.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from bridge.errors import Refused, TokenLost, Unavailable
from bridge.matrix import pieces

CLIENT_API = "/_matrix/client/v3"
MEDIA_API = "/_matrix/client/v1/media"

MOST_ANSWER_BYTES = 128 * 1024 * 1024
"""A first sync of a big account is tens of megabytes. More than this is not an answer but an accident."""

Query = Mapping[str, str | int | Sequence[str]]
"""What stands behind the question mark; a sequence is one name several times."""

_CONNECT_SECONDS = 15
_FILE_SECONDS = 240
_CHUNK_BYTES = 64 * 1024
_TOKEN_ERRORS = frozenset({"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"})
_PLACE = re.compile(r"\{(\w+)\}")
_MXC = re.compile(r"mxc://([^/?#\s]+)/([\w-]+)")


class AuthNeeded(Refused):
    """The homeserver wants to see a password first (spec: "User-Interactive Authentication API"). `session` belongs into the second try."""

    def __init__(self, what: str, session: str | None, stages: frozenset[str]) -> None:
        """`stages` are the ways to authenticate that would do alone."""
        super().__init__(401, "M_FORBIDDEN", what)
        self.session = session
        self.stages = stages


class Client:
    """Speaks to one homeserver with one token. With `user_id` given, as that user of an application service.

    A GET or PUT that meets a kept connection which the server has closed meanwhile is sent once more on a fresh one.
    """

    def __init__(
        self, homeserver: str, token: str | None, *, user_id: str | None = None, device_id: str | None = None
    ) -> None:
        """Nothing is connected yet. `user_id` and `device_id` go along with every request (spec: "Identity assertion")."""
        self._root = homeserver.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        asserted = {"user_id": user_id, "device_id": device_id}
        self._asserted = {name: value for name, value in asserted.items() if value}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; a later request would open them again."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        parts: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        timeout_seconds: float = 30,
    ) -> dict[str, Any]:
        """The JSON object that the homeserver answers.

        `path` is a template whose `{names}` are filled from `parts`; without a leading `/_` it belongs to the client API.
        Raises TokenLost, Refused (Matrix said no) or Unavailable (not now, or not an answer at all).
        """
        data = None
        headers = {}
        if body is not None or method in {"POST", "PUT"}:
            data = json.dumps(body or {}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            headers = {"Content-Type": "application/json"}
        what = f"{method} {path}"
        url = self._url(path, parts, query)
        answer = _parsed(what, (await self._exchange(what, url, data, headers, timeout_seconds=timeout_seconds))[1])
        if not isinstance(answer, dict):
            raise Unavailable(f"{what} not an object")
        return answer

    async def request_list(
        self,
        path: str,
        *,
        parts: Mapping[str, str] | None = None,
        query: Query | None = None,
        timeout_seconds: float = 60,
    ) -> list[Any]:
        """GET, for the few endpoints that answer an array; else like `request`."""
        what = f"GET {path}"
        url = self._url(path, parts, query)
        answer = _parsed(what, (await self._exchange(what, url, None, {}, timeout_seconds=timeout_seconds))[1])
        if not isinstance(answer, list):
            raise Unavailable(f"{what} not an array")
        return answer

    async def objects(
        self, path: str, *, parts: Mapping[str, str] | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """GET, for an array that may be very long: its objects one by one, as they arrive. Raises like `request`, also in the middle.

        Whoever does not take all of them closes it (`contextlib.aclosing`).
        """
        what, url = f"GET {path}", self._url(path, parts, None)
        timeout = aiohttp.ClientTimeout(total=_FILE_SECONDS, sock_connect=_CONNECT_SECONDS)
        try:
            async with self._opened().get(url, headers=self._headers, timeout=timeout, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:
                    raise failure(what, answer.status, answer.headers, await _read(answer, _CHUNK_BYTES) or b"")
                async for each in pieces.objects(answer.content.iter_chunked(_CHUNK_BYTES)):
                    yield each
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
            raise Unavailable(f"{what} {type(trouble).__name__}") from None
        except (ValueError, RecursionError):
            raise Unavailable(f"{what} not an array") from None

    async def upload(self, data: bytes, content_type: str, filename: str | None = None) -> str:
        """The `mxc://` address of this file, from now on (spec: POST /media/v3/upload). Raises like `request`."""
        path = "/_matrix/media/v3/upload"
        what = f"POST {path}"
        url = self._url(path, None, {"filename": filename} if filename else None)
        _, body = await self._exchange(what, url, data, {"Content-Type": content_type}, timeout_seconds=120)
        answer = _parsed(what, body)
        address = answer.get("content_uri") if isinstance(answer, dict) else None
        if not isinstance(address, str):
            raise Unavailable(f"{what} without an address")
        return address

    async def download(self, mxc: str, most_bytes: int) -> tuple[bytes, str]:
        """A file and its type, by the authenticated download of the spec. A file of more than `most_bytes` is Refused (M_TOO_LARGE)."""
        found = _MXC.fullmatch(mxc)
        if not found:
            raise Refused(400, "M_INVALID_PARAM", "GET media")
        path = MEDIA_API + "/download/{server}/{media}"
        url = self._url(path, {"server": found[1], "media": found[2]}, None)
        headers, body = await self._exchange(f"GET {path}", url, None, {}, timeout_seconds=120, most_bytes=most_bytes)
        return body, headers.get("Content-Type", "application/octet-stream")

    async def download_to(self, mxc: str, take: Callable[[bytes], None], most_bytes: int) -> None:
        """A file, piece by piece, by the authenticated download of the spec. One of more than `most_bytes` is Refused (M_TOO_LARGE)."""
        found = _MXC.fullmatch(mxc)
        path = MEDIA_API + "/download/{server}/{media}"
        what = f"GET {path}"
        if not found:
            raise Refused(400, "M_INVALID_PARAM", what)
        url = self._url(path, {"server": found[1], "media": found[2]}, None)
        timeout = aiohttp.ClientTimeout(total=_FILE_SECONDS, sock_connect=_CONNECT_SECONDS)
        taken = 0
        try:
            async with self._opened().get(url, headers=self._headers, timeout=timeout, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:
                    raise failure(what, answer.status, answer.headers, await _read(answer, _CHUNK_BYTES) or b"")
                async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                    taken += len(chunk)
                    if taken > most_bytes:
                        raise Refused(413, "M_TOO_LARGE", what)
                    take(chunk)
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
            raise Unavailable(f"{what} {type(trouble).__name__}") from None

    async def upload_from(self, file: IO[bytes], content_type: str) -> str:
        """The `mxc://` address of the file that stands in here, from its beginning to where it is now; read piece by piece. Raises like `request`."""
        path = "/_matrix/media/v3/upload"
        length = file.tell()
        headers = {"Content-Type": content_type, "Content-Length": str(length)}
        url = self._url(path, None, None)
        answer = await self._exchange(f"POST {path}", url, _pieces(file), headers, timeout_seconds=_FILE_SECONDS)
        told = _parsed(f"POST {path}", answer[1])
        address = told.get("content_uri") if isinstance(told, dict) else None
        if not isinstance(address, str):
            raise Unavailable(f"POST {path} without an address")
        return address

    async def _exchange(
        self,
        what: str,
        url: URL,
        data: bytes | AsyncIterator[bytes] | None,
        headers: Mapping[str, str],
        *,
        timeout_seconds: float,
        most_bytes: int | None = None,
    ) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of a 2xx answer to `what`, which begins with the method."""
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=_CONNECT_SECONDS)
        method = what.partition(" ")[0]
        try:
            async with self._opened().request(
                method, url, data=data, headers={**self._headers, **headers}, timeout=timeout, allow_redirects=False
            ) as answer:
                body = await _read(answer, most_bytes or MOST_ANSWER_BYTES)
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
            # The original text may hold the address with its ids and query: its kind is enough.
            raise Unavailable(f"{what} {type(trouble).__name__}") from None
        if body is None and most_bytes:
            raise Refused(413, "M_TOO_LARGE", what)
        if body is None:
            raise Unavailable(f"{what} endless answer")
        if not 200 <= answer.status < 300:
            raise failure(what, answer.status, answer.headers, body)
        return answer.headers, body

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Cookies would only let a proxy tell our requests apart.
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(limit=64)
            )
        return self._session

    def _url(self, path: str, parts: Mapping[str, str] | None, query: Query | None) -> URL:
        whole = path if path.startswith("/_") else CLIENT_API + path
        filled = _PLACE.sub(lambda place: quote((parts or {})[place[1]], safe=""), whole)
        asked = urlencode({**self._asserted, **(query or {})}, doseq=True)
        return URL(f"{self._root}{filled}{'?' if asked else ''}{asked}", encoded=True)


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    file.seek(0)
    while piece := file.read(_CHUNK_BYTES):
        yield piece


async def _read(answer: aiohttp.ClientResponse, most_bytes: int) -> bytes | None:
    """The whole body, or None when it is longer than that."""
    held = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
        held += chunk
        if len(held) > most_bytes:
            return None
    return bytes(held)


def _parsed(what: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable(f"{what} not JSON") from None


def failure(what: str, status: int, headers: Mapping[str, str], body: bytes) -> Refused | Unavailable:
    """The error that an answer other than 2xx stands for. `headers` must be looked up as HTTP does."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    said = told if isinstance(told, dict) else {}
    code = said.get("errcode")
    errcode = code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.]{1,80}", code) else None
    if status == 429 or errcode == "M_LIMIT_EXCEEDED":
        return Unavailable(f"{what} 429", retry_after_ms=_retry_after_ms(said, headers), limited=True)
    if errcode in _TOKEN_ERRORS:
        return TokenLost(status, errcode, what)
    if status == 401 and isinstance(said.get("flows"), list):
        return _auth_needed(what, said)
    if status == 413:  # a proxy may say so in its own words
        return Refused(status, errcode or "M_TOO_LARGE", what)
    if errcode is None or not 400 <= status < 500:
        # A redirect, a proxy's page or a 5xx: the homeserver itself has not answered.
        return Unavailable(f"{what} {status}", retry_after_ms=_retry_after_ms(said, headers))
    return Refused(status, errcode, what)


def _auth_needed(what: str, said: Mapping[str, Any]) -> AuthNeeded:
    flows = [flow.get("stages") for flow in said["flows"] if isinstance(flow, dict)]
    alone = frozenset(
        str(stages[0]) for stages in flows if isinstance(stages, list) and len(stages) == 1
    )  # fmt: skip
    session = said.get("session")
    return AuthNeeded(what, session if isinstance(session, str) else None, alone)


def _retry_after_ms(said: Mapping[str, Any], headers: Mapping[str, str]) -> int | None:
    told = said.get("retry_after_ms")
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told < 1e12:
        return int(told)
    header = headers.get("Retry-After", "")
    return int(header) * 1000 if re.fullmatch(r"\d{1,9}", header) else None
