"""Newcomers are led through the first steps in their direct room, once, in their own language, however often Hearth dies."""

from typing import Any

import pytest
from community import HEARTH
from world import World, on_a_file

from bridge.store.tables import onboarding
from tests.fake import Seen

RULES = {"en": "1. Be **kind**.\n2. What is said here stays here.", "de": "Sei freundlich.", "ru": "Будьте добры."}


async def with_rules(world: World, rules: Any = RULES, **community: Any) -> None:
    """The world again, with rules in its configuration."""
    await world.stop()
    data = world.config.model_dump()
    data["matrix"]["access_token"] = world.config.matrix.access_token.get_secret_value()  # type: ignore[union-attr]
    data["community"] |= {"rules": rules, **community}
    await world.build(data)
    await world.start()


async def arrives(world: World, name: str = "nora", server: str = "b.test") -> None:
    """Somebody new enters the space."""
    member = await world.hs.user(f"@{name}:{server}")
    world.people[name] = member
    world.hs.model.set_profile(member.user, displayname=name.capitalize())
    await world.member("olga").invite(world.room("#space"), member.user_id)
    await member.join(world.room("#space"))
    await world.settle()
    if world.config.community.onboarding:
        await world.direct(name)


async def last(world: World, who: str = "nora") -> Seen:
    """What Hearth said to them last in their direct room."""
    return world.from_hearth(await world.direct(who), who)[-1]


async def react(world: World, key: str, who: str = "nora") -> str:
    """React on Hearth's last words; what it says to that."""
    await world.react(await world.direct(who), who, (await last(world, who)).event_id, key)
    await world.settle()
    return (await last(world, who)).body


async def answer(world: World, text: str, who: str = "nora") -> str:
    """Answer; the one thing that Hearth says to that."""
    (said,) = await world.ask(who, text)
    return said


async def where(world: World, user: str = "@nora:b.test") -> tuple[str, str]:
    (row,) = [row for row in await world.rows(onboarding) if row["user"] == user]
    return row["state"], row["step"]


async def test_a_newcomer_is_led_through_every_step(world: World) -> None:
    await with_rules(world)
    await world.say("#common", "ann", "Who sleeps? #moon")
    await arrives(world)
    first = (await last(world)).body
    assert "Welcome to Lantern!" in first
    assert "По-русски: поставьте реакцию 2️⃣" in first
    assert "Auf Deutsch: reagiere mit 3️⃣" in first
    rules = await react(world, "1️⃣")
    assert "What is said here stays here." in rules
    assert "<strong>kind</strong>" in ((await last(world)).html or "")
    zone = await react(world, "✅")
    assert zone.startswith("Thank you.")
    assert "time zone" in zone
    name = await answer(world, "London")
    assert "Your time zone is now Europe/London" in name
    assert "By which name" in name
    assert "looks too much like" in await answer(world, "Аnn")
    assert "I call you that" in await answer(world, "Quittenblüte")
    assert (await world.ask("nora", "name"))[0] == "You are known here as Quittenblüte."
    (row,) = await world.rows(
        onboarding
    )  # of those who have long been there nobody, although we are told of them again
    assert row["rules_accepted"]
    assert row["accepted_ms"]


@on_a_file
@pytest.mark.parametrize(
    ("choice", "rules", "accept", "zone", "skip", "end"),
    [
        ("English", "Be kind", "yes", "time zone", "skip", "That is all for now"),
        ("2", "Будьте добры", "да", "часовом поясе", "пропустить", "Пока это всё"),
        ("Deutsch", "Sei freundlich", "ja", "Zeitzone", "überspringen", "Das ist fürs Erste alles"),
    ],
)
async def test_it_speaks_the_newcomers_language(
    world: World, choice: str, rules: str, accept: str, zone: str, skip: str, end: str
) -> None:
    await with_rules(world)
    await arrives(world)
    assert rules in (await answer(world, choice)).replace("**", "")
    assert zone in await answer(world, accept)
    said = await answer(world, skip)
    while end not in said:
        said = await answer(world, skip)
    assert (await where(world))[0] == "waiting"


@on_a_file
async def test_what_one_touch_can_answer_stands_below_the_question(world: World) -> None:
    await arrives(world)
    seen = await last(world)
    assert {key for key, who in seen.reactions.items() if HEARTH in who} == {"1️⃣", "2️⃣", "3️⃣"}


@on_a_file
async def test_first_follows_are_suggested_once_there_is_a_circle(world: World) -> None:
    await world.say("#common", "ann", "Who sleeps? #moon")
    await arrives(world)
    for _ in range(4):
        if (await where(world))[0] == "open":
            await answer(world, "skip")
    assert (await where(world)) == ("waiting", "follows")
    await world.member("nora").join(world.room("#sleep"))
    await world.member("nora").join(world.room("#common"))
    await world.settle()
    offered = (await last(world)).body
    assert "1: " in offered
    assert "#sleep" in offered
    assert "Ann" in offered
    said = await answer(world, "1 #moon")
    assert "You now follow all in #sleep" in said
    assert "digest every day" in said
    assert "That is all." in said
    assert len(await world.ask("nora", "follows")) == 1
    assert (await where(world)) == ("done", "follows")


async def test_everything_can_be_passed_over_and_is_asked_once(world: World) -> None:
    await with_rules(world)
    await arrives(world)
    for _ in range(5):
        if (await where(world))[0] == "open":
            await react(world, "⏭️")
    assert (await where(world))[0] == "waiting"
    said = world.told("nora")
    await world.member("nora").leave(world.room("#space"))
    await world.settle()
    await world.member("olga").invite(world.room("#space"), "@nora:b.test")
    await world.member("nora").join(world.room("#space"))
    await world.settle()
    assert world.told("nora") == said
    await world.replay()
    assert world.changes() == []
    assert world.told("nora") == said


@on_a_file
async def test_who_was_here_before_is_not_asked(world: World) -> None:
    await with_rules(world)
    world.hs.model.set_profile(world.member("ann").user, displayname="Annie")
    await world.settle()
    assert world.told("ann") == []
    assert await world.rows(onboarding) == []


@on_a_file
async def test_a_break_ends_with_one_reminder_at_noon(world: World) -> None:
    await world.turn_to("2026-01-05 10:00")
    await arrives(world)
    await answer(world, "English")
    assert "Wed, Jan 7, 12:00" in await answer(world, "later")
    assert "did not understand" in await answer(world, "I am in Hamburg now")
    said = len(world.told("nora"))
    await world.turn_to("2026-01-07 11:59")
    assert len(world.told("nora")) == said
    await world.turn_to("2026-01-07 12:01")
    assert "You wanted to go on later" in (await last(world)).body
    await world.turn_to("2026-01-12 12:00")
    assert len(world.told("nora")) == said + 1
    assert "Europe/Moscow" in await answer(world, "Москва")


@on_a_file
async def test_who_took_a_break_can_go_on_at_any_time(world: World) -> None:
    await arrives(world)
    await answer(world, "later")
    assert "In English" in await answer(world, "continue")
    await answer(world, "later")
    room = await world.direct("nora")
    first = world.from_hearth(room, "nora")[0]
    await world.react(room, "nora", first.event_id, "3️⃣")
    await world.settle()
    assert "Zeitzone" in (await last(world)).body


@on_a_file
async def test_a_command_is_a_command_and_can_be_an_answer_too(world: World) -> None:
    await arrives(world)
    assert any("follow" in said for said in await world.ask("nora", "help"))
    assert (await where(world)) == ("open", "language")
    said = await world.ask("nora", "language de")
    assert any("Deutsch" in one for one in said)
    assert any("Zeitzone" in one for one in said)
    assert (await where(world)) == ("open", "zone")


@on_a_file
async def test_what_cannot_be_read_is_asked_for_again(world: World) -> None:
    await arrives(world)
    await answer(world, "English")
    assert "Europe/Berlin" in await answer(world, "Berlim")
    assert "do not know that place" in await answer(world, "the moon")
    assert (await where(world)) == ("open", "zone")


async def test_a_death_in_between_loses_nothing_and_repeats_nothing(world: World) -> None:
    await arrives(world)
    room = await world.direct("nora")
    await world.stop()
    await world.say(room, "nora", "Deutsch")
    await world.start()
    await world.settle()
    await world.restart()
    await world.settle()
    said = [body for body in world.told("nora") if "Zeitzone" in body]
    assert len(said) == 1
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_nobody_else_can_answer(world: World) -> None:
    await arrives(world)
    await world.ask("eve", "Deutsch")
    room = await world.direct("nora")
    first = world.from_hearth(room, "nora")[0]
    await (await world.hs.user(HEARTH)).invite(room, "@eve:b.test")
    await world.member("eve").join(room)
    await world.react(room, "eve", first.event_id, "3️⃣")
    await world.settle()
    assert (await where(world)) == ("open", "language")


async def test_a_thread_waits_until_its_author_accepted_the_rules(world: World) -> None:
    await with_rules(world)
    await arrives(world)
    nora = world.member("nora")
    await nora.join(world.room("#sleep"))
    await nora.join(world.room("#common"))
    await world.say("#sleep", "nora", "I dream too much #common")
    await world.settle()
    assert not any("I dream" in seen.body for seen in world.from_hearth("#common"))
    assert any("before threads are shared" in body for body in world.told("nora"))
    await world.say("#sleep", "ann", "I do not dream at all #common")
    await world.settle()
    assert any("I do not dream" in seen.body for seen in world.from_hearth("#common"))
    (said,) = await world.ask("nora", "rules yes")
    assert "You have accepted" in said
    assert len([seen for seen in world.from_hearth("#common") if "I dream" in seen.body]) == 1
    await world.tick()
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_new_rules_are_shown_once_and_by_day(world: World) -> None:
    await with_rules(world, "Be kind.")
    await arrives(world)
    await answer(world, "English")
    await answer(world, "yes")
    while (await where(world))[0] == "open":
        await answer(world, "skip")
    said = len(world.told("nora"))
    world.clock.turn_to("2026-01-06 23:00")
    await with_rules(world, "Be kind, and quiet at night.")
    await world.tick()
    assert len(world.told("nora")) == said
    await world.turn_to("2026-01-07 08:00")
    await world.turn_to("2026-01-08 08:00")
    assert len(world.told("nora")) == said + 1
    assert "quiet at night" in (await last(world)).body
    assert "an earlier version" in await answer(world, "rules")
    room = await world.direct("nora")
    shown = next(seen for seen in world.from_hearth(room, "nora") if "changed a little" in seen.body)
    await world.react(room, "nora", shown.event_id, "👍🏽")
    await world.settle()
    assert "You have accepted" in (await last(world)).body
    assert "You accepted this" in await answer(world, "rules")


@on_a_file
async def test_without_onboarding_nobody_is_asked(world: World) -> None:
    await with_rules(world, onboarding=False)
    await arrives(world)
    assert world.told("nora") == []
    assert await world.rows(onboarding) == []
