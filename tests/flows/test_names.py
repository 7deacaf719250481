"""A name for this community goes before a display name, cannot be borrowed, and never stands in Hearth's files."""

import pytest
from community import PEOPLE
from world import World, on_a_file

from bridge.store.tables import community_names, metadata, outbox

NAME = "Quittenblüte"


async def shared_by_ben(world: World, text: str = "Nights are long #common") -> str:
    """How the copy of a thread of Ben's looks in the common room."""
    await world.say("#sleep", "ben", text)
    await world.settle()
    return world.from_hearth("#common")[-1].body


async def test_a_name_is_used_wherever_somebody_is_named(world: World) -> None:
    (said,) = await world.ask("ben", f"name {NAME}")
    assert "From now on I call you that" in said
    assert NAME in await shared_by_ben(world)
    await world.ask("eve", f"follow {PEOPLE['ben']}")
    assert any(NAME in line for line in await world.ask("eve", "follows"))
    assert (await world.ask("ben", "name"))[0] == f"You are known here as {NAME}."
    room = world.hs.room(await world.direct("ben"))
    assert room.content("org.hearth.name") == {"name": NAME}


async def test_a_name_holds_over_a_restart_and_is_in_no_file(world: World) -> None:
    await world.ask("ben", f"name {NAME}")
    await world.restart()
    assert NAME in await shared_by_ben(world)
    assert "Ben" not in world.from_hearth("#common")[-1].body
    tables = {table.name: await world.rows(table) for table in metadata.sorted_tables}
    assert NAME.casefold() not in repr(tables).casefold()
    files = [file for file in world.config.data_dir.rglob("*") if file.is_file()]
    assert all(NAME.encode() not in file.read_bytes() for file in files)
    assert (world.config.data_dir / "names-key").stat().st_mode & 0o777 == 0o600
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_who_is_in_no_room_of_ours_is_known_by_name_once_they_write_to_us(world: World) -> None:
    """After a start nobody has told it yet: the homeserver does not repeat who writes, so their direct room is asked."""
    eve = PEOPLE["eve"]
    await world.ask("eve", "help")
    await world.order("mod", f"!ban {eve} spam")
    await world.settle()
    await world.restart()
    assert world.hearth is not None
    assert world.hearth.names.of(eve) == "eve"
    await world.ask("eve", "help")
    assert world.hearth.names.of(eve) == "Eve"


async def test_a_kill_before_the_name_is_kept_loses_nothing(world: World) -> None:
    room = await world.direct("ben")
    stuck = world.hs.faults.add("status", path="/state/org.hearth.name", status=502, times=None)
    await world.say(room, "ben", f"name {NAME}")

    async def wished() -> bool:
        return any(row["kind"] == "KeepName" and row["attempts"] for row in await world.rows(outbox))

    await world.until(wished, what="the wish")
    await world.stop()
    stuck.release()
    await world.start()
    await world.settle(hurrying=True)
    assert world.hs.room(room).content("org.hearth.name") == {"name": NAME}
    assert [row["room"] for row in await world.rows(community_names)] == [room]


@on_a_file
@pytest.mark.parametrize(
    "name", ["Ann", "аnn", "A\u200bnn", "ÁNN", "Hearth", "Неагth", "h3arth", "Sleeping well", "Slееp", "Olga", "0lga"]
)
async def test_a_name_that_looks_like_another_is_refused(world: World, name: str) -> None:
    (said,) = await world.ask("ben", f"name {name}")
    assert "looks too much like" in said
    assert await world.rows(community_names) == []


@on_a_file
async def test_a_name_that_somebody_chose_cannot_be_chosen_again(world: World) -> None:
    await world.ask("ben", "name Robin")
    (said,) = await world.ask("eve", "name R0bin")
    assert "looks too much like" in said
    await world.ask("ben", "name Merle")
    (said,) = await world.ask("eve", "name Robin")
    assert "From now on I call you that" in said
    assert len(await world.rows(community_names)) == 2


@on_a_file
async def test_ones_own_display_name_is_ones_own(world: World) -> None:
    (said,) = await world.ask("ben", "name Ben")
    assert "From now on I call you that" in said


@on_a_file
@pytest.mark.parametrize("name", ["🌸🌸", "x" * 51, "@ann:a.test", "#sleep", "https://a.test", "Ro\u202ebin"])
async def test_what_is_no_name_is_refused(world: World, name: str) -> None:
    (said,) = await world.ask("ben", f"name {name}")
    assert "name" in said
    assert await world.rows(community_names) == []


@on_a_file
async def test_a_name_can_be_given_up(world: World) -> None:
    await world.ask("ben", f"name {NAME}")
    (said,) = await world.ask("ben", "name off")
    assert "profile again" in said
    assert "Ben" in await shared_by_ben(world)
    assert world.hs.room(await world.direct("ben")).content("org.hearth.name") == {}
    await world.restart()
    assert "Ben" in await shared_by_ben(world, "Once more #common")


@on_a_file
async def test_a_name_that_somebody_wrote_into_the_room_by_themselves_does_not_count(world: World) -> None:
    await world.ask("ben", f"name {NAME}")
    await world.member("ben").state(await world.direct("ben"), "org.hearth.name", {"name": "Olga"})
    await world.restart()
    assert "Olga" not in await shared_by_ben(world)


@on_a_file
async def test_where_a_name_cannot_be_kept_its_owner_hears_of_it(world: World) -> None:
    refused = world.hs.faults.add(
        "status", path="/state/org.hearth.name", status=403, errcode="M_FORBIDDEN", times=None
    )
    await world.ask("ben", f"name {NAME}")
    await world.settle()
    assert any("could not keep your name" in body for body in world.told("ben"))
    assert await world.rows(community_names) == []
    refused.release()
    assert "Ben" in await shared_by_ben(world)
