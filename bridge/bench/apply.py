"""How long a whole community takes: 18 circles and 350 invited people by `hearth apply`, beside a bare client that makes the same rooms and invites."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bridge.bench.report import Figure
from bridge.config import Config
from bridge.demo.homeservers import Homeserver, homeservers
from bridge.matrix.client import Client
from bridge.rooms.contents import child_link, create_request
from bridge.rooms.forecast import after
from bridge.rooms.model import Actual, Create, Desired
from bridge.rooms.plan import around, desired, plan

CIRCLES, PEOPLE = 18, 350
ROOMS = CIRCLES + 3
MOST_SECONDS = 180.0
AT_ONCE = (4, 16)
"""The bare client is measured with each of these, and the faster one counts."""
WAIT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class _Bot:
    """An account with a client and a directory of its own, and what it is to build."""

    client: Client
    user: str
    file: Path
    config: Config
    version: str

    @property
    def wanted(self) -> Desired:
        """The community as `hearth apply` reads it."""
        return desired(self.config, self.user)


async def measure(venv: Path) -> list[Figure]:
    """Build the same community by a bare client, by Hearth, and by a Hearth that is killed in the middle; then apply once more."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-")))
        home = (await stack.enter_async_context(homeservers(["a"], venv))).a
        people = [f"@person{number}:{home.server_name}" for number in range(PEOPLE)]
        await _all((_register(home, number) for number in range(PEOPLE)), 8)
        bare = [await _bare(await _bot(stack, home, f"bare{number}", people, directory), number) for number in AT_ONCE]
        whole, killed = [await _bot(stack, home, name, people, directory) for name in ("hearth", "killed")]
        took = await _timed(lambda: _apply(whole))
        before = await _state(whole)
        again = await _timed(lambda: _apply(whole))
        changed = len(before ^ await _state(whole))
        began = time.perf_counter()
        lives = await _apply_killed(killed)
        took_killed = time.perf_counter() - began
        wrong = await _wrong(whole) + await _wrong(killed)
    best = min(bare)
    goal = f"at most {MOST_SECONDS:g} s"
    name = f"apply: {CIRCLES} circles and {PEOPLE} invites"
    return [
        _seconds(name, took, best, goal, holds=took <= MOST_SECONDS),
        _seconds(f"{name}, killed in the middle ({lives} lives)", took_killed, best, goal, holds=took_killed <= MOST_SECONDS and lives > 1),
        _seconds("apply: the second run", again, None, "for information", holds=True),
        Figure("apply: state events changed by the second run", changed, "events", None, None, "0", holds=changed == 0),
        Figure("apply: rooms or invites too many or too few", wrong, "", None, None, "0", holds=wrong == 0),
    ]  # fmt: skip


def _seconds(name: str, value: float, baseline: float | None, goal: str, *, holds: bool) -> Figure:
    ratio = None if baseline is None else round(value / baseline, 3)
    return Figure(name, round(value, 1), "s", baseline and round(baseline, 1), ratio, goal, holds=holds)


async def _timed(run: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await run()
    return time.perf_counter() - began


async def _all(works: Iterable[Awaitable[object]], at_once: int) -> None:
    """Do all of these, so many at the same time."""
    gate = asyncio.Semaphore(at_once)

    async def one(work: Awaitable[object]) -> None:
        async with gate:
            await work

    await asyncio.gather(*(one(work) for work in works))


async def _register(home: Homeserver, number: int) -> None:
    await home.register(f"person{number}", "password")


async def _bot(stack: AsyncExitStack, home: Homeserver, name: str, people: Sequence[str], directory: Path) -> _Bot:
    account = await home.register(name, "password")
    circles = [
        {"name": f"Circle {number}", "tag": f"circle{number}", "alias": f"{name}-{number}", "members": list(people[number::CIRCLES])}
        for number in range(CIRCLES)
    ]  # fmt: skip
    rooms = {
        room: {"name": room.capitalize(), "alias": f"{name}-{room}", "topic": "Come in"}
        for room in ("space", "common", "staff")
    }
    settings: dict[str, Any] = {
        "matrix": {"homeserver": home.url, "user_id": account.user_id, "access_token": account.token},
        "data_dir": str(directory / name),
        "community": {**rooms, "circles": circles},
    }
    file = directory / f"{name}.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    client = await stack.enter_async_context(Client(home.url, account.token))
    answer = await client.request("GET", "/capabilities")
    version = str(answer["capabilities"]["m.room_versions"]["default"])
    return _Bot(client, account.user_id, file, Config.model_validate(settings), version)


async def _bare(bot: _Bot, at_once: int) -> float:
    """The same rooms, links and invites by a plain client that remembers nothing and looks at nothing; how many seconds it took."""
    wanted, actual = bot.wanted, Actual({}, bot.version)
    began = time.perf_counter()
    made: dict[str, str] = {}

    async def make(create: Create, body: dict[str, Any]) -> None:
        alias = create.room.alias[1:].partition(":")[0]
        answer = await bot.client.request("POST", "/createRoom", body={**body, "room_alias_name": alias}, timeout_seconds=180)  # fmt: skip
        made[create.room.key] = str(answer["room_id"])

    space, *others = [change for change in plan(wanted, actual) if isinstance(change, Create)]
    await make(space, create_request(wanted, space.room, around(wanted, actual, space.room)))
    actual = after(wanted, actual, space)
    requests = []
    for create in others:
        body = create_request(wanted, create.room, around(wanted, actual, create.room))
        requests.append((create, _with_real_id(body, actual.rooms["space"].room, made["space"])))
    invites = (_invite(bot, made["space"], user) for user in wanted.rooms[0].guests)
    await asyncio.gather(
        _all((make(create, body) for create, body in requests), at_once),
        _all(invites, at_once),
    )
    linked = [create.room for create in others if create.room.parent]
    await _all((_link(bot, made["space"], made[room.key], child_link(wanted, room, {})) for room in linked), at_once)
    return time.perf_counter() - began


def _with_real_id(value: Any, foreseen: str, real: str) -> Any:
    """The request with the space's real id in place of the foreseen one."""
    if isinstance(value, dict):
        return {key: _with_real_id(one, foreseen, real) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_real_id(one, foreseen, real) for one in value]
    return real if value == foreseen else value


async def _invite(bot: _Bot, room: str, user: str) -> None:
    parts = {"room": room}
    await bot.client.request("POST", "/rooms/{room}/invite", parts=parts, body={"user_id": user}, timeout_seconds=180)


async def _link(bot: _Bot, space: str, room: str, content: Any) -> None:
    parts = {"room": space, "child": room}
    await bot.client.request(
        "PUT", "/rooms/{room}/state/m.space.child/{child}", parts=parts, body=content, timeout_seconds=180
    )


async def _start(bot: _Bot) -> asyncio.subprocess.Process:
    arguments = ("-m", "bridge", "apply", "--config", str(bot.file))
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=quiet)


async def _apply(bot: _Bot) -> None:
    process = await _start(bot)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        raise RuntimeError(f"hearth apply ended with {code}")


async def _apply_killed(bot: _Bot) -> int:
    """Apply, with one `kill -9` when half of the rooms are there; how many lives it took."""
    process = await _start(bot)
    while process.returncode is None and len(await _rooms(bot)) < ROOMS // 2:  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.05)
    if process.returncode is not None:
        return 1
    process.kill()
    await process.wait()
    await _apply(bot)
    return 2


async def _rooms(bot: _Bot) -> list[str]:
    answer = await bot.client.request("GET", "/joined_rooms")
    return list(answer["joined_rooms"])


async def _state(bot: _Bot) -> set[str]:
    """The ids of all state events of all rooms."""
    found: set[str] = set()
    for room in await _rooms(bot):
        found |= {
            event["event_id"] for event in await bot.client.request_list("/rooms/{room}/state", parts={"room": room})
        }
    return found


async def _wrong(bot: _Bot) -> int:
    """How many rooms are too many or too few, and how many people are not invited to just the space."""
    rooms = await _rooms(bot)
    invites: dict[str, int] = dict.fromkeys(bot.wanted.rooms[0].guests, 0)
    for room in rooms:
        for event in await bot.client.request_list("/rooms/{room}/state", parts={"room": room}):
            if event["type"] == "m.room.member" and event["content"].get("membership") == "invite":
                invites[event["state_key"]] = invites.get(event["state_key"], 0) + 1
    return abs(len(rooms) - ROOMS) + sum(number != 1 for number in invites.values())
