"""Staff asks for something that the homeserver allows only slowly: they are told how far it is, in one message, and that it is done at last."""

from test_asked import changed, write
from world import World, on_a_file

from bridge.rooms.asked import MINUTE_MS, PATIENCE_MS
from tests.fake import Seen

pytestmark = on_a_file


def answers(world: World, event: str) -> list[Seen]:
    return [seen for seen in world.from_hearth("#staff") if seen.reply_to == event]


async def test_staff_hears_how_far_it_is_in_one_message(world: World) -> None:
    data = changed(world)
    data["community"]["circles"].append({"name": "Night", "tag": "night", "encrypted": False})
    write(world, data)
    limit = world.hs.faults.add("status", path="/createRoom$", status=429, retry_after_ms=3 * MINUTE_MS, times=None)
    event = await world.say("#staff", "mod", "!apply")

    async def limited() -> bool:
        return bool(limit.hits)

    await world.until(limited, what="the limit was met")
    assert answers(world, event) == []
    world.clock.forward(PATIENCE_MS)

    async def told() -> bool:
        return len(answers(world, event)) == 1

    await world.until(told, what="word of how far it is")
    (first,) = answers(world, event)
    assert first.body.startswith("5 of 6 rooms are there, 0 of ")
    assert "It takes about 3 minutes more." in first.body
    assert "hearth check on Hearth's machine tells how to lift that." in first.body

    world.clock.forward(MINUTE_MS + 1)

    async def again() -> bool:
        return [seen.event_id for seen in answers(world, event)] == [first.event_id] and answers(world, event)[
            0
        ].body != first.body

    await world.until(again, what="the same message, a minute later")
    assert "It takes about 2 minutes more." in answers(world, event)[0].body

    limit.release()
    world.clock.forward(3 * MINUTE_MS)
    assert world.hearth
    world.hearth.outbox.wake()

    async def done() -> bool:
        return "That is done" in answers(world, event)[-1].body

    await world.until(done, what="the end")
    await world.settle()
    assert len(answers(world, event)) == 2
    assert (
        sum(
            "#night" in (room.content("m.room.canonical_alias").get("alias") or "")
            for room in world.hs.model.rooms.values()
        )
        == 1
    )
