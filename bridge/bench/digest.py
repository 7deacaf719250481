"""How long it takes, and how much memory, to choose and word everybody's digests of a busy week; beside a bare script that only reads and writes as many rows.

No homeserver takes part: sending goes by the homeserver's limits. `python -m bridge.bench.digest DATABASE` is one measured process.
"""

import asyncio
import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from bridge.bench.report import Figure
from bridge.catalogues import catalogue
from bridge.config import Config
from bridge.digest import letter, store
from bridge.digest.model import Item, load_reasons
from bridge.digest.tick import tick
from bridge.store import rooms as room_store
from bridge.store.db import Database
from bridge.times import LANGUAGES

HOMESERVER = False
"""Nothing here needs one."""

SIZES = ((350, 4_000, 1.0), (3_000, 40_000, 8.0), (30_000, 400_000, 90.0))
"""Members, messages in the week, and the seconds that choosing and wording may take together."""
MOST_MIB = 512
CIRCLE, FOLLOWS, TAGS, THREAD = 20, 15, 300, 7
"""People in a circle, follows of each person beside their circle, different tags, messages in a conversation."""
WEEK_MS = 7 * 24 * 3600 * 1000
NOW_MS = 1_768_204_800_000
ME, COMMON = "@hearth:bench.test", "!common:bench.test"
PART = 20_000


async def measure(_venv: Path) -> list[Figure]:
    """Make a community of each size, choose and word all digests in a process of its own, and compare with the bare script."""
    found: list[Figure] = []
    for members, messages, seconds in SIZES:
        with tempfile.TemporaryDirectory(prefix="hearth-bench-") as directory:
            file = Path(directory) / "hearth.db"
            await populate(file, members, messages)
            bare = await asyncio.to_thread(_bare, file)
            told = await _process(file)
        name = f"digest: {members:,} members, {messages:,} messages"
        took = told["choosing"] + told["wording"]
        found += [
            Figure(name, round(took, 2), "s", round(bare, 2), round(took / bare, 1), f"at most {seconds:g} s", holds=took <= seconds),
            Figure(f"{name}: choosing alone", round(told["choosing"], 2), "s", round(bare, 2), round(told["choosing"] / bare, 1), "for information", holds=True),
            Figure(f"{name}: memory", round(told["mib"]), "MiB", None, None, f"at most {MOST_MIB} MiB", holds=told["mib"] <= MOST_MIB),
            Figure(f"{name}: the longest that anything else waits to be written", round(told["waited"] * 1000), "ms", None, None, "for information", holds=True),
            Figure(f"{name}: members without a digest", members - told["made"], "", None, None, "for information", holds=True),
        ]  # fmt: skip
    return found


# --- a community and its week -----------------------------------------------------------------------------------------------------------


async def populate(file: Path, members: int, messages: int) -> None:
    """Fill a new SQLite file with a community of so many members and a week of so many messages, the same for the same numbers."""
    dice = random.Random(members)  # noqa: S311 - the same week each time
    await (await Database.open(file)).close()
    with sqlite3.connect(file) as db:
        for table, rows in _rows(dice, members, messages):
            names = list(rows[0])
            columns, values = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
            given = ([row[name] for name in names] for row in rows)
            db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", given)  # noqa: S608 - no word of it is anybody's


def _user(number: int) -> str:
    return f"@member{number}:server{number % 7}.bench.test"


def _circle(number: int) -> str:
    return f"!circle{number}:bench.test"


def _rows(dice: random.Random, members: int, messages: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    circles = -(-members // CIRCLE)
    here: dict[str, Any] = {"encrypted": False, "history": "shared", "made_ms": 1, "alias": None}
    yield "rooms", [{**here, "room": COMMON, "key": "common", "kind": "common", "tag": None}]
    tagged = [(_circle(n), f"circle{n}") for n in range(circles)]
    yield (
        "rooms",
        [{**here, "room": room, "key": f"circle/{tag}", "kind": "circle", "tag": tag} for room, tag in tagged],
    )
    weights = [1 / (rank + 1) for rank in range(TAGS)]
    yield from _parts("memberships", (
        {"room": room, "user": _user(n), "membership": "join", "since_ms": 1, "since_seq": 0}
        for n in range(members) for room in (COMMON, _circle(n // CIRCLE))
    ))  # fmt: skip
    yield from _parts("people", ({"user": _user(n), "digest": "weekly", "digest_mark": 0, "language": ("en", "ru", "de")[n % 3]} for n in range(members)))  # fmt: skip
    yield from _parts("due", ({"kind": store.DUE, "subject": _user(n), "next_ms": NOW_MS, "slot": "2026-01-12"} for n in range(members)))  # fmt: skip
    yield from _parts("follows", (row for n in range(members) for row in _wishes(dice, n, members, circles, weights)))
    yield from _parts("reads", (
        {"user": _user(n), "room": _circle(n // CIRCLE), "thread": "", "seq": messages // 4, "at_ms": NOW_MS}
        for n in range(0, members, 3)
    ))  # fmt: skip
    yield from _week(dice, members, messages, weights)


def _wishes(
    dice: random.Random, number: int, members: int, circles: int, weights: Sequence[float]
) -> list[dict[str, Any]]:
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    while len(found) < FOLLOWS:
        kind = dice.choice(["person", "person", "tag", "circle", "person_tag"])
        tag = f"tag{dice.choices(range(TAGS), weights)[0]}"
        target = {"tag": tag, "circle": _circle(dice.randrange(circles))}.get(kind, _user(dice.randrange(members)))
        with_tag = tag if kind == "person_tag" else ""
        found[kind, target, with_tag] = {"user": _user(number), "kind": kind, "target": target, "tag": with_tag, "at_ms": 1}  # fmt: skip
    return list(found.values())


def _week(
    dice: random.Random, members: int, messages: int, weights: Sequence[float]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Conversations of seven messages in the circles; of every seventh the first three messages are carried into the common room."""
    said: list[dict[str, Any]] = []
    tags: list[dict[str, Any]] = []
    carried: list[dict[str, Any]] = []
    threads: list[tuple[str, int]] = []
    seq = 0
    for number in range(messages):
        if number % THREAD == 0 or not threads:
            threads.append((_event(number), dice.randrange(members)))
            root, author = threads[-1]
            thread = None
        else:
            root, starter = threads[dice.randrange(max(0, len(threads) - 50), len(threads))]
            author = starter // CIRCLE * CIRCLE + dice.randrange(min(CIRCLE, members - starter // CIRCLE * CIRCLE))
            thread = root
        seq += 1
        at_ms = NOW_MS - WEEK_MS + number * (WEEK_MS // messages)
        row = {"seq": seq, "event": _event(number), "room": _circle(author // CIRCLE), "author": _user(author), "at_ms": at_ms, "seen_ms": at_ms, "thread": thread}  # fmt: skip
        said.append(row)
        if dice.random() < 0.3:
            tags.append({"event": row["event"], "tag": f"tag{dice.choices(range(TAGS), weights)[0]}"})
        if int(root[1:10]) // THREAD % 7 == 0:
            seq += 1
            copy = f"$copy{number:09}" + "c" * 30
            said.append({**row, "seq": seq, "event": copy, "room": COMMON, "author": ME, "thread": None})
            carried.append({"source": row["event"], "room": COMMON, "root": root, "author": row["author"], "copy": copy, "live": True})  # fmt: skip
    yield from _parts("posts", iter(said))
    yield from _parts("post_tags", iter(tags))
    yield from _parts("copies", iter(carried))


def _event(number: int) -> str:
    return f"${number:09}" + "e" * 34


def _parts(table: str, rows: Iterator[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == PART:
            yield table, part
            part = []
    if part:
        yield table, part


# --- the bare script ---------------------------------------------------------------------------------------------------------------------


def _bare(file: Path) -> float:
    """Read what a digest is made of, group it, and write ten rows for each member; how many seconds that takes without choosing anything."""
    began = time.perf_counter()
    with sqlite3.connect(file) as db:
        by_room: dict[str, list[str]] = defaultdict(list)
        for post, room in db.execute("SELECT event, room FROM posts WHERE redacted = 0"):
            by_room[room].append(post)
        wishes: dict[str, list[str]] = defaultdict(list)
        for user, target in db.execute("SELECT user, target FROM follows"):
            wishes[user].append(target)
        where: dict[str, list[str]] = defaultdict(list)
        for user, room in db.execute("SELECT user, room FROM memberships WHERE until_ms IS NULL"):
            where[user].append(room)
        db.execute("CREATE TABLE bare (digest TEXT, place INTEGER, event TEXT, PRIMARY KEY (digest, place))")
        db.executemany(
            "INSERT INTO bare VALUES (?, ?, ?)",
            ((user, n, post) for user, mine in where.items() for n, post in enumerate(by_room[mine[-1]][:10])),
        )
    with sqlite3.connect(file) as db:
        db.execute("DROP TABLE bare")
    return time.perf_counter() - began


# --- the measured process ----------------------------------------------------------------------------------------------------------------


async def _process(file: Path) -> dict[str, Any]:
    arguments = ("-m", "bridge.bench.digest", str(file))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"choosing ended with {process.returncode}")
    told: dict[str, Any] = json.loads(output)
    return told


class _Names:
    def of(self, user: str) -> str:
        return user[1:].partition(":")[0]

    def find(self, _name: str) -> Sequence[str]:
        return []


def _config() -> Config:
    community = {"space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}}
    return Config.model_validate(
        {"matrix": {"homeserver": "https://bench.test", "user_id": ME}, "community": community}
    )


async def _measured(file: Path) -> dict[str, Any]:
    for language in LANGUAGES:  # a bot that runs has read them at its start
        catalogue(language)
    waited: list[float] = []
    database = await Database.open(file)
    try:
        others = asyncio.create_task(_others(database, waited))
        began = time.perf_counter()
        made = await tick(database, NOW_MS, _config())
        choosing = time.perf_counter() - began
        others.cancel()
        async with database.reading() as db:
            known = {room.room: room for room in await room_store.all_rooms(db)}
    finally:
        await database.close()
    began = time.perf_counter()
    with sqlite3.connect(file) as plain:
        _word(plain, known)
    wording = time.perf_counter() - began
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"choosing": choosing, "wording": wording, "made": made, "mib": mib, "waited": max(waited, default=0.0)}


async def _others(database: Database, waited: list[float]) -> None:
    """Somebody says something again and again meanwhile, which wants to be written down, too; how long each time waits, in seconds."""
    while True:
        await asyncio.sleep(0.05)
        began = time.perf_counter()
        async with database.writing():
            waited.append(time.perf_counter() - began)


def _word(db: sqlite3.Connection, known: dict[str, room_store.Room]) -> None:
    """Every digest as it would go over the wire, each message with the same words."""
    said = {
        "msgtype": "m.text",
        "body": "I slept for six hours, the first time in weeks, and I would like to tell you how it came about. " * 3,
    }
    query = """SELECT digests.id, people.language, more, digest_items.event, digest_items.room, reasons, replies
        FROM digests JOIN people ON people.user = digests.user JOIN digest_items ON digest_items.digest = digests.id ORDER BY digests.id, place"""
    for (digest, language, more), rows in groupby(db.execute(query), key=itemgetter(0, 1, 2)):
        items = [Item(event, room, load_reasons(reasons), replies) for *_, event, room, reasons, replies in rows]
        lines = tuple(letter.Line(item, _user(1), said) for item in items)
        what = letter.Letter(lines, more, NOW_MS, "Europe/Berlin", known, None, ("bench.test",))
        letter.content(what, language, _Names(), f"digest/{digest}")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measured(Path(sys.argv[1])))))  # noqa: T201 - the benchmark reads it
