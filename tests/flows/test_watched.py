"""What may need somebody: curators are told who and where, staff how many and how long, in their digest or when they ask; and never a word of anybody."""

from typing import Any

import pytest
from test_digest import ANN, BEN, CLEO, COMMON, EVE, ME, SLEEP, STAFF, WORK, World, at, config

from bridge.events import Content, Message, Receipt
from bridge.store import attention, watching
from bridge.store.db import Database

MOD = "@mod:one.test"
CIRCLES = [{"name": "Sleep", "tag": "sleep", "curators": [ANN]}, {"name": "Work", "tag": "work"}]


@pytest.fixture
async def world(database: Database) -> World:
    world = await World(database, config(circles=CIRCLES, moderators=[MOD])).begin()
    await world.direct_room(MOD)
    for user, room in ((MOD, STAFF), (EVE, SLEEP)):
        await world.join(user, room)
    return world


def last(world: World, user: str) -> dict[str, Any]:
    raw = [one for one in world.events.values() if one["room"] == f"!direct-{user}" and one["sender"] == ME]
    return next(one["content"] for one in reversed(raw) if one["type"] == "m.room.message")


async def seen(world: World, *users: str) -> None:
    """These people read along in the circle."""
    receipts = [Receipt(SLEEP, user, "$none", "", world.now_ms) for user in users]
    async with world.database.writing() as db:
        await attention.read(db, receipts, world.now_ms)


async def test_a_curator_hears_of_who_waits_until_somebody_answers(world: World) -> None:
    await world.tell(ANN, "digest daily 8:00")
    await world.direct_room(EVE)
    await world.tell(EVE, "digest daily 8:00")
    question = await world.say(BEN, "an unmistakable question")
    assert "Nobody waits" in await world.tell(ANN, "unheard")
    await world.say(BEN, "anybody?", thread=question)
    await world.say(EVE, "beep", thread=question, msgtype="m.notice")
    world.now_ms = at("2026-01-12T12:00")
    said = await world.tell(ANN, "unheard #sleep")
    assert "In #sleep:\n- Ben has had no answer for 6 hours." in said
    assert question in said
    assert "unmistakable" not in said
    assert await world.until("2026-01-13T08:00") == 2
    hers = world.digests(EVE)[0]
    assert "Nobody has answered them yet\n\n1. Ben in #sleep: “an unmistakable question”" in hers
    body = world.told(ANN)[-1]
    assert body.index("“an unmistakable question”") < body.index("What may need you\n\nIn #sleep:\n- Ben has had no answer for 1 day 2 hours.")  # fmt: skip
    # Nothing new for herself: what waits is told all the same, once, whatever is cut off.
    await seen(world, ANN)
    world.now_ms = at("2026-01-14T08:00")
    from bridge.digest.tick import tick  # noqa: PLC0415

    assert await tick(world.database, world.now_ms, world.settings) == 1
    before = len(world.told(ANN))
    assert await world.step(crash=True)
    world.now_ms += 60_000
    await world.settle()
    assert len(world.told(ANN)) == before + 1
    assert world.told(ANN)[-1].startswith("What may need you\n")
    assert "Ben has had no answer for 2 days." in world.told(ANN)[-1]
    assert last(world, ANN)["m.mentions"] == {}
    # Once somebody answers, no digest goes on saying that nobody did: at once, in place, and without a sound.
    sent = len(world.events)
    await world.say(ANN, "I am here", thread=question)
    assert world.told(ANN)[-1].startswith("Nobody needs you at the moment")
    assert "Conversations you took part in\n\n1. Ben in #sleep: “an unmistakable question”" in world.digests(EVE)[0]
    assert "Nobody has answered" not in world.digests(EVE)[0]
    assert "no answer" not in world.digests(ANN)[0]
    new = [one for one in list(world.events.values())[sent + 1 :] if one["type"] == "m.room.message"]
    assert {one["room"] for one in new} == {f"!direct-{ANN}", f"!direct-{EVE}"}
    assert all(one["edits"] and one["content"]["m.mentions"] == {} for one in new)
    sent = len(world.events)
    await world.say(EVE, "I, too", thread=question)  # the second answer changes nothing any more
    assert len(world.events) == sent + 1
    await world.until("2026-01-15T08:00")
    await seen(world, ANN)
    told = len(world.told(ANN))
    await world.until("2026-01-16T08:00")
    assert len(world.told(ANN)) == told  # nothing to say, nothing said
    assert "Nobody waits" in await world.tell(ANN, "unheard")


async def test_an_answer_to_what_somebody_added_is_one(world: World) -> None:
    question = await world.say(BEN, "a question")
    for number, (who, to) in enumerate([(BEN, question), (EVE, "$reply0")]):
        said = Content("m.text", "a reply outside of threads")
        await world.hear(Message(f"$reply{number}", SLEEP, who, world.now_ms, said, reply_to=to))
        async with world.database.reading() as db:
            left = await watching.waiting(db, [SLEEP], {ME}, 0)
        assert [one.event for one in left] == ([question] if who == BEN else [])


async def test_what_a_curator_is_told_is_not_said_anew_before_others(world: World) -> None:
    await world.tell(ANN, "digest daily 8:00")
    quoted = await world.say(BEN, "an unmistakable question")
    await world.say(EVE, "another one")
    assert await world.until("2026-01-13T08:00") == 1
    assert "What may need you" in world.digests(ANN)[0]
    world.inside[f"!direct-{ANN}"] = [ME, ANN, CLEO]
    await world.edit(BEN, quoted, "the same in other words")
    assert "What may need you" not in world.digests(ANN)[0]
    assert "1. Ben wrote in #sleep." in world.digests(ANN)[0]


async def test_nobody_is_asked_to_answer_somebody_who_is_gone(world: World) -> None:
    """A troll who was banned this morning is not shown to everybody as one who waits for a kind word."""
    await world.tell(ANN, "digest daily 8:00")
    await world.say(BEN, "a question")
    world.before_delivery.append(world.join(BEN, SLEEP, "ban"))
    assert await world.until("2026-01-13T08:00") == 1
    assert "Nobody has answered" not in world.digests(ANN)[0]
    assert "From your circle\n\n1. Ben in #sleep" in world.digests(ANN)[0]


async def test_newcomers_who_are_silent_and_people_who_are_gone_are_told_of_once(world: World) -> None:
    await world.tell(ANN, "digest daily 8:00")
    for day in (12, 13, 14, 15, 16):
        world.now_ms = at(f"2026-01-{day}T07:00")
        await seen(world, ANN, BEN, EVE)
        await world.until(f"2026-01-{day}T08:00")
    new = [body for body in world.told(ANN) if "New, and without a word so far: Ben, Eve" in body]
    assert len(new) == 1
    assert "New, and without a word so far: Ben, Eve" in await world.tell(ANN, "unheard")
    for day in (20, 25, 30, 31):
        world.now_ms = at(f"2026-01-{day}T07:00")
        await seen(world, ANN, BEN)
        await world.until(f"2026-01-{day}T08:00")
    assert len([body for body in world.told(ANN) if "Not seen for two weeks: Eve" in body]) == 1


async def test_staff_outside_of_a_circle_sees_numbers_and_of_few_people_none(world: World) -> None:
    question = await world.say(BEN, "an unmistakable question")
    world.now_ms = at("2026-01-12T12:00")
    assert "Nobody waits" in await world.tell(MOD, "unheard")
    for n in range(2):
        await world.join(f"@u{n}:two.test", SLEEP)
    said = await world.tell(MOD, "unheard")
    assert "- #sleep: without an answer: 1, the oldest for 6 hours" in said
    assert question not in said
    assert "Ben" not in said
    await world.join(ANN, STAFF)  # who looks after it sees no more than the others where the others read along
    await world.say(ANN, "!h unheard #sleep", STAFF)
    there = next(
        one for one in reversed(world.events.values()) if one["room"] == STAFF and one["type"] == "m.room.message"
    )
    assert "without an answer: 1" in there["content"]["body"]
    assert question not in there["content"]["body"]
    await world.join(ANN, SLEEP, "leave")
    assert question not in await world.tell(ANN, "unheard")


async def test_what_one_does_not_look_after_is_none_of_ones_business(world: World) -> None:
    await world.say(CLEO, "a question", WORK)
    world.now_ms = at("2026-01-12T12:00")
    assert "You can ask this about a circle that you look after." in await world.tell(ANN, "unheard #work")
    assert "is for curators" in await world.tell(BEN, "unheard")
    for n in range(5):
        await world.join(f"@u{n}:two.test", SLEEP)
    await world.say(BEN, "another one")
    world.now_ms += 5 * 3_600_000
    assert "Ben" in await world.tell(ANN, "unheard")
    await world.join(ANN, SLEEP, "leave")
    assert "without an answer: 1" in await world.tell(ANN, "unheard")
    await world.join(ANN, COMMON, "ban")  # whoever is out of everything is told nothing, although they are still named
    assert "without an answer" not in await world.tell(ANN, "unheard")
