"""Who sounds as if in danger of their life is never hidden: they get help lines, people are called until one answers, and nothing is kept of it."""

from pathlib import Path
from typing import Any

import pytest
from community import HEARTH, PEOPLE
from world import World, on_a_file

from bridge.store.tables import cases, due, metadata
from tests.fake import Seen

ANN, EVE, MOD, OLGA = (PEOPLE[name] for name in ("ann", "eve", "mod", "olga"))
CRY = "I don't want to live any more. Visit my casino of sorrows"


def shown(world: World) -> Seen:
    """The case in the staff room."""
    (case,) = [seen for seen in world.from_hearth("#staff") if seen.body.startswith("Case")]
    return case


async def cry(world: World, who: str = "eve", room: str = "#sleep", text: str = CRY) -> str:
    event = await world.say(room, who, text)
    await world.settle()
    return event


async def with_words(world: World) -> None:
    section = type(world.config.protections).model_validate({"words": {"words": ["casino", "sorrows"]}})
    await world.stop()
    world.config = world.config.model_copy(update={"protections": section})
    await world.start()
    await world.settle()


async def test_nothing_is_hidden_and_everybody_who_can_help_is_called_at_once(world: World) -> None:
    await with_words(world)
    event = await cry(world)
    assert not any(seen.redacted for seen in world.member("ann").sees(world.room("#sleep")))
    await world.direct("eve")
    (help_lines,) = world.told("eve")
    assert "you are not alone" in help_lines.casefold()
    assert "TelefonSeelsorge" in help_lines  # by the time zone of the community
    assert "116 123" in help_lines
    assert "Samaritans" not in help_lines
    await world.direct("ann")
    (called,) = world.told("ann")
    assert "danger to life" in called
    case = shown(world)
    assert case.content["m.mentions"] == {"user_ids": [MOD]}
    assert event in (case.html or "")
    assert "casino" not in repr([world.from_hearth("#staff"), called])
    (entry,) = await world.ledger()
    assert (entry.action, entry.target, entry.reason, entry.rule, entry.room, entry.event) == (
        "care", "case 1", None, "crisis", None, None,
    )  # fmt: skip
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_a_curator_answers_by_one_reaction_and_nothing_is_kept_of_whom_it_was_about(world: World) -> None:
    await cry(world)
    room = await world.direct("ann")
    (called,) = [seen for seen in world.from_hearth(room, "ann") if "danger to life" in seen.body]
    await world.react(room, "ann", called.event_id, "👍")
    await world.settle()
    assert "Yes, said Ann." in shown(world).body
    assert "eve" not in shown(world).body.casefold()
    (case,) = await world.rows(cases)
    assert (case["state"], case["subject"], case["room"]) == ("settled", "", None)
    assert await world.rows(due) == [each for each in await world.rows(due) if each["kind"] != "case"]
    assert EVE not in repr([(each.actor, each.target, each.reason) for each in await world.ledger()])
    for table in metadata.sorted_tables:
        assert "sorrows" not in repr(await world.rows(table)), table.name


@on_a_file
async def test_a_false_alarm_is_one_reaction_of_staff(world: World) -> None:
    await cry(world)
    await world.react("#staff", "mod", shown(world).event_id, "👎")
    await world.settle()
    assert "No, said Mod." in shown(world).body
    said = len(world.told("olga"))
    world.clock.forward(60 * 60_000)
    await world.ring("cases")
    await world.settle()
    assert len(world.told("olga")) == said


@on_a_file
async def test_when_nobody_answers_the_owners_are_called_and_staff_again_until_somebody_does(world: World) -> None:
    await cry(world)
    world.clock.forward(9 * 60_000)
    await world.ring("cases")
    await world.settle()
    assert not any("nobody has answered" in seen.body for seen in world.from_hearth("#staff"))
    await world.restart()
    world.clock.forward(61_000)
    await world.ring("cases")
    await world.settle()
    (late,) = [seen for seen in world.from_hearth("#staff") if "nobody has answered" in seen.body]
    assert late.content["m.mentions"] == {"user_ids": sorted([MOD, OLGA])}
    room = await world.direct("olga")
    (called,) = [seen for seen in world.from_hearth(room, "olga") if "nobody has answered" in seen.body]
    world.clock.forward(10 * 60_000)
    await world.ring("cases")
    await world.settle()
    assert len([seen for seen in world.from_hearth("#staff") if "nobody has answered" in seen.body]) == 2
    await world.react(room, "olga", called.event_id, "👍")
    await world.settle()
    world.clock.forward(10 * 60_000)
    await world.ring("cases")
    await world.settle()
    assert len([seen for seen in world.from_hearth("#staff") if "nobody has answered" in seen.body]) == 2


@on_a_file
async def test_one_person_is_one_case_and_help_lines_are_not_sent_again_and_again(world: World) -> None:
    await world.ask("ben", "language russian")
    await world.ask("ben", "timezone Europe/Vienna")
    before = len(world.told("ben"))
    for text in ("Я больше не хочу жить", "Хочу умереть", "Мне очень плохо, не хочу жить"):
        await cry(world, "ben", "#common", text)
    new = world.told("ben")[before:]
    assert len(new) == 1
    assert "142" in new[0]
    assert "Вы не одни" in new[0]
    assert len(await world.rows(cases)) == 1


@on_a_file
async def test_who_left_our_chats_twice_is_given_the_help_lines_all_the_same(world: World) -> None:
    await world.ask("eve", "follow #sleep")
    eve = world.member("eve")
    await eve.leave(await world.direct("eve"))
    for _ in range(2):
        await cry(world)
        (room,) = [each for each in eve.invites() if world.name_of(each) == each]
        await eve.join(room)
        (said,) = [seen.body for seen in world.from_hearth(room, "eve")]
        assert "you are not alone" in said.casefold()
        await eve.leave(room)
        await world.settle()
        world.clock.forward(7 * 60 * 60_000)
    assert not any("could not write privately" in seen.body for seen in world.from_hearth("#staff"))


@on_a_file
async def test_staff_and_the_direct_room_are_no_exception(world: World) -> None:
    await cry(world, "mod", "#common", "Honestly, I want to die")
    await world.direct("ben")
    await world.write_to_hearth("ben", "I want to kill myself")
    await world.settle()
    assert any("you are not alone" in text.casefold() for text in world.told("ben"))
    bodies = [seen.body for seen in world.from_hearth("#staff") if seen.body.startswith("Case")]
    assert [body.partition(":")[0] for body in bodies] == ["Case 1", "Case 2"]
    assert "wrote to me alone" in bodies[1]
    await world.direct("ann")
    assert sum("wrote to me alone" in text for text in world.told("ann")) == 1


@on_a_file
@pytest.mark.parametrize("kind", ["hang", "hang_after"])
async def test_a_kill_in_the_middle_loses_no_call(world: World, kind: Any) -> None:
    hanging = world.hs.faults.add(kind, path="/send/", times=None)
    event = await world.say("#sleep", "eve", CRY)
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.settle()
    await world.direct("eve")
    await world.direct("ann")
    assert len(world.told("eve")) == len(world.told("ann")) == 1
    assert event in (shown(world).html or "")
    assert {seen.sender for seen in world.from_hearth("#staff")} == {HEARTH}


@on_a_file
async def test_the_communitys_own_lines_are_told_and_an_old_date_is_brought_to_mind_once_a_month(world: World) -> None:
    guide = {"reviewed": "2024-12-01", "en": ["farewell"], "lines": [{"country": "DE", "name": "Our own line", "phone": "123"}, {"country": "JP", "name": "Far line", "phone": "456"}, {"country": "DE", "name": "Unfinished"}]}  # fmt: skip
    section = type(world.config.protections).model_validate({"crisis": {"guide": guide}})
    await world.stop()
    world.config = world.config.model_copy(update={"protections": section})
    await world.start()
    await world.direct("eve")
    await world.ask("eve", "timezone Asia/Tokyo")
    await cry(world, text="Farewell to you all")
    assert "Far line: 456" in world.told("eve")[-1]
    assert "Our own line" not in world.told("eve")[-1]
    reminders = []
    for day in ("2026-01-06", "2026-01-20", "2026-02-02"):
        world.clock.turn_to(f"{day} 10:00")
        await world.ring("help lines")
        await world.settle()
        reminders.append([seen.body for seen in world.from_hearth("#staff") if "last looked at" in seen.body])
    assert [len(each) for each in reminders] == [1, 1, 2]
    assert "Unfinished" in reminders[0][0]


def test_the_help_lines_that_come_along_say_when_they_were_looked_at() -> None:
    text = (Path(__file__).parents[2] / "bridge/moderation/crisis.yaml").read_text(encoding="utf-8")
    assert "\nreviewed: " in text
