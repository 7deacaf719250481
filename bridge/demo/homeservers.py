"""A laboratory of federated homeservers on this machine; it never reaches beyond loopback and leaves nothing behind.

Each server has a host name, an address 127.x.y.z and a certificate of its own, so that server ACLs, which ignore
ports, can tell them apart. Their lives are tied to ours: when this process is killed, they end within moments.
"""

import asyncio
import hashlib
import hmac
import json
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bridge.demo.certificates import Authority
from bridge.demo.homeserver_install import LabError, database_template, ensure_synapse, last_lines
from bridge.demo.homeserver_settings import Limits, log_settings, new_secrets, server_settings
from bridge.demo.launcher import Launcher
from bridge.demo.places import own_directory, reserved

__all__ = ["Account", "Homeserver", "Lab", "LabError", "ensure_synapse", "homeservers"]

CLIENT_PORT = 8008
FEDERATION_PORT = 8448

_PROBE_PAUSE_SECONDS = 0.02
_PROBE_DEADLINE_SECONDS = 2
_STOP_DEADLINE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Account:
    """An account and one logged-in device of it."""

    user_id: str
    device: str
    token: str = field(repr=False)
    password: str = field(repr=False)


class Homeserver:
    """One Synapse with its own data; it can be stopped, killed and started again with the same data."""

    def __init__(
        self, name: str, address: str, ports: tuple[int, int], *, directory: Path, authority: Path, limits: Limits
    ) -> None:
        """Describe the server; nothing runs yet. `ports` are those of the client and the federation listener."""
        self.name = name
        self.host = f"hs-{name}.test"
        self.server_name = f"{self.host}:{ports[1]}"
        self.address = address
        self.url = f"http://{address}:{ports[0]}"
        self.limits: Limits = limits
        self.registrations: list[Mapping[str, Any]] = []
        self.extra: dict[str, Any] = {}
        self._ports = ports
        self._directory = directory
        self._authority = authority
        self._keys = new_secrets()
        self._launcher: Launcher | None = None
        self._session: aiohttp.ClientSession | None = None
        self._deadline_seconds = 60.0

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        return self._launcher.pid(self.name) if self._launcher else None

    @property
    def log(self) -> Path:
        """The server's log file: warnings and errors only."""
        return self._directory / "server.log"

    def furnish(self, authority: Authority, template: Path) -> None:
        """Make the server's directory: certificate, log settings and an empty database."""
        self._directory.mkdir()
        authority.issue(self.host, self._directory / "leaf.pem", self._directory / "leaf.key")
        (self._directory / "log.json").write_text(json.dumps(log_settings()), encoding="utf-8")
        shutil.copyfile(template, self._directory / "homeserver.db")

    def connect(self, launcher: Launcher, session: aiohttp.ClientSession, deadline_seconds: float) -> None:
        """Say by whom this server is started, how it is spoken to, and how long a start may take."""
        self._launcher, self._session, self._deadline_seconds = launcher, session, deadline_seconds

    async def start(self) -> None:
        """Start with the current `registrations`, `extra` and `limits`; return when it answers under its own name.

        Raises LabError when it already runs, ends, or does not answer before the deadline.
        """
        launcher = self._launched()
        if self.pid is not None:
            raise LabError(f"{self.server_name} runs already.")
        await launcher.start(self.name, self._write_settings(), self.log)
        deadline = time.monotonic() + self._deadline_seconds
        while not await self._answers():
            if self.pid is None:
                raise LabError(f"{self.server_name} did not start. Its last words:\n{last_lines(self.log)}")
            if time.monotonic() > deadline:
                await self.kill()
                raise LabError(
                    f"{self.server_name} did not answer within {self._deadline_seconds:.0f} seconds. "
                    f"Is this machine very busy? Its last words:\n{last_lines(self.log)}"
                )
            await asyncio.sleep(_PROBE_PAUSE_SECONDS)

    async def stop(self) -> None:
        """Ask the server to end and wait until it has; one that already ended is fine. Raises LabError when it stays."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End the server without warning, as a power cut would; one that already ended is fine."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """Stop and start again with the same data and whatever was put into `registrations` and `extra` since."""
        await self.stop()
        await self.start()

    async def register(self, localpart: str, password: str, *, admin: bool = False) -> Account:
        """Make an account (an administrator's when `admin`) and log it in. Raises LabError when the server refuses.

        This is Synapse's shared-secret registration, which no rate limit slows and no other homeserver has.
        """
        if self._session is None:
            raise LabError(f"{self.server_name} was never started.")
        url = f"{self.url}/_synapse/admin/v1/register"
        try:
            async with self._session.get(url) as answer:
                nonce = str((await answer.json())["nonce"])
            parts = (nonce, localpart, password, "admin" if admin else "notadmin")
            proof = hmac.new(self._keys["registration_shared_secret"].encode(), "\0".join(parts).encode(), hashlib.sha1)
            wish = {"nonce": nonce, "username": localpart, "password": password, "admin": admin}
            async with self._session.post(url, json={**wish, "mac": proof.hexdigest()}) as answer:
                made = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as failure:
            raise LabError(f"{self.server_name} could not be asked for an account. Does it run?") from failure
        if "access_token" not in made:
            raise LabError(f"{self.server_name} refused the account {localpart!r}: {made.get('errcode')}.")
        return Account(made["user_id"], made["device_id"], made["access_token"], password)

    def _launched(self) -> Launcher:
        if self._launcher is None:
            raise LabError(f"{self.server_name} is not part of a running laboratory.")
        return self._launcher

    def _write_settings(self) -> Path:
        files = []
        for number, registration in enumerate(self.registrations):
            files.append(self._directory / f"registration-{number}.json")
            files[-1].write_text(json.dumps(registration), encoding="utf-8")
        settings = server_settings(
            server_name=self.server_name,
            address=self.address,
            client_port=self._ports[0],
            federation_port=self._ports[1],
            directory=self._directory,
            authority=self._authority,
            keys=self._keys,
            limits=self.limits,
            registrations=files,
            extra=self.extra,
        )
        path = self._directory / "homeserver.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        return path

    async def _answers(self) -> bool:
        """Ask for the server's name: another program on the same port would answer too, but with another name."""
        assert self._session is not None  # noqa: S101 - connect() gives both or neither
        limit = aiohttp.ClientTimeout(total=_PROBE_DEADLINE_SECONDS)
        with suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with self._session.get(f"{self.url}/_matrix/key/v2/server", timeout=limit) as answer:
                body = await answer.json()
                return isinstance(body, dict) and body.get("server_name") == self.server_name
        return False

    async def _end(self, number: signal.Signals) -> None:
        launcher = self._launched()
        try:
            await launcher.end(self.name, number, _STOP_DEADLINE_SECONDS)
        except TimeoutError:
            raise LabError(f"{self.server_name} did not end. Its last words:\n{last_lines(self.log)}") from None


@dataclass(frozen=True, slots=True)
class Lab:
    """The running servers, by the names they were asked for; `lab.a` and `lab.b` are short for the usual two."""

    servers: Mapping[str, Homeserver]
    directory: Path
    launcher_pid: int

    def __getitem__(self, name: str) -> Homeserver:
        return self.servers[name]

    @property
    def a(self) -> Homeserver:
        """The server that was named "a"."""
        return self.servers["a"]

    @property
    def b(self) -> Homeserver:
        """The server that was named "b"."""
        return self.servers["b"]


@asynccontextmanager
async def homeservers(
    names: Sequence[str],
    venv: Path,
    *,
    workdir: Path | None = None,
    limits: Limits = "relaxed",
    prepare: Callable[[Homeserver], None] | None = None,
    clock: Path | None = None,
    ports: tuple[int, int] = (CLIENT_PORT, FEDERATION_PORT),
    deadline_seconds: float = 60,
) -> AsyncIterator[Lab]:
    """Run one federated server for each of `names` (lower-case letters and digits) until the block ends.

    `venv` comes from `ensure_synapse`. Data live below `workdir` (default: the system's directory for temporary
    files) and are removed at the end; what killed runs left there is removed at the start. With `limits="default"`
    Synapse's own rate limits hold. `prepare` is called with each server before it first starts, when its name and
    address are known: to add to its `registrations` (application services) and `extra` (top-level settings).
    With a `clock` the servers follow that file, see `TurnedClock`.
    `ports` (client, federation) are wishes; where one is taken, another is found. Raises LabError.
    """
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(own_directory(workdir))
        template = await asyncio.to_thread(database_template, venv, directory)
        authority = Authority(time.time_ns() // 1_000_000)
        authority.write_certificate(directory / "authority.pem")
        servers = {}
        for name, (address, held) in zip(names, stack.enter_context(reserved(len(names), ports)), strict=True):
            servers[name] = Homeserver(
                name,
                address,
                held,
                directory=directory / name,
                authority=directory / "authority.pem",
                limits=limits,
            )
            servers[name].furnish(authority, template)
            if prepare:
                prepare(servers[name])
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30), cookie_jar=aiohttp.DummyCookieJar())
        )
        addresses = {server.host: server.address for server in servers.values()}
        launcher = Launcher(venv / "bin" / "python", addresses, directory / "launcher.log", clock)
        stack.push_async_callback(launcher.close)
        await launcher.open(deadline_seconds)
        for server in servers.values():
            server.connect(launcher, session, deadline_seconds)
        starts = await asyncio.gather(*(server.start() for server in servers.values()), return_exceptions=True)
        for failure in starts:
            if failure is not None:
                raise failure
        yield Lab(servers, directory, launcher.process_id)
