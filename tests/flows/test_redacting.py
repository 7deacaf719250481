"""What somebody wrote is taken away wherever it is: a message, a thread, the last hours, the last so many; it is looked for in the rooms themselves."""

import pytest
from community import HEARTH, PEOPLE
from sqlalchemy import delete
from world import World, on_a_file

from bridge.handle import SYNC
from bridge.store import cursors
from bridge.store.tables import confirmations, posts, sweeps
from tests.fake import Seen

EVE = PEOPLE["eve"]
HOUR_MS = 60 * 60 * 1000


def left(world: World, who: str = EVE) -> list[str]:
    """What is left of somebody's messages in all rooms."""
    rooms = ("#common", "#sleep", "#garden")
    return [seen.body for room in rooms for seen in world.sees(room) if seen.sender == who]


async def busy(world: World) -> list[str]:
    """Eve writes five messages in two rooms, an hour apart, and edits two of them."""
    ids = []
    for number in range(5):
        ids.append(await world.say("#sleep" if number % 2 else "#common", "eve", f"spam {number}"))
        world.clock.forward(HOUR_MS)
    await world.edit("#common", "eve", ids[0], "hidden in an edit")
    await world.edit("#sleep", "eve", ids[3], "hidden in another")
    await world.say("#common", "ben", "fine")
    await world.settle()
    return ids


async def order(world: World, text: str, who: str = "mod") -> Seen:
    """A command that asks first; the answer once it is confirmed and done."""
    question = await world.order(who, text)
    await world.react("#staff", who, question.event_id, "👍")
    await world.settle()
    await world.ring("redactions")
    await world.settle()
    return world.from_hearth("#staff")[-1]


def emptied(world: World) -> int:
    return sum(
        bool(event.redacted_because)
        for room in ("#common", "#sleep", "#garden")
        for event in world.hs.timeline(world.room(room))
        if event.sender == EVE
    )


async def test_the_last_hours_of_somebody_go_in_every_room_with_their_edits(world: World) -> None:
    await busy(world)
    answer = await order(world, f"!redact {EVE} 150m spam")
    assert left(world) == ["spam 0", "spam 2", "spam 1"]
    assert "4 messages are gone" in answer.body  # two messages, and two edits: one is of an older one
    assert world.sees("#common", "ben")[-1].body == "fine"
    (entry,) = await world.ledger()
    assert (entry.action, entry.target, entry.outcome) == ("redact", EVE, {"done": 4, "refused": {}})
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_the_last_so_many_messages_go_with_their_edits(world: World) -> None:
    await busy(world)
    question = await world.order("mod", f"!redact {EVE} last 2")
    assert "2 messages" in question.body
    assert "2 of our rooms" in question.body
    assert emptied(world) == 0
    await world.react("#staff", "mod", question.event_id, "👎")
    await world.settle()
    await world.ring("redactions")
    assert emptied(world) == 0
    await order(world, f"!redact {EVE} last 2")
    assert left(world) == ["hidden in an edit", "spam 2", "spam 1"]
    assert emptied(world) == 3
    assert all(row["args"] == "{}" for row in await world.rows(confirmations))


@on_a_file
async def test_messages_from_before_hearth_was_there_are_found_page_by_page(world: World) -> None:
    await world.stop()
    for number in range(230):
        await world.say("#sleep", "eve", f"flood {number}")
    async with world.writing() as db:  # as if these had been said before the room was ours
        await db.execute(delete(posts))
        await cursors.save(db, SYNC, f"s{world.hs.model.stream}")
    await world.start()
    answer = await order(world, f"!redact {EVE} 1h")
    assert left(world) == []
    assert "230 messages are gone" in answer.body


@on_a_file
async def test_one_message_goes_at_once_and_a_thread_after_a_question(world: World) -> None:
    root = await world.say("#sleep", "ben", "how are you?")
    reply = await world.answer("#sleep", "eve", root, "nasty")
    await world.edit("#sleep", "eve", reply, "nastier")
    await world.answer("#sleep", "ann", root, "let us talk")
    await world.settle()
    await world.say("#staff", "mod", f"!redact https://matrix.to/#/{world.room('#sleep')}/{reply}")
    await world.settle()
    await world.ring("redactions")
    await world.settle()
    assert left(world) == []
    assert left(world, PEOPLE["ann"]) == ["let us talk"]
    assert emptied(world) == 2
    await order(world, f"!redact thread https://matrix.to/#/{world.room('#sleep')}/{reply}")
    assert left(world, PEOPLE["ben"]) == left(world, PEOPLE["ann"]) == []
    strange = await world.order("mod", "!redact https://matrix.to/#/!elsewhere:x.test/$nothing")
    assert "I know of no such message" in strange.body


@on_a_file
async def test_a_curator_takes_away_in_the_own_circle_alone(world: World) -> None:
    ids = await busy(world)
    await world.direct("ann")
    await world.say("#sleep", "ann", f"!redact {EVE} 10h")
    await world.settle()
    question = next(
        seen
        for seen in world.from_hearth(world.rooms["@ann"], "ann")
        if "3" not in seen.body and "2 messages" in seen.body
    )
    await world.react(world.rooms["@ann"], "ann", question.event_id, "👍")
    await world.settle()
    await world.ring("redactions")
    await world.settle()
    assert left(world) == ["hidden in an edit", "spam 2", "spam 4"]
    await world.say("#sleep", "ann", f"!redact https://matrix.to/#/{world.room('#common')}/{ids[0]}")
    await world.settle()
    assert "hidden in an edit" in left(world)


@on_a_file
@pytest.mark.parametrize("path", ["/messages$", "/redact/"])
async def test_killed_in_the_middle_it_is_finished_after_the_start_and_nothing_is_redacted_twice(
    world: World, path: str
) -> None:
    await busy(world)
    question = await world.order("mod", f"!redact {EVE} 10h")
    hanging = world.hs.faults.add("hang_after", path=path, skip=1, times=None)
    await world.react("#staff", "mod", question.event_id, "👍")
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.until(lambda: _swept(world))
    await world.settle()
    assert left(world) == []
    redactions = [
        event.content["redacts"]
        for room in ("#common", "#sleep")
        for event in world.hs.timeline(world.room(room), "m.room.redaction")
        if event.sender == HEARTH
    ]
    assert len(redactions) == len(set(redactions)) == 7
    assert "7 messages are gone" in world.from_hearth("#staff")[-1].body


async def _swept(world: World) -> bool:
    return all(row["done_ms"] for row in await world.rows(sweeps)) and bool(await world.rows(sweeps))


@on_a_file
async def test_what_hearth_cannot_read_is_found_too(world: World) -> None:
    await world.member("eve").send(
        world.room("#sleep"), "m.room.encrypted",
        {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "session_id": "s"},
    )  # fmt: skip
    await world.settle()
    answer = await order(world, f"!redact {EVE} 1h")
    assert emptied(world) == 1
    assert "1 message is gone" in answer.body


@on_a_file
async def test_what_a_whole_server_wrote_goes_by_its_name(world: World) -> None:
    await busy(world)
    answer = await order(world, "!redact b.test 150m spam")
    assert left(world) == ["spam 0", "spam 2", "spam 1"]
    assert "4 messages are gone" in answer.body
    assert world.sees("#common", "ben")[-1].body == "fine"
    loud, room, now = "@loud:port.test:8448", world.room("#common"), world.clock()
    world.hs.inject(room, loud, "m.room.member", {"membership": "join"}, ts=now, state_key=loud)
    world.hs.inject(room, loud, "m.room.message", {"msgtype": "m.text", "body": "loud"}, ts=now)
    await world.settle()
    assert "1 message is gone" in (await order(world, "!redact port.test 1h")).body  # a port does not count
    assert "How much of it" in (await world.order("mod", "!redact b.test last 3")).body
    assert "our own server" in (await world.order("mod", "!redact a.test 3h")).body
