"""Every way in which a homeserver can fail to answer is one of our errors, and none of them tells a secret."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bridge.errors import Refused, TokenLost, Unavailable
from bridge.matrix import client as client_module
from bridge.matrix.client import AuthNeeded, Client
from tests.fake import FakeHomeserver

TOKEN = "syt_secret_token"
ROOM = "!secret-room:a.test/x?y#z"
PATH = "/rooms/{room}/state/{kind}"
PARTS = {"room": ROOM, "kind": "m.room.name"}


class Answers:
    """A server that says what it was told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {}
        self.headers: dict[str, str] = {}
        self.asked: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        self.bodies.append(await request.read())
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return web.Response(status=self.status, body=body, headers=self.headers)


@pytest.fixture
async def answers() -> AsyncIterator[Answers]:
    held = Answers()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", held.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    held.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    yield held
    await runner.cleanup()


@pytest.fixture
async def client(answers: Answers) -> AsyncIterator[Client]:
    async with Client(answers.url, TOKEN) as held:
        yield held


async def failing(client: Client, **more: Any) -> Refused | Unavailable:
    with pytest.raises((Refused, Unavailable)) as caught:
        await client.request("GET", PATH, parts=PARTS, **more)
    for secret in (TOKEN, ROOM, "secret"):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


async def test_a_request_carries_its_parts_query_body_and_token(answers: Answers, client: Client) -> None:
    answers.body = {"ok": 1}
    query = {"via": ["a b", "c"], "limit": 5}
    assert await client.request("PUT", PATH, parts=PARTS, query=query, body={"name": "Ночь"}) == {"ok": 1}
    asked = answers.asked[0]
    assert (
        asked.raw_path
        == "/_matrix/client/v3/rooms/%21secret-room%3Aa.test%2Fx%3Fy%23z/state/m.room.name?via=a+b&via=c&limit=5"
    )
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert json.loads(answers.bodies[0]) == {"name": "Ночь"}
    await client.request("GET", "/_synapse/admin/v1/{what}", parts={"what": "x"})
    assert answers.asked[1].raw_path == "/_synapse/admin/v1/x"
    await client.request("POST", "/join/{room}", parts={"room": "!r"})
    assert answers.bodies[2] == b"{}"


async def test_a_service_s_user_is_asserted_with_every_request(answers: Answers) -> None:
    async with Client(answers.url, TOKEN, user_id="@hearth:a.test", device_id="DEV") as client:
        await client.request("GET", "/sync", query={"since": "s1"})
        assert dict(answers.asked[0].query) == {"user_id": "@hearth:a.test", "device_id": "DEV", "since": "s1"}


@pytest.mark.parametrize("code", ["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"])
async def test_a_lost_token(answers: Answers, client: Client, code: str) -> None:
    answers.status, answers.body = 401, {"errcode": code, "error": "secret", "soft_logout": True}
    assert isinstance(await failing(client), TokenLost)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413])
async def test_no_is_no(answers: Answers, client: Client, status: int) -> None:
    answers.status, answers.body = status, {"errcode": "M_FORBIDDEN", "error": "secret"}
    error = await failing(client)
    assert isinstance(error, Refused)
    assert not isinstance(error, TokenLost)
    assert (error.status, error.errcode) == (status, "M_FORBIDDEN")
    assert str(error) == f"GET {PATH} {status} M_FORBIDDEN"


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1234}, {"Retry-After": "9"}, 1234),
        ({"errcode": "M_LIMIT_EXCEEDED"}, {"Retry-After": "9"}, 9000),
        ({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": "soon"}, {"Retry-After": "tomorrow"}, None),
        ({"retry_after_ms": -5}, {}, None),
        (b"<html>slow down</html>", {"Retry-After": "2"}, 2000),
    ],
)
async def test_too_many_requests(
    answers: Answers, client: Client, body: Any, headers: dict[str, str], expected: int | None
) -> None:
    answers.status, answers.body, answers.headers = 429, body, headers
    error = await failing(client)
    assert isinstance(error, Unavailable)
    assert error.limited
    assert error.retry_after_ms == expected


@pytest.mark.parametrize("status", [301, 302, 500, 502, 503, 504])
async def test_what_is_no_answer_of_the_homeserver_is_tried_later(
    answers: Answers, client: Client, status: int
) -> None:
    answers.status, answers.body = status, {"errcode": "M_UNKNOWN"}
    answers.headers = {"Location": "http://127.0.0.1:1/"}
    error = await failing(client)
    assert isinstance(error, Unavailable)
    assert not error.limited
    assert len(answers.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 421])
async def test_a_proxy_s_page_is_not_a_no(answers: Answers, client: Client, status: int) -> None:
    for body in (b"<html>nothing here</html>", [], {"errcode": 5}, {"errcode": "secret words"}, b"[" * 100_000):
        answers.status, answers.body = status, body
        assert isinstance(await failing(client), Unavailable), body


async def test_a_proxy_that_finds_it_too_large_is_believed(answers: Answers, client: Client) -> None:
    answers.status, answers.body = 413, b"<html>too large</html>"
    error = await failing(client)
    assert isinstance(error, Refused)
    assert error.errcode == "M_TOO_LARGE"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"5", b"null", b'{"a":', b"\xff\xfe", b"[" * 100_000])
async def test_what_is_not_an_object_is_no_answer(answers: Answers, client: Client, body: bytes) -> None:
    answers.body = body
    assert isinstance(await failing(client), Unavailable)


async def test_an_array_where_one_is_due(answers: Answers, client: Client) -> None:
    answers.body = [1, {"a": 2}]
    assert await client.request_list("/rooms/{room}/state", parts=PARTS) == [1, {"a": 2}]
    answers.body = {}
    with pytest.raises(Unavailable):
        await client.request_list("/rooms/{room}/state", parts=PARTS)


async def test_an_endless_answer_is_cut_off(answers: Answers, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "MOST_ANSWER_BYTES", 1000)
    answers.body = {"a": "x" * 2000}
    assert isinstance(await failing(client), Unavailable)


async def test_a_password_is_asked_for(answers: Answers, client: Client) -> None:
    flows = [{"stages": ["m.login.password"]}, {"stages": ["a", "b"]}, {"stages": 5}, 7]
    answers.status, answers.body = 401, {"flows": flows, "session": "s"}
    error = await failing(client)
    assert isinstance(error, AuthNeeded)
    assert (error.session, error.stages) == ("s", {"m.login.password"})


async def test_a_server_that_is_gone_slow_or_hangs_up() -> None:
    async with FakeHomeserver() as hs:
        token = (await hs.user("@bot")).token()
        async with Client(hs.url, token) as client:
            await client.request("GET", "/account/whoami")
            hang = hs.faults.add("hang", path="/whoami")
            assert isinstance(await failing_whoami(client, 0.1), Unavailable)
            hang.release()
            drop = hs.faults.add("drop_after", path="/whoami", times=None)
            assert isinstance(await failing_whoami(client, 5), Unavailable)
            drop.release()
            await hs.down()
            assert isinstance(await failing_whoami(client, 5), Unavailable)
            await hs.up()
            assert (await client.request("GET", "/account/whoami"))["user_id"] == "@bot:a.test"


async def failing_whoami(client: Client, timeout_seconds: float) -> Exception:
    with pytest.raises(Unavailable) as caught:
        await client.request("GET", "/account/whoami", timeout_seconds=timeout_seconds)
    return caught.value


async def test_cancelling_is_not_an_error_of_ours(answers: Answers) -> None:
    async with FakeHomeserver() as hs:
        token = (await hs.user("@bot")).token()
        hs.faults.add("hang", path="/whoami")
        async with Client(hs.url, token) as client:
            task = asyncio.create_task(client.request("GET", "/account/whoami"))
            await hs.until(lambda: any(request.path.endswith("whoami") for request in hs.requests))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
