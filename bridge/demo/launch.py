"""The process that forks homeservers; it runs on Synapse's own Python and is never imported by the rest of the house.

It imports Synapse once (the slow part of a start) and then forks a server for every `start` line that it reads from
its standard input. Lines in and out are JSON objects:

in:  ``{"do": "start", "name": ..., "config": path, "log": path}``, ``{"do": "signal", "name": ..., "signal": number}``
out: ``{"event": "ready"}`` once, then ``{"event": "started" | "gone", "name": ..., "pid": ...}``

When its standard input ends, because the parent closed it or was killed, everything ends with it.
"""

import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

LOCAL_NAMES = frozenset({"localhost", "ip6-localhost"})


def know_only(addresses: Mapping[str, str]) -> None:
    """Make this process resolve our own host names, and nothing beyond this machine. `addresses`: name to address."""
    resolve = socket.getaddrinfo

    def resolve_here(host: str | bytes | None, *rest: Any, **named: Any) -> Any:
        name = host.decode("ascii") if isinstance(host, bytes) else host
        if name is None or name in LOCAL_NAMES:
            return resolve(name, *rest, **named)
        try:
            socket.inet_pton(socket.AF_INET6 if ":" in name else socket.AF_INET, name)
        except OSError as not_an_address:
            if name not in addresses:
                raise socket.gaierror(socket.EAI_NONAME, "not a host of this laboratory") from not_an_address
        return resolve(addresses.get(name, name), *rest, **named)

    socket.getaddrinfo = resolve_here


def end_with(lifeline: int) -> None:
    """End this process at once when the far end of this descriptor closes. Nothing is read from it."""

    def watch() -> None:
        poll = select.poll()
        poll.register(lifeline, 0)  # no events wanted: a hang-up is always reported
        poll.poll()
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def follow_clock(file: str) -> None:
    """Let servers show the time of a clock that can be turned forward: their own time plus the milliseconds that stand in this file.

    Only what they write down is moved (Synapse's `Clock`); timers run on as ever.
    """
    clock = importlib.import_module("synapse.util.clock").Clock
    own_time = clock.time

    def turned(self: Any) -> float:
        try:
            with open(file, encoding="ascii") as offset:  # noqa: PTH123 - asked thousands of times
                return float(own_time(self)) + int(offset.read()) / 1000
        except (FileNotFoundError, ValueError):
            return float(own_time(self))

    clock.time = turned


def hurry() -> None:
    """Let servers not wait for the disk at every commit: what a power cut of this machine would take is thrown away at the end anyway; a killed process loses nothing."""
    engine = importlib.import_module("synapse.storage.engines.sqlite").Sqlite3Engine
    prepare = engine.on_new_connection

    def prepared(self: Any, connection: Any) -> None:
        prepare(self, connection)
        connection.execute("PRAGMA synchronous = OFF")

    engine.on_new_connection = prepared


def prepare_twisted() -> Any:
    """Return a stand-in reactor: a real one made before the fork would be shared, and broken, after it."""
    stand_in = importlib.import_module("synapse.app.complement_fork_proxied_reactor").ProxiedReactor()
    importlib.import_module("twisted.internet.main").installReactor(stand_in)
    return stand_in


def run_server(stand_in: Any, main: Callable[[], None], config: str) -> None:
    """Become the homeserver that this configuration file describes; return when it was stopped."""
    sys.argv = ["homeserver", "--config-path", config]
    stand_in._install_real_reactor(importlib.import_module("twisted.internet.epollreactor").EPollReactor())  # noqa: SLF001 - Synapse gives it no other door
    main()


class Nursery:
    """The forked servers of one laboratory, by name."""

    def __init__(self, stand_in: Any, main: Callable[[], None]) -> None:
        self._stand_in = stand_in
        self._main = main
        self._names: dict[int, str] = {}

    def start(self, name: str, config: str, log: str) -> None:
        """Fork a server called `name`; what it prints goes to the file `log`."""
        pid = os.fork()
        if pid == 0:
            self._be_child(config, log)
        self._names[pid] = name
        tell(event="started", name=name, pid=pid)

    def _be_child(self, config: str, log: str) -> NoReturn:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            parent = os.dup(0)  # our launcher's input: its far end closes when the parent goes or drops the launcher
            log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for old, new in ((nothing, 0), (log_file, 1), (log_file, 2)):
                os.dup2(old, new)
            end_with(parent)
            run_server(self._stand_in, self._main, config)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - a child must never fall back into its parent's loop
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def send(self, name: str, number: int) -> None:
        """Send a signal to the server called `name`, if it still runs."""
        for pid, known in self._names.items():
            if known == name:
                os.kill(pid, number)

    def reap(self) -> None:
        """Tell of every server that has ended."""
        while self._names:
            pid, _status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            tell(event="gone", name=self._names.pop(pid), pid=pid)

    def end(self) -> None:
        """Kill whatever still runs."""
        for pid in self._names:
            os.kill(pid, signal.SIGKILL)
        for pid in self._names:
            os.waitpid(pid, 0)


def tell(**line: object) -> None:
    """Write one line to the parent."""
    os.write(1, json.dumps(line).encode() + b"\n")


def obey(nursery: Nursery) -> None:
    """Serve the parent until it goes away."""
    alarm, ring = os.pipe()
    for end in (alarm, ring):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(ring)
    waiting = b""
    while True:
        readable, _, _ = select.select([0, alarm], [], [])
        if alarm in readable:
            os.read(alarm, 512)
            nursery.reap()
        if 0 in readable:
            piece = os.read(0, 65536)
            if not piece:
                return
            *lines, waiting = (waiting + piece).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if order["do"] == "start":
                    nursery.start(order["name"], order["config"], order["log"])
                else:
                    nursery.send(order["name"], order["signal"])


def main() -> None:
    """Run with a JSON object of host names and their addresses, and perhaps the file of a clock."""
    know_only(json.loads(sys.argv[1]))
    stand_in = prepare_twisted()
    if len(sys.argv) > 2:
        follow_clock(sys.argv[2])
    nursery = Nursery(stand_in, importlib.import_module("synapse.app.homeserver").main)
    hurry()
    tell(event="ready")
    try:
        obey(nursery)
    finally:
        nursery.end()


if __name__ == "__main__":
    main()
