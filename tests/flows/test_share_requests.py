"""Somebody wants a thread to be heard by all: its author is asked, privately and once, and nothing is shared without their yes."""

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, World, config
from sqlalchemy import select

from bridge.events import MemberChanged, Message, Reacted
from bridge.rooms.ask import SILENCE_MS, forget_silence
from bridge.store.db import Database
from bridge.store.tables import share_requests

pytestmark = on_a_file

DIRECT_ANN = f"!direct-{ANN}"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def wished(world: World, by: str = BEN, emoji: str = "🔗") -> Message:
    """A thread of Ann's, and somebody who would like all to hear it."""
    root = world.say(ANN, "I do not know what to do")
    await world.does(root, Reacted("$wish", SLEEP, by, world.tick(), root.id, emoji))
    return root


async def answers(world: World, emoji: str, who: str = ANN) -> None:
    question = next(event for event, body in world.server.shown(DIRECT_ANN).items() if "May I share it?" in body)
    await world.does(Reacted(f"$answer-{emoji}-{world.tick()}", DIRECT_ANN, who, world.tick(), question, emoji))


async def kept(world: World) -> int:
    async with world.database.reading() as db:
        return len((await db.execute(select(share_requests))).all())


@pytest.mark.parametrize("emoji", ["🔗", "📣"])
async def test_a_reaction_asks_the_author_and_names_the_audience(world: World, emoji: str) -> None:
    root = await wished(world, emoji=emoji)
    (question,) = world.told(ANN)
    assert "Ben" in question
    assert root.id in question
    assert "3 people can read the common room" in question
    assert "Every server that would keep a copy has one of #sleep already." in question
    assert world.common() == []
    (told,) = world.told(BEN)
    assert "I have asked the person who began that thread" in told


async def test_new_servers_are_named(world: World) -> None:
    newcomer = "@zoe:three.test"
    await world.hear(MemberChanged("$zoe", COMMON, newcomer, 1, user=newcomer, membership="join"))
    await wished(world)
    assert "New among the servers that would keep a copy: three.test." in world.told(ANN)[0]


async def test_with_a_yes_the_thread_is_shared_and_can_be_taken_back(world: World) -> None:
    root = await wished(world)
    await answers(world, "👍")
    assert world.common() == ["I do not know what to do"]
    assert [effect for effect in world.server.done if effect.startswith("shared/")] == [f"shared/{root.id}"]
    await world.does(world.say(ANN, f"unshare https://matrix.to/#/{SLEEP}/{root.id}", room=DIRECT_ANN))
    assert world.common() == []
    await world.does(world.say(ANN, "more", thread=root.id), world.change(root, "changed"))
    assert world.common() == []


async def test_a_no_is_final_and_told_to_nobody(world: World) -> None:
    root = await wished(world)
    before = world.told(BEN)
    await answers(world, "👎")
    assert world.common() == []
    assert world.told(BEN) == before
    await world.does(Reacted("$again", SLEEP, CLEO, world.tick(), root.id, "🔗"))
    assert sum("May I share it?" in each for each in world.told(ANN)) == 1
    assert "I have asked the person who began that thread" in world.told(CLEO)[0]


async def test_silence_is_a_no_that_leaves_no_trace(world: World) -> None:
    await wished(world)
    for wait_ms, rows in ((SILENCE_MS - 1000, 1), (2000, 0)):
        world.now_ms += wait_ms
        async with world.database.writing() as db:
            await forget_silence(world.scene(db))
        assert await kept(world) == rows
    assert world.common() == []


@on_both
async def test_an_answer_is_never_forgotten_as_silence(world: World) -> None:
    await wished(world)
    await answers(world, "👎")
    world.now_ms += 2 * SILENCE_MS
    async with world.database.writing() as db:
        await forget_silence(world.scene(db))
    assert await kept(world) == 1


async def test_only_the_author_can_answer(world: World) -> None:
    await wished(world)
    await answers(world, "👍", who=BEN)
    assert world.common() == []


async def test_the_authors_own_reaction_or_command_is_a_yes(world: World) -> None:
    root = await wished(world, by=ANN)
    assert world.common() == ["I do not know what to do"]
    other = world.say(ANN, "and this")
    await world.does(other, world.say(ANN, f"share https://matrix.to/#/{SLEEP}/{other.id}", room=DIRECT_ANN))
    assert world.common() == ["I do not know what to do", "and this"]
    await world.does(world.take(root.id))
    assert world.common() == ["and this"]


async def test_a_command_asks_as_a_reaction_does_and_only_whoever_is_there(world: World) -> None:
    root = world.say(ANN, "I do not know what to do")
    await world.does(root, world.say(BEN, f"share https://matrix.to/#/{SLEEP}/{root.id}", room=f"!direct-{BEN}"))
    assert sum("May I share it?" in each for each in world.told(ANN)) == 1
    zoe = "@zoe:three.test"
    await world.does(world.say(zoe, f"share https://matrix.to/#/{SLEEP}/{root.id}", room=f"!direct-{zoe}"))
    assert "in a circle that you are not in" in " ".join(world.told(zoe)) or "not in yet" in " ".join(world.told(zoe))
    assert sum("May I share it?" in each for each in world.told(ANN)) == 1


async def test_out_of_encryption_nobody_is_asked(database: Database) -> None:
    world = await World(database).begin(circle_encrypted=True)
    await wished(world)
    assert world.told(ANN) == []
    assert "would take your words out of the encryption" in world.told(BEN)[0]


async def test_in_a_circle_that_does_not_share_nothing_leaves(database: Database) -> None:
    settings = config(circles=[{"name": "Sleeping well", "tag": "sleep", "sharing": "never"}])
    world = await World(database, settings).begin()
    await wished(world)
    await world.does(world.say(ANN, "tagged #common"))
    assert world.common() == []
    assert "this circle does not share" in world.told(BEN)[0]
    assert "this circle does not share" in world.told(ANN)[0]


async def test_where_only_authors_share_nobody_is_asked(database: Database) -> None:
    settings = config(circles=[{"name": "Sleeping well", "tag": "sleep", "sharing": "authors"}])
    world = await World(database, settings).begin()
    await wished(world)
    assert world.told(ANN) == []
    await world.does(world.say(ANN, "tagged #common"))
    assert world.common() == ["tagged #common"]


async def test_our_own_mark_on_a_message_asks_nobody(world: World) -> None:
    await world.does(world.say(ANN, "root #common"))
    marks = [key for key in world.server.done if key.startswith("shared/")]
    assert len(marks) == 1
    await world.does(Reacted("$ours", SLEEP, ME, world.tick(), world.say(ANN, "x").id, "🔗"))
    assert world.told(ANN) == []
