"""Staff looks at the plan, carries it out and keeps what was changed by hand, without stopping Hearth."""

from typing import Any

import pytest

from bridge.config import Config
from bridge.config_file import ConfigError
from bridge.config_mistakes import Mistake
from bridge.store import ledger
from bridge.store import settings as decisions
from bridge.store.tables import outbox, settings
from tests.flows.world import World, often, on_a_file

pytestmark = on_a_file

PLANNED = "This is what !apply would do:\n\ncircle/sleep\n- ~ m.room.topic topic: nothing -> 'Bad nights'\n\nIn all: 1 change."


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    often(monkeypatch, "asked", "decided")


NOTHING = "There is nothing in circle/sleep that I could keep for that."


def changed(world: World, **fields: Any) -> dict[str, Any]:
    """The file with another first circle."""
    data = world.config.model_dump(mode="json")
    data["matrix"]["access_token"] = world.config.matrix.access_token.get_secret_value()  # type: ignore[union-attr]
    first, *others = data["community"]["circles"]
    data["community"]["circles"] = [{**first, **fields}, *others]
    return data


def write(world: World, data: dict[str, Any]) -> None:
    """The file says this from now on; Hearth has not read it."""
    assert world.hearth
    world.hearth.read_again = lambda: Config.model_validate(data)


async def ask(world: World, text: str) -> str:
    """A command, and what Hearth says to it in the end."""
    return await answered(world, await world.say("#staff", "mod", text))


async def answered(world: World, event: str) -> str:
    """What Hearth says in the end to a command: it looks once in a second whether something was asked."""

    async def said() -> bool:
        return any(seen.reply_to == event for seen in world.from_hearth("#staff"))

    await world.until(said, what="an answer")
    await world.settle()
    return world.answer_to("#staff", event).body


async def test_a_changed_file_is_shown_and_applied_while_hearth_runs(world: World) -> None:
    assert await ask(world, "!plan") == "Nothing to change: the rooms are as they should be."
    write(world, changed(world, topic="Bad nights"))
    assert await ask(world, "!plan") == PLANNED
    assert world.hs.room(world.rooms["#sleep"]).content("m.room.topic") == {}
    assert await ask(world, "!apply") == "That is done: 1 step."
    assert world.hs.room(world.rooms["#sleep"]).content("m.room.topic")["topic"] == "Bad nights"
    assert await ask(world, "!apply") == "Nothing to change: the rooms are as they should be."
    assert [(entry.action, entry.outcome) for entry in await world.ledger()] == [
        ("plan", {"steps": 0}),
        ("plan", {"steps": 1}),
        ("apply", {"done": 1, "refused": {}}),
        ("apply", {"done": 0, "refused": {}}),
    ]
    await world.replay()
    assert world.changes() == []


async def test_what_cannot_be_undone_is_refused_until_it_is_asked_for_again(world: World) -> None:
    write(world, changed(world, encrypted=True))
    told = await ask(world, "!apply")
    assert told == (
        "I have not done anything yet, because this needs a second word:\n"
        "- circle/sleep would be encrypted, and nobody can switch that off again.\n\n"
        "If all of that is meant, write !apply force."
    )
    assert world.hs.room(world.rooms["#sleep"]).content("m.room.encryption") == {}
    assert not world.hearth.config.community.circles[0].encrypted  # type: ignore[union-attr]
    assert await ask(world, "!apply force") == "That is done: 1 step."
    assert world.hs.room(world.rooms["#sleep"]).content("m.room.encryption") != {}


async def test_a_command_about_a_room_never_does_by_the_way_what_cannot_be_undone(world: World) -> None:
    await world.stop()
    world.config = Config.model_validate(changed(world, encrypted=True))
    await world.start()
    assert await ask(world, "!plan") != "Nothing to change: the rooms are as they should be."
    assert world.hearth
    async with world.hearth.database.writing() as db:
        cause = await ledger.write(db, "@mod:a.test", "topic", "sleep", None, None, None, None, world.clock())
        await decisions.decide(db, "circle/sleep", "topic", "Nights", cause, world.clock())
    await world.until(lambda: _all_applied(world), what="carried out")
    assert world.hs.room(world.rooms["#sleep"]).content("m.room.topic")["topic"] == "Nights"
    assert world.hs.room(world.rooms["#sleep"]).content("m.room.encryption") == {}


async def test_what_was_changed_by_hand_is_shown_and_put_right_or_kept(world: World) -> None:
    sleep = world.rooms["#sleep"]
    await world.member("olga").join(sleep)
    await world.member("olga").state(sleep, "m.room.topic", {"topic": "Taken over"})
    await world.member("olga").state(sleep, "m.room.name", {"name": "Night owls"})
    told = await ask(world, "!plan")
    assert (
        "- ~ m.room.topic topic: 'Taken over' -> '' (done by hand, by Olga; !adopt circle/sleep topic keeps it)" in told
    )
    assert "In all: 2 changes, 2 of them undo what was done by hand." in told
    kept = (
        "Kept: in circle/sleep what the room has now for topic is what is wanted from here on, whatever the file says."
    )
    assert await ask(world, "!adopt #sleep topic") == kept
    assert await ask(world, "!apply") == "That is done: 1 step."
    assert world.hs.room(sleep).content("m.room.topic")["topic"] == "Taken over"
    assert world.hs.room(sleep).content("m.room.name")["name"] == "Sleeping well"
    assert await ask(world, "!plan") == "Nothing to change: the rooms are as they should be."
    assert await ask(world, "!adopt #sleep encrypted") == (
        f"{NOTHING}\n\nIt is not encrypted. If that shall stay so, write encrypted: false in the configuration."
    )
    await world.restart()
    assert await ask(world, "!plan") == "Nothing to change: the rooms are as they should be."


async def test_mistakes_in_the_file_are_told_and_change_nothing(world: World) -> None:
    assert world.hearth

    def wrong() -> Config:
        raise ConfigError([Mistake("config.yaml", 3, "zone", "unknown time zone")])

    world.hearth.read_again = wrong
    assert await ask(world, "!apply") == (
        "The configuration cannot be used like this, so I go on with what I read before:\n"
        "- config.yaml:3: zone: unknown time zone"
    )


async def test_a_long_plan_has_pages(world: World) -> None:
    data = world.config.model_dump(mode="json")
    data["matrix"]["access_token"] = world.config.matrix.access_token.get_secret_value()  # type: ignore[union-attr]
    data["community"]["circles"] += [{"name": f"New {number}", "tag": f"new{number}"} for number in range(20)]
    write(world, data)
    first, second = await ask(world, "!plan"), await ask(world, "!plan 2")
    assert "Page 1 of 2; !plan 2 shows the next." in first
    assert "In all" not in first
    assert "In all: 20 rooms to make, 20 changes." in second
    for number in range(20):
        assert f"make the room 'New {number}'" in first + second


async def test_a_member_cannot_ask_for_any_of_it(world: World) -> None:
    for text in ("plan", "apply", "adopt #sleep topic"):
        assert "moderators" in (await world.ask("ann", text))[-1]
    assert await world.rows(settings) == []


async def test_a_kill_before_the_answer_loses_nothing(world: World) -> None:
    write(world, changed(world, topic="Bad nights"))
    await world.stop()
    event = await world.say("#staff", "mod", "!apply")
    world.config = Config.model_validate(changed(world, topic="Bad nights"))
    await world.start()
    assert await answered(world, event) == "That is done: 1 step."
    await world.restart()
    await world.settle()
    assert len([row for row in await world.rows(outbox) if row["key"] == f"answered/{event}"]) == 1


@pytest.mark.parametrize(
    ("text", "said"), [("!apply", "That is done: 1 step."), ("!plan 9", PLANNED)], ids=["apply", "plan"]
)
async def test_a_homeserver_that_is_away_is_waited_for(world: World, text: str, said: str) -> None:
    write(world, changed(world, topic="Bad nights"))
    fault = world.hs.faults.add("status", path="/capabilities", status=502, times=None)
    event = await world.say("#staff", "mod", text)
    await world.until(lambda: _hit(fault), what="asked in vain")
    fault.release()
    assert await answered(world, event) == said
    assert "went wrong" not in "".join(seen.body for seen in world.from_hearth("#staff"))


async def _hit(fault: Any) -> bool:
    return bool(fault.hits)


async def _all_applied(world: World) -> bool:
    return all(row["applied_ms"] for row in await world.rows(settings))


async def test_servers_and_retention_set_by_hand_can_be_kept(world: World) -> None:
    room = world.rooms["#sleep"]
    olga = world.member("olga").user_id
    for kind, content in (
        ("m.room.retention", {"max_lifetime": 30 * 86_400_000}),
        ("m.room.server_acl", {"allow": ["a.test", "b.test"], "deny": [], "allow_ip_literals": True}),
    ):
        world.hs.inject(room, olga, kind, content, ts=world.clock(), state_key="")
    await world.settle()
    plan = await ask(world, "!plan")
    assert "!adopt circle/sleep retention_days" in plan
    assert "!adopt circle/sleep servers" in plan
    for field in ("retention_days", "servers"):
        await ask(world, f"!adopt #sleep {field}")
    assert await ask(world, "!plan") == "Nothing to change: the rooms are as they should be."


async def test_powers_set_by_hand_can_be_kept_but_not_those_of_single_people(world: World) -> None:
    room, olga = world.rooms["#sleep"], world.member("olga").user_id
    levels = world.hs.room(room).content("m.room.power_levels")
    by_hand = {
        **levels,
        "kick": 60,
        "state_default": 0,
        "events": {**levels["events"], "m.room.topic": 0},
        "users": {**levels["users"], world.member("ann").user_id: 0},
    }
    world.hs.inject(room, olga, "m.room.power_levels", by_hand, ts=world.clock(), state_key="")
    await world.settle()
    plan = await ask(world, "!plan")
    assert "m.room.power_levels kick: 60 -> 50 (done by hand, by Olga; !adopt circle/sleep power keeps it)" in plan
    assert "m.room.power_levels state_default: 0 -> 50 (done by hand, by Olga)" in plan
    assert await ask(world, "!adopt #sleep power") == (
        "Kept: in circle/sleep what the room has now for power is what is wanted from here on, whatever the file says.\n\n"
        "Who may do what there: kick: 60. !plan shows what follows from it.\n\n"
        "What power single people have goes by their role, and is not kept so: Ann.\n\n"
        "!adopt circle/sleep curators makes curators of those who stand there as such, and !apply puts the others right; "
        "moderators and owners are named in the configuration.\n\n"
        "For these the configuration has no words, so !apply puts them right: state_default."
    )
    assert await ask(world, "!apply") == "That is done: 1 step."
    now = world.hs.room(room).content("m.room.power_levels")
    assert now == {**by_hand, "state_default": levels["state_default"], "users": levels["users"]}
    assert await ask(world, "!plan") == "Nothing to change: the rooms are as they should be."
    assert await ask(world, "!adopt #sleep power") == (
        f"{NOTHING}\n\nNo power differs there for which the configuration has a word."
    )
    await world.restart()
    assert await ask(world, "!plan") == "Nothing to change: the rooms are as they should be."


async def test_a_welcome_that_was_unpinned_can_stay_so(world: World) -> None:
    room, olga = world.rooms["#sleep"], world.member("olga").user_id
    write(world, changed(world, welcome="Good to have you"))
    assert await ask(world, "!apply") == "That is done: 2 steps."
    why = (
        f"{NOTHING}\n\nI can only keep that nobody is welcomed there any more, once my own message is no longer pinned. "
        "What people pin themselves stays as it is; other words of mine are said by !circle welcome #sleep."
    )
    assert await ask(world, "!adopt #sleep welcome") == why
    theirs = world.hs.inject(room, olga, "m.room.message", {"msgtype": "m.text", "body": "Read me"}, ts=world.clock())
    pins = {"pinned": [theirs]}
    world.hs.inject(room, olga, "m.room.pinned_events", pins, ts=world.clock(), state_key="")
    await world.settle()
    assert "!adopt circle/sleep welcome keeps it" in await ask(world, "!plan")
    assert (await ask(world, "!adopt #sleep welcome")).startswith("Kept: ")
    assert await ask(world, "!apply") == "Nothing to change: the rooms are as they should be."
    assert world.hs.room(room).content("m.room.pinned_events") == pins
    assert "Read me" not in repr(await world.rows(settings))
    assert await ask(world, "!adopt #sleep tag") == (
        f"{NOTHING}\n\nA tag is written in no room, so nobody can change it there by hand. "
        "!circles rename gives a circle another one."
    )
