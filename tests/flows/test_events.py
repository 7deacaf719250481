"""Every event is handled once, whatever the homeserver cuts off, repeats or sends; one that crashes costs the others nothing."""

from typing import Any

import pytest
from community import HEARTH, PEOPLE
from sqlalchemy import delete
from world import World, on_a_file

from bridge import handle
from bridge.events import AnyEvent, Message
from bridge.rooms import ground
from bridge.scene import Scene
from bridge.store.tables import cursors, failures, memberships, metadata, post_tags, posts

MANY = 130
MINUTE_MS = 60_000  # who writes through a night takes their time: that is no flood


async def everything(world: World) -> dict[str, Any]:
    """All tables but the one that says up to where we have heard; that we look at our rooms after a start is no change."""
    found = {table.name: await world.rows(table) for table in metadata.sorted_tables if table.name != "cursors"}
    return {**found, "due": [row for row in found["due"] if row["kind"] != ground.LOOK]}


async def posts_in(world: World, room: str) -> list[str]:
    """The messages of a room that Hearth knows of, in the order in which it heard of them."""
    return [row["event"] for row in await world.rows(posts) if row["room"] == world.room(room)]


async def busy(world: World) -> None:
    """A little of everything that Hearth reacts to."""
    await world.ask("ben", f"follow {PEOPLE['ann']}")
    root = await world.say("#sleep", "ann", "I was awake again. #common #schlaf")
    await world.answer("#sleep", "ann", root, "Tea helped.")
    await world.answer("#sleep", "ben", root, "A walk helps me.")
    await world.settle()
    prompt = world.from_hearth(await world.direct("ben"), "ben")[-1]
    await world.react(await world.direct("ben"), "ben", prompt.event_id, "👍")
    await world.edit("#sleep", "ann", root, "I was awake again, twice. #common #schlaf")
    await world.settle()
    regretted = await world.answer("#sleep", "ann", root, "Forget that.")
    await world.settle()
    await world.redact("#sleep", "ann", regretted)
    await world.order("mod", f"!ban {PEOPLE['eve']} spam")
    await world.settle()
    await world.turn_to("2026-01-06 08:00")


async def test_hearing_everything_again_changes_nothing(world: World) -> None:
    await busy(world)
    assert [seen.body for seen in world.from_hearth("#common")] != []
    before, said = await everything(world), world.said_by_hearth()
    await world.replay()
    assert world.changes() == []
    assert world.said_by_hearth() == said
    assert await everything(world) == before


async def test_an_event_that_crashes_is_set_aside_and_the_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def careless(_scene: Scene, event: AnyEvent) -> None:
        if isinstance(event, Message) and "boom" in event.content.body:
            raise ValueError(event.content.body)

    monkeypatch.setattr(handle, "STEPS", (*handle.STEPS, careless))
    async with world.held():
        before = await world.say("#sleep", "ann", "one #common")
        crash = await world.say("#sleep", "ann", "boom goes the cradle #common")
        after = await world.say("#sleep", "ann", "two #common")
    await world.settle()
    assert await posts_in(world, "#sleep") == [before, after]
    assert [seen.body.splitlines()[-1] for seen in world.from_hearth("#common")] == ["one #common", "two #common"]
    (failure,) = await world.rows(failures)
    assert (failure["event"], failure["room"], failure["error"]) == (crash, world.room("#sleep"), "ValueError")
    assert "cradle" not in str(failure)
    assert "cradle" not in capsys.readouterr().out
    monkeypatch.undo()
    await world.replay()
    assert len(await world.rows(failures)) == 1
    assert world.changes() == []


async def test_what_a_long_absence_cut_off_is_fetched_in_order(world: World) -> None:
    await world.stop()
    evening = world.clock()
    said = [
        await world.member("ann").say(
            world.room("#sleep"), f"night {n}" + (" #common #nacht" if n % 20 == 0 else ""), ts=evening + n * MINUTE_MS
        )
        for n in range(MANY)
    ]
    world.clock.forward(MANY * MINUTE_MS)
    other = await world.say("#garden", "dan", "beans")
    await world.start()
    await world.settle()
    assert await posts_in(world, "#sleep") == said
    assert await posts_in(world, "#garden") == [other]
    copies = [seen.body.splitlines()[-1] for seen in world.from_hearth("#common")]
    assert copies == [f"night {n} #common #nacht" for n in range(0, MANY, 20)]
    await world.replay()
    assert world.changes() == []


async def test_stopped_while_fetching_what_was_cut_off(world: World) -> None:
    await world.stop()
    said = [await world.say("#sleep", "ann", f"night {n}") for n in range(MANY)]
    command = await world.say("#staff", "mod", "!help")
    hanging = world.hs.faults.add("hang", method="GET", path="/messages$", skip=1, times=None)
    await world.start(wait=False)
    await world.hs.until(lambda: hanging.hits)
    assert 0 < len(await world.rows(posts)) < MANY
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.settle()
    assert await posts_in(world, "#sleep") == said
    world.answer_to("#staff", command)


@on_a_file
@pytest.mark.parametrize(
    "content",
    [
        {},
        {"msgtype": "m.text"},
        {"msgtype": "m.text", "body": 7},
        {"msgtype": ["m.text"], "body": "list"},
        {"msgtype": "m.text", "body": "a", "m.relates_to": "nothing"},
        {"msgtype": "m.text", "body": "b", "m.relates_to": {"rel_type": "m.thread", "event_id": 5}},
        {"msgtype": "m.text", "body": "c", "m.relates_to": {"rel_type": "m.replace", "event_id": "$nowhere"}},
        {"msgtype": "m.text", "body": "* d", "m.new_content": 3, "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}},
        {"msgtype": "m.text", "body": "#common " * 5000},
        {"msgtype": "m.text", "body": "!ban", "formatted_body": "<a href='x'><b>" * 200, "format": "org.matrix.custom.html"},
        {"msgtype": "m.text", "body": "e", "m.mentions": {"user_ids": "everybody", "room": "yes"}},
        {"msgtype": "m.text", "body": "\ud800 #common"},
        {"msgtype": "m.text", "body": "\u0000 #common"},
    ],
)  # fmt: skip
async def test_a_message_that_makes_no_sense_costs_nothing(world: World, content: dict[str, Any]) -> None:
    world.hs.inject(world.room("#sleep"), PEOPLE["ben"], "m.room.message", content, ts=0)
    await world.say("#sleep", "ann", "sense #common #schlaf")
    await world.settle()
    assert await world.rows(failures) == []
    assert "sense #common #schlaf" in world.from_hearth("#common")[-1].body
    assert "schlaf" in [row["tag"] for row in await world.rows(post_tags)]


@on_a_file
@pytest.mark.parametrize(
    ("kind", "key", "content"),
    [
        ("m.room.member", PEOPLE["ben"], {"membership": "confused"}),
        ("m.room.member", PEOPLE["ben"], {"membership": 3, "displayname": {}}),
        ("m.room.member", "nobody", {"membership": "join"}),
        ("m.room.redaction", None, {"redacts": "x"}),
        ("m.reaction", None, {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": {}}}),
        ("m.room.encrypted", None, {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "nonsense"}),
        ("org.example.unknown", "", {"a": [1, 2, {"b": None}]}),
    ],
)
async def test_any_other_event_that_makes_no_sense_costs_nothing(
    world: World, kind: str, key: str | None, content: dict[str, Any]
) -> None:
    world.hs.inject(world.room("#sleep"), PEOPLE["dan"], kind, content, ts=2**60, state_key=key)
    await world.say("#sleep", "ann", "sense #common")
    await world.settle()
    assert await world.rows(failures) == []
    assert "sense #common" in world.from_hearth("#common")[-1].body


async def test_killed_between_the_first_cursor_and_the_list_of_members(world: World) -> None:
    await world.stop()
    async with world.writing() as db:
        await db.execute(delete(memberships))
        await db.execute(delete(cursors).where(cursors.c.name == "people"))
    await world.start()
    assert {row["user"] for row in await world.rows(memberships)} >= {*PEOPLE.values()}
    answers = await world.ask("ben", "follows")
    assert "follow" in answers[0]


async def test_what_is_said_right_after_hearth_came_in_is_heard(world: World) -> None:
    """Its own coming is told before the answer to its wish to come has been taken in."""
    hanging = world.hs.faults.add("hang_after", path="/join/")
    room = await world.direct("ben")
    await world.say(room, "ben", "language de")
    await world.hs.until(lambda: world.hs.polling(HEARTH))
    assert hanging.hits
    hanging.release()
    await world.settle()
    assert len(world.from_hearth(room)) == 1


async def test_a_first_message_that_comes_with_the_invite_is_heard(world: World) -> None:
    ann = world.member("ann")
    room = await ann.create(preset="trusted_private_chat", is_direct=True, invite=[HEARTH])
    await ann.say(room, "language de")
    await ann.say(room, "language en")
    await world.hs.until(lambda: HEARTH in world.hs.members(room))
    await world.settle()
    assert len(world.from_hearth(room, "ann")) == 2
    await world.replay()
    assert world.changes() == []
