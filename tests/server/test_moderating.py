"""Moderation reaches somebody of another homeserver: mute, redaction, a server's ban and its order, and a ban that is cut off in the middle."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from matrix_parties import until
from test_circle_life import order
from test_hearth import person, running
from test_replacing import moved_in, settings, state

from bridge.app import opened
from bridge.clock import now_ms
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.hearth import Hearth
from bridge.store import ledger

HOUR_MS = 60 * 60 * 1000
MANY = 8


def with_more_rooms(config: Config, prefix: str) -> Config:
    data = config.model_dump()
    data["matrix"] = config.matrix.model_dump() | {"access_token": config.matrix.access_token}
    circles = [{"name": f"N{n}", "tag": f"n{n}", "alias": f"{prefix}n{n}", "encrypted": False} for n in range(MANY)]
    data["community"]["circles"] = [*data["community"]["circles"], *circles]
    return Config.model_validate(data)


async def bans(hearth: Hearth, rooms: dict[str, str], user: str) -> set[str]:
    """The keys of the rooms in which this person is banned, as the homeserver has it."""
    return {key for key, room in rooms.items() if await hearth.matrix.gateway.membership(room, user) == "ban"}


async def order_of(hearth: Hearth, room: str, *wanted: tuple[str, str]) -> list[str]:
    """The kinds of these state events in the order in which they stand in the room's timeline."""
    newest = list(await hearth.matrix.gateway.recent(room, 50))
    kinds = [str(raw.get("type")) for raw in reversed(newest) if (raw.get("type"), raw.get("state_key")) in wanted]
    return kinds[-len(wanted) :]


async def test_a_member_of_another_homeserver_is_muted_redacted_and_shut_out_with_their_server(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    ahead_ms = 0
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        config = with_more_rooms(await settings(lab, prefix, tmp_path, "12"), prefix)
        async with opened(config, clock=lambda: now_ms() + ahead_ms) as hearth:
            assert not (await hearth.apply(lambda _: None)).failures
            rooms = await hearth.rooms()
            staff, sleep, common = rooms["staff"], rooms["circle/sleep"], rooms["common"]
            async with running(hearth):
                await moved_in(mira, eva, rooms)

                # Muted for an hour: the other homeserver lets nothing through, and the end comes by itself.
                await order(mira, hearth, staff, f"!mute {eva.id} 1h please rest", "can only read now")

                async def writes(wanted: bool) -> bool:
                    return await eva.can_write(sleep) is wanted and await eva.can_write(common) is wanted

                await until(lambda: writes(False))
                ahead_ms = HOUR_MS + 1000
                await until(lambda: writes(True))
                assert eva.id not in (await state(hearth, sleep, "m.room.power_levels"))["users"]

                # What they wrote in the last hours is taken away in every room, edits too.
                await eva.say(common, "first spam")
                await eva.edit(sleep, await eva.say(sleep, "second spam"), "spam in an edit")
                await mira.sees(sleep, "spam in an edit")
                await mira.sees(common, "first spam")
                await mira.say(staff, f"!redact {eva.id} 3h spam")
                question = await mira.sees_from(hearth.me, staff, "for good")
                await mira.react(staff, question.event, "👍")
                await mira.sees_from(hearth.me, staff, "messages are gone")
                await mira.no_longer_sees(sleep, "spam in an edit")
                await mira.no_longer_sees(common, "first spam")

                # The whole server: its people are banned in a room before it is shut out there.
                await order(mira, hearth, staff, f"!ban {lab.b.server_name} spam wave", "is banned from all")
                for room in (sleep, common):
                    kinds = await order_of(hearth, room, ("m.room.member", eva.id), ("m.room.server_acl", ""))
                    assert kinds == ["m.room.member", "m.room.server_acl"]
                    assert (await state(hearth, room, "m.room.server_acl"))["deny"] == [
                        lab.b.server_name.partition(":")[0]
                    ]
                nora = await lab.b.register(f"{prefix}nora", "nora-password")  # whom nobody banned
                asked = f"{lab.b.url}/_matrix/client/v3/join/{quote(common)}"
                spoken = {"Authorization": f"Bearer {nora.token}"}
                async with (
                    aiohttp.ClientSession(headers=spoken) as web,
                    web.post(asked, params={"server_name": lab.a.server_name}, json={}) as answer,
                ):
                    assert "Server is banned from room" in await answer.text()
                await order(mira, hearth, staff, f"!unban {lab.b.server_name}", "is lifted everywhere")
                assert await bans(hearth, rooms, eva.id) == set()

                # A ban in many rooms is cut off in the middle.
                before = {line.event for line in mira.lines(staff)}
                await mira.say(staff, f"!ban {eva.id} spam")

                async def begun() -> bool:
                    return bool(await bans(hearth, rooms, eva.id))

                await until(begun)
        async with opened(config, clock=lambda: now_ms() + ahead_ms) as again, running(again):

            async def done() -> bool:
                return await bans(again, rooms, eva.id) == set(rooms)

            await until(done)
            entry = await until(lambda: _outcome(again, eva.id))
            assert entry == {"done": len(rooms), "refused": {}}
            told = f"is banned from all {len(rooms)} rooms"
            await mira.until(
                told, lambda: any(told in line.text and line.event not in before for line in mira.lines(staff))
            )


async def _outcome(hearth: Hearth, user: str) -> Any:
    async with hearth.database.reading() as db:
        found = await ledger.search(db, ledger.Search(person=user, what="ban"), 0, 1)
    return found[0].outcome if found else None
