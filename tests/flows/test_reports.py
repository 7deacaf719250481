"""What members report is one case for staff: who told it is shielded and hears what came of it, and a report about somebody of staff never reaches them."""

from typing import Any

import pytest
from community import HEARTH, PEOPLE
from world import World, on_a_file

from bridge.config import Config
from bridge.store.tables import cases, metadata, outbox, prompts, reports
from tests.fake import Seen

pytestmark = on_a_file

ANN, BEN, EVE, MOD, OLGA, ZED = (PEOPLE[name] for name in ("ann", "ben", "eve", "mod", "olga", "zed"))
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
FLAG = "🚩"


def link(world: World, room: str, event: str) -> str:
    return f"https://matrix.to/#/{world.room(room)}/{event}"


def shown(world: World, number: int = 1) -> Seen:
    """The message that shows a case in the staff room."""
    (case,) = [seen for seen in world.from_hearth("#staff") if seen.body.startswith(f"Case {number}:")]
    return case


def said_to_staff(world: World, words: str) -> list[Seen]:
    return [seen for seen in world.from_hearth("#staff") if words in seen.body]


async def private(world: World, who: str, words: str) -> Seen:
    """What Hearth said to somebody alone with these words, the newest."""
    room = await world.direct(who)
    return [seen for seen in world.from_hearth(room, who) if words in seen.body][-1]


async def hurt(world: World, who: str = "eve", room: str = "#sleep") -> str:
    event = await world.say(room, who, "you are all fools")
    await world.settle()
    return event


async def wait(world: World, ms: int) -> None:
    world.clock.forward(ms)
    await world.ring("cases")
    await world.settle()


async def test_a_reaction_is_a_report_nobody_sees_from_whom_and_who_told_hears_the_end(world: World) -> None:
    await world.order("mod", f"!warn {EVE} please be kind")
    event = await hurt(world)
    flag = await world.react("#sleep", "ben", event, FLAG)
    await world.settle()
    assert world.hs.room(world.room("#sleep")).by_id[flag].redacted_because
    case = shown(world)
    assert f"Eve ({EVE})" in case.body
    assert event in (case.html or "")
    for part in ("Written Mon", "Here for 0 days, with 1 message", "Decided about them before: warning: 1", "👀"):
        assert part in case.body, case.body
    assert "fools" not in case.body
    assert "nobody hears from whom" in (await private(world, "ben", "Thank you for telling")).body

    # The same message again, by a command with a reason, in another's name: still one case.
    assert await world.ask("ann", f"report {link(world, '#sleep', event)} harm he mocks *everybody* here") != []
    case = shown(world)
    assert "2 people told me" in case.body
    assert "somebody is being hurt" in case.body
    assert "he mocks *everybody* here" in case.body
    (urgent,) = said_to_staff(world, "more urgent than it seemed")
    assert urgent.content["m.mentions"] == {"user_ids": [MOD]}
    assert len(await world.rows(cases)) == 1
    assert {row["user"] for row in await world.rows(reports)} == {ANN, BEN}

    # Looked after by a reaction, taken over by another's, given on by command.
    await world.react("#staff", "olga", case.event_id, "👀")
    await world.settle()
    assert "Olga looks after this" in shown(world).body
    await world.react("#staff", "mod", case.event_id, "👀")
    await world.settle()
    assert "Mod looks after this" in shown(world).body
    await world.say("#staff", "mod", f"!hand over 1 {OLGA}")
    await world.settle()
    assert "asks you to look after a case" in (await private(world, "olga", "Case 1")).body
    assert "Olga looks after it" in (await world.order("mod", "!cases")).body

    # And settled by the one who does, in their direct room.
    asked = await private(world, "olga", "Case 1")
    await world.react("@olga", "olga", asked.event_id, "👍")
    await world.settle()
    assert "Yes, said Olga." in shown(world).body
    for who in ("ben", "ann"):
        assert "We looked at it, and did something" in world.told(who)[-1]
    assert await world.rows(reports) == []
    assert [row for row in await world.rows(prompts) if row["kind"].startswith("report/")] == []
    staff = repr([(seen.body, seen.html) for seen in world.from_hearth("#staff")])
    told = repr([(one.actor, one.target, one.reason, one.room, one.event) for one in await world.ledger() if one.action == "report"])  # fmt: skip
    for reporter in (ANN, BEN, "Ann", "Ben"):
        assert reporter not in staff + told
    for table in metadata.sorted_tables:
        for words in ("mocks", "fools"):
            assert words not in repr(await world.rows(table)), table.name

    # Told again it is no new case, unless it is more urgent now; and nothing happens twice.
    assert "no such message" in "".join(await world.ask("dan", f"report {link(world, '#sleep', event)}"))
    assert (await world.ask("ben", f"report {link(world, '#sleep', event)}"))[0].startswith("Thank you. We have looked")
    assert "Thank you for telling" in (await world.ask("ben", f"report danger {link(world, '#sleep', event)}"))[0]
    assert "danger of their life" in shown(world, 2).body
    assert event in (shown(world, 2).html or "")
    assert len(await world.rows(cases)) == 2
    await world.replay()
    assert world.changes() == []
    assert len(await world.rows(cases)) == 2


async def test_what_cannot_be_seen_and_who_is_not_known_is_no_report(world: World) -> None:
    event = await hurt(world, "zed", "#garden")
    for given, answer in (
        (f"report {link(world, '#garden', event)}", "no such message in a room that you are in"),
        ("report https://matrix.to/#/!elsewhere:x.test/$nothing", "no such message"),
        ("report @nobody:x.test", "was never in one of our rooms"),
        ("report Quincy", "report"),
        (f"report {HEARTH}", "That was me."),
    ):
        assert answer in "".join(await world.ask("ben", given)), given
    world.hs.model.set_profile(world.member("dan").user, displayname="Zed")
    await world.settle()
    assert "Several people are called Zed" in "".join(await world.ask("ben", "report Zed"))
    await world.react("#garden", "dan", await world.say("#garden", "zed", "tomatoes"), "❤️")
    await world.settle()
    assert await world.rows(cases) == []
    assert (await world.order("mod", "!claim 9")).body.startswith("There is no case number 9")


async def test_a_report_about_a_moderator_never_reaches_them(world: World) -> None:
    event = await hurt(world, "mod", "#common")
    await world.ask("ben", f"report {link(world, '#common', event)} harm that was cruel")
    before = len(world.from_hearth("#staff"))
    told = await private(world, "olga", "Case 1")
    assert "Mod" in told.body
    assert "that was cruel" in told.body
    assert "Nothing waits" in (await world.order("mod", "!cases")).body
    assert "Nothing waits" in "".join(await world.ask("mod", "cases"))
    assert "no case number 1" in "".join(await world.ask("mod", "accept 1"))
    assert "- 1, for" in "".join(await world.ask("olga", "cases"))
    await wait(world, HOUR_MS + MINUTE_MS)  # a reminder
    await wait(world, HOUR_MS)
    assert sum("nobody has answered" in text for text in world.told("olga")) == 2
    assert len(world.from_hearth("#staff")) == before + 1  # the answer to `cases`
    # It can be handed over to anybody of staff but the one it is about.
    await world.member("olga").invite(world.room("#staff"), ANN)
    await world.member("ann").join(world.room("#staff"))
    await world.settle()
    assert "Case 1 is about Mod" in "".join(await world.ask("olga", f"hand over 1 {MOD}"))
    await world.ask("olga", f"hand over 1 {ANN}")
    assert "asks you to look after a case" in (await private(world, "ann", "Case 1")).body
    assert "Ann looks after this" in (await private(world, "olga", "Case 1")).body
    late = await private(world, "olga", "nobody has answered")
    await world.react("@olga", "olga", late.event_id, "👍")
    await world.settle()
    assert "did something about it" in world.told("ben")[-1]
    assert MOD not in repr([(one.target, one.reason) for one in await world.ledger()])
    assert not any("Case" in text for text in world.told("mod"))
    await world.replay()
    assert world.changes() == []


async def test_where_nobody_else_could_look_at_it_that_is_said(world: World) -> None:
    data = world.config.model_dump()
    data["matrix"] = world.config.matrix.model_dump() | {"access_token": world.config.matrix.access_token}
    data["community"]["moderators"] = []
    await world.stop()
    world.config = Config.model_validate(data)
    await world.member("mod").leave(world.room("#staff"))
    await world.start()
    assert "nobody but them" in "".join(await world.ask("ben", f"report {OLGA}"))
    assert await world.rows(cases) == []


async def test_what_waits_too_long_is_brought_back_to_mind_and_whoever_left_staff_looks_after_nothing(
    world: World,
) -> None:
    await world.ask("ben", f"report {ZED}")
    assert "Somebody told me of Zed" in shown(world).body
    await wait(world, 23 * HOUR_MS)
    assert said_to_staff(world, "nobody has answered") == []
    await wait(world, HOUR_MS + MINUTE_MS)
    (reminder,) = said_to_staff(world, "nobody has answered")
    assert reminder.content["m.mentions"] == {"user_ids": [MOD]}
    assert world.told("olga") == []
    await world.say("#staff", "mod", "!claim 1")
    await world.settle()
    await wait(world, 24 * HOUR_MS + MINUTE_MS)
    assert (await private(world, "mod", "Mod looks after it, and it is not settled")).body
    await world.restart()
    await wait(world, 24 * HOUR_MS + MINUTE_MS)
    assert (await private(world, "olga", "Mod looks after it")).body
    assert len(said_to_staff(world, "looks after it, and it is not settled")) == 1
    # The moderator goes; the case is nobody's again.
    data = world.config.model_dump()
    data["matrix"] = world.config.matrix.model_dump() | {"access_token": world.config.matrix.access_token}
    data["community"]["moderators"] = []
    await world.stop()
    world.config = Config.model_validate(data)
    await world.member("mod").leave(world.room("#staff"))
    await world.start()
    await wait(world, MINUTE_MS)
    assert len(said_to_staff(world, "Nobody looks after case 1 any more")) == 1
    assert "looks after this" not in shown(world).body
    await world.say("#staff", "olga", "!refuse 1")
    await world.settle()
    assert "leave it as it is" in world.told("ben")[-1]


async def test_danger_of_life_calls_people_at_once_and_nothing_is_kept_of_it(world: World) -> None:
    event = await world.say("#sleep", "eve", "good bye then")
    await world.settle()
    await world.react("#sleep", "ben", event, FLAG)
    await world.settle()
    thanks = await private(world, "ben", "Thank you for telling")
    await world.react("@ben", "ben", thanks.event_id, "🆘")
    await world.settle()
    assert "danger of their life" in shown(world).body
    assert said_to_staff(world, "more urgent")[0].content["m.mentions"] == {"user_ids": [MOD]}
    assert "danger of their life" in (await private(world, "ann", "Case 1")).body  # the circle's curator
    assert world.told("eve") == []  # on somebody else's word no program writes to her
    await wait(world, 11 * MINUTE_MS)
    assert "Eve" in (await private(world, "olga", "nobody has answered")).body
    case = await private(world, "ann", "Case 1")
    await world.react("@ann", "ann", case.event_id, "👍")
    await world.settle()
    assert "Somebody is with them now" in world.told("ben")[-1]
    (row,) = await world.rows(cases)
    assert (row["subject"], row["room"], row["state"]) == ("", None, "settled")
    assert EVE not in repr([(one.target, one.reason, one.outcome) for one in await world.ledger()])
    assert "Eve" not in shown(world).body


async def test_a_copy_and_its_source_are_one_case_about_whoever_wrote_it_and_a_curator_hears_nothing_of_their_own(
    world: World,
) -> None:
    event = await world.say("#sleep", "ann", "nobody needs you here #common")
    await world.settle()
    (copy,) = world.from_hearth("#common")
    flag = await world.react("#common", "dan", copy.event_id, FLAG)  # who cannot see the circle
    await world.settle()
    assert world.hs.room(world.room("#common")).by_id[flag].redacted_because
    assert event in (shown(world).html or "")
    assert f"Ann ({ANN})" in shown(world).body
    await world.ask("ben", f"report {link(world, '#sleep', event)} danger she may do something")
    assert len(await world.rows(cases)) == 1
    assert "2 people told me" in shown(world).body
    assert "danger of their life" in shown(world).body
    assert not any("Case" in text for text in world.told("ann"))
    notice = world.from_hearth("#staff")[0]
    await world.react("#staff", "mod", notice.event_id, FLAG)  # what is ours is nobody's
    await world.settle()
    assert len(await world.rows(cases)) == 1


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
async def test_a_kill_in_the_middle_neither_loses_a_report_nor_tells_it_twice(world: World, kind: Any) -> None:
    event = await hurt(world)
    hanging = world.hs.faults.add(kind, path="/send/", times=None)
    await world.react("#sleep", "ben", event, FLAG)
    await world.hs.until(lambda: hanging.hits > 0, what="a request in the middle")
    await world.stop()
    hanging.release()
    await world.start()
    await world.settle()
    assert len(said_to_staff(world, "Case 1:")) == 1
    await world.direct("ben")
    assert sum("Thank you for telling" in text for text in world.told("ben")) == 1
    assert [row["key"] for row in await world.rows(outbox) if row["state"] == "due"] == []


async def test_the_button_of_a_client_is_heard_where_the_homeserver_passes_it_on(world: World) -> None:
    root = await world.hs.user("@root:a.test", admin=True)
    data = world.config.model_dump()
    data["matrix"] = world.config.matrix.model_dump() | {"access_token": world.config.matrix.access_token}
    data["reports"] = {"admin_token": root.token()}
    event = await hurt(world)
    await world.member("ben").report(world.room("#sleep"), event, "please look")
    elsewhere = await world.member("ben").create()
    await world.member("ben").report(elsewhere, await world.member("ben").say(elsewhere, "not here"), "no")
    await world.stop()
    world.config = Config.model_validate(data)
    await world.start()
    await world.ring("report button")
    await world.settle()
    assert "please look" in shown(world).body
    assert len(await world.rows(cases)) == 1
    await world.member("ann").report_person(EVE, "and she writes to me")
    await world.member("ann").report(world.room("#sleep"), event)
    broken = world.hs.faults.add("status", path="/event_reports", status=502, times=1)
    await world.ring("report button")
    assert broken.hits
    for _ in range(2):
        await world.ring("report button")
        await world.settle()
    assert "2 people told me of it" in shown(world).body
    assert "and she writes to me" in shown(world, 2).body
    assert "Also waiting about them: case 1" in shown(world, 2).body
    assert "please look" not in repr(await world.rows(outbox))
