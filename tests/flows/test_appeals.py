"""Whoever was acted upon may ask once that somebody else looks at it again, banned or not; who decided it cannot."""

from community import PEOPLE
from test_reports import private, said_to_staff, shown
from world import World, on_a_file

from bridge.store.tables import cases, metadata

pytestmark = on_a_file

EVE, MOD = PEOPLE["eve"], PEOPLE["mod"]


async def test_a_mute_is_looked_at_by_another_and_taken_back(world: World) -> None:
    assert "Nothing was decided about you" in "".join(await world.ask("eve", "appeal it was not me"))
    await world.order("mod", f"!mute {EVE} 3d too loud")
    assert "appeal" in (await private(world, "eve", "For now you can read")).body
    assert "Somebody else than who decided it will look" in "".join(
        await world.ask("eve", "appeal I only *quoted* her")
    )
    case = shown(world)
    for part in ("mute, by Mod", "Why: too loud", "I only *quoted* her"):
        assert part in case.body, case.body
    assert "Somebody will look at it" in "".join(await world.ask("eve", "appeal again"))

    # Who decided it cannot look at it again, nor have it handed over to them.
    await world.react("#staff", "mod", case.event_id, "👎")
    await world.settle()
    (no,) = said_to_staff(world, "somebody else has to look at it")
    assert "Mod" in no.body
    await world.react("#staff", "mod", case.event_id, "👀")
    await world.settle()
    assert "looks after this" not in shown(world).body
    assert "somebody else has to look at it" in (await world.order("olga", f"!hand over 1 {MOD}")).body

    await world.react("#staff", "olga", case.event_id, "👍")
    await world.settle()
    assert "Yes, said Olga." in shown(world).body
    assert (await private(world, "eve", "takes it back")).body.endswith("You can write again as before.")
    levels = world.hs.room(world.room("#sleep")).content("m.room.power_levels")["users"]
    assert levels.get(EVE, 0) == 0
    assert "final" in "".join(await world.ask("eve", "appeal once more"))
    for table in metadata.sorted_tables:
        assert "quoted" not in repr(await world.rows(table)), table.name
    await world.replay()
    assert world.changes() == []
    assert len(await world.rows(cases)) == 1


async def test_who_is_banned_can_still_ask_and_hears_that_it_stands_or_that_they_may_come_back(world: World) -> None:
    await world.direct("eve")
    await world.order("mod", f"!warn {EVE} be kind")
    await world.say("#staff", "mod", f"!ban {EVE} enough")
    await world.settle()
    assert world.banned("eve") == world.everywhere()
    assert "You were banned" in (await private(world, "eve", "You were banned")).body
    assert "ban" in "".join(await world.ask("eve", "appeal please"))
    await world.say("#staff", "olga", "!accept 1")
    await world.settle()
    assert world.banned("eve") == set()
    assert len(said_to_staff(world, "!invite")) == 1
    assert "You may come back" in (await private(world, "eve", "takes it back")).body
    # The warning before it is another decision.
    assert "warning" in "".join(await world.ask("eve", "appeal that too"))
    await world.say("#staff", "olga", "!refuse 2")
    await world.settle()
    assert (await private(world, "eve", "it stands")).body.endswith("That is final.")


async def test_a_message_that_was_taken_away_and_a_ban_of_many_can_be_asked_about(world: World) -> None:
    await world.direct("eve")
    event = await world.say("#sleep", "eve", "buy my things")
    await world.settle()
    await world.say("#staff", "mod", f"!redact https://matrix.to/#/{world.room('#sleep')}/{event}")
    await world.settle()
    assert "taken away" in "".join(await world.ask("eve", "appeal"))
    await world.say("#staff", "mod", "!ban @ev*:b.test")
    await world.settle()
    before = world.banned("eve")
    assert before
    assert "ban" in "".join(await world.ask("eve", "appeal I am no robot"))
    assert "It is about more people" in shown(world, 2).body
    await world.say("#staff", "olga", "!accept 2")
    await world.settle()
    assert len(said_to_staff(world, "@ev*:b.test does not mean")) == 1  # it stands, and spares her
    assert world.banned("eve") == set()
    await world.say("#staff", "mod", "!ban b.test")
    await world.settle()
    await world.ask("eve", "appeal nor is my server")
    await world.say("#staff", "olga", "!accept 3")
    await world.settle()
    assert len(said_to_staff(world, "unban b.test lets")) == 1
