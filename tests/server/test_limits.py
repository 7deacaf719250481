"""`hearth apply` on a homeserver that slows us down: it goes on patiently, says how long it still takes and how the limit is lifted; in a terminal and into a journal."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from bridge.demo.homeservers import Homeserver, homeservers

BURST = 3
"""A Synapse as it comes lets one make ten rooms, and then one a minute: this one three, and then one in two seconds. All else is as it comes."""

CIRCLES = 3
EVERY_SECONDS = 1
"""The journal hears every thirty seconds otherwise."""

HEARTH = f"import bridge.__main__ as hearth; hearth.EVERY_SECONDS = {EVERY_SECONDS}; hearth.main()"


async def file_of(server: Homeserver, name: str, directory: Path) -> Path:
    account = await server.register(name, "pw")
    token = directory / f"{name}-token"
    token.write_text(account.token, encoding="utf-8")
    token.chmod(0o600)

    def room(word: str) -> dict[str, Any]:
        return {"name": word, "alias": f"{name}-{word}", "encrypted": False}

    config = {
        "matrix": {"homeserver": server.url, "user_id": account.user_id, "access_token_file": str(token)},
        "data_dir": str(directory / name),
        "community": {
            "space": {"name": "Home", "alias": f"{name}-home"},
            "common": room("common"),
            "staff": room("staff"),
            "circles": [{**room(f"circle{n}"), "tag": f"circle{n}"} for n in range(CIRCLES)],
        },
    }
    path = directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


async def piped(*arguments: str) -> tuple[int | None, str]:
    """What a command says into a file or a journal, and how it ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HEARTH, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def in_a_terminal(*arguments: str) -> tuple[int | None, str]:
    """The same where somebody sits before it."""
    ours, theirs = os.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HEARTH, *arguments,
        stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
    )  # fmt: skip
    os.close(theirs)
    said = await asyncio.to_thread(_everything, ours)
    os.close(ours)
    return await process.wait(), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)


def _everything(terminal: int) -> str:
    found = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # so Linux says that the other side is closed
            part = b""
        if not part:
            return found.decode(errors="replace")
        found += part


async def test_apply_is_patient_under_a_homeservers_limits_and_says_so(synapse_venv: Path, tmp_path: Path) -> None:
    def prepare(server: Homeserver) -> None:
        server.extra["rc_room_creation"] = {"per_second": 0.5, "burst_count": BURST}

    async with homeservers(["a"], synapse_venv, limits="default", prepare=prepare) as lab:
        one, two = await file_of(lab["a"], "journal", tmp_path), await file_of(lab["a"], "terminal", tmp_path)
        (code, journal), (code_there, terminal) = await asyncio.gather(
            piped("apply", "--config", str(one)), in_a_terminal("apply", "--config", str(two))
        )
        assert (code, code_there) == (0, 0)
        told = [line for line in journal.splitlines() if " of 6 rooms, " in line]
        assert len(told) >= 2
        assert any("left; `hearth check` tells how to lift the homeserver's limit" in line for line in told)
        there = [int(line.partition(" of ")[0]) for line in told]
        assert there == sorted(there)
        assert re.fullmatch(r"\d+ steps done\.", journal.splitlines()[-1])
        assert "of 6 rooms" in terminal
        assert "tells how to lift" in terminal
        assert re.search(r"\d+ steps done\.", terminal)
        assert await piped("apply", "--config", str(one)) == (0, "Nothing to change.\n")
