"""The HTTP side of the fake: listening, tokens, faults, the request log, waking who waits. Knows no endpoint by name."""

from __future__ import annotations

import asyncio
import inspect
import re
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from . import routes_account, routes_history, routes_rooms
from .call import ROUTES, Call, Endpoint
from .errors import MatrixError
from .faults import Fault, Faults, Limits
from .model import Model

ENDPOINTS = (routes_account, routes_history, routes_rooms)  # importing them filled the table of routes
HARMLESS = re.compile(
    r"/(login|filter|typing/[^/]*|read_markers|receipt/.*|presence/.*|keys/(query|claim|upload.*)|upload)$"
)
MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Request:
    """A request as it came in; `status` stays None if it was never answered."""

    method: str
    path: str
    user_id: str | None = None
    status: int | None = None
    fault: str | None = None

    @property
    def mutating(self) -> bool:
        """Whether it asks to change a room, an alias, a profile or account data."""
        return self.method != "GET" and not HARMLESS.search(self.path)


LOG = web.RequestKey("log", Request)


class Bell:
    """Wakes waiting long-polls of the users concerned, and everybody who waits for anything."""

    def __init__(self) -> None:
        self._by_user: dict[str, set[asyncio.Event]] = {}
        self._any: set[asyncio.Event] = set()

    def ring(self, users: Iterable[str] | None) -> None:
        """Something changed for these users; None: for all."""
        for event in self._any:
            event.set()
        if not self._by_user:
            return
        concerned = self._by_user.keys() if users is None else self._by_user.keys() & users
        for user_id in concerned:
            for event in self._by_user[user_id]:
                event.set()

    def waits(self, user_id: str) -> bool:
        """Whether a long-poll of that user is open that nothing has woken yet."""
        return any(not event.is_set() for event in self._by_user.get(user_id, ()))

    async def wait(self, user_id: str | None, seconds: float) -> bool:
        """Until the next ring for that user (None: any ring); False when the time is over."""
        event = asyncio.Event()
        group = self._any if user_id is None else self._by_user.setdefault(user_id, set())
        group.add(event)
        if user_id is not None:
            self.ring(())
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        finally:
            group.discard(event)
            if user_id is not None and not group:
                self._by_user.pop(user_id, None)
                self.ring(())
        return True


class Server:
    """Serves a model on loopback; the port stays the same over `down` and `up`."""

    def __init__(self, model: Model, bell: Bell) -> None:
        self.model = model
        self.bell = bell
        self.faults = Faults()
        self.limits = Limits()
        self.log: list[Request] = []
        self.bugs: list[str] = []  # tracebacks of the fake itself; leaving the context raises them
        self.port = 0
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[self._middleware])
        for method, path, auth, endpoint in ROUTES:
            app.router.add_route(method, path, self._adapter(endpoint, auth), expect_handler=None)
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.2)
        self._site: web.TCPSite | None = None

    async def start(self) -> None:
        """Listen on a free loopback port."""
        await self._runner.setup()
        await self.up()

    async def stop(self) -> None:
        """Release what hangs, close everything."""
        self.faults.clear()
        await self.down()
        await self._runner.cleanup()

    async def up(self) -> None:
        """Listen (again) on the port."""
        if self._site is None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
            await self._site.start()
            self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """Refuse new connections and cut the existing ones."""
        if self._site is not None:
            await self._site.stop()
            self._site = None
        for connection in list(self._runner.server.connections if self._runner.server else ()):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)

    def _adapter(self, endpoint: Endpoint, auth: bool) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            bearer = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.query.get(
                "access_token"
            )
            raw = await request.read()
            session = self.model.accounts.session(bearer, request.query) if auth else None
            request[LOG].user_id = session.user.user_id if session else None
            call = Call(
                self.model, self.limits, request.match_info, request.query, raw, bearer, request, self._wait, session
            )
            answer: Any = endpoint(call)
            if inspect.isawaitable(answer):
                answer = await answer
            return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)

        return handle

    async def _wait(self, user_id: str, seconds: float) -> None:
        await self.bell.wait(user_id, seconds)

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        log = Request(request.method, request.path)
        request[LOG] = log
        self.log.append(log)
        fault = self.faults.take(request.method, request.path)
        self.bell.ring(())
        if fault:
            log.fault = fault.kind
            response = await self._spoiled(fault, request, handler)
        else:
            response = await self._answer(request, handler)
        if fault and fault.kind.startswith("drop"):
            if request.transport is not None:
                request.transport.abort()
        else:
            log.status = response.status
        self.bell.ring(())
        return response

    async def _spoiled(
        self, fault: Fault, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        garbage = web.Response(text=fault.body, content_type="text/html")
        if fault.kind == "status":
            return _error(fault.error())
        if fault.kind == "garbage":
            return garbage
        if fault.kind == "drop_before":
            return web.Response()
        if not fault.kind.endswith("_after"):
            await fault.delay()
            return await self._answer(request, handler)
        response = await self._answer(request, handler)
        await fault.delay()
        return garbage if fault.kind == "garbage_after" else response

    async def _answer(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except MatrixError as error:
            return _error(error)
        except web.HTTPException as error:
            return _error(MatrixError(error.status, "M_UNRECOGNIZED", "Unrecognized request"))
        except Exception:  # noqa: BLE001 - a bug of the fake must fail the test, not look like a homeserver's error
            self.bugs.append(f"{request.method} {request.path}\n{traceback.format_exc()}")
            return _error(MatrixError(500, "M_UNKNOWN", "bug in the fake homeserver"))


def _error(error: MatrixError) -> web.Response:
    headers = {}
    if "retry_after_ms" in error.body:
        headers["Retry-After"] = str(-(-error.body["retry_after_ms"] // 1000))
    return web.json_response(error.body, status=error.status, headers=headers)
