"""Puts the demo on stage: homeservers, community, Hearth, the cast; and takes everything down again. The story is in `week.py`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from bridge.app import opened
from bridge.config import Config
from bridge.config_file import load
from bridge.demo.clock import TurnedClock
from bridge.demo.homeservers import Homeserver, Lab, homeservers
from bridge.demo.member import Member, NotSeen, logged_in
from bridge.demo.places import own_directory
from bridge.demo.stage import Stage
from bridge.rooms.tell import line

CAST: dict[str, str] = {  # who lives on which homeserver
    "olga": "a", "mira": "a", "ann": "a", "boris": "b", "clara": "a", "dan": "a",
    "eva": "b", "farid": "b", "greta": "a", "hugo": "b", "ines": "a", "jonas": "b", "rex": "b",
}  # fmt: skip
NEWCOMERS = {"zoe": "b", "kim": "a"}
"""Who comes in during the week."""

ZONE = "Europe/Berlin"
SEED = Path(__file__).with_name("community.yaml")


@dataclass(slots=True)
class Play:
    """Everything that the story needs."""

    lab: Lab
    stage: Stage
    directory: Path
    config: Config
    config_file: Path
    clock: TurnedClock
    cast: dict[str, Member] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    bot: asyncio.subprocess.Process | None = None

    @property
    def hearth(self) -> str:
        """The bot's user id."""
        return self.config.matrix.user_id

    async def start_bot(self) -> None:
        """Start Hearth in a process of its own and wait until it listens. Its log goes into a file beside its database."""
        log = self.directory / "hearth" / "hearth.log"
        with log.open("ab") as sink:
            self.bot = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bridge.demo.bot", str(self.config_file), str(self.clock.file),
                stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL, stderr=sink,
            )  # fmt: skip
        assert self.bot.stdout  # noqa: S101 - it is a pipe
        async with asyncio.timeout(30):
            if (await self.bot.stdout.readline()).strip() != b"ready":
                raise NotSeen(f"Hearth starting. Its last words:\n{log.read_text(encoding='utf-8')[-2000:]}")

    async def kill_bot(self) -> None:
        """Kill Hearth as a power cut would."""
        if self.bot and self.bot.returncode is None:
            self.bot.kill()
            await self.bot.wait()


@asynccontextmanager
async def on_stage(stage: Stage, venv: Path) -> AsyncIterator[Play]:
    """Two homeservers, the community made from the seeded file, the cast logged in, Hearth running. All of it is gone afterwards."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(own_directory(None))
        with stage.step("Two federated homeservers start, and fifteen people log in"):
            clock = TurnedClock(directory / "clock")
            clock.turn_to(ZONE, weekday=0, hour=17)
            lab = await stack.enter_async_context(homeservers(["a", "b"], venv, clock=clock.file))
            stage.tell(f"{lab.a.server_name} at {lab.a.url}, {lab.b.server_name} at {lab.b.url}")
            play = await _seeded(lab, stage, clock)
            await _log_in(play, stack)
        with stage.step("Hearth makes the rooms that the file describes, and a second look finds nothing to do"):
            async with opened(play.config, clock=play.clock) as hearth:
                profile = "/profile/{user}/displayname"
                name = {"displayname": "Hearth"}
                await hearth.matrix.client.request("PUT", profile, parts={"user": hearth.me}, body=name)
                for change in (await hearth.plan()).changes:
                    stage.tell(line(change).splitlines()[0])
                outcome = await hearth.apply(lambda now: stage.progress(f"{now.done} of {now.total} steps"))
                play.rooms = await hearth.rooms()
                left = (await hearth.plan()).changes
                if left or outcome.failures:
                    raise NotSeen(f"a second plan without changes, but {len(left)} are left")
                stage.tell(f"{outcome.done} steps done; a second plan is empty.")
        await play.start_bot()
        stack.push_async_callback(play.kill_bot)
        yield play


async def _seeded(lab: Lab, stage: Stage, clock: TurnedClock) -> Play:
    directory = clock.file.parent
    account = await lab.a.register("hearth", "hearth-password")
    places = {"a": lab.a.server_name, "b": lab.b.server_name, "homeserver": lab.a.url}
    text = Template(SEED.read_text(encoding="utf-8")).substitute(places, token=account.token, data=directory / "hearth")
    file = directory / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return Play(lab, stage, directory, load(file), file, clock)


async def _log_in(play: Play, stack: AsyncExitStack) -> None:
    servers = [home.server_name for home in (play.lab.a, play.lab.b)]

    async def one(name: str, home: Homeserver) -> None:
        member = logged_in(name, home, play.directory / "people", servers)
        play.cast[name] = await stack.enter_async_context(member)

    for name, place in {**CAST, **NEWCOMERS}.items():
        await one(name, play.lab[place])
