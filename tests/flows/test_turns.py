"""Circles that share at the same time take turns: one with much to carry keeps no other waiting, and the order within each thread stays."""

import asyncio
from unittest.mock import Mock

import pytest

from bridge.config import Config
from bridge.effects import Call, Copy, Correct, Deliver, EditCopy, Effect, Offer, Put, WithdrawCopy
from bridge.errors import Unavailable
from bridge.outbox import Outbox, Performed
from bridge.scene import Scene
from bridge.store import queue
from bridge.store.db import Database

NOW_MS = 1_700_000_000_000
COMMON = "!common"


def copy(circle: str, number: int) -> Copy:
    return Copy(key=f"{circle}{number}", room=COMMON, source_room=f"!{circle}", source=f"${circle}{number}", root="$r")


class Bench:
    """An outbox that works off one wish at a time; who goes when is remembered."""

    def __init__(self, database: Database, at_once: int = 1) -> None:
        self.database = database
        self.done: list[str] = []
        self.refuse_once: set[str] = set()
        self.outbox = Outbox(
            database, lambda: NOW_MS, self.perform, at_once=at_once, settlers={}, intent_done={},
            scene=lambda db: Scene(db, Mock(spec=Config), "@hearth:x", NOW_MS, Mock()),
        )  # fmt: skip

    async def perform(self, effect: Effect, _first_tried_ms: int | None) -> Performed:
        await asyncio.sleep(0)
        if effect.key in self.refuse_once:
            self.refuse_once.discard(effect.key)
            raise Unavailable("busy", retry_after_ms=0)
        self.done.append(effect.key)
        return Performed(f"${effect.key}")

    async def put(self, *effects: Effect) -> None:
        async with self.database.writing() as db:
            await queue.put(db, [Put(effect) for effect in effects], NOW_MS)

    async def drain(self) -> list[str]:
        await self.outbox.drain()
        return self.done


@pytest.mark.parametrize(("at_once", "many"), [(1, 60), (16, 500)])
async def test_a_circle_with_five_hundred_copies_does_not_delay_the_first_one_of_another(
    database: Database, at_once: int, many: int
) -> None:
    bench = Bench(database, at_once)
    await bench.put(*(copy("busy", number) for number in range(many)))
    await bench.put(copy("quiet", 0))
    done = await bench.drain()
    assert done.index("quiet0") <= 2
    assert [key for key in done if key.startswith("busy")] == [f"busy{number}" for number in range(many)]


async def test_as_many_circles_as_there_are_get_as_much_each(database: Database) -> None:
    bench = Bench(database)
    for circle in "abcde":
        await bench.put(*(copy(circle, number) for number in range(8)))
    done = await bench.drain()
    for turn in range(1, 8):
        so_far = [sum(key.startswith(circle) for key in done[: turn * 5]) for circle in "abcde"]
        assert max(so_far) - min(so_far) <= 1, done


async def test_more_busy_circles_than_go_out_at_once_do_not_keep_one_out(database: Database) -> None:
    bench = Bench(database, at_once=4)
    for circle in "abcdefgh":
        await bench.put(*(copy(circle, number) for number in range(30)))
    await bench.put(copy("quiet", 0))
    done = await bench.drain()
    assert done.index("quiet0") <= 12


async def test_a_copy_that_has_to_be_tried_again_keeps_its_place(database: Database) -> None:
    bench = Bench(database)
    bench.refuse_once = {"busy0"}
    await bench.put(*(copy("busy", number) for number in range(5)), copy("quiet", 0), copy("quiet", 1))
    done = await bench.drain()
    assert [key for key in done if key.startswith("busy")] == [f"busy{number}" for number in range(5)]
    assert done.index("quiet1") < done.index("busy3")


async def test_what_is_taken_back_does_not_wait_behind_what_is_carried(database: Database) -> None:
    bench = Bench(database)
    await bench.put(*(copy("busy", number) for number in range(100)))
    edit = EditCopy(key="edit", room=COMMON, source_room="!busy", source="$busy0", edit="$e")
    await bench.put(edit, WithdrawCopy(key="gone", room=COMMON, source="$busy0"))
    done = await bench.drain()
    assert done.index("gone") <= 2
    assert done.index("edit") == len(done) - 1


async def test_a_correction_goes_before_the_digests_of_others_and_what_can_be_touched_after_them(
    database: Database,
) -> None:
    bench = Bench(database)
    await bench.put(*(Deliver(key=f"digest{number}", user=f"@u{number}", digest="d") for number in range(3)))
    await bench.put(Offer(key="touch", room="!r", event="$e", emoji="➖"))
    await bench.put(Correct(key="correction of 2", user="@u2", digest="d", cause="$c"))
    await bench.put(Correct(key="correction of another", user="@u9", digest="d", cause="$c"))
    await bench.put(Call(key="call", user="@u2", digest="@u2/call/1"))
    assert await bench.drain() == [
        "call", "correction of 2", "correction of another", "digest0", "digest1", "digest2", "touch",
    ]  # fmt: skip
