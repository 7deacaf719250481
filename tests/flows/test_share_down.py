"""A circle's tag in the common room carries the thread into that circle, on a real database, with a homeserver of a few lines."""

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, GRIEF, ME, SLEEP, World, config

from bridge.events import COPY_MARK, Message
from bridge.rooms.summary import PAUSE_MS
from bridge.store.db import Database

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    circles = [{"name": "Sleeping well", "tag": "sleep"}, {"name": "Grief", "tag": "grief"}]
    return await World(database, config(circles=circles)).begin(two_circles=True)


async def carried(world: World, words: str = "a lecture tonight #sleep") -> tuple[Message, str]:
    """A thread of the common room in the circle's: its root, and the copy of that."""
    root = world.say(ANN, words, room=COMMON)
    await world.does(root)
    await world.echo()
    return root, world.copy_of(words, SLEEP)


async def agrees(world: World, who: str, answer: str = "yes") -> None:
    await world.does(world.say(who, f"consent {answer}", room=f"!direct-{who}"))


async def test_it_stands_in_the_circle_with_name_and_room(world: World) -> None:
    root, copy = await carried(world)
    assert world.copies(SLEEP) == ["Ann in the common room:\na lecture tonight #sleep"]
    assert world.copies(GRIEF) == world.copies(COMMON) == []
    content = world.server.events[copy]["content"]
    assert content["m.mentions"] == {}
    assert COPY_MARK in content
    assert not any(secret in str(content) for secret in (COMMON, root.id, ANN))
    marks = [raw for raw in world.server.events.values() if raw["type"] == "m.reaction"]
    assert [(raw["room"], raw["content"]["m.relates_to"]["event_id"]) for raw in marks] == [(COMMON, root.id)]


async def test_several_tags_carry_it_into_several_circles_each_on_its_own(world: World) -> None:
    root = world.say(ANN, "a lecture #sleep #grief #garden", room=COMMON)
    await world.does(root)
    assert [len(world.copies(room)) for room in (SLEEP, GRIEF)] == [1, 1]
    await world.does(world.change(root, "a lecture #grief"))
    assert world.copies(SLEEP) == []
    assert world.copies(GRIEF) == ["Ann in the common room:\na lecture #grief"]
    assert "lecture" not in world.server.held(SLEEP)


@pytest.mark.parametrize("words", ["#common", "nothing", "#garden"])
async def test_other_tags_carry_nothing(world: World, words: str) -> None:
    await world.does(world.say(ANN, words, room=COMMON))
    assert [len(world.copies(room)) for room in (SLEEP, GRIEF, COMMON)] == [0, 0, 0]


async def test_a_circles_tag_in_a_circle_carries_nothing_into_that_circle(world: World) -> None:
    await world.does(world.say(ANN, "I grieve #grief", room=SLEEP))
    assert [len(world.copies(room)) for room in (SLEEP, GRIEF, COMMON)] == [0, 0, 0]


async def test_it_lives_like_any_share(world: World) -> None:
    root, _ = await carried(world)
    reply = world.say(ANN, "at eigth", room=COMMON, thread=root.id)
    await world.does(reply)
    await world.does(world.change(reply, "at eight"))
    assert [body.partition("\n")[2] for body in world.copies(SLEEP)] == ["a lecture tonight #sleep", "at eight"]
    await world.does(world.take(reply.id, COMMON))
    assert len(world.copies(SLEEP)) == 1
    await world.does(world.take(root.id, COMMON))
    assert world.copies(SLEEP) == []
    assert not any(word in world.server.held(SLEEP) for word in ("lecture", "eight", "eigth"))


@pytest.mark.parametrize("place", ["the thread", "the circle", "the direct room"])
@on_both
async def test_unshare_takes_it_back_and_holds_it_back(world: World, place: str) -> None:
    root, copy = await carried(world)
    ways = {
        "the thread": lambda: world.say(ANN, "!unshare", room=COMMON, thread=root.id),
        "the circle": lambda: world.say(ANN, "!unshare", room=SLEEP, thread=copy),
        "the direct room": lambda: world.say(
            ANN, f"unshare https://matrix.to/#/{COMMON}/{root.id}", room=f"!direct-{ANN}"
        ),
    }
    await world.does(ways[place]())
    assert world.copies(SLEEP) == []
    await world.does(world.change(root, "a lecture tonight, come! #sleep"))
    assert world.copies(SLEEP) == []
    await world.does(world.say(ANN, "do come #sleep", room=COMMON, thread=root.id))
    assert len(world.copies(SLEEP)) == 2


async def test_replies_of_others_need_their_consent_and_stay_as_a_number(world: World) -> None:
    root, _ = await carried(world)
    await world.does(world.say(BEN, "I come", room=COMMON, thread=root.id))
    assert len(world.copies(SLEEP)) == 1
    assert world.lines(SLEEP) == ["1 reply stays in the common room."]
    (question,) = world.told(BEN)
    assert "A thread in the common room that you answered in was shared into #sleep" in question
    assert "3 people can read #sleep" in question
    assert "3 people can read the common room" in question
    await agrees(world, BEN)
    assert [body.partition("\n")[2] for body in world.copies(SLEEP)] == ["a lecture tonight #sleep", "I come"]
    world.now_ms += PAUSE_MS
    await world.settle()
    assert world.lines(SLEEP) == []


async def test_what_a_circle_answers_is_carried_back_only_with_standing_consent(world: World) -> None:
    root, copy = await carried(world)
    said = world.say(CLEO, "I cannot come", room=SLEEP, thread=copy)
    await world.does(said)
    assert world.copies(COMMON) == []
    (question,) = world.told(CLEO)
    assert "In #sleep you answered a thread" in question
    assert "3 people can read the common room" in question
    await agrees(world, CLEO)
    assert world.copies(COMMON) == ["Cleo in #sleep:\nI cannot come"]
    relation = world.server.events[world.copy_of("I cannot come")]["content"]["m.relates_to"]
    assert (relation["rel_type"], relation["event_id"]) == ("m.thread", root.id)
    await world.does(world.change(said, "I can come after all"))
    assert world.copies(COMMON) == ["Cleo in #sleep:\nI can come after all"]
    await agrees(world, CLEO, "no")
    assert world.copies(COMMON) == []
    assert "come" not in world.server.held(COMMON).replace("a lecture tonight", "")


async def test_an_answer_that_stayed_after_the_thread_was_taken_back_goes_with_a_no(world: World) -> None:
    await agrees(world, CLEO)
    root, copy = await carried(world)
    await world.does(world.say(CLEO, "I cannot come", room=SLEEP, thread=copy))
    await world.does(world.change(root, "a lecture tonight"))
    assert world.copies(COMMON) == ["Cleo in #sleep:\nI cannot come"]
    await agrees(world, CLEO, "no")
    assert world.copies(COMMON) == []


async def test_a_circle_that_never_shares_hears_and_keeps_its_answers(database: Database) -> None:
    circles = [{"name": "Sleeping well", "tag": "sleep", "sharing": "never"}]
    world = await World(database, config(circles=circles)).begin()
    _, copy = await carried(world)
    await agrees(world, CLEO)
    await world.does(world.say(CLEO, "between us", room=SLEEP, thread=copy))
    assert world.copies(COMMON) == []


async def test_copies_never_feed_copies(world: World) -> None:
    await agrees(world, CLEO)
    root = world.say(ANN, "a lecture #sleep #grief", room=COMMON)
    await world.does(root)
    await world.echo()
    await world.does(world.say(CLEO, "yes", room=SLEEP, thread=world.copy_of("lecture", SLEEP)))
    for _ in range(3):
        before = len(world.server.events)
        await world.echo()
        await world.settle()
        assert len(world.server.events) == before
    assert [len(world.copies(room)) for room in (SLEEP, GRIEF, COMMON)] == [1, 1, 1]


async def test_an_answer_in_the_common_room_with_a_circles_tag_carries_no_copy_of_ours(world: World) -> None:
    root = world.say(ANN, "who is awake? #common")
    await world.does(root)
    await world.echo()
    copy = world.copy_of("awake")
    await world.does(world.say(CLEO, "ask in #grief", room=COMMON, thread=copy))
    assert world.copies(GRIEF) == []
    assert [body for body in world.copies(SLEEP) if ME not in body] == ["Cleo in the common room:\nask in #grief"]


async def test_words_of_an_encrypted_common_room_stay_out_of_an_open_circle(database: Database) -> None:
    world = await World(database).begin(common_encrypted=True)
    await world.does(world.say(ANN, "in confidence #sleep", room=COMMON))
    assert world.copies(SLEEP) == []
    assert "that room is encrypted and #sleep is not" in world.told(ANN)[0]


async def test_a_tag_on_an_edit_that_came_before_the_message_counts(world: World) -> None:
    root = world.say(ANN, "a lecture", room=COMMON)
    await world.does(world.change(root, "a lecture #sleep"), root)
    assert world.copies(SLEEP) == ["Ann in the common room:\na lecture #sleep"]
