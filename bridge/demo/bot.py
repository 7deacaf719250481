"""Runs Hearth in a process of its own with the demo's clock, so that it can be killed like any process. Knows nothing of the demo's people.

`python -m bridge.demo.bot CONFIG CLOCK` prints "ready" when it listens.
"""

import asyncio
import ctypes
import os
import signal
import sys
from pathlib import Path

from bridge import journal_log
from bridge.app import opened
from bridge.config_file import load
from bridge.demo.clock import TurnedClock

_PR_SET_PDEATHSIG = 1


async def run(config_file: Path, clock_file: Path) -> None:
    """Run until killed."""
    config = load(config_file)
    journal_log.configure(config.log)
    async with opened(config, clock=TurnedClock(clock_file)) as hearth:
        await hearth.run(ready=_ready)


def _ready() -> None:
    # One write for the whole line: unbuffered, `print` makes two, and a kill between them leaves half a line behind.
    os.write(sys.stdout.fileno(), b"ready\n")


def end_with_parent() -> None:
    """Die with the process that started us, however that dies: a killed demo leaves nothing running (Linux, `prctl(2)`)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    end_with_parent()
    asyncio.run(run(Path(sys.argv[1]), Path(sys.argv[2])))
