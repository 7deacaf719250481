"""A space that members made by hand, with rooms on two real homeservers, becomes a community; what the file does not name is never touched."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from house_of_hearth import a_house, read
from test_hearth import person
from test_replacing import is_so

from bridge.app import opened
from bridge.config_file import load
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.rooms.diff import rows


async def makes(who: Member, name: str, alias: str, guests: list[str], **more: Any) -> str:
    """A room as somebody makes it in their own client, with Hearth among the guests as strong as they are, or not."""
    body = {"name": name, "room_alias_name": alias, "preset": "private_chat", "invite": guests, **more}
    return str((await who.matrix.client.request("POST", "/createRoom", body=body))["room_id"])


async def puts(who: Member, room: str, kind: str, content: dict[str, Any], key: str = "") -> None:
    parts = {"room": room, "kind": kind, "key": key}
    await who.matrix.client.request("PUT", "/rooms/{room}/state/{kind}/{key}", parts=parts, body=content)


async def gives_power(who: Member, room: str, to: str, level: int = 100) -> None:
    levels = await read(who, room, "m.room.power_levels")
    await puts(who, room, "m.room.power_levels", {**levels, "users": {**levels.get("users", {}), to: level}})


async def events_of(who: Member, room: str) -> set[str]:
    """Every event of a room's state, and everything that was said."""
    state = await who.matrix.client.request_list("/rooms/{room}/state", parts={"room": room})
    said = await who.matrix.client.request("GET", "/rooms/{room}/messages", parts={"room": room}, query={"dir": "b", "limit": 100})  # fmt: skip
    return {each["event_id"] for each in (*state, *said["chunk"])}


async def test_a_whole_space_that_was_made_by_hand_is_adopted(lab: Lab, prefix: str, tmp_path: Path) -> None:
    here, there = lab.a.server_name, lab.b.server_name
    async with AsyncExitStack() as stack:
        ann = await person(stack, lab, f"{prefix}ann", "a", tmp_path)
        cleo = await person(stack, lab, f"{prefix}cleo", "b", tmp_path)
        community: dict[str, Any] = {
            "space": {"name": "Our home", "room": f"#{prefix}old:{here}"},
            "circles": [
                {"name": "Tea", "tag": "tea", "topic": "Hot drinks", "members": [cleo.id]},
                {"name": "Sweet things", "tag": "cake", "room": f"#{prefix}cake:{there}"},
            ],
            "owners": [ann.id],
        }
        house = await stack.enter_async_context(a_house(lab, prefix, tmp_path, community))
        me = house.user

        # So it was before Hearth came: a space of Ann's with a room of hers, one of Cleo's on the other homeserver, and two that are nobody's business.
        space = await makes(ann, "Old home", f"{prefix}old", [me, cleo.id], creation_content={"type": "m.space"}, topic="Since 2019")  # fmt: skip
        tea = await makes(ann, "Tea", f"{prefix}tea", [me, cleo.id], topic="Green tea")
        private = await makes(ann, "Private", f"{prefix}private", [cleo.id])
        notes = await makes(ann, "Notes", f"{prefix}notes", [me])
        cake = await makes(cleo, "Cake", f"{prefix}cake", [me, ann.id], topic="With cream")
        for owner, room in ((ann, space), (ann, tea), (ann, notes), (cleo, cake)):
            await gives_power(owner, room, me)
        for room in (tea, private, notes, cake):
            await puts(ann, space, "m.space.child", {"via": [here, there]}, room)
        for room in (space, tea, private):
            await cleo.accept(room)
        await ann.accept(cake)
        words = await ann.say(tea, "The kettle is on")
        for room in (private, notes):
            await ann.say(room, "Not for everybody")
        untouched = {room: await events_of(ann, room) for room in (private, notes)}

        # It is invited and may look: the plan names what it would take, and nobody is let in before that is meant.
        hearth = await stack.enter_async_context(opened(load(house.file, {})))

        async def plans() -> list[str]:
            """What would change, as a person reads it, with who did it by hand."""
            found = await hearth.plan()
            return [f"{row.key} {row.text} {row.by or ''}".strip() for row in rows(found.wanted, found.changes)]

        assert any(line.startswith("circle/cake") and "enter the room" in line for line in await plans())
        outcome = await hearth.apply(lambda _: None)
        held = {key for hold in outcome.holds if hold.about == "entry" for key in hold.rooms}
        assert held >= {"circle/tea", "circle/cake"}
        assert (await read(ann, tea, "m.room.join_rules"))["join_rule"] == "invite"
        assert f"circle/tea m.room.join_rules join_rule: 'invite' -> 'restricted' {ann.id}" in await plans()
        outcome = await hearth.apply(lambda _: None, force=True)
        assert outcome.failures == outcome.left == ()
        strangers = {note.name for note in outcome.notes if note.about == "stranger"}
        assert strangers == {private, "Notes"}, "what Hearth may not see has no name for it"
        assert await plans() == []

        # Its rooms are those of before, with all that was in them; only what the file says is different.
        for room, name in ((space, "Our home"), (tea, "Tea"), (cake, "Sweet things")):
            assert (await read(ann, room, "m.room.name"))["name"] == name
        assert (await read(ann, tea, "m.room.topic"))["topic"] == "Hot drinks"
        assert (await read(cleo, cake, "m.room.topic"))["topic"] == "With cream"
        assert (await read(ann, space, "m.room.topic"))["topic"] == "Since 2019"
        for room in (tea, cake):
            assert (await read(ann, room, "m.room.join_rules"))["allow"][0]["room_id"] == space
            assert (await read(ann, room, "m.space.parent", space))["via"]
            assert await read(ann, room, "m.room.encryption") == {}

        async def reads() -> bool:
            return words in await events_of(cleo, tea)

        await is_so(reads, True)
        assert {room: await events_of(ann, room) for room in untouched} == untouched
        assert {cleo.memberships[room] for room in (space, tea, private)} == {"join"}

        # What somebody changes by hand afterwards is shown, for one field kept, for the other put right; again nothing else is touched.
        await puts(ann, tea, "m.room.topic", {"topic": "Hot drinks, and biscuits"})
        await puts(cleo, cake, "m.room.name", {"name": "Cake again"})
        await is_so(lambda: read(ann, cake, "m.room.name"), {"name": "Cake again"})
        assert sorted(await plans()) == [
            f"circle/cake m.room.name name: 'Cake again' -> 'Sweet things' {cleo.id}",
            f"circle/tea m.room.topic topic: 'Hot drinks, and biscuits' -> 'Hot drinks' {ann.id}",
        ]
        assert (await hearth.adopt("circle/tea", "topic"))[0]
        assert (await hearth.apply(lambda _: None)).done == 1
        await is_so(lambda: read(cleo, cake, "m.room.name"), {"name": "Sweet things"})
        assert (await read(ann, tea, "m.room.topic"))["topic"] == "Hot drinks, and biscuits"
        assert await plans() == []
        assert {room: await events_of(ann, room) for room in untouched} == untouched
