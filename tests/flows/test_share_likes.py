"""Reactions to a shared thread, counted in its one line, on a real database, with a homeserver of a few lines."""

from collections.abc import Sequence

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, World
from sqlalchemy import select

from bridge.events import Message, Reacted
from bridge.rooms.summary import PAUSE_MS
from bridge.store.db import Database
from bridge.store.tables import reactions

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def shared(world: World) -> tuple[Message, str]:
    root = world.say(ANN, "who is awake? #common")
    await world.does(root)
    await world.echo()
    return root, world.copy_of("awake")


def react(world: World, who: str, target: str, key: str, room: str = SLEEP) -> Reacted:
    relation = {"rel_type": "m.annotation", "event_id": target, "key": key}
    event = world.server.add(room, who, "m.reaction", {"m.relates_to": relation})
    return Reacted(event, room, who, world.tick(), target, key)


async def later(world: World, *events: Reacted) -> Sequence[str]:
    """The line of ours half a minute after these."""
    await world.does(*events)
    world.now_ms += PAUSE_MS
    await world.settle()
    return world.lines()


async def kept(world: World) -> list[tuple[str, str | None]]:
    async with world.database.reading() as db:
        rows = (await db.execute(select(reactions).order_by(reactions.c.user, reactions.c.event))).all()
    return [(row.user, row.emoji) for row in rows if row.user != ME]


async def test_reactions_here_and_there_are_counted_together_and_everybody_once_for_each_emoji(world: World) -> None:
    root, copy = await shared(world)
    assert await later(world, react(world, BEN, root.id, "👍")) == ["👍 1"]
    there = react(world, CLEO, copy, "👍🏽", COMMON)
    again = react(world, BEN, copy, "👍", COMMON)
    assert await later(world, there, again, react(world, BEN, root.id, "❤️")) == ["👍 2, ❤ 1"]
    assert await later(world, react(world, ANN, root.id, "❤"), react(world, CLEO, root.id, "❤")) == ["❤ 3, 👍 2"]


async def test_a_reaction_that_is_taken_back_counts_no_more_and_with_the_last_the_line_goes(world: World) -> None:
    root, copy = await shared(world)
    mine, theirs = react(world, BEN, root.id, "👍"), react(world, CLEO, copy, "🎉", COMMON)
    assert await later(world, mine, theirs) == ["🎉 1, 👍 1"]
    assert await later(world, world.take(mine.id, SLEEP, BEN)) == ["🎉 1"]
    assert await later(world, world.take(theirs.id, COMMON, CLEO)) == []
    assert await kept(world) == []


async def test_one_that_was_taken_back_before_it_came_is_none(world: World) -> None:
    root, _ = await shared(world)
    mine = react(world, BEN, root.id, "👍")
    assert await later(world, world.take(mine.id, SLEEP, BEN), mine) == []


async def test_nobody_takes_back_a_reaction_from_another_room(world: World) -> None:
    root, _ = await shared(world)
    mine = react(world, BEN, root.id, "👍")
    assert await later(world, mine) == ["👍 1"]
    assert await later(world, world.take(mine.id, COMMON, CLEO)) == ["👍 1"]


async def test_at_most_one_edit_in_half_a_minute(world: World) -> None:
    root, _ = await shared(world)
    for number in range(20):
        await world.does(react(world, BEN, root.id, "👍🎉❤🌙⭐😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎"[number]))
    ours = [
        raw
        for raw in world.server.events.values()
        if raw["sender"] == ME and raw["content"].get("msgtype") == "m.notice"
    ]
    assert len(ours) == 1
    assert len((await later(world))[0].split(", ")) == 10


@on_both
async def test_words_and_what_asks_us_for_something_and_our_own_mark_are_not_counted_and_no_word_is_kept(
    world: World,
) -> None:
    root, _ = await shared(world)
    ours = react(world, ME, root.id, "🔗")
    assert (
        await later(world, react(world, BEN, root.id, "schlummerlied"), react(world, CLEO, root.id, "📣"), ours) == []
    )
    assert await kept(world) == [(BEN, None), (CLEO, "📣")]


async def test_reactions_go_with_what_they_are_about(world: World) -> None:
    root, _ = await shared(world)
    assert await later(world, react(world, BEN, root.id, "👍")) == ["👍 1"]
    assert await later(world, world.take(root.id)) == []
    assert await kept(world) == []


async def test_reactions_from_before_it_was_shared_count_too_and_those_of_replies_do_not(world: World) -> None:
    root = world.say(ANN, "who is awake?")
    reply = world.say(ANN, "me", thread=root.id)
    await world.does(root, reply, react(world, BEN, root.id, "👍"), react(world, BEN, reply.id, "🎉"))
    assert await later(world, world.change(root, "who is awake? #common")) == ["👍 1"]
