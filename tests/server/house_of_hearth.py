"""Hearth as `hearth run` in a process of its own, which can be killed as by a power cut; and its community as a file."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from matrix_parties import until

from bridge.config_file import load
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member


class House:
    """The file, and the process that works by it."""

    def __init__(self, file: Path, user: str) -> None:
        self.file, self.user = file, user
        self.log = file.parent / "hearth.log"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        heard = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as sink:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bridge", "run", "--config", str(self.file), stdout=sink, stderr=asyncio.subprocess.STDOUT
            )  # fmt: skip

        async def listening() -> bool:
            assert self.process
            said = self.log.read_bytes()[heard:].decode()
            assert self.process.returncode is None, said
            return "listening" in said

        await until(listening)

    async def kill(self) -> None:
        """Kill it; nothing that it would do at the end is done."""
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def does(self, *words: str) -> tuple[int, str]:
        """One of Hearth's commands on its machine: the exit code, and all that it says. Hearth does not run meanwhile."""
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", *words, "--config", str(self.file),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await command.communicate()
        return command.returncode or 0, said.decode()

    async def plans(self) -> str:
        """What `hearth plan` says."""
        return (await self.does("plan"))[1]


@asynccontextmanager
async def a_house(lab: Lab, prefix: str, directory: Path, community: dict[str, Any]) -> AsyncIterator[House]:
    """A community that is described in a file and not made yet. Addresses begin with the prefix, as they belong to the whole homeserver."""
    account = await lab.a.register(f"{prefix}hearth", "pw")
    plain: dict[str, dict[str, Any]] = {
        key: {"name": key.capitalize(), "alias": f"{prefix}{key}"} for key in ("space", "common", "staff")
    }
    for each in (plain["common"], plain["staff"]):
        each["encrypted"] = False
    for circle in community.get("circles", ()):
        if "room" not in circle:
            circle.setdefault("alias", f"{prefix}{circle['tag']}")
            circle.setdefault("encrypted", False)
    settings = {
        "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token, "encryption": False},
        "data_dir": str(directory / "data"),
        "community": {**plain, "onboarding": False, "assign": False, **community},
    }  # fmt: skip
    file = directory / "config.yaml"
    file.write_text(json.dumps(settings), encoding="utf-8")
    load(file, {})
    house = House(file, account.user_id)
    try:
        yield house
    finally:
        await house.kill()


async def read(member: Member, room: str, kind: str, key: str = "") -> dict[str, Any]:
    """A state event's content as a member's own homeserver gives it to them; nothing when there is none."""
    state = await member.matrix.gateway.state_content(room, kind, key)
    return dict(state or {})
