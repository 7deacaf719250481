"""The laboratory itself: federation, outages, limits, and that nothing survives us."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from bridge.demo.homeservers import Account, Homeserver, Lab, LabError, ensure_synapse, homeservers

PROJECT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60

VICTIM = """
import asyncio, sys
from pathlib import Path
from bridge.demo.homeservers import homeservers
async def main():
    async with homeservers(["a"], Path(sys.argv[1]), workdir=Path(sys.argv[2])) as lab:
        print(lab.launcher_pid, lab.a.pid, lab.directory, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


class Member:
    """A few client calls of one account, over plain HTTP."""

    def __init__(self, session: aiohttp.ClientSession, server: Homeserver, account: Account) -> None:
        self.session, self.server, self.account = session, server, account

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.account.token}"}
        url = f"{self.server.url}/_matrix/client/v3{path}"
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def need(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = await self.call(method, path, body)
        assert status == 200, answer
        return answer

    async def say(self, room: str, text: str) -> str:
        path = f"/rooms/{quote(room)}/send/m.room.message/{time.monotonic_ns()}"
        return (await self.need("PUT", path, {"msgtype": "m.text", "body": text}))["event_id"]

    async def sees(self, room: str, event: str) -> bool:
        return (await self.call("GET", f"/rooms/{quote(room)}/event/{quote(event)}"))[0] == 200


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        met = condition()
        if met if isinstance(met, bool) else await met:
            return
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        await asyncio.sleep(0.03)


def is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


@pytest_asyncio.fixture(loop_scope="session")
async def members(lab: Lab, prefix: str) -> AsyncIterator[tuple[Member, Member]]:
    async with aiohttp.ClientSession() as session:
        ann = Member(session, lab.a, await lab.a.register(f"{prefix}ann", "pw"))
        bob = Member(session, lab.b, await lab.b.register(f"{prefix}bob", "pw"))
        yield ann, bob


async def shared_room(ann: Member, bob: Member) -> str:
    room = (await ann.need("POST", "/createRoom", {"preset": "private_chat"}))["room_id"]
    await ann.need("POST", f"/rooms/{quote(room)}/invite", {"user_id": bob.account.user_id})
    await bob.need("POST", f"/join/{quote(room)}?via={ann.server.server_name}", {})
    return room


async def test_messages_cross_the_federation_both_ways(members: tuple[Member, Member]) -> None:
    ann, bob = members
    room = await shared_room(ann, bob)
    assert ":" not in room  # version 12: the room id names no server
    first = await ann.say(room, "is anybody there?")
    await until(lambda: bob.sees(room, first), "b has what was said on a")
    second = await bob.say(room, "yes")
    await until(lambda: ann.sees(room, second), "a has what was said on b")


@pytest.mark.parametrize("power_cut", [False, True])
async def test_a_server_that_was_away_catches_up(members: tuple[Member, Member], power_cut: bool) -> None:
    ann, bob = members
    room = await shared_room(ann, bob)
    await (bob.server.kill() if power_cut else bob.server.stop())
    assert bob.server.pid is None
    missed = await ann.say(room, "while you were away")
    await bob.server.start()
    await until(lambda: bob.sees(room, missed), "b has caught up")
    back = await bob.say(room, "I am back")
    await until(lambda: ann.sees(room, back), "a has heard of it")


async def test_an_acl_tells_the_two_servers_apart(members: tuple[Member, Member]) -> None:
    ann, bob = members
    room, open_room = await shared_room(ann, bob), await shared_room(ann, bob)
    acl = {"allow": ["*"], "deny": [bob.server.host], "allow_ip_literals": False}
    await ann.need("PUT", f"/rooms/{quote(room)}/state/m.room.server_acl/", acl)
    shut_out = await bob.say(room, "can you hear me?")
    later = await bob.say(open_room, "here you can")
    await until(lambda: ann.sees(open_room, later), "a has what b sent last")
    assert not await ann.sees(room, shut_out)
    welcome = await ann.say(room, "you still hear me")
    await until(lambda: bob.sees(room, welcome), "b has what was said on a")


async def test_an_administrator_is_one_and_others_are_not(lab: Lab, prefix: str) -> None:
    accounts = [await lab.a.register(f"{prefix}{admin}", "pw", admin=bool(admin)) for admin in (0, 1)]
    async with aiohttp.ClientSession() as session:
        for account, expected in zip(accounts, (403, 200), strict=True):
            headers = {"Authorization": f"Bearer {account.token}"}
            async with session.get(f"{lab.a.url}/_synapse/admin/v1/event_reports", headers=headers) as answer:
                assert answer.status == expected
    assert accounts[0].token not in repr(accounts[0])
    with pytest.raises(LabError, match="M_USER_IN_USE"):
        await lab.a.register(f"{prefix}0", "pw")


async def test_default_limits_an_application_service_and_taken_ports(synapse_venv: Path, tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken, contextlib.closing(socket.socket()) as idle:
        idle.bind(("127.0.0.1", 0))
        wish = taken.getsockname()[1]

        def prepare(server: Homeserver) -> None:
            server.registrations.append(
                {
                    "id": "hearth",
                    "url": f"http://127.0.0.1:{idle.getsockname()[1]}",
                    "as_token": "as-secret",
                    "hs_token": "hs-secret",
                    "sender_localpart": "hearth-technical",
                    "rate_limited": False,
                    "io.element.msc4190": True,
                    "namespaces": {"users": [{"regex": f"@hearth:{server.server_name}", "exclusive": True}]},
                }
            )

        async with (
            homeservers(
                ["c"], synapse_venv, workdir=tmp_path, limits="default", prepare=prepare, ports=(wish, wish)
            ) as lab,
            aiohttp.ClientSession() as session,
        ):
            server = lab["c"]
            assert str(wish) not in server.url.rpartition(":")[2]
            assert str(wish) not in server.server_name
            carl = Member(session, server, await server.register("carl", "pw"))
            answers = [(await carl.call("POST", "/createRoom", {}))[0] for _ in range(11)]
            assert answers == [200] * 10 + [429]

            headers = {"Authorization": "Bearer as-secret"}
            root = f"{server.url}/_matrix/client/v3"
            body = {"type": "m.login.application_service", "username": "hearth", "inhibit_login": True}
            async with session.post(f"{root}/register", json=body, headers=headers) as answer:
                assert answer.status == 200
            me = {"user_id": f"@hearth:{server.server_name}"}
            async with session.put(f"{root}/devices/DESK", params=me, json={}, headers=headers) as answer:
                assert answer.status == 201
            for _ in range(12):
                async with session.post(f"{root}/createRoom", params=me, json={}, headers=headers) as answer:
                    assert answer.status == 200


async def test_a_server_that_cannot_start_says_why_soon(synapse_venv: Path, tmp_path: Path) -> None:
    def spoil(server: Homeserver) -> None:
        server.extra["federation"] = {"client_timeout": "200ms"}

    begun = time.monotonic()
    with pytest.raises(LabError, match=r"did not start(.|\n)*200m"):
        async with homeservers(["a"], synapse_venv, workdir=tmp_path, prepare=spoil):
            pass
    assert time.monotonic() - begun < DEADLINE_SECONDS
    assert names_in(tmp_path) == ["lock"]


async def test_a_killed_run_leaves_no_process_and_the_next_run_tidies_up(synapse_venv: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", VICTIM, str(synapse_venv), str(tmp_path)]
    victim = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=subprocess.PIPE)
    try:
        assert victim.stdout
        launcher, server, directory = (await victim.stdout.readline()).decode().split()
        assert not is_dead(int(launcher))
        assert not is_dead(int(server))
    finally:
        victim.kill()
        await victim.wait()
    await until(lambda: is_dead(int(launcher)) and is_dead(int(server)), "nothing of the killed run is left")
    assert Path(directory).name in names_in(tmp_path)
    async with homeservers(["a"], synapse_venv, workdir=tmp_path) as lab:
        assert Path(directory).name not in names_in(tmp_path)
        assert lab.directory.exists()
        async with homeservers(["a"], synapse_venv, workdir=tmp_path):  # a neighbour that lives is not swept
            assert lab.directory.exists()
    assert not lab.directory.exists()


async def test_servers_end_with_their_launcher_and_we_hear_of_it(synapse_venv: Path, tmp_path: Path) -> None:
    async with homeservers(["a"], synapse_venv, workdir=tmp_path) as lab:
        server = lab.a.pid
        assert server
        os.kill(lab.launcher_pid, signal.SIGKILL)
        await until(lambda: is_dead(server) and lab.a.pid is None, "the server has ended")
        with pytest.raises(LabError, match="has ended"):
            await lab.a.start()


def test_without_a_registry_the_trouble_is_told_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTH_SYNAPSE_VENV", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    begun = tmp_path / "venv" / "bin" / "python"
    begun.parent.mkdir(parents=True)
    begun.touch()  # what was begun is never taken for finished
    said: list[str] = []
    with pytest.raises(LabError, match="registry did not answer"):
        ensure_synapse(tmp_path, said.append)
    assert len(said) == 1
    assert not (tmp_path / "venv" / "hearth-stamp").exists()
    assert (tmp_path / "install.log").stat().st_size > 0


def test_a_finished_installation_is_found_at_once_and_another_lock_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEARTH_SYNAPSE_VENV", raising=False)
    installs: list[Path] = []

    def pretend(_root: Path, venv: Path, lock: Path) -> None:
        installs.append(lock)
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        (venv / "bin" / "python").touch()

    monkeypatch.setattr("bridge.demo.homeserver_install._install", pretend)
    lock = tmp_path / "packages.lock"
    lock.write_text("one==1\n")
    venv = ensure_synapse(tmp_path / "lab", print, lock=lock)
    begun = time.monotonic()
    assert ensure_synapse(tmp_path / "lab", print, lock=lock) == venv
    assert time.monotonic() - begun < 2
    assert len(installs) == 1
    lock.write_text("one==2\n")
    ensure_synapse(tmp_path / "lab", print, lock=lock)
    (venv / "bin" / "python").unlink()
    ensure_synapse(tmp_path / "lab", print, lock=lock)
    assert len(installs) == 3


def test_a_given_environment_without_synapse_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_SYNAPSE_VENV", str(tmp_path))
    with pytest.raises(LabError, match="no Synapse"):
        ensure_synapse(tmp_path / "unused", print)
    assert not (tmp_path / "unused").exists()
