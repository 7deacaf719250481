"""A tag in a reply to somebody else's thread offers the root and that reply, nothing else; the root's author is asked."""

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, SLEEP, World, config
from sqlalchemy import select

from bridge.events import Message, Reacted
from bridge.rooms.offers import SILENCE_MS, forget_silence
from bridge.store.db import Database
from bridge.store.tables import offers

pytestmark = on_a_file

DIRECT = f"!direct-{ANN}"
BOTH = ["I do not know what to do", "this helped me #common"]


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def offered(world: World) -> tuple[Message, Message]:
    """Ann's thread, with three replies; one carries the tag of its author, Ben."""
    root = world.say(ANN, "I do not know what to do")
    reply = world.say(BEN, "this helped me #common", thread=root.id)
    others = (world.say(CLEO, "me neither", thread=root.id), world.say(ANN, "thank you", thread=root.id))
    await world.does(root, others[0], reply, others[1], world.say(BEN, "one more thing", thread=root.id))
    return root, reply


async def answers(world: World, emoji: str, who: str = ANN) -> None:
    question = next(event for event, body in world.server.shown(DIRECT).items() if "May I share these two?" in body)
    await world.does(Reacted(f"$answer-{world.tick()}", DIRECT, who, world.tick(), question, emoji))


async def test_the_author_is_asked_privately_and_the_audience_is_named(world: World) -> None:
    _, reply = await offered(world)
    (question,) = world.told(ANN)
    assert "Ben answered in a thread that you began in #sleep" in question
    assert reply.id in question
    assert "3 people can read the common room" in question
    assert "Every server that would keep a copy has one of #sleep already." in question
    assert world.common() == []
    (told,) = world.told(BEN)
    assert "I have asked the person who began that thread" in told
    assert world.told(CLEO) == []


async def test_with_a_yes_only_the_root_and_that_reply_travel(world: World) -> None:
    root, reply = await offered(world)
    await answers(world, "👍")
    assert world.common() == BOTH
    await world.does(world.say(ANN, "more of mine", thread=root.id), world.say(BEN, "more of his", thread=root.id))
    assert world.common() == BOTH
    assert len(world.told(CLEO)) == 0, "nobody is asked whose words are not wanted"
    marks = [raw["content"]["m.relates_to"] for raw in world.server.events.values() if raw["type"] == "m.reaction"]
    assert [mark["event_id"] for mark in marks] == [reply.id]
    await world.does(world.change(reply, "this helped me a lot #common"))
    assert world.common() == [BOTH[0], "this helped me a lot #common"]


@on_both
async def test_only_the_authors_answer_counts_and_a_no_is_final(world: World) -> None:
    root, _ = await offered(world)
    await answers(world, "👍", BEN)
    await answers(world, "🎉")
    assert world.common() == []
    before = world.told(BEN)
    await answers(world, "👎")
    assert world.common() == []
    assert world.told(BEN) == before, "the answer is Ann's to tell"
    await world.does(world.say(CLEO, "mine too #common", thread=root.id))
    assert sum("May I share these two?" in body for body in world.told(ANN)) == 1


async def test_a_yes_can_be_taken_back(world: World) -> None:
    root, _ = await offered(world)
    await answers(world, "👍")
    await world.does(world.say(ANN, "!unshare", thread=root.id))
    assert world.common() == []
    await world.does(world.say(ANN, "more of mine", thread=root.id))
    assert world.common() == []
    assert not any(words in world.server.held(COMMON) for words in BOTH)


@pytest.mark.parametrize("how", ["untagged", "redacted", "consent no"])
async def test_when_the_reply_goes_the_root_goes_too(world: World, how: str) -> None:
    _, reply = await offered(world)
    await answers(world, "👍")
    if how == "untagged":
        await world.does(world.change(reply, "this helped me"))
    elif how == "redacted":
        await world.does(world.take(reply.id, sender=BEN))
    else:
        await world.does(world.say(BEN, "consent no", room=f"!direct-{BEN}"))
    assert world.common() == []


async def test_until_the_author_shares_the_whole_thread(world: World) -> None:
    root, _ = await offered(world)
    await answers(world, "👍")
    await world.does(world.say(ANN, "hear all of it #common", thread=root.id))
    assert sorted(world.common()) == sorted([*BOTH, "thank you", "hear all of it #common"])
    assert len(world.told(CLEO)) == 1


async def test_in_a_shared_thread_a_repliers_own_tag_is_consent_for_that_reply(world: World) -> None:
    root = world.say(ANN, "I do not know what to do #common")
    await world.does(root, world.say(BEN, "this helped me #common", thread=root.id))
    await world.does(world.say(BEN, "not this", thread=root.id))
    assert world.common() == ["I do not know what to do #common", "this helped me #common"]
    assert world.told(ANN) == []


async def test_who_said_no_to_travelling_stays_and_hears_why(world: World) -> None:
    await world.does(world.say(BEN, "consent no", room=f"!direct-{BEN}"))
    await offered(world)
    assert world.told(ANN) == []
    assert any("your replies stay where you write them" in body for body in world.told(BEN))


@pytest.mark.parametrize(("rule", "said"), [("never", "does not share"), ("authors", "of their own accord")])
async def test_a_circles_rule_is_kept(database: Database, rule: str, said: str) -> None:
    circles = [{"name": "Sleeping well", "tag": "sleep", "sharing": rule}]
    world = await World(database, config(circles=circles)).begin()
    await offered(world)
    assert world.told(ANN) == []
    assert said in world.told(BEN)[0]


async def test_silence_is_a_no_that_leaves_no_trace(world: World) -> None:
    await offered(world)
    world.now_ms += SILENCE_MS + 1
    async with world.database.writing() as db:
        await forget_silence(world.scene(db))
        assert (await db.execute(select(offers))).all() == []
    await answers(world, "👍")
    assert world.common() == []
    assert any("I do not know that thread any more" in body for body in world.told(ANN))


async def test_one_question_of_each_person_at_a_time(world: World) -> None:
    root, _ = await offered(world)
    await world.does(world.say(BEN, "and this #common", thread=root.id))
    assert sum("May I share these two?" in body for body in world.told(ANN)) == 1
    await world.does(world.say(CLEO, "mine too #common", thread=root.id))
    assert sum("May I share these two?" in body for body in world.told(ANN)) == 2


async def test_a_circles_tag_in_a_reply_in_the_common_room_offers_it_to_that_circle(world: World) -> None:
    root = world.say(ANN, "a lecture tonight", room=COMMON)
    await world.does(root, world.say(BEN, "come, all of #sleep", room=COMMON, thread=root.id))
    (question,) = world.told(ANN)
    assert "a thread that you began in the common room" in question
    assert "3 people can read #sleep" in question
    await answers(world, "👍")
    assert [body.partition("\n")[2] for body in world.copies(SLEEP)] == ["a lecture tonight", "come, all of #sleep"]


async def test_asked_again_after_a_replay_nobody_hears_twice(world: World) -> None:
    root = world.say(ANN, "I do not know what to do")
    reply = world.say(BEN, "this helped me #common", thread=root.id)
    await world.hear(root)
    await world.hear(reply)
    while await world.step(crash=True):
        await world.step()
    await world.does(root, reply)
    assert len(world.told(ANN)) == len(world.told(BEN)) == 1


@pytest.mark.parametrize("way", ["the root last", "from the end"])
async def test_a_tagged_reply_that_comes_before_its_root_is_offered_once_that_is_there(world: World, way: str) -> None:
    root = world.say(ANN, "I do not know what to do")
    middle = world.say(CLEO, "me neither", reply_to=root.id)
    reply = world.say(BEN, "this helped me #common", reply_to=middle.id)
    arriving = (middle, reply, root) if way == "the root last" else (reply, middle, root)
    await world.does(*arriving[:2])
    assert world.told(ANN) == []
    await world.does(arriving[2], *arriving)
    (question,) = world.told(ANN)
    assert reply.id in question
    assert "I have asked the person who began that thread" in world.told(BEN)[-1]
    await answers(world, "👍")
    assert world.common() == BOTH
    await world.does(world.say(CLEO, "and another", reply_to=middle.id))
    assert len(world.told(ANN)) == 2
