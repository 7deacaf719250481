"""How long one ban takes in many rooms, beside a bare client that bans in the same rooms; and under a rate limit beside the floor that it allows."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from bridge import app
from bridge.bench.report import Figure
from bridge.config import Config
from bridge.demo.homeservers import Account, Homeserver, homeservers
from bridge.hearth import Hearth
from bridge.matrix.client import Client
from bridge.moderation import told
from bridge.rooms import ground
from bridge.store import due, ledger, people, queue, rooms
from bridge.store.db import Database

SIZES = (100, 500)
ROUNDS = 3
"""So often both are measured, by turns, as a machine is never quite quiet; of each the median counts."""

AT_ONCE = (4, 16)
"""The bare client is measured with each of these, and the faster one counts."""

MOST, NEAR = 1.2, 1.05
LIMITED_ROOMS = 100
PER_SECOND, USUAL, BURST = 2.0, 0.2, 10
"""Ten times faster than what Synapse comes with, so that it takes less than a minute; what it would be with the usual limit is reckoned from that."""

OWN = 3
"""The space, the common room and the staff room are among the rooms."""

WAIT_SECONDS = 600
IDLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class _Place:
    """A community on a homeserver: Hearth's account, a moderator's, the staff room and the rooms to ban in. In the first `OWN` nobody is whom we ban."""

    home: Homeserver
    bot: Account
    moderator: Account
    config: Config
    staff: str
    rooms: tuple[str, ...]


async def measure(venv: Path) -> list[Figure]:
    """One ban in 100 and in 500 rooms by a bare client and by Hearth; then in 100 under a limit, by Hearth."""
    figures: list[Figure] = []
    for number in SIZES:
        async with _place(venv, number) as place:
            bare, took = await _by_turns(place)
            ratio = round(took / bare, 3)
            figures.append(Figure(f"ban in {number} rooms", round(took, 2), "s", round(bare, 2), ratio, f"at most {MOST:g} times the bare bans", holds=ratio <= MOST))  # fmt: skip
            if number == LIMITED_ROOMS:
                figures += await _limited(place)
    return figures


async def _by_turns(place: _Place) -> tuple[float, float]:
    """How many seconds all these bans take by a bare client and by Hearth. Hearth does not run while the other is measured."""
    bare: dict[int, list[float]] = {at_once: [] for at_once in AT_ONCE}
    ours: list[float] = []
    for turn in range(ROUNDS):
        for at_once, seconds in bare.items():
            seconds.append(await _bare(place, at_once, turn))
        async with _running(place) as hearth:
            await _greet(place, hearth)
            ours.append(await _ban(place, hearth, await _settle_in(place, f"target{turn}"), place.rooms[OWN:]))
    return min(median(seconds) for seconds in bare.values()), median(ours)


async def _limited(place: _Place) -> list[Figure]:
    """The same homeserver, started anew with a limit: what is beyond the burst takes its time, and nothing is given up."""
    await place.home.stop()
    place.home.extra["rc_message"] = {"per_second": PER_SECOND, "burst_count": BURST}
    await place.home.start()
    async with _running(place) as hearth:
        await _greet(place, hearth)
        await asyncio.sleep(BURST / PER_SECOND)  # what the answer took of the burst is there again
        before = await _done(hearth)
        took = await _ban(place, hearth, f"@nobody:{place.home.server_name}", ())
        others = await _done(hearth) - before - len(place.rooms)
        refused, notices = await _refused(hearth), await _progress_told(hearth)
    steps = len(place.rooms) - BURST
    # What we say meanwhile draws on the same limit; all else takes its time whatever the limit is.
    rest = took - (steps + others) / PER_SECOND
    floor = steps / USUAL
    reckoned = floor + others / USUAL + rest
    ratio = round(reckoned / floor, 3)
    name = f"ban in {len(place.rooms)} rooms at {PER_SECOND:g} a second"
    return [
        Figure(name, round(took, 2), "s", round(steps / PER_SECOND, 2), None, "for information", holds=True),
        Figure(f"the same reckoned for {USUAL:g} a second, beside the floor", round(reckoned, 1), "s", round(floor, 1), ratio, f"at most {NEAR:g} times the floor", holds=ratio <= NEAR),
        Figure("the same: rooms given up", refused, "", None, None, "0", holds=refused == 0),
        Figure("the same: notices of how far it is", notices, "", None, None, "1, edited as it goes on", holds=notices == 1),
    ]  # fmt: skip


async def _done(hearth: Hearth) -> int:
    """How much has gone out so far."""
    async with hearth.database.reading() as db:
        counts = await queue.counts(db)
    return counts.done


@asynccontextmanager
async def _place(venv: Path, number: int) -> AsyncIterator[_Place]:
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-")))
        home = (await stack.enter_async_context(homeservers(["a"], venv))).a
        bot, moderator = await home.register("hearth", "password"), await home.register("mod", "password")
        config = Config.model_validate(
            {
                "matrix": {
                    "homeserver": home.url,
                    "user_id": bot.user_id,
                    "access_token": bot.token,
                    "encryption": False,
                },
                "data_dir": str(directory / "hearth"),
                "community": {
                    "space": {"name": "Space"},
                    "common": {"name": "Common", "encrypted": False},
                    "staff": {"name": "Staff", "encrypted": False},
                    "moderators": [moderator.user_id],
                },
            }
        )
        await app.apply(config, lambda _: None)
        async with Client(home.url, bot.token) as client:
            made: list[str] = []

            async def make() -> None:
                answer = await client.request(
                    "POST", "/createRoom", body={"preset": "private_chat"}, timeout_seconds=180
                )
                made.append(str(answer["room_id"]))

            await _all((make() for _ in range(number - OWN)), 8)
            staff, own = await _known(config, made)
            await client.request(
                "POST", "/rooms/{room}/invite", parts={"room": staff}, body={"user_id": moderator.user_id}
            )
        async with Client(home.url, moderator.token) as client:
            await client.request("POST", "/join/{room}", parts={"room": staff})
        yield _Place(home, bot, moderator, config, staff, (*own, *made))


async def _known(config: Config, made: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    """Write the rooms down as ours; gives the staff room, and those that were ours before."""
    database = await Database.open(config.database.url or config.data_dir / "hearth.db")
    try:
        async with database.writing() as db:
            own = tuple(room.room for room in await rooms.in_use(db))
            for number, room in enumerate(made):
                key = f"room/{number}"
                await rooms.add(
                    db, rooms.Room(room=room, key=key, kind="room", encrypted=False, history="shared", made_ms=number)
                )
            staff = await rooms.by_key(db, "staff")
    finally:
        await database.close()
    if staff is None:
        raise RuntimeError("there is no staff room")
    return staff.room, own


async def _settle_in(place: _Place, name: str) -> str:
    """Somebody new who is in all of these rooms. What the homeserver still does about that afterwards must not be taken for what comes next."""
    account = await place.home.register(name, "password")
    async with Client(place.home.url, place.bot.token) as ours, Client(place.home.url, account.token) as theirs:

        async def enter(room: str) -> None:
            await ours.request(
                "POST",
                "/rooms/{room}/invite",
                parts={"room": room},
                body={"user_id": account.user_id},
                timeout_seconds=180,
            )
            await theirs.request("POST", "/join/{room}", parts={"room": room}, timeout_seconds=180)

        await _all((enter(room) for room in place.rooms[OWN:]), 8)
    await _idle(place.home)
    return account.user_id


async def _idle(home: Homeserver) -> None:
    """Until the homeserver has done next to nothing for a moment."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            before = _worked(home)
            await asyncio.sleep(IDLE_SECONDS)
            if _worked(home) - before < IDLE_SECONDS / 10:
                return


def _worked(home: Homeserver) -> float:
    """How many seconds the homeserver's process has worked so far (Linux)."""
    spent = Path(f"/proc/{home.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")


async def _bare(place: _Place, at_once: int, turn: int) -> float:
    """Plain bans, so many at once; how many seconds they took."""
    user = await _settle_in(place, f"bare{at_once}-{turn}")
    async with Client(place.home.url, place.bot.token) as client:

        async def ban(room: str) -> None:
            await client.request(
                "POST", "/rooms/{room}/ban", parts={"room": room}, body={"user_id": user}, timeout_seconds=180
            )

        began = time.perf_counter()
        await _all((ban(room) for room in place.rooms), at_once)
        return time.perf_counter() - began


@asynccontextmanager
async def _running(place: _Place) -> AsyncIterator[Hearth]:
    async with app.opened(place.config) as hearth:
        ready = asyncio.Event()
        life = asyncio.create_task(hearth.run(ready=ready.set))
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await ready.wait()
            yield hearth
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


_orders = count()


async def _ban(place: _Place, hearth: Hearth, user: str, inside: Iterable[str]) -> float:
    """One order in the staff room about somebody who is in these rooms; how many seconds until the last of its bans was settled."""
    await _heard(hearth, user, inside)
    async with Client(place.home.url, place.moderator.token) as client:
        began = time.perf_counter()
        await _say(place, client, f"!ban {user} spam")
        async with asyncio.timeout(WAIT_SECONDS):
            while hearth.outbox.rushing or not await _settled(hearth, user):  # noqa: ASYNC110 - nobody tells us
                await asyncio.sleep(0.02)
        return time.perf_counter() - began


async def _greet(place: _Place, hearth: Hearth) -> None:
    """Let Hearth answer once, and do what was left: one that has run for a while has done so."""
    before = await _done(hearth)
    async with Client(place.home.url, place.moderator.token) as client:
        await _say(place, client, "!ban")
    async with asyncio.timeout(WAIT_SECONDS):
        while await _done(hearth) == before or await _waits(hearth):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.1)


async def _say(place: _Place, client: Client, text: str) -> None:
    parts = {"room": place.staff, "number": str(next(_orders))}
    body = {"msgtype": "m.text", "body": text}
    await client.request("PUT", "/rooms/{room}/send/m.room.message/{number}", parts=parts, body=body)


async def _waits(hearth: Hearth) -> bool:
    async with hearth.database.reading() as db:
        return (await queue.waiting(db, hearth.clock())).ready > 0


async def _heard(hearth: Hearth, user: str, places: Iterable[str]) -> None:
    """Until Hearth knows that somebody is in all of these rooms, and has looked at all rooms as it does at its start."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with hearth.database.reading() as db:
                known = await people.memberships_of(db, user)
                looking = await due.waiting(db, ground.LOOK, hearth.clock())
            if not looking and all(known.get(room) == "join" for room in places):
                return
            await asyncio.sleep(0.1)


async def _settled(hearth: Hearth, user: str) -> bool:
    async with hearth.database.reading() as db:
        newest = await ledger.newest(db, 3)
    return any(entry.target == user and entry.outcome is not None for entry in newest)


async def _refused(hearth: Hearth) -> int:
    async with hearth.database.reading() as db:
        newest = await ledger.newest(db, 1)
    outcome: Any = newest[0].outcome or {}
    return len(outcome.get("refused", {}))


async def _progress_told(hearth: Hearth) -> int:
    """How many notices told how far the last order is."""
    async with hearth.database.reading() as db:
        newest = await ledger.newest(db, 1)
        notice = await queue.get(db, told.progress_key(newest[0].id))
    return int(notice is not None and notice.state == "done")


async def _all(works: Iterable[Awaitable[object]], at_once: int) -> None:
    """Do all of these, so many at the same time."""
    gate = asyncio.Semaphore(at_once)

    async def one(work: Awaitable[object]) -> None:
        async with gate:
            await work

    await asyncio.gather(*(one(work) for work in works))
