"""What a try that nobody saw the end of left in a room goes, whatever happens next; and nothing of ours without words ever stays."""

from itertools import product

import pytest
from sharing import ANN, BEN, COMMON, ME, World
from world import on_a_file

from bridge.effects import Copy, EditCopy, WithdrawCopy
from bridge.events import AnyEvent
from bridge.store.db import Database

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


def seen(world: World) -> list[str]:
    """Everything of ours that people see in the common room."""
    events = world.server.events
    return [body for event, body in world.server.shown(COMMON).items() if events[event]["sender"] == ME]


async def hang(world: World, event: AnyEvent, crashes: int) -> None:
    """It is heard, and the copy or edit that follows from it is tried so often by somebody who dies before writing down what came of it."""
    await world.hear(event)
    while crashes and (tried := await world.tried()):
        if isinstance(tried.effect, Copy | EditCopy):
            crashes -= 1
        else:
            await world.record(tried)


@pytest.mark.parametrize("crashes", range(4))
async def test_a_command_in_a_shared_thread_leaves_nothing(world: World, crashes: int) -> None:
    root = world.say(ANN, "awake #common")
    await world.does(root)
    await hang(world, world.say(ANN, "!tags", thread=root.id), crashes)
    await world.settle()
    assert seen(world) == ["Ann in #sleep:\nawake #common"]


@pytest.mark.parametrize(("before", "between"), list(product(range(2), range(3))))
async def test_what_becomes_wanted_again_while_it_is_taken_back_has_its_words(
    world: World, before: int, between: int
) -> None:
    """A copy, and an edit of it, that are wanted, unwanted and wanted again, with crashes at these moments."""
    root = world.say(ANN, "first #common")
    await hang(world, root, before)
    await hang(world, world.change(root, "second"), between)
    await hang(world, world.change(root, "third #common"), 1)
    await world.settle()
    assert seen(world) == ["Ann in #sleep:\nthird #common"]
    await hang(world, world.change(root, "fourth #common"), before)
    await hang(world, world.change(root, "fifth"), between)
    await hang(world, world.change(root, "sixth #common"), 1)
    await world.settle()
    assert seen(world) == ["Ann in #sleep:\nsixth #common"]
    assert not [words for words in ("second", "fifth") if words in world.server.held(COMMON)]


@pytest.mark.parametrize(("before", "between"), list(product(range(2), range(3))))
async def test_a_reply_that_may_travel_and_may_not_and_may_again_has_its_words(
    world: World, before: int, between: int
) -> None:
    root = world.say(ANN, "awake #common")
    await world.does(root, world.say(BEN, "so am I", thread=root.id))
    for answer, crashes in (("yes", before), ("no", between), ("yes", 1)):
        await hang(world, world.say(BEN, f"consent {answer}", room=f"!direct-{BEN}"), crashes)
    await world.settle()
    assert sorted(seen(world)) == ["Ann in #sleep:\nawake #common", "Ben in #sleep:\nso am I"]


async def test_a_copy_that_came_to_be_seen_while_its_withdrawal_found_none_goes(world: World) -> None:
    root = world.say(ANN, "awake #common")
    await world.hear(root)
    copied = await world.tried()
    assert copied is not None
    await world.hear(world.take(root.id))
    withdrawn = await world.tried(copied.effect.lane)
    assert withdrawn is not None
    assert isinstance(withdrawn.effect, WithdrawCopy)
    await world.record(copied)
    await world.record(withdrawn)
    await world.settle()
    assert seen(world) == []
