"""What a room can be told in the file, as its members find it on a homeserver: each thing done once, and a second run finds nothing to do."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from test_apply import COMMUNITY, House, built
from world import a_world, on_a_file

from bridge.rooms.build import look
from tests.fake import FakeHomeserver

LIBRARY = {
    "key": "library", "name": "Library", "topic": "Books and links", "entry": "knock", "retention_days": 90,
    "power": {"write": "curators", "topic": "moderators"}, "welcome": "Welcome! Take a **book**.",
}  # fmt: skip
SPACE = {"name": "Home", "topic": "Come in"}

pytestmark = on_a_file


@pytest.fixture
async def house(where: Path | str) -> AsyncIterator[House]:
    async with FakeHomeserver() as hs:
        bot = await hs.user("hearth")
        yield House(hs, bot.token(), where)


async def nothing_to_do(house: House) -> None:
    house.hs.mark()
    assert await house.plan() == []
    assert (await built(house)).done == 0
    assert house.hs.requests_since_mark() == []


def furnished(house: House, **more: Any) -> None:
    house.community = {**COMMUNITY, "rooms": [{**LIBRARY, **more}]}


async def test_a_further_room_is_all_that_the_file_says(house: House) -> None:
    furnished(house, servers=["a.test", "*.b.test", "b.test"])
    await built(house)
    room = house.room("library")
    assert (await house.rows())["room/library"].kind == "room"
    assert room.content("m.room.topic")["topic"] == "Books and links"
    assert room.content("m.room.retention") == {"max_lifetime": 90 * 24 * 60 * 60 * 1000}
    assert room.content("m.room.server_acl")["allow"] == ["*.b.test", "a.test", "b.test"]
    rule = room.content("m.room.join_rules")
    assert rule["join_rule"] == "knock_restricted"
    assert rule["allow"] == [{"type": "m.room_membership", "room_id": house.room("home").room_id}]
    levels = room.content("m.room.power_levels")
    assert (levels["events_default"], levels["events"]["m.room.topic"], levels["events"]["m.reaction"]) == (50, 60, 0)
    assert (levels["users"]["@ben:a.test"], levels["kick"]) == (
        50,
        60,
    )  # a curator writes here, and moderates elsewhere
    assert room.room_id in {key for kind, key in house.room("home").state if kind == "m.space.child"}
    await nothing_to_do(house)


async def test_members_come_in_where_others_knock(house: House) -> None:
    furnished(house)
    await built(house)
    cleo, eve = await house.hs.user("@cleo:b.test"), await house.hs.user("@eve:b.test")
    await cleo.join("#home:a.test")
    await cleo.join("#library:a.test")
    with pytest.raises(Exception, match="required rooms"):
        await eve.join("#library:a.test")
    await eve.knock("#library:a.test")
    assert house.room("library").membership("@eve:b.test") == "knock"
    await nothing_to_do(house)


async def test_a_picture_is_uploaded_once_for_all_rooms_and_again_only_when_it_is_another_one(
    house: House, tmp_path: Path
) -> None:
    picture = tmp_path / "lantern.png"
    picture.write_bytes(b"first")
    furnished(house, avatar=str(picture))
    house.community = {**house.community, "space": {**SPACE, "avatar": str(picture)}}
    assert [line for line in await house.plan() if "upload" in line] == ["+ space: upload the picture lantern.png"]
    await built(house)
    first = house.room("library").content("m.room.avatar")["url"]
    assert house.room("home").content("m.room.avatar") == {"url": first}
    assert list(house.hs.model.media.values()) == [(b"first", "image/png", None)]
    await nothing_to_do(house)
    picture.write_bytes(b"second")
    await built(house)
    assert house.room("library").content("m.room.avatar")["url"] != first
    picture.write_bytes(b"first")
    await built(house)
    assert house.room("library").content("m.room.avatar")["url"] == first
    assert len(house.hs.model.media) == 2
    picture.unlink()
    async with house.life() as (site, _):
        assert (await look(site, house.wanted)).actual.files == {}
    await nothing_to_do(house)


async def test_a_welcome_is_said_in_the_clear_pinned_and_edited_in_place(house: House) -> None:
    furnished(house)
    await built(house)
    room = house.room("library")
    assert room.content("m.room.encryption")  # and yet everybody who comes later can read it
    (said,) = house.hs.timeline(room.room_id, "m.room.message")
    assert said.content["body"] == "Welcome! Take a book."
    assert room.content("m.room.pinned_events") == {"pinned": [said.event_id]}
    await nothing_to_do(house)
    ann = await house.hs.user("@ann:a.test")
    await ann.join("#home:a.test")
    await ann.join("#library:a.test")
    await ann.state("#library:a.test", "m.room.pinned_events", {"pinned": ["$theirs"]})
    for text in ("Come in", "Welcome! Take a **book**.", "Come in"):
        furnished(house, welcome=text)
        await built(house)
        assert ann.sees("#library:a.test")[0].body == text.replace("*", "")
        assert room.content("m.room.pinned_events") == {"pinned": [said.event_id, "$theirs"]}
        await nothing_to_do(house)
    furnished(house, welcome="")
    await built(house)
    assert room.content("m.room.pinned_events") == {"pinned": ["$theirs"]}


async def test_a_welcome_that_somebody_removed_is_said_anew(house: House) -> None:
    furnished(house)
    await built(house)
    ann, room = await house.hs.user("@ann:a.test"), house.room("library")
    await ann.join("#home:a.test")
    await ann.join("#library:a.test")
    await ann.redact("#library:a.test", house.hs.timeline(room.room_id, "m.room.message")[0].event_id)
    await built(house)
    old, new = house.hs.timeline(room.room_id, "m.room.message")
    assert (old.content, new.content["body"]) == ({}, "Welcome! Take a book.")
    assert room.content("m.room.pinned_events")["pinned"][0] == new.event_id
    await nothing_to_do(house)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_kills_say_and_upload_nothing_twice(house: House, tmp_path: Path, after: bool) -> None:
    picture = tmp_path / "lantern.png"
    picture.write_bytes(b"first")
    furnished(house, avatar=str(picture))
    while await house.build(lives=1, after=after) is None:
        pass
    room = house.room("library")
    assert len(house.hs.timeline(room.room_id, "m.room.message")) == 1
    url = room.content("m.room.avatar")["url"]
    assert url.rpartition("/")[2] in house.hs.model.media
    await nothing_to_do(house)


async def test_a_community_that_grows_gets_districts_and_nobody_in_one_is_moved(house: House) -> None:
    def with_circles(*tags: str) -> None:
        circles = [{"name": tag.title(), "tag": tag} for tag in tags]
        house.community = {**COMMUNITY, "circles": circles, "district_size": 3}

    def shown(local: str) -> set[str]:
        names = {room.room_id: room.content("m.room.name")["name"] for room in house.hs.model.rooms.values()}
        return {
            names[key]
            for (kind, key), event in house.room(local).state.items()
            if kind == "m.space.child" and event.content.get("via")
        }

    with_circles("a", "b")
    await built(house)
    assert shown("home") == {"Common room", "A", "B"}
    with_circles("a", "b", "c", "d")
    await built(house)
    assert shown("home") == {"Common room", "Circles 1", "Circles 2"}
    assert (shown("home-1"), shown("home-2")) == ({"A", "B", "C"}, {"D"})
    await nothing_to_do(house)
    # One that comes first in the file takes the first free place; nobody makes room for it.
    with_circles("z", "a", "b", "c", "d", "e", "f")
    await built(house)
    assert (shown("home-1"), shown("home-2"), shown("home-3")) == ({"A", "B", "C"}, {"D", "Z", "E"}, {"F"})
    await nothing_to_do(house)
    # Whoever is in the space enters a circle in a district without any further invitation.
    cleo = await house.hs.user("@cleo:b.test")
    ann = await house.hs.user("@ann:a.test")
    await ann.join("#home:a.test")
    await ann.invite("#home:a.test", "@cleo:b.test")
    await cleo.join("#home:a.test")
    for alias in ("#home-2:a.test", "#d:a.test", "#common-room:a.test"):
        await cleo.join(alias)
    links = {key for (kind, key), event in house.room("a").state.items() if kind == "m.space.parent" and event.content}
    assert links == {house.room("home-1").room_id}


async def test_a_database_that_was_lost_finds_its_districts_again(house: House, tmp_path: Path) -> None:
    circles = [{"name": tag.title(), "tag": tag} for tag in ("a", "b", "c", "d", "e")]
    house.community = {**COMMUNITY, "circles": circles, "district_size": 2}
    await built(house)
    house.where = tmp_path / "fresh" / "hearth.db"
    house.hs.mark()
    await built(house)
    assert house.hs.requests_since_mark() == []
    assert {"district/1", "district/2", "district/3"} <= set(await house.rows())


async def test_bans_of_servers_and_a_rooms_own_servers_make_one_list_that_nobody_fights_over(
    where: Path, tmp_path: Path
) -> None:
    async with a_world(where, tmp_path) as world:
        data = world.config.model_dump(mode="json")
        data["matrix"]["access_token"] = world.config.matrix.access_token.get_secret_value()  # type: ignore[union-attr]
        for circle in data["community"]["circles"]:
            if circle["tag"] == "garden":
                circle["servers"] = ["a.test", "b.test", "c.test"]
        await world.stop()
        await world.build(data)
        await world.start()
        await world.settle()
        assert world.acl("#garden") == {"allow": ["a.test", "b.test", "c.test"], "deny": [], "allow_ip_literals": True}
        await world.say("#staff", "mod", "!ban c.test spam")
        await world.settle()
        await world.until(lambda: banned(world), what="the list in all rooms", hurrying=True)
        assert world.acl("#garden")["allow"] == ["a.test", "b.test", "c.test"]
        assert world.acl("#sleep") == {"allow": ["*"], "deny": ["c.test"], "allow_ip_literals": True}
        assert world.hearth is not None
        assert (await world.hearth.plan()).changes == ()
        # Somebody of a server that may not take part, who was invited by hand, is not let in.
        kim = await world.hs.user("@kim:d.test")
        await world.people["cleo"].invite(world.room("#garden"), kim.user_id)
        await world.settle()
        assert kim.invites() == []
        (row,) = [each for each in await world.ledger() if each.action == "kick"]
        assert (row.target, row.rule, row.room) == (kim.user_id, "servers", world.room("#garden"))
        await world.people["ann"].invite(world.room("#sleep"), kim.user_id)
        await world.settle()
        assert kim.invites() == [world.room("#sleep")]


async def banned(world: Any) -> bool:
    return all(world.acl(room).get("deny") == ["c.test"] for room in world.everywhere())
