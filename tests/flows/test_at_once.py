"""Who is answered or mentioned hears of it at once: bundled, never of what they read, never in quiet hours, and never twice."""

from typing import Any

import pytest
from community import PEOPLE
from sqlalchemy import text
from test_digest import ANN, BEN, CLEO, COMMON, SLEEP
from test_digest import World as Small
from test_digest import at as wall
from test_digest_touched import offered, touched
from world import World, on_a_file

from bridge.digest import at_once
from bridge.digest.reader import Reader
from bridge.store.db import Database
from bridge.store.tables import digests
from tests.fake import Seen

pytestmark = on_a_file

MOMENT_MS = 21_000
EVE = PEOPLE["eve"]


def calling(*who: str) -> dict[str, Any]:
    return {"m.mentions": {"user_ids": [PEOPLE[each] for each in who]}}


def told(world: World, who: str) -> list[Seen]:
    """What Hearth told somebody at once."""
    starts = ("Answers to you", "You are mentioned", "There is nothing here")
    return [seen for seen in world.from_hearth(f"@{who}", who) if seen.body.startswith(starts) and "Your digest," not in seen.body]  # fmt: skip


async def later(world: World, ms: int = MOMENT_MS) -> None:
    await world.settle()
    world.clock.forward(ms)
    await world.ring("at once")
    await world.settle()


async def test_what_calls_on_somebody_is_told_at_once_and_once(world: World) -> None:
    await world.ask("eve", "digest daily")
    root = await world.say("#sleep", "eve", "how do you sleep?")
    await world.answer("#sleep", "ann", root, "an unmistakable sentence")
    await world.answer("#sleep", "ben", root, "and one more")
    named = await world.say("#sleep", "ben", "perhaps Eve knows", **calling("eve"))
    await world.say("#sleep", "ann", "for nobody in particular")
    await later(world, 5_000)
    assert told(world, "eve") == []
    await later(world)
    (one,) = told(world, "eve")
    assert one.body.splitlines()[0] == "Answers to you: Ann · You are mentioned by: Ben"
    assert "1. Ann in #sleep: “an unmistakable sentence” 1 more message there." in one.body
    assert "for nobody" not in one.body
    assert "Your digest" not in one.body
    assert one.content["msgtype"] == "m.text"
    assert one.content["m.mentions"] == {}
    assert offered(world, "eve", one.event_id) == ["🔕", "🛑"]
    async with world.reading() as db:
        for table in ("digests", "digest_items", "outbox", "due", "reads"):
            assert "unmistakable" not in str((await db.execute(text(f"SELECT * FROM {table}"))).all())

    # It follows what becomes of the words, as a digest does.
    await world.redact("#sleep", "ben", named)
    await world.settle()
    assert "perhaps Eve" not in told(world, "eve")[0].body

    # Further ones within ten minutes are gathered; the copy in the common room is not told again to who saw the thread itself.
    await world.answer("#sleep", "ann", root, "a third one #common")
    await later(world)
    await world.answer("#sleep", "ann", root, "a fourth one")
    await later(world)
    assert len(told(world, "eve")) == 1
    await later(world, 10 * 60_000)
    _, two = told(world, "eve")
    assert "“a third one #common” 1 more message there." in two.body
    assert "unmistakable" not in two.body

    # Told and not read: it is in the digest. Told and read: in none any more.
    await world.ask("eve", "digest now")
    assert "unmistakable" in world.from_hearth("@eve", "eve")[-1].body
    world.clock.forward(5_000)
    await world.member("eve").read(world.room("@eve"), two.event_id)
    await world.settle()
    await world.ask("eve", "digest now")
    newest = world.from_hearth("@eve", "eve")[-1].body
    assert "a third one" not in newest
    assert "unmistakable" not in newest
    await world.replay()
    await later(world, 3600_000)
    assert world.changes() == []


async def test_not_what_is_read_nor_in_quiet_hours_nor_against_a_wish(world: World) -> None:
    await world.ask("eve", "digest daily")
    event = await world.say("#sleep", "ann", "Eve?", **calling("eve"))
    await world.settle()
    await world.member("eve").read(world.room("#sleep"), event)
    await later(world)
    event = await world.say("#sleep", "ann", "Eve?", **calling("eve"))
    await world.say("#sleep", "eve", "here I am")
    await later(world)
    await world.ask("eve", f"mute {PEOPLE['ben']}")
    await world.say("#sleep", "ben", "Eve?", **calling("eve"))
    await world.say("#sleep", "ann", "a program says", msgtype="m.notice", **calling("eve"))
    await world.say("#sleep", "ann", "Cleo is not in this circle", **calling("cleo"))
    await world.say("#sleep", "ben", "he has no digest", **calling("zed"))
    await later(world)
    assert told(world, "eve") == []
    assert not [body for who in ("cleo", "zed") for body in world.told(who)]

    await world.ask("eve", "quiet 22:00 7:30")
    world.clock.turn_to("2026-01-05 23:00")
    await world.say("#sleep", "ann", "still awake, Eve?", **calling("eve"))
    await later(world)
    await later(world, 3600_000)
    assert told(world, "eve") == []
    world.clock.turn_to("2026-01-06 07:30")
    await later(world)
    (one,) = told(world, "eve")
    assert "still awake, Eve?" in one.body

    # One touch, or a word, and it stands in the digest alone.
    (said,) = await touched(world, "eve", one.event_id, "🛑")
    assert said.startswith("Who answers or mentions you stands in your digest from now on, and nowhere else.")
    await world.say("#sleep", "ann", "and now?", **calling("eve"))
    await later(world, 3600_000)
    assert len(told(world, "eve")) == 1
    assert (await world.ask("eve", "notify"))[0].startswith("Who answers or mentions you stands in your digest.")
    assert (await world.ask("eve", "notify on"))[0].startswith("I tell you at once")
    await world.ask("eve", "digest off")
    await world.say("#sleep", "ann", "also without a digest", **calling("eve"))
    await later(world)
    assert "also without" in told(world, "eve")[-1].body
    assert "and now?" not in told(world, "eve")[-1].body

    # Who has chosen no hours is left alone at night, and not once they say that they want none.
    await world.ask("ann", "notify on")
    for day, quiet, at_night in ((8, "quiet", 0), (9, "quiet off", 1)):
        number = len(told(world, "ann"))
        await world.ask("ann", quiet)
        world.clock.turn_to(f"2026-01-{day:02} 01:00")
        await world.say("#sleep", "ben", "Ann?", **calling("ann"))
        await later(world)
        assert len(told(world, "ann")) == number + at_night
        world.clock.turn_to(f"2026-01-{day:02} 07:00")
        await later(world)
        assert len(told(world, "ann")) == number + 1
    assert (await world.ask("ann", "quiet"))[0].startswith("You have no quiet hours.")


async def test_who_may_read_only_the_copy_is_told_of_that_with_its_place(world: World) -> None:
    await world.ask("cleo", "digest daily")
    event = await world.say("#sleep", "ann", "would Cleo know?", **calling("cleo"))
    await later(world)
    assert told(world, "cleo") == []
    anew = "Cleo, would you know? #common"
    await world.member("ann").edit(world.room("#sleep"), event, anew, **calling("cleo"))
    await later(world)
    (one,) = told(world, "cleo")
    assert "Ann in the common room: “Cleo, would you know? #common”" in one.body
    assert world.room("#common") in one.body
    assert event not in one.body
    assert world.room("#sleep") not in one.body
    await world.ask("cleo", f"block {PEOPLE['ann']}")
    assert told(world, "cleo")[0].body.startswith("There is nothing here any more")


async def test_what_is_theirs_to_read_is_looked_at_when_it_is_sent_and_a_kill_doubles_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await Small(database).begin()
    world.now_ms = wall("2026-01-12T12:00")
    await world.tell(ANN, "digest daily")
    for gone in (True, False):
        root = await world.say(ANN, "mine", SLEEP)
        await world.say(BEN, "an answer", SLEEP, thread=root)
        world.now_ms += 11 * 60_000
        if gone:
            world.before_delivery.append(world.join(ANN, SLEEP, "leave"))
        assert await at_once.tick(world.database, world.now_ms, world.settings) == 1
        assert await at_once.tick(world.database, world.now_ms, world.settings) == 0
        if gone:
            await world.settle()
            assert not any("an answer" in body for body in world.told(ANN))
            await world.join(ANN, SLEEP)
    await world.step(crash=True)
    await world.settle()
    assert len([body for body in world.told(ANN) if "an answer" in body]) == 1

    # What fails for one costs the others nothing, and does not fail again and again.
    await world.tell(BEN, "notify on")
    calling_, names = at_once.calling, []

    def fails(reader: Reader) -> Any:
        names.append(reader.user)
        if reader.user == ANN:
            raise ValueError
        return calling_(reader)

    monkeypatch.setattr(at_once, "calling", fails)
    for who in (ANN, BEN):
        root = await world.say(who, "mine again", SLEEP)
        await world.say(CLEO, "one more answer", SLEEP, thread=root)
    world.now_ms += 11 * 60_000
    assert await at_once.tick(world.database, world.now_ms, world.settings) == 1
    await world.settle()
    assert "one more answer" in world.told(BEN)[-1]
    assert sorted(names) == [ANN, BEN]
    assert await at_once.tick(world.database, world.now_ms, world.settings) == 0
    assert sorted(names) == [ANN, BEN]
    async with world.database.reading() as db:
        assert len((await db.execute(digests.select())).all()) == 3
    assert COMMON
