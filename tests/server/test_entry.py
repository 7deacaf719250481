"""Who may enter a room, on real homeservers: members of the space, people who knock, and nobody of a server that may not take part."""

from pathlib import Path
from typing import Any

import pytest
from test_provisioning import Person, Town, can_join, town, until

from bridge.effects import Invite
from bridge.errors import Refused

__all__ = ["town"]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea72d9ce90000000049454e44ae426082"
)


async def knock(person: Person, alias: str, server: str) -> None:
    await person.client.request("POST", "/knock/{room}", parts={"room": alias}, query={"server_name": server}, body={})


async def may_knock(person: Person, alias: str, server: str) -> bool:
    try:
        await knock(person, alias, server)
    except Refused:
        return False
    return True


async def reads(person: Person, room: str, event: str) -> Any:
    """What the event says to somebody who scrolls back: their server fetches then what was said before they came."""
    path, query = "/rooms/{room}/messages", {"dir": "b", "limit": 50}
    found = (await person.client.request("GET", path, parts={"room": room}, query=query))["chunk"]
    return next((raw["content"].get("body") for raw in found if raw["event_id"] == event), None)


@pytest.mark.parametrize("town", ["9", "12"], indirect=True)
async def test_members_enter_others_knock_and_a_closed_server_list_holds(town: Town, tmp_path: Path) -> None:
    picture = tmp_path / "library.png"
    picture.write_bytes(PNG)
    ours, theirs = town.lab.a.server_name, town.lab.b.server_name
    town.community["rooms"] = [
        {"key": "library", "name": "Library", "alias": f"{town.prefix}library", "entry": "knock", "welcome": "Take a book",
         "avatar": str(picture), "retention_days": 90, "power": {"write": "curators"}},
        {"key": "house", "name": "House", "alias": f"{town.prefix}house", "servers": [ours]},
    ]  # fmt: skip
    outcome = await town.build()
    assert outcome.failures == outcome.left == outcome.notes == ()
    assert await town.plan() == []
    assert (await town.build()).done == 0

    ann, ben, cleo, mod = (town.people[name] for name in ("ann", "ben", "cleo", "mod"))
    library, house = await ann.room(town.alias("library")), await ann.room(town.alias("house"))
    _, gateway = town.site()

    # Of the other server, and not in the space yet: knocks, is let in, and reads the pinned welcome of an encrypted room.
    assert not await can_join(cleo, town.alias("library"))
    await until(lambda: may_knock(cleo, town.alias("library"), ours), "cleo knocks")
    assert await gateway.membership(library, cleo.user) == "knock"
    await gateway.perform(Invite(key="let in", room=library, user=cleo.user))
    await until(lambda: can_join(cleo, town.alias("library")), "cleo is let in")
    (welcome,) = (await cleo.state(library, "m.room.pinned_events"))["pinned"]
    assert (await cleo.state(library, "m.room.encryption"))["algorithm"]
    await until(lambda: _is(reads, cleo, library, welcome, "Take a book"), "cleo reads the welcome")
    assert (await cleo.state(library, "m.room.avatar"))["url"].startswith(f"mxc://{ours}/")
    assert (await cleo.state(library, "m.room.retention"))["max_lifetime"] == 90 * 24 * 60 * 60 * 1000

    # In the space: enters without knocking, unless the room is too old to know both ways in.
    await until(lambda: can_join(mod, town.alias("home")), "mod is in the space")
    if town.version == "9":
        assert (await ann_sees(town, library))["join_rule"] == "knock"
        assert not await can_join(mod, town.alias("library"))
    else:
        assert (await ann_sees(town, library))["join_rule"] == "knock_restricted"
        await until(lambda: can_join(mod, town.alias("library")), "mod enters without knocking")

    # A room for one server: its members enter, those of the other one are kept out although they are in the space.
    await until(lambda: can_join(ben, town.alias("home")), "ben is in the space")
    await until(lambda: can_join(ben, town.alias("house")), "ben enters")
    acl = await ben.state(house, "m.room.server_acl")
    assert ours in acl["allow"]
    assert theirs not in acl["allow"]
    assert not await can_join(mod, town.alias("house"))
    assert await gateway.membership(house, mod.user) is None
    assert await town.plan() == [f"+ staff: invite {mod.user}"]


async def ann_sees(town: Town, room: str) -> Any:
    """The rule by which one enters, as Hearth's own server has it."""
    return await town.site()[1].state_content(room, "m.room.join_rules")


async def _is(ask: Any, *arguments: Any) -> bool:
    *given, expected = arguments
    return bool(await ask(*given) == expected)
