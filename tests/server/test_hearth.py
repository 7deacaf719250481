"""Hearth whole, as an application service, on two real homeservers with their default rate limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import yaml

from bridge.app import opened
from bridge.config_file import load
from bridge.demo.homeservers import Homeserver, Lab, homeservers
from bridge.demo.member import Line, Member, logged_in
from bridge.hearth import Hearth
from bridge.registration import write_registration

CIRCLES = 12
"""More rooms than a homeserver lets an ordinary account make at once."""


def settings(server: Homeserver, directory: Path) -> dict[str, object]:
    there = f"hs-b.test:{server.server_name.partition(':')[2]}"
    return {
        "matrix": {
            "homeserver": server.url,
            "user_id": f"@hearth:{server.server_name}",
            "application_service": {"id": "hearth"},
        },
        "data_dir": str(directory / "data"),
        "community": {
            "space": {"name": "Home"},
            "common": {"name": "Common", "encrypted": False},
            "staff": {"name": "Staff", "encrypted": False},
            "circles": [
                {"name": f"Circle {n}", "tag": f"circle{n}", "encrypted": False, "members": [f"@eva:{there}"]}
                for n in range(CIRCLES)
            ],
            "moderators": [f"@mira:{server.server_name}"],
        },
    }


def soon(hearth: Hearth) -> None:
    """What it does by the clock every few seconds it does every second, so that nobody waits for that; what it does by the hour stays so."""
    ticks = tuple(
        replace(tick, every_seconds=min(tick.every_seconds, 1)) if tick.every_seconds <= 30 else tick
        for tick in hearth.ticks()
    )
    hearth.ticks = lambda: ticks  # type: ignore[method-assign]


@asynccontextmanager
async def running(hearth: Hearth) -> AsyncIterator[None]:
    soon(hearth)
    ready = asyncio.Event()
    life = asyncio.create_task(hearth.run(ready=ready.set))
    async with asyncio.timeout(60):
        await ready.wait()
    try:
        yield
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def person(stack: AsyncExitStack, lab: Lab, name: str, place: str, directory: Path) -> Member:
    servers = [lab.a.server_name, lab.b.server_name]
    return await stack.enter_async_context(logged_in(name, lab[place], directory / "people", servers))


def answers(line: Line, event: str) -> bool:
    """Whether a message replies to this one."""
    relation = line.raw.get("m.relates_to") or {}
    return bool(relation.get("m.in_reply_to", {}).get("event_id") == event)


async def ask(member: Member, hearth: Hearth, room: str, text: str, answer_with: str = "") -> str:
    """What Hearth answers; with `answer_with` the answer that has these words, and no notice of how far it is.

    In a direct room, where an answer is no reply, these words tell it from whatever else Hearth says meanwhile.
    """
    before = {line.event for line in member.lines(room)}
    everybodys = room in (await hearth.rooms()).values()
    assert everybodys or answer_with
    asked = await member.say(room, text)
    answer = await member.until(
        f"an answer to {text}",
        lambda: next(
            (
                line
                for line in member.lines(room)
                if line.event not in before
                and line.sender == hearth.me
                and answer_with in line.text
                and (answers(line, asked) or not everybodys)
            ),
            None,
        ),
    )
    return answer.text


async def test_a_whole_server_is_banned_and_forgiven_over_federation(synapse_venv: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"

    def prepare(server: Homeserver) -> None:
        if server.name == "a":
            file.write_text(yaml.safe_dump(settings(server, tmp_path)), encoding="utf-8")
            written = write_registration(load(file, {}, secrets=False), None)
            server.registrations.append(yaml.safe_load(written.read_text(encoding="utf-8")))

    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(homeservers(["a", "b"], synapse_venv, limits="default", prepare=prepare))
        mira = await person(stack, lab, "mira", "a", tmp_path)
        eva = await person(stack, lab, "eva", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(load(file, {})))
        async with asyncio.timeout(60):  # an ordinary account would need several minutes
            outcome = await hearth.apply(lambda _: None)
        assert not outcome.failures
        assert not outcome.left
        rooms = await hearth.rooms()
        assert len(rooms) == CIRCLES + 3
        async with running(hearth):
            await asyncio.gather(mira.accept(rooms["space"]), eva.accept(rooms["space"]))
            await mira.accept(rooms["staff"])
            await asyncio.gather(
                mira.join(rooms["common"]), eva.join(rooms["common"]), eva.join(rooms["circle/circle1"])
            )

            # Whoever is shut out cannot ask any more for what they missed: both servers have to know the same before.
            for member, other in ((mira, eva), (eva, mira)):
                said = f"{member.name} is here"
                await member.say(rooms["common"], said)
                await other.sees(rooms["common"], said)
            direct = await mira.talk_to(hearth.me)
            await mira.until("Hearth", lambda: mira.hears(hearth.me, direct))
            await ask(mira, hearth, direct, "help", "ban")

            host = lab.b.server_name.partition(":")[0]
            told = await ask(mira, hearth, rooms["staff"], f"!ban {host} a wave of spam", "is banned from")
            assert str(len(rooms)) in told
            for key in ("space", "common", "circle/circle1"):
                await eva.until(key, lambda key=key: eva.memberships.get(rooms[key]) == "ban")
            for room in rooms.values():
                acl = await hearth.matrix.gateway.state_content(room, "m.room.server_acl")
                assert acl
                assert acl["deny"] == [host]
                assert "*" in acl["allow"]
            assert not await eva.can_write(rooms["common"])

            await ask(mira, hearth, rooms["staff"], f"!unban {host}", "is lifted")
            for room in rooms.values():
                acl = await hearth.matrix.gateway.state_content(room, "m.room.server_acl")
                assert acl
                assert acl["deny"] == []
            # Her server left with her, so it is not told; the next invitation reaches it.
            for key in ("space", "common", "circle/circle1"):
                member = await hearth.matrix.gateway.state_content(rooms[key], "m.room.member", eva.id)
                assert member
                assert member["membership"] == "leave"
