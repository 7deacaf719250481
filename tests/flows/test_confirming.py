"""What concerns many people is asked about first, over 25 of them by two moderators; power that is gone counts no more, also in what waits."""

from community import PEOPLE
from world import World, on_a_file

from bridge.commands import CIRCLE, DIRECT, STAFF
from bridge.registry import book
from bridge.roles import Role
from tests.fake import Seen


async def crowd(world: World, number: int, first: int = 0) -> None:
    for each in range(first, number):
        member = await world.hs.user(f"@spam{each}:c.test")
        await world.member("olga").invite(world.room("#space"), member.user_id)
        await member.join(world.room("#space"))
    await world.settle()


def gone(world: World) -> int:
    return sum(user.startswith("@spam") for user in world.hs.members(world.room("#space")))


async def react(world: World, who: str, question: Seen, key: str = "👍") -> None:
    await world.react("#staff", who, question.event_id, key)
    await world.settle()


@on_a_file
async def test_more_than_ten_are_asked_about_and_more_than_25_take_a_second_moderator(world: World) -> None:
    await crowd(world, 12)
    question = await world.order("mod", "!mute @spam*:c.test 1h")
    assert "12 people who are here now; they could only read" in question.body
    await react(world, "olga", question)  # not who gave it
    assert await world.ledger() == []
    await react(world, "mod", question)
    assert [entry.action for entry in await world.ledger()] == ["mute"]
    await crowd(world, 26, first=12)
    question = await world.order("mod", "!redact c.test 3h")  # nobody can undo it, and it is about as many
    assert "another moderator" in question.body
    await react(world, "mod", question, "👎")
    question = await world.order("mod", "!ban @spam*:c.test")
    assert "another moderator" in question.body
    await react(world, "mod", question)
    assert gone(world) == 26
    await world.say("#staff", "mod", "a word")
    await react(world, "olga", question)
    assert gone(world) == 0
    (ban,) = [entry for entry in await world.ledger() if entry.action == "ban"]
    assert ban.actor == PEOPLE["mod"]
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_a_demoted_moderator_has_no_power_any_more_also_in_what_waits(world: World) -> None:
    await crowd(world, 12)
    question = await world.order("mod", "!ban @spam*:c.test")
    await world.stop()
    data = world.config.model_dump()
    data["community"]["moderators"] = []
    await world.build(data)
    await world.member("olga").kick(world.room("#staff"), PEOPLE["mod"])
    await world.start()
    await world.settle()
    await world.member("olga").invite(world.room("#staff"), PEOPLE["mod"])
    await world.settle()
    world.hs.inject(world.room("#staff"), PEOPLE["mod"], "m.reaction",
                    {"m.relates_to": {"rel_type": "m.annotation", "event_id": question.event_id, "key": "👍"}},
                    ts=world.clock())  # fmt: skip
    await world.settle()
    assert gone(world) == 12
    assert [entry for entry in await world.ledger() if entry.actor == PEOPLE["mod"]] == []


def test_who_may_do_what_is_one_table() -> None:
    found = {
        name: (command.role, command.where)
        for name, command in book().commands.items()
        if command.run.__module__.startswith("bridge.moderation.commands.")
    }
    assert (found.pop("report"), found.pop("appeal")) == ((Role.MEMBER, DIRECT), (Role.STRANGER, DIRECT))
    mild = {"warn", "slow", "mute", "unmute", "redact", "redact thread"}
    assert mild <= found.keys()
    for name, (role, where) in found.items():
        if name in mild:
            assert (role, where) == (Role.CURATOR, STAFF | CIRCLE), name
        else:
            assert role >= Role.MODERATOR, name
            assert where == STAFF, name
