"""How long from the first sight of spam to its removal that everybody can see, beside the homeserver's own time for a redaction."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from bridge.app import opened
from bridge.bench.report import Figure, percentile
from bridge.bench.share import Person, client, process
from bridge.config_file import load
from bridge.demo.homeservers import Homeserver, homeservers

ROUNDS = 60
WARM_UP = 5
MOST_BESIDE_SECONDS = 0.25
WORD = "casino"


async def measure(venv: Path) -> list[Figure]:
    """Write spam and redact a plain message by turns; time each until a reader's sync shows that it is gone.

    Sight is the moment at which the reader's own sync showed the spam: Hearth saw it no earlier, as it listens the same way.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-")))
        home = (await stack.enter_async_context(homeservers(["a"], venv))).a
        writer, reader, bare = [await client(stack, home, name) for name in ("writer", "reader", "bare")]
        rooms = await _hearth(stack, home, directory)
        for person in (writer, reader):
            for room in ("space", "circle/circle"):
                await person.request("POST", "/join/{room}", parts={"room": rooms[room]}, body={})
        plain = await bare.request("POST", "/createRoom", body={"preset": "public_chat"})
        for person in (writer, reader):
            await person.request("POST", "/join/{room}", parts={"room": plain["room_id"]}, body={})
        mine, own = [], []
        async with _watching(reader) as seen:
            for number in range(ROUNDS + WARM_UP):
                took = await _removed(writer, rooms["circle/circle"], f"The best {WORD} {number}", number, seen)
                took_bare = await _redacted(writer, bare, plain["room_id"], number, seen)
                if number >= WARM_UP:
                    mine.append(took)
                    own.append(took_bare)
    value, baseline = percentile(mine, 95), percentile(own, 95)
    beside = value - baseline
    return [
        Figure("protect: first sight of spam to its removal, p50", _ms(percentile(mine, 50)), "ms", _ms(percentile(own, 50)), None, "for information", holds=True),
        Figure("protect: first sight of spam to its removal, p95", _ms(value), "ms", _ms(baseline), None,
               f"at most {MOST_BESIDE_SECONDS * 1000:g} ms beside the homeserver's own time", holds=beside <= MOST_BESIDE_SECONDS),
    ]  # fmt: skip


class Seen:
    """When each event first stood on the reader's screen, and when it was redacted there."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.shown: dict[str, float] = {}
        self.gone: dict[str, float] = {}
        self.changed = asyncio.Condition()

    async def both(self, event: str) -> tuple[float, float]:
        """The moments at which it stood there, and at which it was gone."""
        async with asyncio.timeout(60), self.changed:
            await self.changed.wait_for(lambda: event in self.shown and event in self.gone)
        return self.shown[event], self.gone[event]


@asynccontextmanager
async def _watching(reader: Person) -> AsyncIterator[Seen]:
    seen = Seen()
    wanted = {"room": {"timeline": {"types": ["m.room.message", "m.room.redaction"], "limit": 50}}}
    narrow = json.dumps({**wanted, "presence": {"types": []}})
    first = await reader.request("GET", "/sync", query={"timeout": "0", "filter": narrow})

    async def watch(since: str) -> None:
        while True:
            query = {"timeout": "30000", "filter": narrow, "since": since}
            answer = await reader.request("GET", "/sync", query=query, timeout_seconds=60)
            moment = time.perf_counter()
            since = answer["next_batch"]
            async with seen.changed:
                for data in answer.get("rooms", {}).get("join", {}).values():
                    for event in data.get("timeline", {}).get("events", []):
                        _note(seen, event, moment)
                seen.changed.notify_all()

    task = asyncio.create_task(watch(first["next_batch"]))
    try:
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _note(seen: Seen, event: dict[str, Any], moment: float) -> None:
    if event["type"] == "m.room.message":
        seen.shown.setdefault(event["event_id"], moment)
        if "redacted_because" in event.get("unsigned", {}):  # so quick that the reader never saw what it said
            seen.gone.setdefault(event["event_id"], moment)
    else:
        target = event.get("redacts") or event["content"].get("redacts")
        seen.gone.setdefault(str(target), moment)


async def _say(writer: Person, room: str, text: str, number: int) -> str:
    parts = {"room": room, "txn": f"{room[1:9]}{number}"}
    body = {"msgtype": "m.text", "body": text}
    answer = await writer.request("PUT", "/rooms/{room}/send/m.room.message/{txn}", parts=parts, body=body)
    return str(answer["event_id"])


async def _removed(writer: Person, room: str, text: str, number: int, seen: Seen) -> float:
    """How long Hearth's redaction takes from the sight of the message."""
    shown, gone = await seen.both(await _say(writer, room, text, number))
    return gone - shown


async def _redacted(writer: Person, bare: Person, room: str, number: int, seen: Seen) -> float:
    """How long a redaction takes that somebody asks for who has nothing else to do."""
    event = await _say(writer, room, f"plain {number}", number)
    began = time.perf_counter()
    parts = {"room": room, "event": event, "txn": f"gone{number}"}
    await bare.request("PUT", "/rooms/{room}/redact/{event}/{txn}", parts=parts, body={})
    _, gone = await seen.both(event)
    return gone - began


async def _hearth(stack: AsyncExitStack, home: Homeserver, directory: Path) -> dict[str, str]:
    """A community of one circle whose list has the word, and Hearth in a process of its own."""
    account = await home.register("hearth", "hearth-password")
    people = [f"@{name}:{home.server_name}" for name in ("writer", "reader")]
    room = {"encrypted": False}
    settings: dict[str, Any] = {
        "matrix": {"homeserver": home.url, "user_id": account.user_id, "access_token": account.token},
        "data_dir": str(directory / "data"),
        "log": {"level": "warning"},
        "protections": {"most_a_minute": 10_000, "words": {"words": [WORD], "acts": ["redact"]}, "flood": {"enabled": False}},
        "community": {
            "space": {"name": "Bench"},
            "common": {"name": "Common", **room},
            "staff": {"name": "Staff", **room},
            "circles": [{"name": "Circle", "tag": "circle", "members": people, **room}],
        },
    }  # fmt: skip
    file = directory / "config.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    async with opened(load(file)) as hearth:
        await hearth.apply(lambda _: None)
        rooms = await hearth.rooms()
    await process(stack, "bridge.demo.bot", str(file), str(directory / "clock"))
    return rooms


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
