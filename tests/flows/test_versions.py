"""Tags come and go with edits, in whatever order things arrive; a redacted edit brings those of before back."""

import itertools
from dataclasses import replace

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, COMMON, SLEEP, START_MS, World
from sqlalchemy import select

from bridge.events import AnyEvent, Content, Edited, Message, Redacted
from bridge.store import journal
from bridge.store.db import Database
from bridge.store.tables import early, post_tags, posts, versions

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


TEXT = Content("m.text", "")
ROOT = Message("$root", SLEEP, ANN, START_MS, TEXT)
FIRST = Edited("$first", SLEEP, ANN, START_MS + 1, "$root", TEXT)
SECOND = Edited("$second", SLEEP, ANN, START_MS + 2, "$root", TEXT)
FIRST_GONE = Redacted("$first-gone", SLEEP, ANN, START_MS + 3, "$first")
SECOND_GONE = Redacted("$second-gone", SLEEP, ANN, START_MS + 4, "$second")
ROOT_GONE = Redacted("$root-gone", SLEEP, ANN, START_MS + 5, "$root")
TAGS = {"$root": {"own"}, "$first": {"first"}, "$second": {"second"}}

STORIES: list[tuple[list[AnyEvent], str | None]] = [
    ([ROOT, FIRST, SECOND], "second"),
    ([ROOT, FIRST, SECOND, SECOND_GONE], "first"),
    ([ROOT, FIRST, SECOND, FIRST_GONE], "second"),
    ([ROOT, FIRST, SECOND, FIRST_GONE, SECOND_GONE], "own"),
    ([ROOT, FIRST, ROOT_GONE, FIRST_GONE], None),
]


def numbered(event: AnyEvent, number: int) -> AnyEvent:
    """The same event in a story of its own."""
    target = {"target": f"{event.target}-{number}"} if isinstance(event, Edited | Redacted) else {}
    return replace(event, id=f"{event.id}-{number}", **target)


@pytest.mark.parametrize(("story", "holds"), STORIES)
async def test_the_newest_text_that_is_not_redacted_holds_in_every_order(
    world: World, story: list[AnyEvent], holds: str | None
) -> None:
    async with world.database.writing() as db:
        for number, order in enumerate(itertools.permutations(story)):
            root = f"$root-{number}"
            for _ in ("once", "and heard again"):
                for event in order:
                    await journal.remember(db, numbered(event, number), frozenset(TAGS.get(event.id, ())), START_MS + 9)
                found = set((await db.execute(select(post_tags.c.tag).where(post_tags.c.event == root))).scalars())
                edited = (await db.execute(select(posts.c.edited).where(posts.c.event == root))).scalar_one()
                assert found == ({holds} if holds else set()), [event.id for event in order]
                if holds is not None:
                    assert edited == (None if holds == "own" else f"${holds}-{number}")


@on_both
async def test_only_the_authors_own_edits_in_the_same_room_count(world: World) -> None:
    async with world.database.writing() as db:
        await journal.remember(db, ROOT, frozenset({"own"}), START_MS)
        for forged in (
            Edited("$forged", SLEEP, BEN, START_MS + 1, "$root", TEXT),
            Edited("$elsewhere", COMMON, ANN, START_MS + 1, "$root", TEXT),
        ):
            await journal.remember(db, forged, frozenset({"forged"}), START_MS)
        await journal.remember(db, FIRST, frozenset({"first"}), START_MS)
        await journal.remember(db, Redacted("$r", COMMON, BEN, START_MS, "$first"), frozenset(), START_MS)
        assert set((await db.execute(select(post_tags.c.tag))).scalars()) == {"first"}
        assert {row.event for row in await db.execute(select(versions))} == {"$root", "$first"}
        assert [row.target for row in await db.execute(select(early))] == ["$first"]


async def test_a_redacted_edit_brings_the_tag_back_that_it_dropped(world: World) -> None:
    root = world.say(ANN, "who is awake? #common")
    await world.does(root, world.say(ANN, "anybody?", thread=root.id))
    dropped = world.change(root, "who is awake?")
    await world.does(dropped)
    assert world.common() == []
    await world.does(world.take(dropped.id))
    assert sorted(world.common()) == ["anybody?", "who is awake? #common"]


async def test_a_redacted_edit_takes_the_tag_along_that_it_brought(world: World) -> None:
    root = world.say(ANN, "who is awake?")
    await world.does(root)
    brought = world.change(root, "please, who is awake? #common")
    await world.does(brought)
    assert world.common() == ["please, who is awake? #common"]
    await world.does(world.take(brought.id))
    assert world.common() == []
    assert "please" not in world.server.held(COMMON)


async def test_the_words_of_an_older_edit_that_is_redacted_leave_our_edits_of_the_copy(world: World) -> None:
    root = world.say(ANN, "one #common")
    await world.does(root)
    slip = world.change(root, "a slip #common")
    await world.does(slip)
    await world.does(world.change(root, "two #common"))
    await world.does(world.take(slip.id))
    assert world.common() == ["two #common"]
    assert "a slip" not in world.server.held(COMMON)
