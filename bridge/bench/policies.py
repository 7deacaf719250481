"""How long one join takes against a hundred thousand rules of watched lists, in memory and with the database, beside a bare script that looks at each rule.

No homeserver takes part. The rules are as lists have them: names of people and servers, globs of every kind, hashes.
"""

import asyncio
import base64
import json
import random
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from bridge.bench.report import Figure, percentile
from bridge.matrix import pieces
from bridge.moderation import intake
from bridge.moderation.book import Book
from bridge.moderation.judge import NEW, ON
from bridge.moderation.policies import Rule, Stance, hashed
from bridge.scene import Scene
from bridge.store import ledger, policies
from bridge.store.db import Database
from bridge.store.policies import Told
from bridge.store.watched import Watched

HOMESERVER = False
"""Nothing here needs one."""

SIZES = (10_000, 100_000)
JOINS, BARE_JOINS = 400, 20
MOST_MS = 1.0
MOST_STALL_MS = 500.0
"""So long nobody else comes to their turn at a stretch while a list of the largest size is read."""
AT_ONCE = 2_000
CHUNK = 64 * 1024


async def measure(_venv: Path) -> list[Figure]:
    """For each number of rules: one join in memory, one with the database, and how long it takes to write all of them down and to learn them at a start."""
    found: list[Figure] = await _read_whole(SIZES[-1])
    for number in SIZES:
        rules = list(_rules(number))
        people = _people(rules)
        bare = _median_ms(_bare(rules), people[:BARE_JOINS])
        book = Book()
        for place, rule in enumerate(rules):
            book.put(place, rule)
        alone = [_took_ms(book.meaning, user) for user in people]
        with tempfile.TemporaryDirectory(prefix="hearth-bench-") as directory:
            whole, writing, learning = await _with_database(Path(directory) / "hearth.db", rules, people)
        name, goal = f"{number:,} rules against one join", f"at most {MOST_MS:g} ms"
        found += [
            _figure(f"{name}, median", percentile(alone, 50), bare, goal, MOST_MS),
            _figure(f"{name}, p95", percentile(alone, 95), bare, goal, MOST_MS),
            _figure(f"{name}, with the database, median", percentile(whole, 50), bare, goal, MOST_MS),
            Figure(f"{number:,} rules: written down", round(writing, 2), "s", None, None, "for information", holds=True),
            Figure(f"{number:,} rules: learnt at a start", round(learning, 2), "s", None, None, "for information", holds=True),
        ]  # fmt: skip
    return found


async def _read_whole(number: int) -> list[Figure]:
    """How long it takes to read the state of a list's room, write it down and make ready to judge it; and the longest work at a stretch meanwhile."""
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as directory:
        database = await Database.open(Path(directory) / "hearth.db")
        watched, stalls = Watched(), [0.0]
        try:
            async with database.writing() as db:
                cause = await ledger.write(db, "@mod:bench", "rules watch", "list", None, None, None, None, 1)
                one = await policies.add(db, "!list", (), cause, stance=Stance.ACT.value)
            body = _state(number)
            watching = asyncio.create_task(_stretches(stalls))
            began = time.perf_counter()
            said = await intake.heard(pieces.objects(_chunks(body)), "@hearth:bench")
            await intake.write_down(
                database, lambda _: cast("Scene", SimpleNamespace(watched=watched)), one.id, said.rules, 0
            )
            await intake.ready(database, one.id)
            seconds = time.perf_counter() - began
            watching.cancel()
        finally:
            await database.close()
    stall = max(stalls) * 1000
    name = f"{number:,} rules read from their room"
    goal = f"at most {MOST_STALL_MS:g} ms"
    return [
        Figure(f"{name}: all of it", round(seconds, 2), "s", None, None, "for information", holds=True),
        Figure(f"{name}: the longest work at a stretch", round(stall, 1), "ms", None, None, goal, holds=stall <= MOST_STALL_MS),
    ]  # fmt: skip


async def _stretches(stalls: list[float]) -> None:
    """How much this thread works each time before it comes to this again, in seconds of its own time."""
    before = time.thread_time()
    while True:
        await asyncio.sleep(0.002)
        now = time.thread_time()
        stalls.append(now - before)
        before = now


def _state(number: int) -> bytes:
    """The state of a room with so many rules, as a homeserver tells it."""
    events = []
    for place, rule in enumerate(_rules(number)):
        named = {"entity": rule.target} if rule.target else {"hashes": {"sha256": base64_of(rule.hash or "")}}
        content = {**named, "recommendation": "m.ban", "reason": "spam"}
        event = {"type": f"m.policy.rule.{rule.entity}", "state_key": f"rule {place}", "event_id": f"${place:043d}"}
        events.append({**event, "sender": "@warden:bench", "origin_server_ts": 1, "content": content})
    return json.dumps(events).encode()


def base64_of(digest: str) -> str:
    """A hash in hex, as lists write it."""
    return base64.b64encode(bytes.fromhex(digest)).decode()


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), CHUNK):
        yield body[at : at + CHUNK]


def _figure(name: str, value: float, bare: float, goal: str, most: float | None) -> Figure:
    return Figure(name, round(value, 4), "ms", round(bare, 2), round(value / bare, 5), goal, most is None or value <= most)  # fmt: skip


def _rules(number: int) -> Iterator[Rule]:
    """Six in ten are people, two servers; of the rest each kind of glob, and hashes."""
    for place in range(number):
        match place % 20:
            case 0:
                yield Rule("server", f"*.spam{place}.example")
            case 1:
                yield Rule("user", f"@spammer{place}*:*")
            case 2:
                yield Rule("user", f"@*:wave{place}.example")
            case 3:
                yield Rule("user", f"@*casino{place}*:*.example")
            case 4 | 5 | 6 | 7:
                yield Rule("server", f"evil{place}.example.org")
            case 8:
                yield Rule("user", "", hashed(f"@hidden{place}:example.com"))
            case _:
                yield Rule("user", f"@person{place}:server{place % 700}.example.net")


def _people(rules: Sequence[Rule]) -> list[str]:
    """Who comes: nine in ten whom nothing means, and one who is meant."""
    chance = random.Random(1)  # noqa: S311 - the same people each time
    meant = [rule.target for rule in rules if rule.entity == "user" and rule.target and "*" not in rule.target]
    return [
        chance.choice(meant)
        if place % 10 == 0
        else f"@{chance.choice(('anna', 'ben', 'dora', 'kim'))}.{chance.randrange(10**6)}:matrix{place % 50}.example.org"
        for place in range(JOINS)
    ]


def _bare(rules: Sequence[Rule]) -> Callable[[str], object]:
    """What a bare script does: every rule is an expression, and each is looked at."""

    def expression(glob: str) -> re.Pattern[str]:
        return re.compile(re.escape(glob).replace(r"\*", ".*").replace(r"\?", "."))

    of_users = [expression(rule.target) for rule in rules if rule.entity == "user" and rule.target]
    of_servers = [expression(rule.target) for rule in rules if rule.entity == "server"]
    hashes = {rule.hash for rule in rules if rule.hash}

    def look(user: str) -> bool:
        server = user.partition(":")[2]
        found = [each for each in of_users if each.fullmatch(user)]
        found += [each for each in of_servers if each.fullmatch(server)]
        return bool(found) or hashed(user) in hashes

    return look


def _took_ms(look: Callable[[str], object], user: str) -> float:
    began = time.perf_counter()
    look(user)
    return (time.perf_counter() - began) * 1000


def _median_ms(look: Callable[[str], object], people: Sequence[str]) -> float:
    return percentile([_took_ms(look, user) for user in people], 50)


async def _with_database(file: Path, rules: Sequence[Rule], people: Sequence[str]) -> tuple[list[float], float, float]:
    """The time of each look (ms), as it is done when somebody comes; and the seconds for writing all rules down and for learning them."""
    database = await Database.open(file)
    try:
        await database.migrate()
        began = time.perf_counter()
        async with database.writing() as db:
            cause = await ledger.write(db, "@mod:bench", "rules watch", "list", None, None, None, None, 1)
            one = await policies.add(db, "!list", (), cause, stance=Stance.ACT.value)
        for at in range(0, len(rules), AT_ONCE):
            told = [
                Told("m.policy.rule.user", f"rule {at + place}", f"${at + place}", rule)
                for place, rule in enumerate(rules[at : at + AT_ONCE])
            ]
            async with database.writing() as db:
                await policies.hear(db, one.id, told)
        async with database.writing() as db:
            await policies.become_all(db, one.id, (NEW,), ON)
        writing = time.perf_counter() - began
        watched, began = Watched(), time.perf_counter()
        async with database.reading() as db:
            await watched.absorb(db)
        learning = time.perf_counter() - began
        took = []
        async with database.writing() as db:
            for user in people:
                began = time.perf_counter()
                await watched.meaning(db, user, (ON,))
                took.append((time.perf_counter() - began) * 1000)
    finally:
        await database.close()
    return took, writing, learning
