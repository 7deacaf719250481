"""What staff sees of why something is in a member's digest: every reason, and no word nor place that they could not read themselves."""

import pytest
from databases import on_a_file, on_both
from test_digest import ANN, BEN, CLEO, COMMON, ME, SLEEP, STAFF, WORK, World

from bridge.store import people
from bridge.store.db import Database

pytestmark = on_a_file

MOD = "@mod:one.test"


@pytest.fixture
async def world(database: Database) -> World:
    world = await World(database).begin()
    await world.direct_room(MOD)
    await world.join(MOD, STAFF)
    await world.join(MOD, WORK)
    return world


async def asked(world: World, line: str, user: str = MOD, room: str = STAFF) -> str:
    before = set(world.events)
    await world.say(user, f"!h {line}", room)
    new = [raw for event, raw in world.events.items() if event not in before and raw["sender"] == ME]
    return "\n".join(str(raw["content"].get("body", "")) for raw in new)


async def test_staff_sees_what_would_come_and_why_and_no_word_of_it(world: World) -> None:
    await world.tell(ANN, "follow @ben:two.test")
    secret = await world.say(BEN, "an unmistakable sentence", SLEEP)
    await world.join(ANN, WORK)
    known = await world.say(BEN, "another unmistakable one", WORK)
    said = await asked(world, "digest preview @ann:one.test")
    assert "The next digest of Ann would hold:" in said
    assert "a conversation in #sleep: nobody has answered it" in said
    assert "they follow its author" in said
    assert known in said
    assert secret not in said
    assert "unmistakable" not in said


@on_both
async def test_nothing_new_is_said_so(world: World) -> None:
    assert "no digest would come" in await asked(world, "digest preview @cleo:two.test")


async def test_each_way_out_has_its_words(world: World) -> None:
    await world.join(ANN, WORK)
    await world.tell(ANN, "mute #night")
    cases = {
        "it is their own": await world.say(ANN, "mine", WORK),
        "they mute it": await world.say(BEN, "x #night", WORK),
        "Yes, because": await world.say(BEN, "hello", WORK),
    }
    await world.join(ANN, WORK, "leave")
    gone = await world.say(BEN, "later", WORK)
    assert "may not read it" in await asked(world, f"digest preview @ann:one.test https://matrix.to/#/{WORK}/{gone}")
    await world.join(ANN, WORK)
    for words, event in cases.items():
        assert words in await asked(world, f"digest preview @ann:one.test https://matrix.to/#/{WORK}/{event}"), words
    await world.join(MOD, COMMON)
    other = await world.say(CLEO, "for all", COMMON)
    await world.say(BEN, "yes", COMMON, thread=other)
    assert "nothing that they follow" in await asked(
        world, f"digest preview @ann:one.test https://matrix.to/#/{COMMON}/{other}"
    )


@on_both
async def test_of_a_message_that_the_asker_cannot_read_only_what_becomes_of_it_is_said(world: World) -> None:
    secret = await world.say(BEN, "an unmistakable secret", SLEEP)
    said = await asked(world, f"digest preview @ann:one.test https://matrix.to/#/{SLEEP}/{secret}")
    assert said.strip() == "Yes, because nobody has answered it, it is from their circle."
    assert "may not read it" in await asked(
        world, f"digest preview @cleo:two.test https://matrix.to/#/{SLEEP}/{secret}"
    )
    unknown = await asked(world, f"digest preview @ann:one.test https://matrix.to/#/{SLEEP}/$nothing")
    assert "I do not know that message" in unknown


async def test_nobody_finds_out_who_is_behind_a_copy_without_a_name(world: World) -> None:
    await world.join(MOD, COMMON)
    await world.join(BEN, COMMON)
    async with world.database.writing() as db:
        await people.change(db, BEN, shown=people.ANONYMOUS)
    await world.say(BEN, "unmistakable #common", SLEEP)
    (copy,) = [event for event, raw in world.events.items() if raw["room"] == COMMON and raw["sender"] == ME and raw["type"] == "m.room.message"]  # fmt: skip
    answers = {
        await asked(world, f"digest preview {who} https://matrix.to/#/{COMMON}/{copy}") for who in (ANN, BEN, CLEO)
    }
    assert len(answers) == 1
    assert "not named where you can read it" in answers.pop()
    await world.join(MOD, SLEEP)  # who is in the circle knows it anyway
    await world.say(BEN, "unmistakable again #common", SLEEP)
    copy = [event for event, raw in world.events.items() if raw["room"] == COMMON and raw["sender"] == ME and raw["type"] == "m.room.message"][-1]  # fmt: skip
    assert "their own" in await asked(world, f"digest preview {BEN} https://matrix.to/#/{COMMON}/{copy}")


async def test_members_do_not_see_each_others_digests(world: World) -> None:
    await world.say(BEN, "hello", SLEEP)
    assert "would hold" not in await world.tell(ANN, "digest preview @ben:two.test")
