"""Muting, blocking, bells, and what follows brought: wishes of members that leave something out, on a real database."""

import pytest
from databases import on_a_file, on_both
from test_digest import ANN, BEN, CLEO, COMMON, HOUR_MS, ME, SLEEP, World

from bridge.digest import store
from bridge.digest.model import Reason
from bridge.events import Content, Message, Reacted, Receipt
from bridge.store.db import Database

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    world = await World(database).begin()
    await world.join(CLEO, SLEEP)
    return world


async def wishes(world: World, user: str, wish: str) -> list[Reason]:
    async with world.database.reading() as db:
        return [one.reason for one in (await store.follows_of(db, [user], wish)).get(user, ())]  # type: ignore[arg-type]


async def react(world: World, user: str, target: str, key: str, room: str = SLEEP) -> None:
    await world.hear(Reacted(f"$bell{len(world.events)}-{key}-{user}-{target}", room, user, world.now_ms, target, key))
    await world.settle()


async def test_what_is_muted_is_in_no_digest_until_it_is_unmuted(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    assert "hear nothing of Ben" in await world.tell(ANN, "mute @ben:two.test")
    assert "mute Ben already" in await world.tell(ANN, "mute @ben:two.test")
    await world.say(BEN, "from ben")
    await world.say(CLEO, "from cleo")
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(ANN)
    assert "from cleo" in digest
    assert "from ben" not in digest
    assert "no longer mute Ben" in await world.tell(ANN, "unmute @ben:two.test")
    assert "do not mute Ben" in await world.tell(ANN, "unmute @ben:two.test")
    await world.say(BEN, "ben again")
    await world.until("2026-01-13T08:00")
    assert "ben again" in world.digests(ANN)[1]


@pytest.mark.parametrize("what", ["#night", "#sleep", "@ben:two.test #night", "THREAD"])
async def test_each_kind_can_be_muted(world: World, what: str) -> None:
    await world.tell(ANN, "follow @ben:two.test")
    event = await world.say(BEN, "I cannot sleep #night")
    given = what.replace("THREAD", f"https://matrix.to/#/{SLEEP}/{event}")
    assert "hear nothing of" in await world.tell(ANN, f"mute {given}")
    await world.say(CLEO, "so sorry", thread=event)
    await world.until("2026-01-12T08:00")
    said = "\n".join(world.digests(ANN))
    assert "I cannot sleep" not in said
    assert "no longer mute" in await world.tell(ANN, f"unmute {given}")


@on_both
async def test_to_follow_something_ends_its_mute(world: World) -> None:
    await world.tell(ANN, "mute #night")
    await world.tell(ANN, "follow #night")
    assert await wishes(world, ANN, "mute") == []
    assert await wishes(world, ANN, "follow") == [Reason("tag", "night")]


async def test_in_a_circle_mute_is_the_curators_word_and_no_members(world: World) -> None:
    await world.say(ANN, "!h mute #night", SLEEP)
    assert await wishes(world, ANN, "mute") == []


@on_both
async def test_blocking_works_both_ways_and_nobody_is_told(world: World) -> None:
    for user, other in ((ANN, "@ben:two.test"), (BEN, "@ann:one.test")):
        await world.tell(user, f"follow {other}")
    told = len(world.told(BEN))
    assert "neither your digest tells of Ben, nor theirs of you" in await world.tell(ANN, "block @ben:two.test")
    assert len(world.told(BEN)) == told
    await world.say(ANN, "from ann")
    await world.say(BEN, "from ben")
    await world.say(CLEO, "from cleo")
    await world.until("2026-01-12T08:00")
    assert [("from ann" in one, "from ben" in one, "from cleo" in one) for one in (*world.digests(ANN), *world.digests(BEN))] == [
        (False, False, True), (False, False, True),
    ]  # fmt: skip
    assert "You block, so neither of you hears of the other: Ben" in await world.tell(ANN, "follows")
    said = await world.tell(ANN, "follow @ben:two.test #sleep")
    assert "You block Ben, though, so neither of you hears of the other. unblock @ben:two.test ends that." in said
    assert "block" not in await world.tell(BEN, "follow @ann:one.test #sleep")  # who is blocked does not learn of it
    assert "no longer block Ben" in await world.tell(ANN, "unblock @ben:two.test")
    assert "do not block Ben" in await world.tell(ANN, "unblock @ben:two.test")


async def test_follows_show_what_each_brought_and_what_is_muted(world: World) -> None:
    await world.tell(ANN, "follow @ben:two.test")
    await world.tell(ANN, "follow #night")
    await world.tell(ANN, "mute @cleo:two.test #night")
    for n in range(2):
        root = await world.say(BEN, f"story {n}")
        await world.say(CLEO, "yes", thread=root)
    await world.until("2026-01-12T08:00")
    listed = [line for line in (await world.tell(ANN, "follows")).split("\n") if line]
    assert listed == [
        "You follow:", "- 1: Ben (2 conversations last week)", "- 2: #night (nothing last week)", "You mute:", "- 1: Cleo on #night",
    ]  # fmt: skip
    world.now_ms += 8 * 24 * HOUR_MS
    assert "- 1: Ben\n" in await world.tell(ANN, "follows")


async def test_a_bell_follows_a_thread_and_a_struck_bell_mutes_it(world: World) -> None:
    root = await world.say(BEN, "root")
    reply = await world.say(CLEO, "reply", thread=root)
    await react(world, ANN, reply, "🔔")
    assert await wishes(world, ANN, "follow") == [Reason("thread", root)]
    assert "You now follow a thread in #sleep" in world.told(ANN)[-1]
    assert "the first one: Mon, Jan 12, 08:00" in world.told(ANN)[-1]
    await react(world, ANN, root, "🔕️")
    assert await wishes(world, ANN, "mute") == [Reason("thread", root)]
    await world.say(BEN, "more", thread=root)
    await world.until("2026-01-12T08:00")
    assert world.digests(ANN) == []
    await react(world, ANN, root, "🔔")
    assert await wishes(world, ANN, "mute") == []


async def test_a_bell_on_a_copy_is_one_on_the_thread_itself(world: World) -> None:
    await world.join(CLEO, SLEEP, "leave")
    root = await world.say(BEN, "I slept! #common")
    copy = next(event for key, event in world.done.items() if key.startswith("share/"))
    await react(world, CLEO, copy, "🔔", COMMON)
    assert await wishes(world, CLEO, "follow") == [Reason("thread", root)]
    await world.say(ANN, "so glad", COMMON, thread=copy)
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(CLEO)
    assert f"/{COMMON}/" in digest
    assert SLEEP not in digest


@pytest.mark.parametrize("what", ["of somebody who is not there", "on nothing", "in another room", "on our own words"])
@on_both
async def test_other_bells_do_nothing(world: World, what: str) -> None:
    event = await world.say(BEN, "root")
    ours = world.add(SLEEP, ME, "m.room.message", {"msgtype": "m.notice", "body": "hello"})
    await world.hear(Message(ours, SLEEP, ME, world.now_ms, Content("m.notice", "hello"), marked=True))
    user, target, room = {
        "of somebody who is not there": ("@eve:far.test", event, SLEEP), "on nothing": (ANN, "$nothing", SLEEP),
        "in another room": (ANN, event, COMMON), "on our own words": (ANN, ours, SLEEP),
    }[what]  # fmt: skip
    told = len(world.told(user))
    await react(world, user, target, "🔔", room)
    assert await wishes(world, user, "follow") == []
    assert len(world.told(user)) == told


async def test_what_was_read_is_in_no_digest(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    read = await world.say(BEN, "was read")
    await world.say(BEN, "was not")
    from bridge import handle  # noqa: PLC0415
    from bridge.events import Batch  # noqa: PLC0415
    from bridge.store.settings import Overlay  # noqa: PLC0415

    batch = Batch("r", (), receipts=(Receipt(SLEEP, ANN, read, "", world.now_ms),))
    await handle.handle(world.database, batch, overlay=Overlay(world.settings), me=ME, names=None, now_ms=world.now_ms)  # type: ignore[arg-type]
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(ANN)
    assert "was not" in digest
    assert "was read" not in digest


async def test_what_was_read_of_a_copy_is_in_no_digest_as_clients_with_threads_say_it(world: World) -> None:
    """They say of each thread up to where it was read, and of what is in none (client-server API, "Threaded read receipts")."""
    await world.join(CLEO, SLEEP, "leave")
    await world.tell(CLEO, "follow @ben:two.test")
    root = await world.say(BEN, "carried #common")
    await world.say(BEN, "read in the thread #common", thread=root)
    await world.say(BEN, "not read #common", thread=root)
    copies = [event for event, raw in world.events.items() if raw["room"] == COMMON and raw["sender"] == ME]
    assert len(copies) == 3
    top, inside, _ = copies
    from bridge import handle  # noqa: PLC0415
    from bridge.events import Batch  # noqa: PLC0415
    from bridge.store.settings import Overlay  # noqa: PLC0415

    receipts = (Receipt(COMMON, CLEO, top, "main", world.now_ms), Receipt(COMMON, CLEO, inside, top, world.now_ms))
    batch = Batch("r", (), receipts=receipts)
    await handle.handle(world.database, batch, overlay=Overlay(world.settings), me=ME, names=None, now_ms=world.now_ms)  # type: ignore[arg-type]
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(CLEO)
    assert "1. Ben in the common room: “not read #common”\n" in digest

    # Who is in both rooms has read it in either of them.
    await world.tell(ANN, "follow @ben:two.test")
    await world.until("2026-01-13T08:00")
    root = await world.say(BEN, "seen in the common room #common")
    await world.say(BEN, "seen nowhere", thread=root)
    copy = [event for event, raw in world.events.items() if raw["room"] == COMMON and raw["sender"] == ME][-1]
    batch = Batch("r", (), receipts=(Receipt(COMMON, ANN, copy, "main", world.now_ms),))
    await handle.handle(world.database, batch, overlay=Overlay(world.settings), me=ME, names=None, now_ms=world.now_ms)  # type: ignore[arg-type]
    await world.until("2026-01-14T08:00")
    assert "1. Ben in #sleep: “seen nowhere”\n" in world.digests(ANN)[-1]
