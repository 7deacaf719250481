"""Our end of the process that forks homeservers: starts it and gives it orders; it never looks into a server."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from bridge.demo.homeserver_install import LabError, last_lines

_SCRIPT = Path(__file__).with_name("launch.py")
_CLOSE_DEADLINE_SECONDS = 10


class Launcher:
    """One launcher process and what it has told of its servers."""

    def __init__(self, python: Path, addresses: Mapping[str, str], log: Path, clock: Path | None = None) -> None:
        """Describe it: Synapse's `python`, the `addresses` of our host names, the file for what it prints, that of a clock."""
        self._command = [str(python), "-I", str(_SCRIPT), json.dumps(dict(addresses)), *([str(clock)] if clock else [])]
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._running: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._ready = False
        self._over = False

    @property
    def process_id(self) -> int:
        """The launcher's process id, 0 before it was opened."""
        return self._process.pid if self._process else 0

    def pid(self, name: str) -> int | None:
        """Return the process id of the server called `name`, or None when it does not run."""
        return self._running.get(name)

    async def open(self, deadline_seconds: float) -> None:
        """Start the process and wait until it can take orders. Raises LabError."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=_environment(),
                start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the servers in our own time
            )
        self._listening = asyncio.create_task(self._listen(self._process), name="homeserver launcher")
        try:
            await self._until(lambda: self._ready, deadline_seconds)
        except TimeoutError:
            raise LabError(
                f"Synapse was not loaded within {deadline_seconds:.0f} seconds. Is this machine very busy? "
                f"Its last words:\n{last_lines(self._log)}"
            ) from None

    async def start(self, name: str, config: Path, log: Path) -> None:
        """Have a server started; it need not answer yet. Raises LabError when the launcher is gone."""
        await self._order(do="start", name=name, config=str(config), log=str(log))
        await self._until(lambda: name in self._running, _CLOSE_DEADLINE_SECONDS)

    async def end(self, name: str, number: signal.Signals, deadline_seconds: float) -> None:
        """Send a signal to a server and wait until it has ended. Raises TimeoutError, LabError."""
        if name not in self._running:
            return
        await self._order(do="signal", name=name, signal=int(number))
        await self._until(lambda: name not in self._running, deadline_seconds)

    async def close(self) -> None:
        """End every server and the launcher itself."""
        if self._process is None or self._listening is None:
            return
        assert self._process.stdin  # noqa: S101 - opened with a pipe
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_DEADLINE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        with suppress(ConnectionError):
            await self._process.stdin.wait_closed()
        await self._listening

    async def _order(self, **order: object) -> None:
        assert self._process  # noqa: S101 - nobody gives orders before open()
        assert self._process.stdin  # noqa: S101 - opened with a pipe
        try:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            await self._process.stdin.drain()
        except ConnectionError as failure:
            raise self._lost() from failure

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout  # noqa: S101 - opened with a pipe
        async for line in process.stdout:
            told = json.loads(line)
            async with self._changed:
                if told["event"] == "ready":
                    self._ready = True
                elif told["event"] == "started":
                    self._running[told["name"]] = told["pid"]
                elif self._running.get(told["name"]) == told["pid"]:
                    del self._running[told["name"]]
                self._changed.notify_all()
        async with self._changed:
            self._running.clear()  # servers never outlive their launcher
            self._over = True
            self._changed.notify_all()

    async def _until(self, condition: Callable[[], bool], deadline_seconds: float) -> None:
        async with asyncio.timeout(deadline_seconds), self._changed:
            await self._changed.wait_for(lambda: condition() or self._over)
        if not condition():
            raise self._lost()

    def _lost(self) -> LabError:
        return LabError(f"The process that runs the homeservers has ended. Its last words:\n{last_lines(self._log)}")


def _environment() -> dict[str, str]:
    """Our environment without what would change Synapse's ways: proxies (all traffic is local) and its own variables."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("SYNAPSE_")
    }
