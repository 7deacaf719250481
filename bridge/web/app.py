"""Listens for signed notices of payments and writes each down once; never does what follows from one, and never logs what one says.

An answer that a notice was taken is given when it stands in the database, and not before: whoever hears anything else sends it again.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bridge.clock import Clock
from bridge.config import Webhook
from bridge.store import payments
from bridge.store.db import Database
from bridge.store.errors import StoreUnavailable
from bridge.web.hooks import MOST_BYTES, Heard, Rejected, keys, read, verified

READ_SECONDS = 10.0
AGAIN_SECONDS = 5.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Tell = Callable[[str, str | None], None]
"""Told of a trouble by its name, in words; None when it is over."""

log = structlog.get_logger(__name__)


def application(database: Database, clock: Clock, webhook: Webhook) -> web.Application:
    """The one address that there is, POST only."""
    secret = webhook.secret.get_secret_value() if webhook.secret else ""
    signing = keys(secret)

    async def take(request: web.Request) -> web.Response:
        try:
            body = await _body(request)
            heard = read(verified(signing, request.headers, body, clock()), body)
            if heard is None:
                return web.json_response({"status": "ignored"})
            return web.json_response({"status": "taken" if await _keep(database, heard, clock()) else "known"})
        except Rejected as no:
            log.warning("webhook refused", status=no.status, why=no.why)
            return web.json_response({"error": no.why}, status=no.status)
        except StoreUnavailable as error:
            log.warning("webhook without database", error=type(error).__name__)
            return web.json_response({"error": "later"}, status=503, headers={"Retry-After": "30"})

    made = web.Application(client_max_size=MOST_BYTES, middlewares=[_plainly])
    made.router.add_post(webhook.path, take)
    return made


async def serve(made: web.Application, webhook: Webhook, trouble: Tell) -> None:
    """Listen until cancelled. An address that cannot be had is told as a trouble and tried again; nothing else waits for it."""
    runner = web.AppRunner(made, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        while True:
            try:
                await web.TCPSite(runner, webhook.bind, webhook.port).start()
            except OSError as error:
                trouble("webhook", f"cannot listen on {webhook.bind}:{webhook.port} ({error.strerror}); trying again")
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                trouble("webhook", None)
                await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _keep(database: Database, heard: Heard, now_ms: int) -> bool:
    """Write it down; whether it was new. Raises StoreUnavailable."""
    async with database.writing() as db:
        return await payments.hear(db, heard.notice, heard.payer, heard.user, now_ms)


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.read()
    except TimeoutError:
        raise Rejected(408, "slow") from None
    except web.HTTPRequestEntityTooLarge:
        raise Rejected(413, "size") from None


@web.middleware
async def _plainly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong is one short word of JSON, without a trace of what was sent."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason.lower()}, status=error.status)
    except Exception as error:  # noqa: BLE001 - a traceback could hold what was sent
        log.error("webhook failed", error=type(error).__name__)  # noqa: TRY400 - as above
        return web.json_response({"error": "internal"}, status=500)
