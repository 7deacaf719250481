"""The database: transactions that lose nothing, one leader, and what is remembered in whatever order it arrives."""

import asyncio
import sqlite3
import stat
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from databases import kinds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bridge.effects import Leave, Put
from bridge.events import AnyEvent, Content, Edited, MemberChanged, Message, Redacted
from bridge.store import claims, cursors, due, failures, journal, ledger, people, queue, rooms
from bridge.store.db import Connection, Database
from bridge.store.errors import AlreadyRunning, LeadershipLost, StoreFull, StoreUnavailable
from bridge.store.tables import early, memberships, post_tags, posts

NOW = 1_700_000_000_000
numbers = count(1)

same_database = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def room(name: str = "!garden", key: str = "circle/garden") -> rooms.Room:
    return rooms.Room(room=name, key=key, kind=key.partition("/")[0], encrypted=True, history="shared", made_ms=NOW)


async def make_room(database: Database, name: str = "!garden") -> str:
    async with database.writing() as db:
        await rooms.add(db, room(name, f"circle/{name}"))
    return name


def said(
    event: str, where: str = "!garden", who: str = "@ann:x", at_ms: int = NOW, thread: str | None = None
) -> Message:
    return Message(event, where, who, at_ms, content=Content("m.text", "hello"), thread=thread)


def edited(event: str, target: str, where: str = "!garden", who: str = "@ann:x", at_ms: int = NOW) -> Edited:
    return Edited(event, where, who, at_ms, target, Content("m.text", "hello"))


def member(user: str, membership: str, at_ms: int = NOW, where: str = "!garden") -> MemberChanged:
    return MemberChanged(f"$m{next(numbers)}", where, user, at_ms, user, membership)


# --- transactions --------------------------------------------------------------------------------------------------------------------


async def test_twenty_writers_at_once_lose_nothing(database: Database) -> None:
    async def add_ten() -> None:
        for _ in range(10):
            async with database.writing() as db:
                before = (await people.get(db, "@ann:x")).digest_mark
                await asyncio.sleep(0)
                await people.change(db, "@ann:x", digest_mark=before + 1)

    await asyncio.gather(*(add_ten() for _ in range(20)))
    async with database.reading() as db:
        assert (await people.get(db, "@ann:x")).digest_mark == 200


async def test_an_exception_undoes_the_whole_transaction(database: Database) -> None:
    async def crash() -> None:
        async with database.writing() as db:
            await cursors.save(db, "sync", "s1")
            raise KeyError

    with pytest.raises(KeyError):
        await crash()
    async with database.reading() as db:
        assert await cursors.load(db, "sync") is None


async def test_a_savepoint_undoes_only_what_is_in_it(database: Database) -> None:
    async def crash(db: Connection) -> None:
        async with db.begin_nested():
            assert await claims.claim(db, "$two", NOW)
            raise KeyError

    async with database.writing() as db:
        assert await claims.claim(db, "$one", NOW)
        with pytest.raises(KeyError):
            await crash(db)
    async with database.writing() as db:
        assert not await claims.claim(db, "$one", NOW)
        assert await claims.claim(db, "$two", NOW)


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises((DBAPIError, StoreUnavailable)):
        async with database.reading() as db:
            await cursors.save(db, "sync", "s1")
    async with database.reading() as db:
        assert await cursors.load(db, "sync") is None


async def test_a_reader_sees_one_moment_and_does_not_wait_for_the_writer(database: Database) -> None:
    async with database.reading() as reader:
        assert await cursors.load(reader, "sync") is None
        async with database.writing() as db:
            await cursors.save(db, "sync", "s1")
        assert await cursors.load(reader, "sync") is None
    async with database.reading() as reader:
        assert await cursors.load(reader, "sync") == "s1"


async def test_an_error_never_repeats_what_was_to_be_written(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught:
        async with database.writing() as db:
            await db.execute(insert(posts).values(event="$secret", room="!secret", author="@secret:x"))
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value)


async def test_a_cancelled_writer_leaves_the_way_free(database: Database) -> None:
    inside = asyncio.Event()

    async def linger() -> None:
        async with database.writing() as db:
            await cursors.save(db, "sync", "s1")
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(linger())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(60), database.writing() as db:
        assert await cursors.load(db, "sync") is None


# --- one leader ----------------------------------------------------------------------------------------------------------------------


async def test_a_second_one_does_not_start_beside_the_first(database: Database, where: str | Path) -> None:
    await database.lead()
    await database.lead()
    second = await Database.open(where)
    with pytest.raises(AlreadyRunning):
        await second.lead(wait=False)
    await database.close()
    await second.lead(wait=False)
    async with second.writing() as db:
        await cursors.save(db, "sync", "s1")
    await second.close()


if "postgres" in kinds():

    @pytest.mark.parametrize("where", ["postgres"], indirect=True)
    async def test_a_standby_takes_over_when_the_leader_goes(database: Database, where: str) -> None:
        await database.lead()
        standby = await Database.open(where)
        waiting = asyncio.create_task(standby.lead(look_every_seconds=0.02))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        await database.close()
        await asyncio.wait_for(waiting, 60)
        await standby.close()

    @pytest.mark.parametrize("where", ["postgres"], indirect=True)
    async def test_who_lost_the_lead_cannot_write_any_more(database: Database, where: str) -> None:
        await database.lead()
        standby = await Database.open(where)
        waiting = asyncio.create_task(standby.lead(look_every_seconds=0.02))
        async with standby.reading() as db:
            await db.execute(
                text(
                    "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                    "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
                )
            )
        await asyncio.wait_for(waiting, 60)
        with pytest.raises(LeadershipLost):
            await asyncio.wait_for(database.watch(every_seconds=0.02), 60)
        with pytest.raises(LeadershipLost):
            async with database.writing():
                pass
        async with standby.writing() as db:
            await cursors.save(db, "sync", "s1")
        await standby.close()

    @pytest.mark.parametrize("where", ["postgres"], indirect=True)
    async def test_a_lost_connection_is_unavailable_and_then_there_again(database: Database) -> None:
        async def cut_off() -> None:
            async with database.writing() as db:
                mine = await db.scalar(text("SELECT pg_backend_pid()"))
                async with database.reading() as other:
                    await other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
                while True:  # until it is noticed
                    await cursors.save(db, "sync", "s1")

        with pytest.raises(StoreUnavailable):
            await cut_off()
        async with database.writing() as db:
            assert await cursors.load(db, "sync") is None


async def test_an_unreachable_database_says_so_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await Database.open(f"postgresql://someone:secret@/hearth?host={tmp_path}")
    assert "secret" not in repr(caught.value)
    with pytest.raises(ValueError, match="only postgresql://") as wrong:
        await Database.open("mysql://someone:secret@/hearth")
    assert "secret" not in str(wrong.value)


# --- the file ------------------------------------------------------------------------------------------------------------------------


async def test_the_file_is_private(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "new" / "hearth.db")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "hearth.db").stat().st_mode) == 0o600
    await database.close()


async def test_a_full_disk_undoes_everything_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "hearth.db")
    async with database.writing() as db:
        pages = await db.scalar(text("PRAGMA page_count"))
        await db.execute(text(f"PRAGMA max_page_count={pages + 2}"))  # the file cannot grow any more: a full disk

    async def fill() -> None:
        async with database.writing() as db:
            await cursors.save(db, "sync", "s2")
            for number in range(100):
                try:
                    async with db.begin_nested():
                        await cursors.save(db, f"cursor-{number}", "x" * 4000)
                except Exception as error:  # noqa: BLE001 - as whoever sets an event aside and goes on
                    await failures.record(db, None, None, error, NOW)

    with pytest.raises(StoreFull):
        await fill()
    async with database.reading() as db:
        assert await cursors.load(db, "sync") is None
        assert await cursors.load(db, "cursor-0") is None
    async with database.writing() as db:
        await db.execute(text("PRAGMA max_page_count=1000000"))
    await fill()
    async with database.reading() as db:
        assert await cursors.load(db, "cursor-99")
        assert await failures.newest(db, 1) == ()
    await database.close()


def files_with(folder: Path, words: bytes) -> list[str]:
    return [file.name for file in folder.iterdir() if words in file.read_bytes()]


async def test_a_file_that_another_program_locks_is_unavailable(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "hearth.db")
    async with database.writing() as db:
        await db.execute(text("PRAGMA busy_timeout=20"))
    other = sqlite3.connect(tmp_path / "hearth.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        async with database.writing():
            pass
    other.execute("ROLLBACK")
    other.close()
    async with database.writing() as db:
        await cursors.save(db, "sync", "s1")
    await database.close()


async def test_what_was_erased_is_in_no_file_after_tidying(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "hearth.db")
    async with database.writing() as db:
        await cursors.save(db, "sync", "a-word-to-erase")
    async with database.writing() as db:
        await cursors.save(db, "sync", "s2")
    await database.tidy()
    assert files_with(tmp_path, b"a-word-to-erase") == []
    await database.close()


# --- what happened -------------------------------------------------------------------------------------------------------------------


async def test_a_post_is_remembered_once_and_only_of_our_rooms(database: Database) -> None:
    await make_room(database)
    async with database.writing() as db:
        for _ in range(2):
            await journal.remember(db, said("$1", thread="$0"), frozenset({"sleep", "тревога"}), NOW + 5)
        await journal.remember(db, said("$2", where="!elsewhere"), frozenset({"sleep"}), NOW)
        await journal.remember(db, said("$3", at_ms=NOW + 10**9), frozenset(), NOW)
    async with database.reading() as db:
        post = await journal.post(db, "$1")
        assert post == journal.Post(
            seq=1, event="$1", room="!garden", author="@ann:x", at_ms=NOW, seen_ms=NOW + 5, thread="$0", reply_to=None,
            edited=None, edited_ms=None, redacted=False, tags=frozenset({"sleep", "тревога"}),
        )  # fmt: skip
        assert await journal.post(db, "$2") is None
        late = await journal.post(db, "$3")
        assert late is not None
        assert late.at_ms == NOW


async def facts(db: Connection, events: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in events:
        post = await journal.post(db, event)
        if post:
            found[event] = (post.edited, post.edited_ms, post.redacted, post.tags)
    return found


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[tuple[AnyEvent, frozenset[str]]], list[int]]:
    """A few messages, edits by anybody, redactions, and an order in which all of that arrives."""
    people_ = ("@ann:x", "@bob:y")
    tags = st.frozensets(st.sampled_from(["sleep", "work", "тревога"]))
    told: list[tuple[AnyEvent, frozenset[str]]] = [
        (said("$a", who="@ann:x"), draw(tags)), (said("$b", who="@bob:y"), draw(tags)),
    ]  # fmt: skip
    for number in range(draw(st.integers(0, 6))):
        target, who = draw(st.sampled_from(["$a", "$b", "$never"])), draw(st.sampled_from(people_))
        where = draw(st.sampled_from(["!garden", "!garden", "!garden", "!kitchen"]))
        if draw(st.integers(0, 3)) == 0:
            told.append((Redacted(f"$r{number}", where, who, NOW, target), frozenset()))
        else:
            at_ms = NOW + draw(st.integers(-2, 2)) + draw(st.sampled_from([0, 0, 10**10]))
            told.append((edited(f"$e{number}", target, where, who, at_ms), draw(tags)))
    return told, draw(st.permutations(range(len(told))))


def named(event: AnyEvent, example: int) -> AnyEvent:
    """The same event with ids that no other example has."""
    changes = {"id": f"{event.id}/{example}", "room": f"{event.room}/{example}"}
    if isinstance(event, Edited | Redacted):
        changes["target"] = f"{event.target}/{example}"
    return type(event)(**{**{name: getattr(event, name) for name in type(event).__dataclass_fields__}, **changes})


async def remembered(database: Database, story: list[tuple[AnyEvent, frozenset[str]]]) -> dict[str, Any]:
    example = next(numbers)
    for name in ("!garden", "!kitchen"):
        await make_room(database, f"{name}/{example}")
    async with database.writing() as db:
        for event, tags in story:
            await journal.remember(db, named(event, example), tags, NOW)
        found = await facts(db, [f"{name}/{example}" for name in ("$a", "$b", "$never")])
        left = await db.scalars(select(early.c.target).where(early.c.target.in_([f"$a/{example}", f"$b/{example}"])))
        # What waits for a message in a room where that message is not waits in vain, and is pruned.
        assert {each for each in left if await journal.post(db, each) is None} == set()
    strip = f"/{example}"
    return {
        event.removesuffix(strip): (edit and edit.removesuffix(strip), *rest) for event, (edit, *rest) in found.items()
    }


@same_database
@given(story=stories())
async def test_edits_and_redactions_end_the_same_in_whatever_order_they_arrive(
    database: Database, story: tuple[list[tuple[AnyEvent, frozenset[str]]], list[int]]
) -> None:
    told, order = story
    assert await remembered(database, told) == await remembered(database, [told[place] for place in order])


@same_database
@given(story=stories())
async def test_the_newest_edit_of_the_author_counts(
    database: Database, story: tuple[list[tuple[AnyEvent, frozenset[str]]], list[int]]
) -> None:
    told, order = story
    found = await remembered(database, [told[place] for place in order])
    for message, first_tags in told[:2]:
        about = [(each, tags) for each, tags in told[2:] if getattr(each, "target", "") == message.id]
        about = [(each, tags) for each, tags in about if each.room == message.room]
        theirs = [(each, tags) for each, tags in about if isinstance(each, Edited) and each.sender == message.sender]
        newest = max(theirs, key=lambda pair: (pair[0].at_ms, pair[0].id), default=None)
        redacted = any(isinstance(each, Redacted) for each, _ in about)
        tags = frozenset() if redacted else newest[1] if newest else first_tags
        edit = (newest[0].id, newest[0].at_ms) if newest and not redacted else (None, None)
        assert found[message.id] == (*edit, redacted, tags)


async def test_what_waits_in_vain_is_forgotten(database: Database) -> None:
    await make_room(database)
    async with database.writing() as db:
        await journal.remember(db, Redacted("$r", "!garden", "@ann:x", NOW, "$reaction"), frozenset(), NOW)
        assert await journal.prune_early(db, NOW) == 0
        assert await journal.prune_early(db, NOW + 1) == 1


async def test_a_redacted_post_keeps_no_tags(database: Database) -> None:
    await make_room(database)
    async with database.writing() as db:
        await journal.remember(db, said("$1"), frozenset({"sleep"}), NOW)
        await journal.remember(db, Redacted("$r", "!garden", "@mod:x", NOW, "$1"), frozenset(), NOW)
        assert (await db.execute(select(post_tags))).all() == []


async def test_memberships_are_intervals_without_gaps(database: Database) -> None:
    await make_room(database)
    async with database.writing() as db:
        for event in (member("@ann:x", "invite", NOW - 9), member("@ann:x", "join", NOW - 7)):
            await journal.remember(db, event, frozenset(), NOW)
        await journal.remember(db, said("$1"), frozenset(), NOW)
        for event in (
            member("@ann:x", "join", NOW - 5),  # a new name is no new membership
            member("@ann:x", "leave", NOW - 8),  # a clock that runs behind
            member("@ann:x", "ban", NOW + 10**9),  # and one that runs ahead
            member("@bob:y", "join", where="!elsewhere"),
        ):
            await journal.remember(db, event, frozenset(), NOW)
        found = [
            (
                each.membership,
                each.since_ms - NOW,
                each.until_ms and each.until_ms - NOW,
                each.since_seq,
                each.until_seq,
            )
            for each in await db.execute(select(memberships).order_by(memberships.c.id))
        ]
        assert found == [
            ("invite", -9, -7, 0, 0),
            ("join", -7, -7, 0, 1),
            ("leave", -7, 0, 1, 1),
            ("ban", 0, None, 1, None),
        ]
        assert await people.membership(db, "!garden", "@ann:x") == "ban"
        assert await people.members(db, "!garden") == ()
        assert await people.members(db, "!garden", "ban") == ("@ann:x",)
        assert await people.membership(db, "!elsewhere", "@bob:y") is None


async def test_numbers_of_posts_are_never_used_again(database: Database) -> None:
    await make_room(database)
    async with database.writing() as db:
        await journal.remember(db, said("$1"), frozenset(), NOW)
        await db.execute(posts.delete())
        await journal.remember(db, said("$2"), frozenset(), NOW)
        found = await journal.post(db, "$2")
    assert found is not None
    assert found.seq == 2


# --- rooms, people, ledger, due ------------------------------------------------------------------------------------------------------


async def test_rooms_are_found_by_id_and_key(database: Database) -> None:
    garden = room()
    async with database.writing() as db:
        await rooms.add(db, garden)
        await rooms.update(db, "!garden", encrypted=False)
        found = await rooms.by_id(db, "!garden")
        assert found is not None
        assert not found.encrypted
        assert found == await rooms.by_key(db, "circle/garden")
        assert await rooms.all_rooms(db) == (found,)
        assert await rooms.by_id(db, "!kitchen") is None


async def test_a_person_has_defaults_and_keeps_what_they_chose(database: Database) -> None:
    async with database.writing() as db:
        assert await people.get(db, "@ann:x") == people.Person(user="@ann:x")
        await people.change(db, "@ann:x", language="de", direct_room="!direct")
        await people.change(db, "@ann:x", consent=False)
        ann = people.Person(user="@ann:x", language="de", direct_room="!direct", consent=False)
        assert await people.get(db, "@ann:x") == ann == await people.by_direct_room(db, "!direct")
        assert await people.get_all(db, ["@ann:x", "@bob:y"]) == {"@ann:x": ann, "@bob:y": people.Person(user="@bob:y")}


async def test_a_prompt_knows_whom_it_asked(database: Database) -> None:
    async with database.writing() as db:
        for _ in range(2):
            await people.add_prompt(db, "$p", "@ann:x", "consent")
        assert await people.prompt(db, "$p") == people.Prompt("$p", "@ann:x", "consent")
        assert await people.prompt(db, "$q") is None


async def test_the_ledger_is_written_before_and_settled_after(database: Database) -> None:
    async with database.writing() as db:
        row = await ledger.write(db, "@mod:x", "ban", "@eve:y", "spam", None, None, "$1", NOW)
        entry = await ledger.get(db, row)
        assert entry is not None
        assert (entry.action, entry.reason, entry.outcome, entry.settled_ms) == ("ban", "spam", None, None)
        await ledger.settle(db, row, {"done": 12, "dead": ["!x"]}, NOW + 1)
        entry = await ledger.get(db, row)
        assert entry is not None
        assert (entry.outcome, entry.settled_ms) == ({"done": 12, "dead": ["!x"]}, NOW + 1)
        assert await ledger.newest(db, 10) == (entry,)
    with pytest.raises(IntegrityError):
        async with database.writing() as db:
            await ledger.write(db, "@mod:x", "ban", "@eve:y", None, None, None, "$1", NOW)


async def test_a_due_row_is_claimed_once_and_comes_again_when_its_claimer_crashed(database: Database) -> None:
    async with database.writing() as db:
        await due.set_next(db, "digest", "@ann:x", NOW, "2026-01-01")
        await due.set_next(db, "digest", "@bob:y", NOW - 1, "2026-01-01")
        await due.set_next(db, "digest", "@eve:y", NOW + 1, "2026-01-01")
        await due.set_next(db, "other", "@ann:x", NOW, "x")
        assert [row.subject for row in await due.claim_due(db, "digest", NOW, 1)] == ["@bob:y"]
        assert [row.subject for row in await due.claim_due(db, "digest", NOW, 9)] == ["@ann:x"]
        assert await due.claim_due(db, "digest", NOW, 9) == ()
        await due.set_next(db, "digest", "@bob:y", NOW + 10**9, "2026-01-02")
    async with database.writing() as db:
        late = NOW + due.LEASE_MS
        again = await due.claim_due(db, "digest", late, 9)
        assert [(row.subject, row.slot) for row in again] == [("@eve:y", "2026-01-01"), ("@ann:x", "2026-01-01")]
        await due.remove(db, "digest", "@ann:x")
        assert await due.get(db, "digest", "@ann:x") is None


async def test_a_failure_tells_where_but_not_what(database: Database) -> None:
    async with database.writing() as db:
        try:
            await rooms.update(db, "!garden", nonsense="a secret word")
        except Exception as error:  # noqa: BLE001 - whatever it is
            where = await failures.record(db, "$1", "!garden", error, NOW)
        (found,) = await failures.newest(db, 10)
        assert where.startswith("store/rooms.py:")
        assert found.where == where
        assert "secret" not in repr(found)


async def test_old_claims_are_forgotten(database: Database) -> None:
    async with database.writing() as db:
        await claims.claim(db, "$1", NOW)
        await claims.claim(db, "$2", NOW + 1)
        assert await claims.prune(db, NOW + 1) == 1
        assert await claims.claim(db, "$1", NOW)
        assert not await claims.claim(db, "$2", NOW)


async def test_being_cancelled_is_no_trouble_with_the_database(database: Database) -> None:
    """Else whoever waits for the database to come back would go on for ever instead of stopping."""
    long = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) SELECT count(*) FROM n"
    )

    begun = asyncio.Event()

    async def look() -> None:
        async with database.reading() as db:
            begun.set()
            await db.execute(long)

    looking = asyncio.create_task(look())
    await begun.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    async with database.writing() as db:
        assert await claims.claim(db, "$1", NOW)


async def test_what_was_settled_long_ago_is_forgotten_and_what_is_due_never(database: Database) -> None:
    keys = {"done": "a", "skipped": "b", "dead": "c", "due": "d", "new": "e"}
    async with database.writing() as db:
        await queue.put(db, [Put(Leave(key=key, room=f"!{key}")) for key in keys.values()], NOW)
        rows = {each.key: each.id for each in await queue.due(db, NOW, 9)}
        await queue.settle(db, [queue.Settled(rows[keys[state]], state) for state in ("done", "skipped", "dead")], NOW)
        await queue.settle(db, [queue.Settled(rows["e"], "dead")], NOW + 1)
        assert await queue.prune(db, NOW + 1) == 3
        left = [key for key in keys.values() if await queue.get(db, key)]
        assert left == ["d", "e"]
