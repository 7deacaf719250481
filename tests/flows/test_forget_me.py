"""Somebody asks to be forgotten: previewed in numbers, confirmed, done step by step through any kill, and proved; table by table."""

import re
from typing import Any

import pytest
from community import HEARTH, PEOPLE
from sqlalchemy import BigInteger, Boolean, Integer, Table, func, insert, select, update
from world import World, on_a_file, on_both

from bridge.store import forgetting, queue
from bridge.store.db import Database
from bridge.store.tables import copies, ledger, metadata, outbox, posts

pytestmark = on_a_file

ANN = "@ann:one.test"
OTHERS = ("@ann:one.test2", "@joann:one.test", "@ann:one.test:8448")
"""Ids that only look like hers at one end."""


THINGS = {"event", "room", "source", "root", "copy", "thread", "reply_to", "edited", "tag", "target_room", "lane"}
"""Columns that name a thing; in all other text somebody's id might stand."""


def of_somebody(column: Any) -> bool:
    """Whether a column may hold somebody's id: any text may."""
    return not isinstance(column.type, BigInteger | Integer | Boolean)


async def rows_with(db: Any, user: str) -> dict[str, int]:
    """In how many cells of which tables this id stands, and not only one that looks like it."""
    found: dict[str, int] = {}
    there = re.compile(rf"(?<![\w.=+-]){re.escape(user)}(?![\w.:-])")
    for table in metadata.sorted_tables:
        cells = [cell for row in await db.execute(select(table)) for cell in row if isinstance(cell, str)]
        if number := sum(bool(there.search(cell)) for cell in cells):
            found[table.name] = number
    return found


def test_of_every_table_it_is_decided_what_becomes_of_people_in_it() -> None:
    """Whoever makes a table says in `bridge/store/forgetting.py` whether somebody's id can stand there, and erases it, or says why it stays."""
    assert set(metadata.tables) == set(forgetting.decided())
    lists = [set(forgetting.KEPT), set(forgetting.PARTLY), set(forgetting.NOBODY), set(forgetting.ERASED)]
    assert sum(map(len, lists)) == len(set().union(*lists))


async def filled(db: Any, table: Table, user: str, number: int, cause: int) -> None:
    """One row of a table that names somebody wherever text may stand."""
    row: dict[str, Any] = {}
    for column in table.columns:
        reference = next(iter(column.foreign_keys), None)
        if reference is not None:
            target = reference.column
            newest = cause if target.table is ledger else (await db.execute(select(func.max(target)))).scalar()
            row[column.name] = user if of_somebody(target) else newest
        elif column is table.autoincrement_column:
            continue
        elif isinstance(column.type, Boolean):
            row[column.name] = number % 2 == 0
        elif column.name in THINGS:
            row[column.name] = f"{column.name}-{number}"
        elif of_somebody(column):
            row[column.name] = user if column.name != "args" else f'["{user}"]'
        else:
            row[column.name] = number
    await db.execute(insert(table).values(row))


@on_both
async def test_nothing_of_somebody_is_left_but_what_is_said_to_stay(database: Database) -> None:
    async with database.writing() as db:
        for table in reversed(metadata.sorted_tables):
            await db.execute(table.delete())
        cause = 0
        for number, user in enumerate((ANN, *OTHERS), start=1):
            for table in metadata.sorted_tables:
                if table is ledger:
                    made = insert(ledger).values(at_ms=1, actor=user, action="x", target=user, event=f"${number}")
                    cause = (await db.execute(made.returning(ledger.c.id))).scalar_one()
                else:
                    await filled(db, table, user, number, cause)
        await db.execute(update(outbox).values(state="done", kind="Tell"))
        before = {user: await rows_with(db, user) for user in (ANN, *OTHERS)}
        assert set(before[ANN]) >= forgetting.ERASED | set(forgetting.KEPT) | set(forgetting.PARTLY) - {"due"}
        assert not await forgetting.take_wishes(db, ANN)
        await forgetting.erase(db, ANN)
        left = await rows_with(db, ANN)
        assert set(left) <= set(forgetting.KEPT) | set(forgetting.PARTLY) | forgetting.NOBODY, left
        assert "outbox" not in left
        for user in OTHERS:  # theirs is untouched
            after = await rows_with(db, user)
            assert {name: after.get(name) for name in before[user]} == before[user]


@on_both
async def test_what_is_being_sent_is_waited_for(database: Database) -> None:
    async with database.writing() as db:
        await db.execute(outbox.delete())
        row = {"kind": "Tell", "lane": "x", "priority": 1, "next_ms": 0, "made_ms": 0, "state": "due"}
        await db.execute(insert(outbox).values(key=f"one/{ANN}", first_tried_ms=1, **row))
        await db.execute(insert(outbox).values(key=f"two/{ANN}", **row))
        assert await forgetting.take_wishes(db, ANN)
        assert (await queue.counts(db)).total == 2
        await db.execute(update(outbox).values(state="done"))
        assert not await forgetting.take_wishes(db, ANN)
        assert (await queue.counts(db)).total == 0


# --- the whole way --------------------------------------------------------------------------------------------------------------------


async def a_life(world: World) -> tuple[str, str]:
    """Ben shares a thread, answers in another, is followed and follows; the roots of both threads."""
    own = await world.say("#sleep", "ben", "I lie awake #common")
    other = await world.say("#sleep", "ann", "How are you? #common")
    answer = await world.answer("#sleep", "ben", other, "not goood")
    await world.settle()
    await world.edit("#sleep", "ben", answer, "not good")
    await world.ask("ben", "consent yes")
    await world.ask("ben", f"follow {PEOPLE['ann']}")
    await world.ask("ben", "name Bruno")
    await world.ask("eve", f"follow {PEOPLE['ben']}")
    await world.settle()
    (copy,) = [seen for seen in world.from_hearth("#common") if "How are you" in seen.body]
    await world.answer("#common", "ben", copy.event_id, "and you?")
    await world.settle()
    assert sorted(seen.body.partition("\n")[2] for seen in world.from_hearth("#common") if "\n" in seen.body) == [
        "How are you? #common", "I lie awake #common", "not good",
    ]  # fmt: skip
    assert any("and you?" in seen.body for seen in world.from_hearth("#sleep"))
    return own, other


async def confirmed(world: World, command: str = "forget me") -> list[str]:
    """Ask to be forgotten, and say yes; the preview."""
    preview = await world.ask("ben", command)
    room = await world.direct("ben")
    asked = world.from_hearth(room, "ben")[-1]
    await world.react(room, "ben", asked.event_id, "👍")
    await world.settle()
    return preview


async def rung(world: World, times: int = 8) -> None:
    for _ in range(times):
        await world.ring("forget me")
        await world.settle(hurrying=True)
        if proofs(world):
            return


def proofs(world: World) -> list[str]:
    return [said for said in world.told("ben") if "You are forgotten" in said]


def nothing_of_ben_is_carried(world: World) -> None:
    for room in ("#common", "#sleep"):
        said = " ".join(seen.body for seen in world.from_hearth(room))
        assert not any(word in said for word in ("lie awake", "not good", "and you?")), room


async def test_the_whole_way_with_a_preview_and_a_proof(world: World) -> None:
    await a_life(world)
    (preview,) = await confirmed(world)
    assert "take back 3 copies" in preview
    assert "who follows you (1)" in preview
    await rung(world)
    nothing_of_ben_is_carried(world)
    (proof,) = proofs(world)
    assert "2 copies taken back" in proof
    assert "1 copy taken back" in proof
    assert "What stays" in proof
    assert any(
        "lie awake" in seen.body for seen in world.sees("#sleep", "ben")
    )  # his own words stay where he wrote them
    async with world.reading() as db:
        left = await rows_with(db, PEOPLE["ben"])
    assert set(left) <= set(forgetting.KEPT) | set(forgetting.PARTLY), left
    assert "Ben" in (await world.ask("ben", "name"))[0]
    await world.replay()
    await rung(world, 2)
    nothing_of_ben_is_carried(world)
    assert len(proofs(world)) == 1


@on_both
async def test_the_messages_go_too_with_all_their_edits(world: World) -> None:
    own, _ = await a_life(world)
    (preview,) = await confirmed(world, "forget me messages")
    assert "empty 3 messages" in preview
    await rung(world)
    (proof,) = proofs(world)
    assert "2 messages emptied" in proof
    assert "1 message emptied" in proof
    for room in ("#sleep", "#common"):
        for event in world.hs.timeline(world.room(room)):
            assert not (event.sender == PEOPLE["ben"] and event.type == "m.room.message" and event.content), event
    assert not any(seen.event_id == own for seen in world.sees("#sleep"))


async def test_without_a_yes_nothing_happens(world: World) -> None:
    await a_life(world)
    await world.ask("ben", "forget me")
    await rung(world, 2)
    assert any("lie awake" in seen.body for seen in world.from_hearth("#common"))
    room = await world.direct("ben")
    await world.react(room, "ben", world.from_hearth(room, "ben")[-1].event_id, "👎")
    await rung(world, 2)
    assert any("lie awake" in seen.body for seen in world.from_hearth("#common"))
    assert proofs(world) == []


async def test_whoever_is_forgotten_can_begin_anew(world: World) -> None:
    own, _ = await a_life(world)
    await confirmed(world)
    await rung(world)
    await world.edit("#sleep", "ben", own, "I still lie awake #common")  # what was forgotten is not known any more
    await world.settle()
    nothing_of_ben_is_carried(world)
    await world.say("#sleep", "ben", "A new night #common")
    await world.settle()
    assert any("A new night" in seen.body for seen in world.from_hearth("#common"))
    assert PEOPLE["ann"] not in " ".join(await world.ask("ben", "follows"))


@pytest.mark.parametrize("step", [0, 1, 2, 4])
async def test_killed_at_any_step_it_goes_on_and_ends_once(world: World, step: int) -> None:
    await a_life(world)
    room = await world.direct("ben")
    await world.ask("ben", "forget me messages")
    asked = world.from_hearth(room, "ben")[-1]
    cut = world.hs.faults.add("drop_after", path=r"/(send|redact)/", times=1, skip=step)
    await world.react(room, "ben", asked.event_id, "👍")
    for _ in range(step):
        await world.ring("forget me")
    await world.restart()
    await world.settle(hurrying=True)
    await world.restart()
    await rung(world, 12)
    cut.release()
    nothing_of_ben_is_carried(world)
    assert len(proofs(world)) == 1
    for event in world.hs.timeline(world.room("#sleep")):
        assert not (event.sender == PEOPLE["ben"] and event.type == "m.room.message" and event.content)


@on_both
async def test_nothing_of_theirs_is_sent_afterwards_and_what_is_under_way_comes_back(world: World) -> None:
    await a_life(world)
    slow = world.hs.faults.add("slow_after", path="/send/", seconds=0.3, times=1)
    own = await world.say("#sleep", "ben", "on its way #common")
    await world.hs.until(lambda: slow.hits)
    await world.say("#sleep", "ben", "behind it #common")
    await confirmed(world)
    await rung(world)
    assert own
    said = " ".join(seen.body for seen in world.from_hearth("#common"))
    assert "on its way" not in said
    assert "behind it" not in said
    async with world.reading() as db:
        assert not (await db.execute(select(copies.c.source).where(copies.c.author == PEOPLE["ben"]))).all()
        authors = set((await db.execute(select(posts.c.author))).scalars())
    assert PEOPLE["ben"] not in authors
    assert HEARTH in authors
