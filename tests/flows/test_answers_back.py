"""Answers from the common room in the circle's own thread, on a real database, with a homeserver of a few lines."""

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, World

from bridge.events import COPY_MARK, Message
from bridge.store.db import Database

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def shared(world: World) -> tuple[Message, str]:
    """A thread that everybody reads: its root, and the copy of that in the common room."""
    root = world.say(ANN, "who is awake? #common")
    await world.does(root)
    await world.echo()
    return root, world.copy_of("awake")


def in_the_circle(world: World) -> list[str]:
    """What we carried into the circle."""
    shown = world.server.shown(SLEEP).items()
    return [body for event, body in shown if world.server.events[event]["sender"] == ME]


async def test_an_answer_in_the_common_room_stands_in_the_circles_own_thread(world: World) -> None:
    root, copy = await shared(world)
    await world.does(world.say(CLEO, "I am", room=COMMON, thread=copy))
    assert in_the_circle(world) == ["Cleo in the common room:\nI am"]
    content = world.server.events[world.copy_of("I am", SLEEP)]["content"]
    assert content["m.relates_to"]["rel_type"] == "m.thread"
    assert content["m.relates_to"]["event_id"] == root.id
    assert content["m.mentions"] == {}
    assert COPY_MARK in content
    assert not any(secret in str(content) for secret in (COMMON, copy, CLEO))


async def test_an_answer_keeps_its_partner_in_both_directions(world: World) -> None:
    _, copy = await shared(world)
    question = world.say(CLEO, "why?", room=COMMON, thread=copy)
    await world.does(question)
    await world.echo()
    carried = world.copy_of("why?", SLEEP)
    reason = world.say(ANN, "the moon", reply_to=carried)  # a client without threads
    await world.does(reason)
    await world.echo()
    back = world.server.events[world.copy_of("the moon")]["content"]["m.relates_to"]
    assert (back["event_id"], back["is_falling_back"], back["m.in_reply_to"]["event_id"]) == (copy, False, question.id)
    await world.does(world.say(BEN, "it is full", room=COMMON, reply_to=world.copy_of("the moon")))
    there = world.server.events[world.copy_of("it is full", SLEEP)]["content"]["m.relates_to"]
    assert (there["is_falling_back"], there["m.in_reply_to"]["event_id"]) == (False, reason.id)


@on_both
async def test_an_answer_to_an_answer_comes_along_and_what_answers_nothing_does_not(world: World) -> None:
    _, copy = await shared(world)
    first = world.say(CLEO, "first", room=COMMON, reply_to=copy)
    await world.does(first, world.say(BEN, "second", room=COMMON, reply_to=first.id))
    await world.does(world.say(BEN, "something else", room=COMMON))
    assert in_the_circle(world) == ["Cleo in the common room:\nfirst", "Ben in the common room:\nsecond"]


async def test_copies_never_feed_copies(world: World) -> None:
    _, copy = await shared(world)
    await world.does(world.say(CLEO, "I am", room=COMMON, thread=copy))
    for _ in range(3):
        before = len(world.server.events)
        await world.echo()
        await world.settle()
        assert len(world.server.events) == before


async def test_edits_and_redactions_of_an_answer_reach_the_circle(world: World) -> None:
    _, copy = await shared(world)
    said = world.say(CLEO, "I amm", room=COMMON, thread=copy)
    await world.does(said)
    edit = world.change(said, "I am")
    await world.does(edit)
    assert in_the_circle(world) == ["Cleo in the common room:\nI am"]
    await world.does(world.take(edit.id, COMMON, CLEO))
    assert in_the_circle(world) == ["Cleo in the common room:\nI amm"]
    await world.does(world.take(said.id, COMMON, CLEO))
    assert in_the_circle(world) == []
    assert "I am" not in world.server.held(SLEEP)


async def test_who_said_no_to_travelling_stays_in_the_common_room_too(world: World) -> None:
    _, copy = await shared(world)
    await world.does(world.say(CLEO, "consent no", room=f"!direct-{CLEO}"))
    await world.does(world.say(CLEO, "only here", room=COMMON, thread=copy))
    assert in_the_circle(world) == []
    await world.does(world.say(CLEO, "consent yes", room=f"!direct-{CLEO}"))
    assert in_the_circle(world) == ["Cleo in the common room:\nonly here"]


async def test_answers_stay_with_whom_they_were_given_to_when_the_thread_is_taken_back(world: World) -> None:
    root, copy = await shared(world)
    said = world.say(CLEO, "drink water", room=COMMON, thread=copy)
    await world.does(said)
    await world.does(world.change(root, "who is awake?"))
    assert "awake" not in world.server.held(COMMON)
    assert in_the_circle(world) == ["Cleo in the common room:\ndrink water"]
    await world.does(world.take(said.id, COMMON, CLEO))
    assert in_the_circle(world) == []


async def test_an_answer_that_came_before_we_knew_our_copys_id_is_carried_too(world: World) -> None:
    root = world.say(ANN, "who is awake? #common")
    await world.hear(root)
    await world.step(crash=True)  # it stands there, and we do not know it yet
    await world.hear(world.say(CLEO, "I am", room=COMMON, thread=world.copy_of("awake")))
    await world.settle()
    assert in_the_circle(world) == ["Cleo in the common room:\nI am"]


async def test_words_of_an_encrypted_common_room_stay_out_of_an_open_circle(database: Database) -> None:
    world = await World(database).begin(common_encrypted=True)
    _, copy = await shared(world)
    await world.does(world.say(CLEO, "in confidence", room=COMMON, thread=copy))
    assert in_the_circle(world) == []
