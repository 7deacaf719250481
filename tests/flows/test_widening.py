"""Words reach further than their room only if the owner allowed it and its people were told; in every direction, and up to the moment of sending."""

from typing import Any

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, STAFF, World, config

from bridge.config import Config
from bridge.events import MemberChanged, Reacted
from bridge.rooms import widening
from bridge.store import queue, rooms
from bridge.store.db import Database

pytestmark = on_a_file

NOTICE = "how far threads of this room may reach"


def limited(common: tuple[str, ...] = (), circle: tuple[str, ...] = ("one.test",), **more: Any) -> Config:
    """A circle only for people of one server."""
    return config(
        common={"name": "Common room", "servers": common},
        circles=[{"name": "Sleeping well", "tag": "sleep", "servers": circle}],
        **more,
    )


def notices(world: World, room: str = SLEEP) -> list[str]:
    return [body for body in world.server.shown(room).values() if NOTICE in body]


async def of_one_server(world: World) -> World:
    """Who is of another server is out of the circle."""
    for user in (BEN, CLEO):
        await world.does(MemberChanged(f"$out-{user}", SLEEP, ME, world.tick(), user=user, membership="leave", was="join"))  # fmt: skip
    return world


@pytest.mark.parametrize(
    ("settings", "encrypted", "why"),
    [
        (config(), True, "out of the encryption"),
        (limited(), False, "certain servers"),
        (limited(("one.test", "two.test")), False, "certain servers"),
        (limited(beyond_servers=True), True, "out of the encryption"),
        (limited(encrypted_to_open=True), True, "certain servers"),
    ],
)
async def test_it_is_refused_with_the_reason(database: Database, settings: Config, encrypted: bool, why: str) -> None:
    world = await of_one_server(await World(database, settings).begin(circle_encrypted=encrypted))
    await world.look(widening.look)
    await world.does(world.say(ANN, "only for us #common"))
    assert world.server.held(COMMON) == ""
    assert why in world.told(ANN)[-1]
    assert not notices(world)


async def test_nothing_goes_before_everybody_was_told_and_then_it_goes_by_itself(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(circle_encrypted=True)
    root = world.say(ANN, "who is awake? #common")
    await world.does(root)
    assert world.server.held(COMMON) == ""
    assert "waits a moment" in world.told(ANN)[-1]
    other = world.say(BEN, "and another")
    await world.does(other, Reacted("$wish", SLEEP, CLEO, world.tick(), other.id, "🔗"))
    question = next(e for e, body in world.server.shown(f"!direct-{BEN}").items() if "May I share it?" in body)
    await world.does(Reacted("$yes", f"!direct-{BEN}", BEN, world.tick(), question, "👍"))
    assert world.server.held(COMMON) == ""
    await world.look(widening.look, widening.look)
    assert len(notices(world)) == 1
    assert "not encrypted" in notices(world)[0]
    assert world.common() == ["who is awake? #common", "and another"]


async def test_what_was_refused_before_the_owner_allowed_it_stays_however_soon_the_notice_follows(
    database: Database,
) -> None:
    world = await World(database, config()).begin(circle_encrypted=True)
    await world.does(world.say(ANN, "only among us #common"))
    world.settings = config(encrypted_to_open=True)
    meant = world.say(BEN, "for everybody")
    await world.does(meant)
    await world.does(world.change(meant, "for everybody #common"))
    await world.look(widening.look)
    assert len(notices(world)) == 1
    assert world.common() == ["for everybody #common"]


async def test_who_agrees_to_an_offer_before_everybody_was_told_is_told_that_it_waits(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(circle_encrypted=True)
    root = world.say(ANN, "who is awake?")
    await world.does(root)
    await world.does(world.say(BEN, "I am #common", thread=root.id))
    question = next(e for e, body in world.server.shown(f"!direct-{ANN}").items() if "May I share these two?" in body)
    await world.does(Reacted("$yes", f"!direct-{ANN}", ANN, world.tick(), question, "👍"))
    assert world.server.held(COMMON) == ""
    assert "waits a moment" in world.told(ANN)[-1]
    await world.look(widening.look)
    assert world.common() == ["who is awake?", "I am #common"]


@on_both
async def test_a_room_that_could_not_be_told_for_three_days_shares_nothing_of_before(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(circle_encrypted=True)
    await world.does(world.say(ANN, "who is awake? #common"))
    world.now_ms += widening.PATIENCE_MS + 1
    await world.look(widening.sweep, widening.look)
    assert len(notices(world)) == 1
    assert world.server.held(COMMON) == ""


async def test_a_crash_between_the_notice_and_its_note_tells_once_and_lets_nothing_out(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(circle_encrypted=True)
    await world.hear(world.say(ANN, "who is awake? #common"))
    await world.settle()
    async with world.database.writing() as db:
        scene = world.scene(db)
        await widening.look(scene)
        await queue.put(db, scene.puts, world.now_ms)
    for _ in range(len(scene.puts)):
        await world.step(crash=True)
    assert notices(world)
    assert world.server.held(COMMON) == ""
    await world.look(widening.look)
    assert len(notices(world)) == 1
    assert world.common() == ["who is awake? #common"]


@on_both
async def test_what_is_allowed_later_is_told_anew_and_what_is_taken_back_is_withdrawn(database: Database) -> None:
    world = await of_one_server(await World(database, limited(("one.test", "two.test"), beyond_servers=True)).begin())
    await world.look(widening.look)
    assert "two.test" in notices(world)[0]
    root = world.say(ANN, "who is awake? #common")
    await world.does(root)
    assert world.common() == ["who is awake? #common"]
    world.settings = limited(("one.test", "two.test", "three.test"), beyond_servers=True)
    await world.does(world.say(ANN, "anybody?", thread=root.id))
    assert world.server.held(COMMON) == ""  # the common room admits more than was told
    await world.look(widening.look)
    assert len(notices(world)) == 2
    assert "three.test" in notices(world)[1]
    assert "two.test" not in notices(world)[1]
    await world.does(world.say(ANN, "again #common", thread=root.id))
    assert world.common() == ["who is awake? #common", "anybody?", "again #common"]
    world.settings = limited(("one.test", "two.test", "three.test"))
    await world.look(widening.look)
    assert world.server.held(COMMON) == ""
    async with world.database.reading() as db:
        circle = await rooms.by_id(db, SLEEP)
    assert circle
    assert circle.told == ""
    world.settings = limited(("one.test", "two.test", "three.test"), beyond_servers=True)
    await world.look(widening.look)
    assert len(notices(world)) == 3  # allowed once more, told once more


async def test_a_room_for_all_servers_is_told_as_such_and_covers_each(database: Database) -> None:
    world = await of_one_server(await World(database, limited(beyond_servers=True)).begin())
    await world.look(widening.look)
    assert "any server" in notices(world)[0]
    await world.does(world.say(ANN, "who is awake? #common"))
    assert world.common() == ["who is awake? #common"]


async def test_at_the_moment_of_sending_nobody_reads_along_who_is_not_admitted(database: Database) -> None:
    world = await of_one_server(await World(database, limited(("one.test",))).begin())
    await world.does(world.say(ANN, "who is awake? #common"))
    assert world.server.held(COMMON) == ""  # Ben and Cleo, of another server, are in the common room
    for user in (BEN, CLEO):
        await world.does(MemberChanged(f"$away-{user}", COMMON, ME, world.tick(), user=user, membership="leave", was="join"))  # fmt: skip
    await world.does(world.say(ANN, "still awake? #common"))
    assert world.common() == ["still awake? #common"]


async def test_the_owner_takes_it_back_while_a_copy_waits(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(circle_encrypted=True)
    await world.look(widening.look)
    await world.hear(world.say(ANN, "who is awake? #common"))
    world.settings = config()
    await world.settle()
    assert world.server.held(COMMON) == ""


@on_both
async def test_answers_come_back_out_of_encryption_only_when_the_common_room_was_told(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(common_encrypted=True)
    await world.does(world.say(ANN, "who is awake? #common"))
    await world.echo()
    await world.does(world.say(CLEO, "in confidence", room=COMMON, thread=world.copy_of("awake")))
    assert "in confidence" not in world.server.held(SLEEP)
    await world.look(widening.look)
    assert len(notices(world, COMMON)) == 1
    await world.does(world.say(CLEO, "as everybody knows", room=COMMON, thread=world.copy_of("awake")))
    assert "as everybody knows" in world.server.held(SLEEP)
    world.settings = config()
    await world.look(widening.look)
    assert "as everybody knows" not in world.server.held(SLEEP)


async def test_a_circles_tag_in_an_encrypted_common_room_waits_for_the_notice_too(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(common_encrypted=True)
    await world.does(world.say(CLEO, "does anybody know this? #sleep", room=COMMON))
    assert "does anybody" not in world.server.held(SLEEP)
    await world.look(widening.look)
    assert len(notices(world, COMMON)) == 1
    assert "does anybody" in world.server.held(SLEEP)


async def test_where_nobody_can_be_told_staff_hears_of_it_once_and_it_is_tried_again(database: Database) -> None:
    world = await World(database, config(encrypted_to_open=True)).begin(circle_encrypted=True)
    world.server.refuse.add(SLEEP)
    await world.look(widening.look)
    for _ in range(3):
        world.now_ms += widening.HOUR_MS
        await world.look(widening.look, widening.look)
    (said,) = (body for body in world.server.shown(STAFF).values() if NOTICE not in body)
    assert "I could not tell the people of #sleep" in said
    assert "M_FORBIDDEN" in said
    await world.does(world.say(ANN, "who is awake? #common"))
    assert world.server.held(COMMON) == ""
    world.server.refuse.clear()
    world.now_ms += widening.HOUR_MS
    await world.look(widening.look, widening.look)
    assert len(notices(world)) == 1
    assert world.common() == ["who is awake? #common"]
    await world.look(widening.look)
    assert len(notices(world)) == 1
    assert sum("I could not" in body for body in world.server.shown(STAFF).values()) == 1
