"""A moderator lets be shared again what was taken away for good; on a real database, with a homeserver of a few lines."""

import pytest
from sharing import ANN, BEN, COMMON, SLEEP, STAFF, World, config
from sqlalchemy import select
from world import on_a_file

from bridge.events import MemberChanged
from bridge.store import journal, people
from bridge.store.db import Database
from bridge.store.tables import ledger

pytestmark = on_a_file

MOD = "@mod:one.test"


@pytest.fixture
async def world(database: Database) -> World:
    world = await World(database, config(moderators=[MOD])).begin()
    async with database.writing() as db:
        joined = MemberChanged("$mod", STAFF, MOD, 1, user=MOD, membership="join")
        await journal.remember(db, joined, frozenset(), 1)
        for user in (ANN, BEN):
            await people.change(db, user, consent=True)
    return world


async def again(world: World, event: str, room: str = COMMON) -> str:
    """What is answered in the staff room to a link to this message."""
    before = set(world.server.shown(STAFF))
    await world.does(world.say(MOD, f"!share again https://matrix.to/#/{room}/{event}", room=STAFF))
    return "\n".join(
        body for event, body in world.server.shown(STAFF).items() if event not in before and "!share" not in body
    )


@pytest.mark.parametrize("by", ["the removed copy", "the message", "a reply"])
async def test_a_thread_appears_again_whole_and_its_author_hears_of_it(world: World, by: str) -> None:
    root = world.say(ANN, "awake #common")
    reply = world.say(BEN, "so am I", thread=root.id)
    await world.does(root, reply)
    copy = world.copy_of("awake")
    await world.does(world.take(copy, COMMON, MOD))
    assert world.common() == []
    where = {"the removed copy": (copy, COMMON), "the message": (root.id, SLEEP), "a reply": (reply.id, SLEEP)}[by]
    assert "may be shared there again" in await again(world, *where)
    assert world.common() == ["awake #common", "so am I"]
    assert "may be shared there again" in world.told(ANN)[-1]
    async with world.database.reading() as db:
        (row,) = await db.execute(select(ledger).where(ledger.c.action == "share again"))
    assert (row.actor, row.target, row.room) == (MOD, ANN, COMMON)
    assert "Nobody removed a copy" in await again(world, *where)
    await world.does(world.change(root, "awake"))  # it is its author's again, in both directions
    assert world.common() == []


async def test_a_reply_appears_again_and_what_its_author_does_not_want_any_more_does_not(world: World) -> None:
    root = world.say(ANN, "awake #common")
    reply, other = (world.say(BEN, words, thread=root.id) for words in ("so am I", "and I"))
    await world.does(root, reply, other)
    for words in ("so am I", "and I"):
        await world.does(world.take(world.copy_of(words), COMMON, MOD))
    await again(world, reply.id, SLEEP)
    assert world.common() == ["awake #common", "so am I"]
    await world.does(world.take(world.copy_of("awake"), COMMON, MOD), world.change(root, "awake"))
    await again(world, root.id, SLEEP)
    assert world.common() == []
    await world.does(world.change(root, "awake, still #common"))
    assert world.common() == ["awake, still #common", "so am I"]


async def test_an_answer_from_the_common_room_stands_in_the_circle_again(world: World) -> None:
    root = world.say(ANN, "awake #common")
    await world.does(root)
    await world.does(world.say(BEN, "tea helps", room=COMMON, thread=world.copy_of("awake")))
    copy = world.copy_of("tea", SLEEP)
    await world.does(world.take(copy, SLEEP, MOD))
    assert world.copies(SLEEP) == []
    await again(world, copy, SLEEP)
    assert [body.partition("\n")[2] for body in world.copies(SLEEP)] == ["tea helps"]


async def test_nobody_but_a_moderator_may(world: World) -> None:
    root = world.say(ANN, "awake #common")
    await world.does(root)
    await world.does(world.take(world.copy_of("awake"), COMMON, MOD))
    link = f"https://matrix.to/#/{SLEEP}/{root.id}"
    await world.does(world.say(ANN, f"share again {link}", room=f"!direct-{ANN}"))
    assert "moderator" in world.told(ANN)[-1]
    assert world.common() == []
