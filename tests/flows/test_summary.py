"""The one line of ours at the end of a shared thread: what stays in the circle, in numbers, on a real database."""

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, ME, World
from sqlalchemy import select

from bridge.effects import transaction_id
from bridge.events import COPY_MARK
from bridge.rooms.summary import PAUSE_MS, summary
from bridge.store.db import Database
from bridge.store.tables import summaries

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def shared(world: World, *replies: str) -> str:
    root = world.say(ANN, "who is awake? #common")
    await world.does(root, *(world.say(who, f"reply of {who[1:4]}", thread=root.id) for who in replies))
    return root.id


async def later(world: World) -> None:
    """Half a minute goes by."""
    world.now_ms += PAUSE_MS
    await world.settle()


def edits(world: World) -> int:
    """How often our own words in the common room were said or changed."""
    ours = [raw["content"] for raw in world.server.events.values() if raw["sender"] == ME and raw["room"] == COMMON]
    return sum(content.get("msgtype") == "m.notice" for content in ours)


@pytest.mark.parametrize(
    ("count", "said"), [(0, None), (1, "1 reply stays in the circle."), (2, "2 replies stay in the circle.")]
)
def test_what_it_says(count: int, said: str | None) -> None:
    text = summary(count, {})
    found = text and (text.plural if text.count != 1 else text.source)
    assert (found and found % {"count": count}) == said


async def test_who_did_not_agree_shows_as_a_number_in_the_copys_thread(world: World) -> None:
    await shared(world, BEN, CLEO)
    await later(world)
    assert world.lines() == ["2 replies stay in the circle."]
    event = world.copy_of("2 replies stay")
    content = world.server.events[event]["content"]
    assert content["m.relates_to"]["event_id"] == world.copy_of("awake")
    assert content["m.relates_to"]["rel_type"] == "m.thread"
    assert content["m.mentions"] == {}
    assert COPY_MARK in content
    assert not any(name in world.server.held(COMMON) for name in ("Ben", "Cleo", BEN, CLEO))


async def test_it_follows_in_place_and_is_gone_at_zero(world: World) -> None:
    root = await shared(world, BEN, BEN, CLEO)
    await later(world)
    event = world.copy_of("3 replies stay")
    await world.does(world.say(CLEO, "consent yes", room=f"!direct-{CLEO}"))
    await later(world)
    assert world.lines() == ["2 replies stay in the circle."]
    assert world.copy_of("2 replies stay") == event
    await world.does(world.say(BEN, "consent yes", room=f"!direct-{BEN}"))
    assert world.lines() == []
    assert "stay in the circle" not in world.server.held(COMMON)
    await world.does(world.say(BEN, "consent no", room=f"!direct-{BEN}"))
    await later(world)
    assert world.lines() == ["2 replies stay in the circle."]
    await world.does(world.say(ANN, "!unshare", thread=root))
    assert world.lines() == []
    assert "stay in the circle" not in world.server.held(COMMON)


async def test_one_edit_in_half_a_minute_and_the_last_word_is_true(world: World) -> None:
    root = await shared(world, BEN)
    assert world.lines() == ["1 reply stays in the circle."]
    for number in range(9):
        await world.does(world.say(BEN, f"more {number}", thread=root))
    assert edits(world) == 1
    await later(world)
    assert world.lines() == ["10 replies stay in the circle."]
    assert edits(world) == 2
    await later(world)
    assert edits(world) == 2


async def test_a_redacted_reply_does_not_stay(world: World) -> None:
    root = await shared(world, BEN)
    reply = world.say(BEN, "oops", thread=root)
    await world.does(reply)
    await later(world)
    assert world.lines() == ["2 replies stay in the circle."]
    await world.does(world.take(reply.id, sender=BEN))
    await later(world)
    assert world.lines() == ["1 reply stays in the circle."]


@pytest.mark.parametrize("crashes", [1, 2])
async def test_a_crash_at_any_step_leaves_one_true_line(world: World, crashes: int) -> None:
    root = world.say(ANN, "who is awake? #common")
    for event in (root, world.say(BEN, "one", thread=root.id), world.say(CLEO, "two", thread=root.id)):
        await world.hear(event)
        for _ in range(6):
            for _ in range(crashes):
                await world.step(crash=True)
            await world.step()
    await world.settle()
    await later(world)
    assert world.lines() == ["2 replies stay in the circle."]
    await world.hear(world.say(BEN, "consent yes", room=f"!direct-{BEN}"))
    await world.hear(world.say(CLEO, "consent yes", room=f"!direct-{CLEO}"))
    while await world.step(crash=True):
        await world.step()
    await later(world)
    assert world.lines() == []
    assert "stay" not in world.server.held(COMMON)


@on_both
async def test_a_line_that_was_perhaps_sent_is_taken_back_when_it_is_not_wanted_any_more(world: World) -> None:
    root = world.say(ANN, "who is awake? #common")
    await world.does(root)
    await world.hear(world.say(BEN, "one", thread=root.id))
    key = f"summary/{COMMON}/{root.id}/1"
    while not any(raw["content"].get(COPY_MARK) == transaction_id(key) for raw in world.server.events.values()):
        await world.step()
        async with world.database.reading() as db:
            if (await db.execute(select(summaries.c.revision))).scalar() == 1 and not world.lines():
                await world.step(crash=True)
    await world.does(world.say(BEN, "consent yes", room=f"!direct-{BEN}"))
    assert world.lines() == []
    assert "stays in the circle" not in world.server.held(COMMON)


async def test_a_moderators_redaction_of_the_line_stays(world: World) -> None:
    root = await shared(world, BEN)
    await world.does(world.take(world.copy_of("stays in the circle"), COMMON, CLEO))
    await world.does(world.say(BEN, "more", thread=root))
    await later(world)
    assert world.lines() == []
