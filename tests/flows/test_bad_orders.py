"""What a moderator may write at two in the morning: each wrong order does nothing, and its answer says kindly what to do instead."""

from community import HEARTH, PEOPLE
from test_policy_lists import USER, a_list, ban, said, watch
from world import World, on_a_file

from bridge.store.tables import policy_lists

pytestmark = on_a_file

EVE, ZED = PEOPLE["eve"], PEOPLE["zed"]
UNKIND = ("invalid", "illegal", "error", "failed", "must", "wrong", "exception", "null", "traceback")


async def test_wrong_orders_do_nothing_and_are_answered_kindly(world: World) -> None:
    world.hs.model.set_profile(world.member("dan").user, displayname="Zed")
    await world.settle()
    answers = {
        "!ban Quincy": "I do not know anybody called Quincy. Pick the person with @, or give the id",
        "!ban Zed": f"Several people are called Zed: {PEOPLE['dan']}, {ZED}. Tell me the id of the one you mean",
        "!ban": "Something is missing: person or server",
        "!ban @*:*": "would mean everybody. Please be more exact",
        "!ban *": "I do not know anybody called *. Pick the person with @",
        "!mute @nobody:x.test 1h": "is in none of our rooms",
        "!kick @nobody:x.test": "is in none of our rooms",
        f"!ban {HEARTH}": "That is me, so nothing was done.",
        f"!ban {PEOPLE['olga']}": "is one of us, so nothing was done. An owner can take them off the staff",
        "!ban a.test": "Please name a server that is not ours",
        f"!unban {EVE}": "There is no ban of",
        f"!unmute {EVE}": "There is nothing to lift",
        f"!slow {EVE} 1s": "From 5 seconds to a day, for example 30s",
        f"!redact {EVE}": "How much of it? Write a time, like 3h",
        f"!redact {EVE} last 5000": "Please give a number from 1 to 1000",
        "!redact https://matrix.to/#/!elsewhere:x.test/$nothing": "I know of no such message in our rooms",
        "!lock #nowhere 1h": "I know no room called #nowhere",
        "!rules watch nonsense": "is no room that I could look for",
        "!rules unwatch #nowhere:x.test": "That list is not watched",
        "!rules about @nobody:x.test": "The lists that I watch say nothing of",
        f"!spare {EVE}": "No decision about many people means",
        f"!ban {EVE} {ZED} both spam": f"one person at a time, please. Or does {ZED} belong to the reason",
        f"!unban {EVE}, {ZED}": "one person at a time",
        f"!mute {EVE} 0h": "For how long? I cannot read 0h: write 30m, for example",
        f"!ban {EVE} 99999d spam": "For how long? I cannot read 99999d",
        f"!kick {EVE} 1.5h": "For how long? I cannot read 1.5h",
        f"!mute {EVE} until tomorrow": "For how long? I cannot read until",
        f"!mute {EVE} till tomorrow": "For how long? I cannot read till",
        "!slow all 30s": "I know nobody and no room called all",
        "!slow #sleep": "How long between two messages?",
        "!sanctions Quincy": "I do not know anybody called Quincy",
        f"!redact last 3h {EVE}": "That takes away 0 messages",
        f"!redact {EVE} last 3h": "That takes away 0 messages",
    }
    for order, wanted in answers.items():
        answer = (await world.order("mod", order)).body
        assert wanted in answer, (order, answer)
        print(order, "->", answer)
        assert not [word for word in UNKIND if word in answer.casefold().split()], (order, answer)
    assert await world.ledger() == []
    assert world.banned("@eve") == set()

    # Somebody whom nobody knows can be banned beforehand, and somebody whom a hand has banned in one room is banned in the others.
    assert "is banned from all 5 rooms" in (await world.order("mod", "!ban @later:x.test")).body
    await world.member("cleo").ban(world.room("#garden"), ZED)
    await world.settle()
    answer = (await world.order("mod", f"!ban {ZED}")).body
    assert "is banned from all 5 rooms" in answer
    assert "#garden" in answer
    assert "somebody had banned them by hand before; that stays" in answer


async def test_a_list_whose_server_is_down_is_told_once_and_found_when_it_is_there_again(world: World) -> None:
    down = world.hs.faults.add("status", path="/directory/room/", status=502, times=None)
    await world.order("mod", "!rules watch #bans:down.test act")

    async def told() -> bool:
        await world.ring("lists")
        return any("No server that has it answers" in line for line in said(world))

    await world.until(told)
    asked = down.hits
    for _ in range(3):
        await world.ring("lists")
    assert down.hits == asked  # not again and again
    assert "unwatch" in said(world)[-1]
    assert "What it said before" not in said(world)[-1]
    world.hs.faults.clear()
    world.clock.forward(60 * 60 * 1000)
    await world.ring("lists")
    await world.settle()
    (row,) = await world.rows(policy_lists)
    assert row["trouble"] == "M_NOT_FOUND"  # its server is there again, and has no such room


async def test_ten_thousand_rules_with_one_that_bans_everybody_are_read_and_only_whom_they_mean_is_touched(
    world: World,
) -> None:
    keeper = await a_list(world)
    entities = [*(f"@person{number}:server{number % 70}.test" for number in range(10_000)), "*", EVE]
    for entity in entities:
        world.hs.inject(
            keeper.room, keeper.member.user_id, USER, ban(entity), ts=world.clock(), state_key=f"rule:{entity}"
        )
    await watch(world, "#bans:a.test", "act")
    assert any(
        "10002 rules about people, 0 about servers" in line and "1 waits for your word" in line for line in said(world)
    )
    assert world.banned("@eve") == world.everywhere()
    assert world.hs.members(world.room("#common")) >= {PEOPLE["ann"], PEOPLE["dan"]}
    assert "10002 rules" in (await world.order("mod", "!rules lists")).body
