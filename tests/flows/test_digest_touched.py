"""A digest that was delivered: what happens when its reader touches it, and how it follows what happens to what it quotes."""

from typing import Any

from community import HEARTH, PEOPLE
from sqlalchemy import select
from world import World, on_a_file

from bridge.digest import letter
from bridge.store.tables import follows
from tests.fake import Seen

pytestmark = on_a_file


def digest_of(world: World, who: str) -> Seen:
    """The digest that somebody was given last, as it reads now."""
    return [seen for seen in world.from_hearth(f"@{who}", who) if "\nYour digest, " in seen.body or seen.body.startswith("Your digest is empty")][-1]  # fmt: skip


def offered(world: World, who: str, event: str) -> list[str]:
    """The signs that Hearth put under a message."""
    found = []
    for each in world.hs.timeline(world.room(f"@{who}")):
        about: dict[str, Any] = each.content.get("m.relates_to", {})
        if each.sender == HEARTH and each.type == "m.reaction" and about.get("event_id") == event:
            found.append(about["key"])
    return found


async def touched(world: World, who: str, event: str, key: str) -> list[str]:
    """One touch; what Hearth says to it."""
    before = len(world.from_hearth(f"@{who}", who))
    touch = await world.react(f"@{who}", who, event, key)
    await world.settle()
    await world.redact(f"@{who}", who, touch)  # as a second touch does it, and changes nothing
    await world.settle()
    return [seen.body for seen in world.from_hearth(f"@{who}", who)[before:]]


async def wishes(world: World, who: str) -> set[tuple[str, str]]:
    async with world.reading() as db:
        rows = await db.execute(select(follows.c.wish, follows.c.target).where(follows.c.user == PEOPLE[who]))
        return {(row.wish, row.target) for row in rows}


async def test_one_touch_is_enough_for_less_more_quiet_and_none(world: World) -> None:
    await world.ask("eve", "follow #sleep")
    await world.say("#sleep", "ben", "the first night that I slept")
    await world.say("#sleep", "ann", "and I lay awake")
    await world.ask("eve", "digest now")
    digest = digest_of(world, "eve")
    assert digest.body.splitlines()[0] == "New for you: Ben in #sleep, Ann in #sleep"
    assert "1. Ben in #sleep: “the first" in digest.body
    assert "2. Ann in #sleep: “and I" in digest.body
    assert "Tap below: ➖ less, ➕ more, 🔕" in digest.body
    assert offered(world, "eve", digest.event_id) == [*letter.OFFERED]

    # Up and down the four steps, each with one sentence; at both ends it says what else there is.
    (said,) = await touched(world, "eve", digest.event_id, "➖")
    assert said == "From now on your digest comes every day and shows 5 conversations at most."
    assert "5 conversations at most" in (await world.ask("eve", "digest"))[0]
    down = [
        "once a week, on Monday, and shows 10",
        "once a week, on Monday, and shows 5",
        "as little as it can be already",
    ]
    up = [
        "once a week, on Monday, and shows 10",
        "every day and shows 5",
        "every day and shows 10",
        "as much as it can be already",
    ]
    for key, steps in (("➖", down), ("➕", up)):
        for step in steps:
            (said,) = await touched(world, "eve", digest.event_id, key)
            assert step in said
            assert said.count("\n") == 0
    assert "at most" not in (await world.ask("eve", "digest"))[0]

    # Five at most really are five, and what is left out is a number.
    await touched(world, "eve", digest.event_id, "➖")
    for number in range(8):
        await world.say("#sleep", ("ben", "ann")[number % 2], f"thought {number}")
        await world.say("#common", ("dan", "cleo")[number % 2], f"idea {number}")
    await world.settle()
    await world.ask("eve", "digest now")
    newest = digest_of(world, "eve").body
    assert "\n5. " in newest
    assert "\n6. " not in newest
    assert "And " in newest

    # What stands there is only her own to touch, and a sign that means nothing changes nothing.
    assert await touched(world, "eve", digest.event_id, "👍") == []
    (said,) = await touched(world, "eve", digest.event_id, "🛑")
    assert said.startswith("No more digests from now on.")
    assert await touched(world, "eve", digest.event_id, "➕") == [
        "You get no digests now; digest daily brings them back."
    ]
    await world.replay()
    assert world.changes() == []


async def test_which_one_is_meant_is_asked_and_answered_by_one_touch_or_a_number(world: World) -> None:
    await world.ask("eve", "follow #sleep")
    first = await world.say("#sleep", "ben", "the first night that I slept")
    second = await world.say("#sleep", "ann", "and I lay awake")
    third = await world.say("#garden", "dan", "not hers")
    await world.ask("eve", "digest now")
    digest = digest_of(world, "eve")
    assert await touched(world, "eve", digest.event_id, "🎉") == []
    await touched(world, "eve", digest.event_id, "🔕")
    question = world.from_hearth("@eve", "eve")[-1]
    assert question.body == "Which one shall be quiet? Tap its number below.\n\nOr write, for example, mute 1."
    assert offered(world, "eve", question.event_id) == ["1️⃣", "2️⃣"]
    (said,) = await touched(world, "eve", question.event_id, "2️⃣")
    assert said.startswith("You now hear nothing of a thread in #sleep in your digest.")
    assert ("mute", second) in await wishes(world, "eve")
    assert await touched(world, "eve", question.event_id, "7️⃣") == ["There is no number 7 in it any more."]
    assert "You now follow a thread" in (await world.ask("eve", "follow 1"))[0]
    assert {("mute", second), ("follow", first)} <= await wishes(world, "eve")
    assert "no number 3 in your newest digest" in (await world.ask("eve", "mute 3"))[0]
    assert third not in str(await wishes(world, "eve"))
    listed = (await world.ask("eve", "follows"))[0]
    assert "You mute:\n- 1: a thread in #sleep" in listed
    assert "You no longer mute" in (await world.ask("eve", "unmute 1"))[0]
    assert ("mute", second) not in await wishes(world, "eve")

    # With one item there is nothing to ask; whoever else is there changes nothing.
    await world.redact("#sleep", "ann", second)
    await world.settle()
    await touched(world, "eve", digest.event_id, "🔕")
    assert ("mute", first) in await wishes(world, "eve")
    await world.replay()
    assert world.changes() == []


async def test_a_delivered_digest_follows_what_happens_in_place_and_in_silence(world: World) -> None:
    for who in ("eve", "ben"):
        await world.ask(who, "follow #sleep")
    await world.say("#sleep", "eve", "from eve")
    slip = await world.say("#sleep", "ben", "call me")
    edit = await world.edit("#sleep", "ben", slip, "my number is 555")
    await world.say("#sleep", "ann", "good night")
    for who in ("eve", "ben"):
        await world.ask(who, "digest now")
    digest = digest_of(world, "eve")
    assert "555" in digest.body
    said = len(world.from_hearth("@eve", "eve"))

    # Taking back the edit, and not the message: the older text holds again.
    await world.redact("#sleep", "ben", edit)
    await world.settle()
    assert "555" not in digest_of(world, "eve").body
    assert "“call me”" in digest_of(world, "eve").body
    newest = world.hs.timeline(world.room("@eve"))[-1].content
    assert newest["m.mentions"] == {}
    assert newest["m.new_content"]["m.mentions"] == {}
    assert newest["m.relates_to"] == {"rel_type": "m.replace", "event_id": digest.event_id}

    # Ten edits at a time are one correction, and what keeps changing is followed at its own pace.
    world.hs.mark()
    for number in range(10):
        world.clock.forward(10)
        await world.edit("#sleep", "ben", slip, f"call me at {number}")
    await world.settle()
    await world.until(lambda: says(world, "eve", "call me at 9"), what="the newest text", hurrying=True)
    await world.settle()
    assert len([one for one in world.changes() if "/send/" in one.path and world.room("@eve") in one.path]) == 1

    # A block takes each out of what the other was given before.
    assert "from eve" in digest_of(world, "ben").body
    await world.ask("eve", f"block {PEOPLE['ben']}")
    assert "call me" not in digest_of(world, "eve").body
    assert "good night" in digest_of(world, "eve").body
    assert "2. Ann" in digest_of(world, "eve").body or "1. Ann" in digest_of(world, "eve").body
    assert "from eve" not in digest_of(world, "ben").body

    # Whoever is out of the circle has nothing of it left.
    await world.member("ann").kick(world.room("#sleep"), PEOPLE["eve"])
    await world.settle()
    assert digest_of(world, "eve").body.startswith("Your digest is empty now")
    assert len(world.from_hearth("@eve", "eve")) == said + 1  # the answer to `block`


async def test_a_chat_where_hearth_may_not_write_is_not_tried_again_and_again(world: World) -> None:
    room = await world.member("eve").create(preset="private_chat", is_direct=True, invite=[HEARTH])
    await world.hs.until(lambda: HEARTH in world.hs.members(room), what="Hearth in the direct room")
    world.rooms["@eve"] = room
    await world.ask("eve", "follow #sleep")
    mine = await world.say("#sleep", "ben", "one")
    await world.ask("eve", "digest now")
    silent = {**world.hs.room(room).content("m.room.power_levels"), "events_default": 50}
    await world.member("eve").state(room, "m.room.power_levels", silent)
    world.hs.mark()
    await world.edit("#sleep", "ben", mine, "two")
    await world.settle()
    world.clock.forward(3600_000)
    await world.tick()
    assert len([one for one in world.changes() if room in one.path]) == 1
    await world.member("eve").state(room, "m.room.power_levels", {**silent, "events_default": 0})
    await world.redact("#sleep", "ben", mine)
    await world.settle()
    assert digest_of(world, "eve").body.startswith("Your digest is empty now")


async def says(world: World, who: str, words: str) -> bool:
    return words in digest_of(world, who).body
