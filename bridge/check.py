"""Asks the homeserver and the database whether all that Hearth needs is there, and says what to do where it is not; never changes a thing.

Except that a first sign-in by password is made, as the next start would. No token, password or message is ever shown.
"""

import sys
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bridge.check_here import Finding, ok, rooms_wanted
from bridge.clock import now_ms
from bridge.config import Config
from bridge.errors import Refused, TokenLost, Unavailable
from bridge.matrix.admin import AdminReports
from bridge.matrix.client import Client
from bridge.matrix.problem import StartProblem
from bridge.matrix.session import Session, open_session
from bridge.power import powers
from bridge.store import rooms
from bridge.store.db import Database
from bridge.store.errors import NewerDatabase, StoreUnavailable

MOST_SKEW_SECONDS = 60
FREE_ROOMS, ROOM_SECONDS = 10, 62
"""Under Synapse's default limits ten rooms are made at once, and then one in so many seconds."""


_UNSIGNED = (
    "Start Hearth once with the account's password (matrix.password_file beside the token); it signs its device then."
)
_LOST = """\
The account was given an identity whose keys are not in data_dir. Put cross-signing.json back from your backup. If there is none,
sign in to the account with a Matrix client, reset its cryptographic identity there, sign out, and start Hearth with the password."""


async def online(config: Config) -> AsyncIterator[Finding]:
    """What the homeserver and the database show, one after the other, as they are found."""
    homeserver = True
    async for finding in _homeserver(config):
        homeserver = homeserver and finding.state != "problem"
        yield finding
    known: tuple[rooms.Room, ...] | None = None
    try:
        known = await _known_rooms(config)
        yield ok(
            f"The database is there. Rooms it knows: {len(known)}." if known else "The database knows no rooms yet."
        )
    except NewerDatabase:
        yield Finding(
            "problem",
            "A newer Hearth has worked with this database.",
            "Install that version again, or restore a backup.",
        )
    except ModuleNotFoundError:
        yield Finding("problem", "The driver for PostgreSQL is not installed.", "pip install 'hearth-matrix[postgres]'")
    except (StoreUnavailable, OSError, ValueError):
        yield Finding(
            "problem", "The database cannot be reached.", "Check database.url, and whether it runs; or free some space."
        )
    if not homeserver:
        return
    try:
        session = await open_session(config.matrix, config.data_dir)
    except StartProblem as problem:
        yield Finding("problem", problem.text)
        return
    except Unavailable:
        yield Finding("problem", "The homeserver did not answer the sign-in.", "Try again; look at its log.")
        return
    async with session.client:
        yield ok(f"The token works: {session.user}, device {session.device}.")
        for part in (_keys, _versions, _limits, _permissions, _reports):
            async for finding in part(config, session, known or ()):
                yield finding


async def _homeserver(config: Config) -> AsyncIterator[Finding]:
    """Whether it is there, is one, and its clock agrees with ours."""
    url = f"{config.matrix.homeserver.rstrip('/')}/_matrix/client/versions"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http,
            http.get(url, allow_redirects=False) as answer,
        ):
            body = await answer.json(content_type=None)
            date = answer.headers.get("Date")
    except aiohttp.ClientConnectorCertificateError:
        yield Finding(
            "problem",
            "The homeserver's certificate is not valid here.",
            "Renew it, or install the authority that signed it.",
        )
        return
    except (aiohttp.ClientError, TimeoutError, OSError):
        yield Finding(
            "problem",
            f"{config.matrix.homeserver} cannot be reached.",
            "Is the address right, does it run, is there a firewall?",
        )
        return
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("versions"), list):
        yield Finding(
            "problem",
            f"{config.matrix.homeserver} answers, but is no homeserver.",
            "Give the address of the client API: the one in https://YOUR-SERVER/.well-known/matrix/client.",
        )
        return
    newest = body["versions"][-1] if body["versions"] else "unknown"
    yield ok(f"The homeserver is there; it speaks Matrix up to {newest}.")
    skew = _skew_seconds(date)
    if skew > MOST_SKEW_SECONDS:
        yield Finding(
            "hint",
            f"The clocks of this machine and of the homeserver are {skew:.0f} seconds apart.",
            "Let both keep time by NTP, or digests come at the wrong time.",
        )


async def _reports(config: Config, _session: Session, _known: tuple[rooms.Room, ...]) -> AsyncIterator[Finding]:
    """Whether what people report by their clients' button can be read, if that is configured."""
    token = config.reports.admin_token
    if token is None:
        return
    async with Client(config.matrix.homeserver, token.get_secret_value()) as client:
        try:
            await AdminReports(client).newer("event", sys.maxsize)
        except Refused as no:
            yield Finding(
                "problem",
                f"What people report by their client's button cannot be read ({no.errcode}).",
                "reports.admin_token has to be the token of a server administrator of your own Synapse; or leave it out.",
            )
        except Unavailable:
            yield Finding("hint", "The list of reports could not be read.", "Try again; look at the homeserver's log.")
        else:
            yield ok("What people report by their client's button can be read.")


def _skew_seconds(date: str | None) -> float:
    """How far our clock is from this `Date` header; 0 without one that can be read."""
    try:
        return abs(now_ms() / 1000 - parsedate_to_datetime(date or "").timestamp())
    except ValueError:
        return 0


async def _known_rooms(config: Config) -> tuple[rooms.Room, ...]:
    """Our rooms by the database, which is brought up to date on the way as at a start. A file that is not there yet is not made."""
    file = config.data_dir / "hearth.db"
    if not config.database.url and not file.exists():
        return ()
    database = await Database.open(config.database.url or file)
    try:
        async with database.reading() as db:
            return await rooms.in_use(db)
    finally:
        await database.close()


async def _keys(config: Config, session: Session, _known: tuple[rooms.Room, ...]) -> AsyncIterator[Finding]:
    """Whether the device is signed by its owner. Clients begin to hide from devices that are not."""
    if not config.matrix.encryption:
        yield Finding(
            "hint",
            "Encryption is switched off.",
            "Direct rooms are usually encrypted: without it Hearth cannot read them.",
        )
        return
    answer = await _asked(session.client, "POST", "/keys/query", body={"device_keys": {session.user: []}})
    held = _dig(answer, "device_keys", session.user, session.device)
    signing = _dig(answer, "self_signing_keys", session.user, "keys")
    if not held:
        yield ok("The device has no keys yet; they are made at the first start.")
    elif not isinstance(held, dict) or not set(_dig(held, "signatures", session.user) or ()) & set(signing or ()):
        yield Finding(
            "hint",
            "The device is not signed by its account, so some clients will not share keys with it.",
            _LOST if signing and not (config.data_dir / "cross-signing.json").exists() else _UNSIGNED,
        )
    else:
        yield ok("The device has keys and is signed by its account.")


async def _versions(config: Config, session: Session, _known: tuple[rooms.Room, ...]) -> AsyncIterator[Finding]:
    """Which rooms can be made here."""
    told = _dig(await _asked(session.client, "GET", "/capabilities"), "capabilities", "m.room_versions") or {}
    wanted, default = config.community.room_version, told.get("default", "unknown")
    if wanted and wanted not in (told.get("available") or {wanted: "stable"}):
        yield Finding(
            "problem",
            f"The homeserver cannot make rooms of version {wanted}.",
            f"Leave out community.room_version; its default is {default}.",
        )
    else:
        yield ok(f"New rooms get version {wanted or default}.")


async def _limits(config: Config, session: Session, known: tuple[rooms.Room, ...]) -> AsyncIterator[Finding]:
    """How fast we may be."""
    if config.matrix.application_service:
        yield ok("As an application service Hearth is not slowed down by rate limits.")
        return
    path = "/_synapse/admin/v1/users/{user}/override_ratelimit"
    try:
        answer = await session.client.request("GET", path, parts={"user": session.user})
    except (Refused, Unavailable):
        answer = {}
    if answer.get("messages_per_second") == 0:
        yield ok("The homeserver's rate limits are lifted for this account.")
        return
    missing = rooms_wanted(config) - len(known)
    minutes = max(0, missing - FREE_ROOMS) * ROOM_SECONDS / 60
    pace = f" Making {missing} rooms takes about {minutes:.0f} minutes under usual limits." if minutes >= 1 else ""
    yield Finding(
        "hint",
        f"The homeserver's rate limits hold for this account.{pace} Hearth waits where it must, and loses nothing.",
        "To lift them, run it as an application service (`hearth registration`), or let an administrator of a Synapse send this (only they can\n"
        "see whether it was done already):\n"
        f"curl -X POST -H 'Authorization: Bearer ADMIN_TOKEN' -d '{{\"messages_per_second\": 0, \"burst_count\": 0}}' "
        f"'{config.matrix.homeserver.rstrip('/')}/_synapse/admin/v1/users/{session.user}/override_ratelimit'",
    )


async def _permissions(_config: Config, session: Session, known: tuple[rooms.Room, ...]) -> AsyncIterator[Finding]:
    """Whether we have the power that we need in each of our rooms."""
    fine = 0
    for row in known:
        try:
            state = await session.client.request_list("/rooms/{room}/state", parts={"room": row.room})
        except TokenLost:
            raise
        except Refused:
            yield Finding(
                "problem", f"Hearth is not in {row.key} ({row.alias}).", "Somebody there has to invite it back."
            )
            continue
        except Unavailable:
            yield Finding(
                "hint", f"{row.key} ({row.alias}) could not be looked at.", "Try again; look at the homeserver's log."
            )
            continue
        held = powers(state)
        lacking = [
            act
            for act in ("ban", "kick", "redact", "invite", "state:m.room.power_levels")
            if not held.can(session.user, act)
        ]
        if lacking:
            doing = ", ".join(act.removeprefix("state:m.room.") for act in lacking)
            yield Finding(
                "problem",
                f"In {row.key} ({row.alias}) Hearth may not: {doing}.",
                "Somebody with more power has to give it 100 there.",
            )
        fine += not lacking
    if fine:
        yield ok(f"Rooms in which Hearth has the power it needs: {fine}.")


async def _asked(client: Client, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The answer, or nothing where the homeserver has none for us."""
    try:
        return await client.request(method, path, body=body)
    except TokenLost:
        raise
    except (Refused, Unavailable):
        return {}


def _dig(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
