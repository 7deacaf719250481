"""What a digest is chosen by, as it happens: mentions, reactions, receipts, and what a room let its newcomers read when."""

from collections.abc import Sequence
from typing import Any

import pytest
from databases import on_a_file, on_both
from sqlalchemy import select

from bridge import handle
from bridge.config import Config
from bridge.digest.model import Place, Post
from bridge.events import AnyEvent, Batch, Content, Edited, Message, Reacted, Receipt, Redacted, StateChanged
from bridge.store import attention, happened, rooms
from bridge.store.db import Database
from bridge.store.settings import Overlay
from bridge.store.tables import mentions, reactions
from bridge.store.window import window

pytestmark = on_a_file

ME, ANN, BEN, FEED = "@hearth:a.test", "@ann:a.test", "@ben:b.test", "@feed:a.test"
ROOM, FAR = "!sleep", "!far"
NOW_MS = 1_767_690_000_000


class Names:
    def of(self, user: str) -> str:
        return user

    def find(self, name: str) -> Sequence[str]:
        return []


class Heard:
    def __init__(self, database: Database) -> None:
        community = {"space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}}
        self.config = Config.model_validate(
            {"matrix": {"homeserver": "https://a.test", "user_id": ME}, "community": community}
        )
        self.database = database
        self.number = 0

    async def hear(self, *events: AnyEvent, receipts: tuple[Receipt, ...] = ()) -> None:
        self.number += 1
        batch = Batch(f"s{self.number}", events, receipts=receipts)
        await handle.handle(
            self.database, batch, overlay=Overlay(self.config), me=ME, names=Names(), now_ms=NOW_MS  # type: ignore[arg-type]
        )  # fmt: skip

    async def post(self, event: str) -> Post:
        async with self.database.reading() as db:
            seen = await window(db, since_seq=0, until_seq=999, me=ME, bots=(FEED,))
        (found,) = [post for post in seen.posts if post.event == event]
        return found

    async def reads(self, user: str) -> dict[tuple[str, str], int]:
        async with self.database.reading() as db:
            return (await attention.reads_of(db, [user])).get(user, {})

    async def place(self) -> Place:
        async with self.database.reading() as db:
            return next(place for place in await happened.places(db, ME) if place.room == ROOM)


@pytest.fixture
async def heard(database: Database) -> Heard:
    async with database.writing() as db:
        await rooms.add(db, rooms.Room(room=ROOM, key="circle/sleep", kind="circle", tag="sleep", encrypted=False, history="joined", made_ms=1))  # fmt: skip
    return Heard(database)


def said(event: str, who: str = ANN, room: str = ROOM, msgtype: str = "m.text", **more: Any) -> Message:
    called = frozenset(more.pop("calling", ()))
    return Message(event, room, who, NOW_MS - 1000 + int(event[2:]), Content(msgtype, "words", mentions=called), **more)


def reacted(event: str, who: str, target: str = "$p1", room: str = ROOM) -> Reacted:
    return Reacted(event, room, who, NOW_MS, target, "❤️")


@on_both
async def test_who_is_called_on_is_what_the_newest_text_says(heard: Heard) -> None:
    await heard.hear(said("$p1", calling=[BEN, ME]))
    assert (await heard.post("$p1")).mentions == {BEN, ME}
    await heard.hear(Edited("$x2", ROOM, ANN, NOW_MS, "$p1", Content("m.text", "words", mentions=frozenset({FEED}))))
    assert (await heard.post("$p1")).mentions == {FEED}
    await heard.hear(Edited("$x3", ROOM, BEN, NOW_MS, "$p1", Content("m.text", "words", mentions=frozenset({BEN}))))
    assert (await heard.post("$p1")).mentions == {FEED}
    await heard.hear(said("$p4", room=FAR, calling=[BEN]))
    async with heard.database.reading() as db:
        assert set(await db.scalars(select(mentions.c.event))) == {"$p1"}


async def test_a_message_that_calls_on_everybody_fills_no_table(heard: Heard) -> None:
    await heard.hear(said("$p1", calling=[f"@u{n}:a.test" for n in range(500)]))
    assert len((await heard.post("$p1")).mentions) == attention.MOST_MENTIONS


async def test_people_who_react_are_counted_once_and_neither_the_author_nor_programs(heard: Heard) -> None:
    await heard.hear(said("$p1"), reacted("$r1", BEN), reacted("$r2", BEN), reacted("$r3", ANN), reacted("$r4", FEED))
    await heard.hear(reacted("$r1", BEN), reacted("$r5", "@cleo:a.test"))
    assert (await heard.post("$p1")).reactions == 2
    await heard.hear(Redacted("$x1", ROOM, BEN, NOW_MS, "$r5"))
    assert (await heard.post("$p1")).reactions == 1


async def test_a_reaction_that_was_taken_back_before_it_came_is_none(heard: Heard) -> None:
    await heard.hear(said("$p1"), Redacted("$x1", ROOM, BEN, NOW_MS, "$r1"), reacted("$r1", BEN))
    assert (await heard.post("$p1")).reactions == 0


async def test_a_reaction_elsewhere_or_on_nothing_is_not_kept_and_a_word_never(heard: Heard) -> None:
    await heard.hear(
        said("$p1"), reacted("$r1", BEN, room=FAR), reacted("$r2", BEN, target="$nothing"), reacted("$r3", BEN),
        Reacted("$r4", ROOM, "@cleo:b.test", NOW_MS, "$p1", "danke!"),
    )  # fmt: skip
    async with heard.database.reading() as db:
        rows = [tuple(row) for row in await db.execute(select(reactions))]
    assert sorted(rows) == [("$r3", "$p1", BEN, "❤"), ("$r4", "$p1", "@cleo:b.test", None)]


@on_both
async def test_receipts_only_ever_go_forward(heard: Heard) -> None:
    await heard.hear(said("$p1"), said("$p2"), said("$p3", thread="$p1"))
    await heard.hear(receipts=(Receipt(ROOM, BEN, "$p2", "", NOW_MS), Receipt(ROOM, BEN, "$p3", "$p1", NOW_MS)))
    assert await heard.reads(BEN) == {(ROOM, ""): 2, (ROOM, "$p1"): 3}
    await heard.hear(receipts=(Receipt(ROOM, BEN, "$p1", "", NOW_MS), Receipt(FAR, BEN, "$p1", "", NOW_MS)))
    assert await heard.reads(BEN) == {(ROOM, ""): 2, (ROOM, "$p1"): 3}


async def test_a_receipt_for_what_is_no_message_counts_for_what_was_said_before_it(heard: Heard) -> None:
    await heard.hear(said("$p1"), said("$p2"), said("$p900"))
    await heard.hear(receipts=(Receipt(ROOM, BEN, "$reaction", "", NOW_MS - 500),))
    assert await heard.reads(BEN) == {(ROOM, ""): 2}
    async with heard.database.writing() as db:
        assert await attention.prune(db, NOW_MS) == 0


async def test_how_far_somebody_read_in_a_single_thread_is_forgotten_in_time(heard: Heard) -> None:
    await heard.hear(said("$p1"))
    await heard.hear(receipts=(Receipt(ROOM, BEN, "$p1", "$p1", 5), Receipt(ROOM, BEN, "$p1", "main", 5)))
    async with heard.database.writing() as db:
        assert await attention.prune(db, 6) == 1
    assert set(await heard.reads(BEN)) == {(ROOM, "main")}


async def test_what_a_room_lets_newcomers_read_is_known_for_every_time(heard: Heard) -> None:
    def becomes(event: str, history: str) -> StateChanged:
        return StateChanged(event, ROOM, ANN, NOW_MS, "m.room.history_visibility", "", {"history_visibility": history})

    assert (await heard.place()).changes == ()
    await heard.hear(
        said("$p1"), becomes("$h1", "shared"), said("$p2"), becomes("$h2", "shared"), becomes("$h3", "invited")
    )
    place = await heard.place()
    assert (place.history, place.changes) == ("invited", ((0, "joined"), (1, "shared"), (2, "invited")))


async def test_a_notice_and_the_word_of_a_known_bot_are_a_programs(heard: Heard) -> None:
    await heard.hear(said("$p1"), said("$p2", msgtype="m.notice"), said("$p3", FEED))
    assert [(await heard.post(event)).automatic for event in ("$p1", "$p2", "$p3")] == [False, True, True]
