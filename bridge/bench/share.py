"""How long from a tagged message to its copy that somebody can read, beside a bare echo bot on the same homeserver."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bridge.app import opened
from bridge.bench.report import Figure, percentile
from bridge.config_file import load
from bridge.demo.homeservers import Homeserver, homeservers
from bridge.matrix.client import Client

ROUNDS = 60
WARM_UP = 5
MOST_SECONDS = 2.0
MOST_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Person:
    """A client, and the token that it uses."""

    client: Client
    token: str

    async def request(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Ask the homeserver."""
        return await self.client.request(method, path, **arguments)


@dataclass(frozen=True, slots=True)
class Stage:
    """Two people who are everywhere; Hearth's circle and common room, and the echo bot's source and target."""

    writer: Person
    reader: Person
    circle: str
    common: str
    source: str
    target: str


@asynccontextmanager
async def stage(venv: Path) -> AsyncIterator[Stage]:
    """A homeserver with Hearth and a bare echo bot side by side, each in a process of its own."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-")))
        lab = await stack.enter_async_context(homeservers(["a"], venv))
        home = lab.a
        writer, reader, echo = [await client(stack, home, name) for name in ("writer", "reader", "echo")]
        circle, common = await _hearth(stack, home, directory)
        for person in (writer, reader):
            await person.request("POST", "/join/{room}", parts={"room": circle["space"]}, body={})
            await person.request("POST", "/join/{room}", parts={"room": common}, body={})
        await writer.request("POST", "/join/{room}", parts={"room": circle["circle"]}, body={})
        source, target = await _bare(stack, home, writer, reader, echo)
        yield Stage(writer, reader, circle["circle"], common, source, target)


Round = Callable[["Person", str, str, str, str, "Seen"], Awaitable[float]]
"""One measurement: who writes, in which room, the room of the copy, the text, the word by which the copy is known, and what the reader sees; in seconds."""


async def by_turns(venv: Path, one_round: Round) -> tuple[list[float], list[float]]:
    """How long each round took with Hearth, and with the bare bot, in seconds; the first ones, in which all warms up, are left out."""
    mine, bare = [], []
    async with stage(venv) as here, watching(here.reader) as seen:
        for number in range(ROUNDS + WARM_UP):
            took = await one_round(
                here.writer, here.circle, here.common, f"word{number} #common", f"word{number}", seen
            )
            took_bare = await one_round(here.writer, here.source, here.target, f"echo{number}", f"echo{number}", seen)
            if number >= WARM_UP:
                mine.append(took)
                bare.append(took_bare)
    return mine, bare


async def measure(venv: Path) -> list[Figure]:
    """Write messages by turns for Hearth and for the echo bot, and time each until a reader's sync shows the copy."""
    mine, bare = await by_turns(venv, _round)
    value, baseline = percentile(mine, 95), percentile(bare, 95)
    ratio = value / baseline
    return [
        Figure("share: tagged message to readable copy, p50", _ms(percentile(mine, 50)), "ms", _ms(percentile(bare, 50)),
               round(percentile(mine, 50) / percentile(bare, 50), 3), "for information", holds=True),
        Figure("share: tagged message to readable copy, p95", _ms(value), "ms", _ms(baseline), round(ratio, 3),
               f"ratio at most {MOST_RATIO}, at most {MOST_SECONDS:g} s", holds=ratio <= MOST_RATIO and value <= MOST_SECONDS),
    ]  # fmt: skip


class Seen:
    """When each word first stood on the reader's screen, under which event id, and when which event went from it."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.at: dict[tuple[str, str], float] = {}
        self.events: dict[tuple[str, str], str] = {}
        self.gone: dict[str, float] = {}
        self.changed = asyncio.Condition()

    def event(self, room: str, word: str) -> str:
        """The id of the message with that word, which has been seen."""
        return next(event for (where, body), event in self.events.items() if where == room and word in body.split())

    async def wait_gone(self, event: str) -> float:
        """The moment at which an event was gone from the screen."""
        async with asyncio.timeout(30), self.changed:
            while event not in self.gone:
                await self.changed.wait()
            return self.gone[event]

    async def wait(self, room: str, word: str) -> float:
        """The moment at which a message with that word stood in the room."""
        async with asyncio.timeout(30), self.changed:
            while True:
                for (where, body), moment in self.at.items():
                    if where == room and word in body.split():
                        return moment
                await self.changed.wait()
        raise AssertionError


@asynccontextmanager
async def watching(reader: Person) -> AsyncIterator[Seen]:
    """What the reader sees from now on."""
    seen = Seen()
    plain = json.dumps(
        {"room": {"timeline": {"types": ["m.room.message", "m.room.redaction"]}}, "presence": {"types": []}}
    )
    first = await reader.request("GET", "/sync", query={"timeout": "0", "filter": plain})

    async def watch(since: str) -> None:
        while True:
            query = {"timeout": "30000", "filter": plain, "since": since}
            answer = await reader.request("GET", "/sync", query=query, timeout_seconds=60)
            moment = time.perf_counter()
            since = answer["next_batch"]
            async with seen.changed:
                for room, data in answer.get("rooms", {}).get("join", {}).items():
                    for event in data.get("timeline", {}).get("events", []):
                        content = event.get("content", {})
                        if event["type"] == "m.room.redaction":
                            seen.gone.setdefault(str(content.get("redacts") or event.get("redacts")), moment)
                            continue
                        body = str(content.get("body", "")).replace("\n", " ")
                        seen.at.setdefault((room, body), moment)
                        seen.events.setdefault((room, body), event["event_id"])
                seen.changed.notify_all()

    task = asyncio.create_task(watch(first["next_batch"]))
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _round(writer: Person, room: str, target: str, text: str, word: str, seen: Seen) -> float:
    began = time.perf_counter()
    parts = {"room": room, "txn": word}
    await writer.request(
        "PUT", "/rooms/{room}/send/m.room.message/{txn}", parts=parts, body={"msgtype": "m.text", "body": text}
    )
    return await seen.wait(target, word) - began


async def client(stack: AsyncExitStack, home: Homeserver, name: str) -> Person:
    """An account of this name and its client, which ends with the stack."""
    account = await home.register(name, f"{name}-password")
    return Person(await stack.enter_async_context(Client(home.url, account.token)), account.token)


async def _hearth(stack: AsyncExitStack, home: Homeserver, directory: Path) -> tuple[dict[str, str], str]:
    """A community of one circle, and Hearth in a process of its own."""
    account = await home.register("hearth", "hearth-password")
    people = [f"@{name}:{home.server_name}" for name in ("writer", "reader")]
    room = {"encrypted": False}
    settings: dict[str, Any] = {
        "matrix": {"homeserver": home.url, "user_id": account.user_id, "access_token": account.token},
        "data_dir": str(directory / "data"),
        "log": {"level": "warning"},
        "community": {
            "space": {"name": "Bench"},
            "common": {"name": "Common", **room},
            "staff": {"name": "Staff", **room},
            "circles": [{"name": "Circle", "tag": "circle", "members": people, **room}],
            "bundle_after": 1000,
            "moderators": people[:1],  # who writes this fast would be slowed as a flood otherwise
        },
    }
    file = directory / "config.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    async with opened(load(file)) as hearth:
        await hearth.apply(lambda _: None)
        rooms = await hearth.rooms()
    await process(stack, "bridge.demo.bot", str(file), str(directory / "clock"))
    return {"circle": rooms["circle/circle"], "space": rooms["space"]}, rooms["common"]


async def _bare(
    stack: AsyncExitStack, home: Homeserver, writer: Person, reader: Person, echo: Person
) -> tuple[str, str]:
    """Two rooms, and the echo bot in a process of its own."""
    rooms = []
    for name in ("Source", "Target"):
        room = (await echo.request("POST", "/createRoom", body={"name": name, "preset": "public_chat"}))["room_id"]
        for person in (writer, reader):
            await person.request("POST", "/join/{room}", parts={"room": room}, body={})
        rooms.append(room)
    await process(stack, "bridge.bench.echo", home.url, *rooms, token=echo.token)
    return rooms[0], rooms[1]


async def process(stack: AsyncExitStack, module: str, *arguments: str, token: str = "") -> None:
    """A module in a process of its own, once it has said its first line; it ends with the stack."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "HEARTH_BENCH_TOKEN": token},
    )

    async def end() -> None:
        process.kill()
        await process.wait()

    stack.push_async_callback(end)
    assert process.stdout  # noqa: S101 - it is a pipe
    async with asyncio.timeout(30):
        await process.stdout.readline()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
