"""Hearth in a process of its own that can be killed and started again in a quarter of a second, and whoever kills it.

Run as a program this is the nursery: it imports everything once and then forks a Hearth for every line that it reads.
"""

import asyncio
import gc
import os
import random
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import yaml

# The nursery is a program, and a program's path begins with its own directory.
ROOT = Path(__file__).parents[2]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]

from community import HEARTH, START, Clock, Community, settings  # noqa: E402

from bridge import registry  # noqa: E402
from bridge.config import Config  # noqa: E402
from bridge.demo import bot  # noqa: E402
from tests.fake import FakeHomeserver  # noqa: E402

CHANGING = r"/(send|redact|join|ban|unban|invite|createRoom|state|account_data)(/|$)"


def seed_of_kills() -> int:
    """By which moments to kill are chosen: always the same, with HEARTH_TEST_ANEW others each time. It is printed."""
    anew = random.randrange(10**6) if os.environ.get("HEARTH_TEST_ANEW") else 1
    seed = int(os.environ.get("HEARTH_KILL_SEED") or anew)
    print(f"HEARTH_KILL_SEED={seed}")
    return seed


class FileClock(Clock):
    """The clock of several processes: what is added to real time stands in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(START)

    def turn_to(self, moment: str, zone: str = "Europe/Berlin") -> None:
        super().turn_to(moment, zone)
        self._write()

    def forward(self, ms: int) -> None:
        super().forward(ms)
        self._write()

    def _write(self) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(self.offset_ms), encoding="ascii")
        fresh.replace(self.file)


class Nursery:
    """The one process that Hearths are forked from."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._pid: int | None = None
        self.listens = asyncio.Event()

    async def start(self) -> None:
        """Fork a Hearth; `listens` is set when it does."""
        self.listens.clear()
        self._order(b"start")
        self._pid = int((await self._line()).removeprefix("started "))
        self._watch = asyncio.create_task(self._wait_for_it())

    async def _wait_for_it(self) -> str:
        line = await self._line()
        if line == "ready":
            self.listens.set()
        return line

    async def kill(self) -> None:
        """Kill it as a power cut would, and wait until it is gone."""
        if self._pid is None:
            return
        os.kill(self._pid, signal.SIGKILL)
        self._pid = None
        self._order(b"reap")
        last = await self._watch
        last = await self._line() if last == "ready" else last
        assert last == f"gone {-signal.SIGKILL}", f"a Hearth ended by itself: {last}"

    def _order(self, what: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(what + b"\n")

    async def _line(self) -> str:
        assert self._process.stdout
        return (await self._process.stdout.readline()).decode().strip()


@asynccontextmanager
async def nursery(config: Path, clock: Path, log: Path) -> AsyncIterator[Nursery]:
    """The nursery, with everything imported; whatever it forked ends with it."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, str(config), str(clock),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        made = Nursery(process)
        try:
            assert await made._line() == "here"
            yield made
        finally:
            with suppress(ProcessLookupError):
                await made.kill()
            process.stdin.close()  # type: ignore[union-attr]
            await process.wait()


class Play(Community):
    """A community whose Hearth may be killed at any moment. `step` is where the story waits for the killer."""

    def __init__(self, hs: FakeHomeserver, clock: FileClock, database: Path, steps: range, kills: int) -> None:
        super().__init__(hs, clock)
        self.database = database
        self.steps, self.kills = steps, kills
        self.step_number = self.killed = 0
        self._changed = asyncio.Condition()

    async def step(self, at_once: int = 1) -> None:
        """A second later in the story: Hearth is killed some times, until it is due to go on."""
        self.clock.forward(1000 * at_once)
        async with self._changed:
            self.step_number += at_once
            self._changed.notify_all()
            await self._changed.wait_for(lambda: not self.wants_kill())

    def wants_kill(self) -> bool:
        """Whether there were fewer kills so far than belong to this moment."""
        passed = min(max(self.step_number - self.steps.start, 0), len(self.steps))
        return self.killed * len(self.steps) < self.kills * passed

    async def wanted(self) -> None:
        """Until a kill is wanted."""
        async with self._changed:
            await self._changed.wait_for(self.wants_kill)

    async def count(self) -> None:
        """One more."""
        async with self._changed:
            self.killed += 1
            self._changed.notify_all()

    async def settle(self, seconds: float = 120) -> None:
        """Until Hearth has read everything, has nothing left to do, and looked at the clock."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not self._calm():
            if loop.time() > deadline:
                raise AssertionError(f"not calm within {seconds} s: {self._left()}")
            await asyncio.sleep(0.02)

    def _calm(self) -> bool:
        stream = self.hs.model.stream
        return (
            self.hs.polling(HEARTH) and not self._left() and self.hs.polling(HEARTH) and self.hs.model.stream == stream
        )

    def _left(self) -> list[tuple[str, ...]]:
        """What is in the outbox, and whose hour has come."""
        # One statement: what was due a moment ago may stand in the outbox now.
        return self.query(
            "SELECT key FROM outbox WHERE state = 'due' AND (next_ms <= :now OR first_tried_ms IS NOT NULL)"
            " UNION ALL SELECT subject FROM due WHERE next_ms <= :now",
            now=self.clock(),
        )

    def query(self, sql: str, **values: object) -> list[tuple[str, ...]]:
        """Read from Hearth's database beside it."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as db:
            return list(db.execute(sql, values))


async def kill_again_and_again(play: Play, nursery: Nursery, dice: random.Random) -> None:
    """Start Hearth, kill it at some moment, and so on, whenever the story wants a kill; in between let it live."""
    await nursery.start()
    while True:
        await play.wanted()
        await _fatal_moment(play, nursery, dice)
        await nursery.kill()
        play.hs.faults.clear()
        await play.count()
        await nursery.start()


async def _fatal_moment(play: Play, nursery: Nursery, dice: random.Random) -> None:
    """Wait for the moment to kill: by the clock, or right when the homeserver did or was asked something and has not answered yet."""
    kind = dice.choice(("early", "any", "any", "accepted", "accepted", "asked", "told"))
    if kind == "early":
        await asyncio.sleep(dice.uniform(0, 0.15))
        return
    if kind == "any":
        await asyncio.sleep(dice.uniform(0, 0.4))
        return
    if kind == "told":
        planned = play.hs.faults.add("slow_after", path="/sync$", seconds=0, skip=dice.randrange(2))
    else:
        planned = play.hs.faults.add(
            "hang_after" if kind == "accepted" else "hang", path=CHANGING, skip=dice.randrange(4), times=None
        )
    with suppress(AssertionError):
        await play.hs.until(lambda: planned.hits, seconds=0.5)
    await asyncio.sleep(dice.uniform(0, 0.03))


@asynccontextmanager
async def a_play(folder: Path, steps: range, kills: int, seed: int) -> AsyncIterator[Play]:
    """A community in `folder` with Hearth in a process of its own, killed so many times in these steps."""
    config, clock = folder / "config.yaml", FileClock(folder / "clock")
    async with FakeHomeserver() as hs:
        play = Play(hs, clock, folder / "data" / "hearth.db", steps, kills)
        raw = settings(hs.url, await play.arrive(), folder / "data")
        for name, person in play.people.items():  # the names of those who are gone are not known after a start
            hs.model.set_profile(person.user, displayname=name)
        await asyncio.to_thread(config.write_text, yaml.safe_dump(raw, allow_unicode=True), "utf-8")
        await play.move_in(Config.model_validate(raw))
        async with nursery(config, clock.file, folder / "log") as made:
            killer = asyncio.create_task(kill_again_and_again(play, made, random.Random(seed)))
            try:
                yield play
                killer.done() and killer.result()
            finally:
                killer.cancel()
                with suppress(asyncio.CancelledError):
                    await killer


def main() -> None:
    """Be the nursery."""
    config, clock = Path(sys.argv[1]), Path(sys.argv[2])
    registry.book()
    gc.freeze()
    print("here", flush=True)
    child = 0
    for line in iter(sys.stdin.readline, ""):
        if line.strip() == "start":
            child = os.fork()
            if child == 0:
                _live(config, clock)
            print(f"started {child}", flush=True)
        else:
            _, status = os.waitpid(child, 0)
            print(f"gone {os.waitstatus_to_exitcode(status)}", flush=True)
            child = 0
    if child:
        os.kill(child, signal.SIGKILL)


def _live(config: Path, clock: Path) -> None:
    status = 1
    try:
        bot.end_with_parent()
        os.close(0)
        asyncio.run(bot.run(config, clock))
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
