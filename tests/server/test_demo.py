"""The demo is the promise to whoever tries Hearth first: it is played to its end, and every step is seen."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bridge.demo import week

SET_UP = 2
"""Steps before the week: the homeservers start, the rooms are made."""


@pytest.mark.timeout(300)
async def test_the_demo_is_seen_to_its_end(synapse_venv: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", "demo", "--once",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HEARTH_SYNAPSE_VENV": str(synapse_venv)},
    )  # fmt: skip
    output, _ = await process.communicate()
    told = output.decode()
    assert process.returncode == 0, told
    steps = len(week.STEPS) + SET_UP
    assert f"All {steps} steps were seen" in told
    assert told.count("✓") == steps
