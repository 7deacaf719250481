"""By what people are named on copies of their messages, and that they can change it, on a real database, with a homeserver of a few lines."""

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, COMMON, SLEEP, World

from bridge.store import people
from bridge.store.db import Database

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    world = await World(database).begin()
    async with database.writing() as db:
        for user in (ANN, BEN):
            await people.change(db, user, consent=True, direct_room=f"!direct-{user}")
    return world


async def chooses(world: World, who: str, how: str) -> None:
    await world.does(world.say(who, f"share as {how}".strip(), room=f"!direct-{who}"))


def shown(world: World) -> list[str]:
    return list(world.server.shown(COMMON).values())


async def test_anonymous_is_without_name_and_id_and_holds_for_what_is_shared_already(world: World) -> None:
    root = world.say(ANN, "root #common")
    await world.does(root, world.say(BEN, "reply", thread=root.id))
    assert shown(world) == ["Ann in #sleep:\nroot #common", "Ben in #sleep:\nreply"]
    await chooses(world, ANN, "anonymous")
    assert shown(world) == ["Somebody in #sleep:\nroot #common", "Ben in #sleep:\nreply"]
    await world.does(world.say(ANN, "more", thread=root.id))
    assert shown(world)[-1] == "Somebody in #sleep:\nmore"
    newest = [raw for raw in world.server.events.values() if raw["room"] == COMMON][-3:]
    assert not any(secret in str(newest) for secret in ("Ann", "ann:", ANN, SLEEP))
    await chooses(world, ANN, "name")
    assert shown(world)[0] == "Ann in #sleep:\nroot #common"
    assert shown(world)[-1] == "Ann in #sleep:\nmore"


@on_both
async def test_it_holds_for_a_copy_that_was_heard_before_anybody_wrote_that_down(world: World) -> None:
    await world.hear(world.say(ANN, "root #common"))
    await world.step(crash=True)
    await chooses(world, ANN, "anonymous")
    assert shown(world) == ["Somebody in #sleep:\nroot #common"]


async def test_several_anonymous_people_in_one_thread_can_be_told_apart(world: World) -> None:
    await chooses(world, ANN, "anonymous")
    await chooses(world, BEN, "anonymous")
    root = world.say(ANN, "root #common")
    await world.does(root, *(world.say(who, f"{n}", thread=root.id) for n, who in enumerate([BEN, ANN, BEN])))
    assert shown(world) == [
        "Somebody in #sleep:\nroot #common",
        "Somebody (2) in #sleep:\n0",
        "Somebody in #sleep:\n1",
        "Somebody (2) in #sleep:\n2",
    ]


async def test_who_calls_on_somebody_anonymous_does_not_name_them(world: World) -> None:
    root = world.say(ANN, "root #common")
    html = f'<a href="https://matrix.to/#/{ANN}">Ann</a>: thank you, Ann'
    thanks = world.say(
        BEN, "Ann: thank you, Ann", thread=root.id, format="org.matrix.custom.html", formatted_body=html,
        **{"m.mentions": {"user_ids": [ANN]}},
    )  # fmt: skip
    await world.does(root, thanks)
    assert shown(world)[1] == "Ben in #sleep:\nAnn: thank you, Ann"
    await chooses(world, ANN, "anonymous")
    assert shown(world)[1] == "Ben in #sleep:\nSomebody: thank you, Somebody"
    (edit,) = (raw for raw in world.server.events.values() if raw["edits"] == world.copy_of("thank you"))
    assert "Ann" not in str(edit)


async def test_the_name_of_the_profile_is_used_by_who_wants_that(world: World) -> None:
    await world.does(world.say(ANN, "root #common"))
    await chooses(world, ANN, "profile")
    assert shown(world) == ["Ann Profile in #sleep:\nroot #common"]


async def test_the_same_choice_again_changes_nothing_and_asking_tells_what_holds(world: World) -> None:
    await world.does(world.say(ANN, "root #common"))
    await chooses(world, ANN, "anonymous")
    before = len([raw for raw in world.server.events.values() if raw["room"] == COMMON])
    await chooses(world, ANN, "anonymous")
    assert len([raw for raw in world.server.events.values() if raw["room"] == COMMON]) == before
    await chooses(world, ANN, "")
    assert "appears without your name" in world.told(ANN)[-1]
    assert all("Ann" not in body for body in shown(world))


async def test_an_answer_from_the_common_room_comes_without_a_name_too(world: World) -> None:
    await chooses(world, BEN, "anonymous")
    root = world.say(ANN, "root #common")
    await world.does(root)
    await world.echo()
    await world.does(world.say(BEN, "an answer", room=COMMON, thread=world.copy_of("root")))
    assert world.server.shown(SLEEP)[world.copy_of("an answer", SLEEP)] == "Somebody (2) in the common room:\nan answer"
