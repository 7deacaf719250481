"""A copy that a moderator took away stays away, and whoever leaves takes along what was carried from there; on a real database."""

from dataclasses import replace

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, GRIEF, ME, SLEEP, World

from bridge.events import MemberChanged, Message, Reacted
from bridge.rooms import announcing, share_leaving
from bridge.store import journal, ledger, moves, queue, rooms
from bridge.store.announcements import Announcement
from bridge.store.db import Database

pytestmark = on_a_file

MOD = "@mod:one.test"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def a_thread(world: World) -> tuple[Message, Message]:
    """Ann's thread with an answer of Ben that travels: root and answer."""
    root = world.say(ANN, "who is awake? #common")
    reply = world.say(BEN, "I am", thread=root.id)
    await world.does(root, reply, world.say(BEN, "consent yes", room=f"!direct-{BEN}"))
    await world.echo()
    assert world.common() == ["who is awake? #common", "I am"]
    return root, reply


def membership(world: World, user: str, room: str, now: str, by: str | None = None) -> MemberChanged:
    at = world.tick()
    return MemberChanged(f"$member-{at}", room, by or user, at, user=user, membership=now, was="join" if now != "join" else "leave")  # fmt: skip


def told(world: World, user: str) -> list[str]:
    return [each for each in world.told(user) if "moderator took" in each]


async def nothing_brings_it_back(world: World, root: Message, reply: Message) -> None:
    """Everything by which a copy is made otherwise."""
    edit = world.change(reply, "I am, too")
    await world.does(edit, world.take(edit.id, sender=BEN))
    await world.does(world.say(BEN, "consent no", room=f"!direct-{BEN}"))
    await world.does(world.say(BEN, "consent yes", room=f"!direct-{BEN}"))
    await world.does(world.change(root, "who is awake?"), world.change(root, "who is awake? #common"))
    await world.does(world.say(ANN, "!unshare", thread=root.id))
    await world.does(world.say(ANN, "still awake #common", thread=root.id))
    await world.echo()
    await world.settle()


async def test_the_copy_of_a_reply_that_a_moderator_took_away_stays_away(world: World) -> None:
    root, reply = await a_thread(world)
    await world.does(world.take(world.copy_of("I am"), COMMON, MOD))
    assert world.common() == ["who is awake? #common"]
    await nothing_brings_it_back(world, root, reply)
    assert "I am" not in world.server.held(COMMON)
    assert world.common() == ["who is awake? #common", "still awake #common"]  # the thread itself goes on
    (said,) = told(world, BEN)
    assert "message of yours" in said
    assert MOD not in said
    assert told(world, ANN) == []


async def test_of_the_roots_copy_the_whole_thread_goes_for_good(world: World) -> None:
    root, reply = await a_thread(world)
    await world.does(world.take(world.copy_of("awake"), COMMON, MOD))
    assert world.common() == []
    await nothing_brings_it_back(world, root, reply)
    await world.does(Reacted("$wish", SLEEP, CLEO, world.tick(), root.id, "🔗"))
    assert world.server.held(COMMON) == ""
    assert len(told(world, ANN)) == 1
    await world.does(world.say(ANN, "!share", thread=root.id))
    assert "I do not carry it there again" in world.told(ANN)[-1]
    assert world.server.held(COMMON) == ""


async def test_emptying_one_of_our_edits_takes_the_whole_copy_away(world: World) -> None:
    root, reply = await a_thread(world)
    await world.does(world.change(reply, "I am not"))
    (edit,) = [event for event, raw in world.server.events.items() if raw["edits"] == world.copy_of("I am not")]
    await world.does(world.take(edit, COMMON, MOD))
    assert world.common() == ["who is awake? #common"]
    await nothing_brings_it_back(world, root, reply)
    assert "I am" not in world.server.held(COMMON)


async def test_a_copy_that_was_taken_away_before_we_knew_its_id_stays_away(world: World) -> None:
    root = world.say(ANN, "who is awake? #common")
    await world.hear(root)
    await world.step(crash=True)
    await world.hear(world.take(world.copy_of("awake"), COMMON, MOD))
    await world.settle()
    await world.does(world.say(ANN, "and this? #common", thread=root.id))
    assert world.server.held(COMMON) == ""
    assert len(told(world, ANN)) == 1


async def test_our_own_taking_back_is_not_final(world: World) -> None:
    root, _ = await a_thread(world)
    await world.does(world.change(root, "who is awake?"))
    assert world.common() == []
    for key, event in list(world.server.done.items()):  # the homeserver tells us of what we emptied ourselves
        if "/withdraw/" in key and event.startswith("$redaction"):
            target = next(e for e, raw in world.server.events.items() if raw["redacted"] and raw["sender"] == ME)
            await world.does(replace(world.take(target, COMMON, ME), id=event))
    await world.does(world.change(root, "who is awake now? #common"))
    assert world.common() == ["who is awake now? #common", "I am"]
    assert told(world, ANN) == []


async def test_what_was_emptied_in_our_name_but_not_by_our_taking_back_is_final(world: World) -> None:
    root, reply = await a_thread(world)
    await world.does(world.take(world.copy_of("I am"), COMMON, ME))  # as a command of a moderator does
    await nothing_brings_it_back(world, root, reply)
    assert "I am" not in world.server.held(COMMON)


async def test_a_curator_takes_an_answer_out_of_the_circle_for_good(world: World) -> None:
    await a_thread(world)
    said = world.say(CLEO, "drink water", room=COMMON, thread=world.copy_of("awake"))
    await world.does(said)
    await world.does(world.take(world.copy_of("drink water", SLEEP), SLEEP, MOD))
    await world.does(world.change(said, "drink tea"))
    await world.does(world.say(CLEO, "consent no", room=f"!direct-{CLEO}"))
    await world.does(world.say(CLEO, "consent yes", room=f"!direct-{CLEO}"))
    await world.does(world.say(CLEO, "or milk", room=COMMON, thread=world.copy_of("awake")))
    assert "drink" not in world.server.held(SLEEP)
    assert "or milk" in world.server.held(SLEEP)
    (text,) = told(world, CLEO)
    assert "#sleep" in text


@on_both
async def test_an_announcement_that_a_curator_took_away_does_not_come_again(world: World) -> None:
    said = world.say(ANN, "we meet on Friday", room=COMMON)
    await world.does(said)

    async def announce(cause: str) -> None:
        async with world.database.writing() as db:
            scene, circle = world.scene(db), await rooms.by_id(db, SLEEP)
            assert circle
            await announcing.announce(scene, Announcement(said.id, COMMON, ANN, 1), [circle], cause)
            await queue.put(db, scene.puts, world.now_ms)
        await world.settle()

    await announce("$first")
    await world.does(world.take(world.copy_of("Friday", SLEEP), SLEEP, MOD))
    await announce("$again")
    await world.does(world.change(said, "we meet on Saturday"))
    assert "we meet" not in world.server.held(SLEEP)


@pytest.mark.parametrize("how", ["leave", "ban"])
async def test_an_author_who_is_out_of_the_circle_takes_the_thread_along(world: World, how: str) -> None:
    root, _ = await a_thread(world)
    await world.does(membership(world, ANN, SLEEP, how, None if how == "leave" else MOD))
    assert world.server.held(COMMON) == ""
    await world.does(world.say(BEN, "where are you?", thread=root.id))
    await world.does(membership(world, ANN, SLEEP, "join"), world.change(root, "good night #common"))
    assert world.server.held(COMMON) == ""  # it comes again only when they say so anew
    await world.does(world.say(ANN, "I am back #common", thread=root.id))
    assert world.common() == ["good night #common", "I am", "where are you?", "I am back #common"]


async def test_who_answered_and_leaves_takes_only_their_answers_along(world: World) -> None:
    root, _ = await a_thread(world)
    await world.does(membership(world, BEN, SLEEP, "leave"))
    assert world.common() == ["who is awake? #common"]
    await world.does(world.change(root, "who is awake now? #common"))
    assert world.common() == ["who is awake now? #common"]


async def test_who_leaves_the_common_room_takes_their_answers_out_of_the_circle(world: World) -> None:
    await a_thread(world)
    await world.does(world.say(CLEO, "drink water", room=COMMON, thread=world.copy_of("awake")))
    assert "drink" in world.server.held(SLEEP)
    await world.does(membership(world, CLEO, COMMON, "leave"))
    assert "drink" not in world.server.held(SLEEP)
    await world.does(world.say(BEN, "thank you", room=COMMON, thread=world.copy_of("awake")))
    assert "drink" not in world.server.held(SLEEP)
    assert world.common()[:2] == ["who is awake? #common", "I am"]


async def test_leaving_one_circle_is_nothing_to_what_was_said_elsewhere(world: World) -> None:
    await a_thread(world)
    await world.does(membership(world, ANN, COMMON, "leave"), membership(world, BEN, COMMON, "leave"))
    assert world.common() == ["who is awake? #common", "I am"]


@on_both
async def test_who_is_moved_into_another_circle_did_not_leave_until_they_are_in_none(world: World) -> None:
    await world.begin(two_circles=True)
    async with world.database.writing() as db:
        await journal.know_members(db, GRIEF, [membership(world, ANN, GRIEF, "leave")], world.now_ms)
    await a_thread(world)
    async with world.database.writing() as db:
        cause = await ledger.write(db, MOD, "move", ANN, None, None, None, None, world.now_ms)
        await moves.begin(db, ANN, SLEEP, GRIEF, cause, world.now_ms)
    await world.does(membership(world, ANN, GRIEF, "join"), membership(world, ANN, SLEEP, "leave", ME))
    await world.look(share_leaving.sweep)
    assert world.common() == ["who is awake? #common", "I am"]
    await world.does(membership(world, ANN, GRIEF, "leave"))
    assert world.common() == []


async def test_nothing_waiting_is_sent_after_the_author_left_and_what_is_under_way_comes_back(world: World) -> None:
    root = world.say(ANN, "who is awake? #common")
    await world.hear(root)
    await world.hear(membership(world, ANN, SLEEP, "leave"))
    await world.settle()
    assert "awake" not in str(list(world.server.events.values())[1:])
    again = world.say(BEN, "who else? #common")
    await world.hear(again)
    await world.step(crash=True)  # it stands there, and nobody wrote that down
    await world.hear(membership(world, BEN, SLEEP, "leave"))
    await world.settle()
    assert world.server.held(COMMON) == ""


async def test_whoever_left_while_nobody_looked_is_found_by_the_clock(world: World) -> None:
    await a_thread(world)
    async with world.database.writing() as db:
        seen = membership(world, ANN, SLEEP, "leave")
        await journal.know_members(db, SLEEP, [seen], world.now_ms)
    for _ in range(2):
        async with world.database.writing() as db:
            scene = world.scene(db)
            await share_leaving.sweep(scene)
            await queue.put(db, scene.puts, world.now_ms)
        await world.settle()
        assert world.server.held(COMMON) == ""
    assert scene.puts == []


async def test_who_goes_along_into_the_room_that_replaces_a_circle_has_not_left(world: World) -> None:
    await a_thread(world)
    async with world.database.writing() as db:
        old = await rooms.by_id(db, SLEEP)
        assert old
        await rooms.update(db, SLEEP, key="replaced/x", replaced_by="!new")
        await rooms.add(db, replace(old, room="!new"))
        await journal.remember(db, membership(world, ANN, "!new", "join"), frozenset(), world.now_ms)
    await world.does(membership(world, ANN, SLEEP, "leave"))
    assert world.common() == ["who is awake? #common", "I am"]
