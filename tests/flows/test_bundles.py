"""A circle that shares much within an hour: what comes then stands in one thread, and all else is as for any share; on a real database."""

from typing import Any

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, CLEO, COMMON, GRIEF, ME, SLEEP, World, config
from sqlalchemy import select

from bridge.events import MemberChanged, Message
from bridge.rooms import share_leaving
from bridge.rooms.bundle import HOUR_MS
from bridge.rooms.summary import PAUSE_MS
from bridge.store import bundles as store
from bridge.store import journal, queue
from bridge.store.db import Database
from bridge.store.tables import bundles

pytestmark = on_a_file

MOD = "@mod:one.test"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database, config(bundle_after=2)).begin(two_circles=True)


async def share(world: World, *words: str, room: str = SLEEP, tag: str = "#common", who: str = ANN) -> list[Message]:
    roots = [world.say(who, f"{each} {tag}", room=room) for each in words]
    await world.does(*roots)
    await world.echo()
    return roots


async def later(world: World, after_ms: int = PAUSE_MS) -> None:
    world.now_ms += after_ms
    await world.settle()


def relation(world: World, words: str, room: str = COMMON) -> dict[str, Any] | None:
    found = world.server.events[world.copy_of(words, room)]["content"].get("m.relates_to")
    assert found is None or isinstance(found, dict)
    return found


def bundle_of(world: World, words: str, room: str = COMMON) -> str | None:
    """The message in whose thread the first copy of a thread stands; None when it stands on its own."""
    found = relation(world, words, room)
    if found is None:
        return None
    assert (found["rel_type"], found["is_falling_back"]) == ("m.thread", True)
    return str(found["event_id"])


def said(world: World, number: int, room: str = COMMON, source: str = "#sleep") -> str:
    line = f"More from {source}: {number} thread{'s' if number != 1 else ''}, in this thread."
    (event,) = (event for event, body in world.server.shown(room).items() if body == line)
    assert world.server.events[event]["content"]["msgtype"] == "m.notice"
    assert world.server.events[event]["content"]["m.mentions"] == {}
    assert "m.relates_to" not in world.server.events[event]["content"]
    return event


async def test_the_eleventh_within_an_hour_is_bundled(database: Database) -> None:
    world = await World(database).begin()  # as it is when nobody says otherwise
    await share(world, *(f"word{number:02}" for number in range(12)))
    await later(world)
    head = said(world, 2)
    assert [bundle_of(world, f"word{number:02}") for number in range(12)] == [None] * 10 + [head] * 2
    order = list(world.server.events)
    assert order.index(head) < order.index(world.copy_of("word10"))


async def test_after_an_hour_it_stands_alone_again(world: World) -> None:
    await share(world, "one", "two", "three")
    world.now_ms += HOUR_MS
    await share(world, "four", "five", "six")
    head = said(world, 1) if bundle_of(world, "six") == bundle_of(world, "three") else None
    assert head is None, "the old bundle took one more"
    assert [bundle_of(world, each) is None for each in ("four", "five", "six")] == [True, True, False]


async def test_a_bundle_takes_threads_for_an_hour_then_there_is_another(world: World) -> None:
    await share(world, "one", "two", "three")
    for words in ("four", "five"):
        world.now_ms += HOUR_MS // 2 - 100
        await share(world, f"{words}a", f"{words}b", f"{words}c")
    assert (
        bundle_of(world, "foura") == bundle_of(world, "fourb") == bundle_of(world, "fiveb") == bundle_of(world, "three")
    )
    world.now_ms += 200
    await share(world, "six")
    assert bundle_of(world, "six") not in (None, bundle_of(world, "three"))


async def test_each_pair_of_rooms_counts_for_itself(world: World) -> None:
    await share(world, "one", "two")
    await share(world, "alpha", "beta", room=GRIEF)
    assert [bundle_of(world, each) for each in ("alpha", "beta")] == [None, None]
    await share(world, "three")
    await share(world, "gamma", room=GRIEF)
    assert bundle_of(world, "three") == said(world, 1)
    assert bundle_of(world, "gamma") == said(world, 1, source="#grief")


async def test_from_the_common_room_into_a_circle_alike(world: World) -> None:
    await share(world, "one", "two", "three", room=COMMON, tag="#sleep")
    assert bundle_of(world, "two", SLEEP) is None
    assert bundle_of(world, "three", SLEEP) == said(world, 1, SLEEP, "the common room")


async def test_its_number_follows_at_most_every_half_minute(world: World) -> None:
    await share(world, "one", "two", "three")
    head = said(world, 1)
    for number in range(5):
        await share(world, f"more{number}")
    assert said(world, 1) == head
    await later(world)
    assert said(world, 6) == head
    assert len([raw for raw in world.server.events.values() if raw["edits"] == head]) == 1
    await later(world)
    assert len([raw for raw in world.server.events.values() if raw["edits"] == head]) == 1


async def bundled(world: World) -> tuple[list[Message], Message, str]:
    """Two threads in a bundle, the first with an answer that travels: roots, answer, the bundle's message."""
    await share(world, "one", "two")
    roots = await share(world, "three", "four")
    answer = world.say(BEN, "I am", thread=roots[0].id)
    await world.does(answer, world.say(BEN, "consent yes", room=f"!direct-{BEN}"))
    await world.echo()
    await later(world)
    return roots, answer, said(world, 2)


async def test_a_thread_keeps_its_shape_in_it(world: World) -> None:
    roots, answer, head = await bundled(world)
    found = relation(world, "I am")
    assert found == {"rel_type": "m.thread", "event_id": head, "is_falling_back": False, "m.in_reply_to": {"event_id": world.copy_of("three")}}  # fmt: skip
    await world.does(world.say(ANN, "really?", thread=roots[0].id, reply_to=answer.id))
    found = relation(world, "really?")
    assert found is not None
    assert (found["event_id"], found["m.in_reply_to"]["event_id"]) == (head, world.copy_of("I am"))


async def test_edits_reach_it_and_nothing_moves_when_others_go(world: World) -> None:
    roots, answer, head = await bundled(world)
    copy = world.copy_of("four")
    await world.does(world.change(roots[1], "five #common"), world.change(answer, "I was"))
    assert world.copy_of("five") == copy
    assert world.common() == ["one #common", "two #common", "three #common", "five #common", "I was"]
    (first,) = (raw for raw in world.server.events.values() if raw["content"].get("body") == "one #common")
    assert first["room"] == SLEEP
    one = next(event for event, raw in world.server.events.items() if raw is first)
    await world.does(world.take(one), world.say(ANN, f"unshare https://matrix.to/#/{SLEEP}/{roots[0].id}", room=f"!direct-{ANN}"))  # fmt: skip
    await later(world)
    assert world.common() == ["two #common", "five #common"]
    assert world.copy_of("five") == copy
    assert said(world, 1) == head


@pytest.mark.parametrize("way", ["redaction", "edit", "unshare", "leaving", "never"])
async def test_with_its_last_thread_it_goes_and_leaves_no_trace(world: World, way: str) -> None:
    roots, _, head = await bundled(world)
    for root in roots:
        match way:
            case "redaction":
                await world.does(world.take(root.id))
            case "edit":
                await world.does(world.change(root, "nothing"))
            case "unshare":
                await world.does(world.say(ANN, "!unshare", thread=root.id))
    if way == "leaving":
        left = MemberChanged("$left", SLEEP, ANN, world.tick(), user=ANN, membership="leave", was="join")
        async with world.database.writing() as db:
            await journal.remember(db, left, frozenset(), world.now_ms)
        await world.look(share_leaving.sweep)
    elif way == "never":
        circles = [{"name": "Sleeping well", "tag": "sleep", "sharing": "never"}]
        world.settings = config(bundle_after=2, circles=circles)
        await world.does(*(world.say(ANN, "and more", thread=root.id) for root in roots))
    await later(world)
    assert world.server.events[head]["redacted"]
    held = world.server.held(COMMON)
    assert not [words for words in ("three", "four", "I am", "More from") if words in held]
    async with world.database.reading() as db:
        row = (await db.execute(select(bundles))).one()
        assert (row.event, row.closed, await store.threads(db, row.id)) == (None, True, ())


async def test_what_is_shared_after_that_gets_a_new_one(world: World) -> None:
    roots, _, head = await bundled(world)
    await world.does(*(world.change(root, "nothing") for root in roots))
    await world.does(world.change(roots[0], "again #common"))
    await later(world)
    assert bundle_of(world, "again") == said(world, 1) != head
    assert world.common() == ["one #common", "two #common", "again #common", "I am"]
    found = relation(world, "I am")
    assert found is not None
    assert found["m.in_reply_to"]["event_id"] == world.copy_of("again")


async def test_a_moderator_who_removes_it_removes_all_its_threads_for_good(world: World) -> None:
    roots, answer, head = await bundled(world)
    await world.does(world.take(head, COMMON, MOD))
    assert world.common() == ["one #common", "two #common"]
    await world.does(world.change(roots[0], "three, still #common"), world.change(answer, "I am, still"))
    await world.does(world.say(ANN, "and this? #common", thread=roots[1].id))
    await later(world)
    held = world.server.held(COMMON)
    assert not [words for words in ("three", "four", "I am", "and this", "More from") if words in held]
    assert len([each for each in world.told(ANN) if "moderator took your thread" in each]) == 2
    await share(world, "five")
    assert bundle_of(world, "five") == said(world, 1) != head


@on_both
async def test_removed_before_we_knew_its_id_it_takes_its_threads_along(world: World) -> None:
    await share(world, "one", "two")
    root = world.say(ANN, "three #common")
    await world.hear(root)
    await world.step(crash=True)
    await world.hear(world.take(said(world, 1), COMMON, MOD))
    await world.settle()
    await world.does(world.say(ANN, "and this? #common", thread=root.id))
    await later(world)
    assert world.common() == ["one #common", "two #common"]
    assert "three" not in world.server.held(COMMON)


async def test_a_copy_in_it_that_a_moderator_removes_takes_only_its_own_thread(world: World) -> None:
    roots, _, head = await bundled(world)
    await world.does(world.take(world.copy_of("three"), COMMON, MOD))
    await later(world)
    assert world.common() == ["one #common", "two #common", "four #common"]
    assert said(world, 1) == head
    await world.does(world.say(ANN, "still #common", thread=roots[0].id))
    assert world.common() == ["one #common", "two #common", "four #common"]


async def test_genuine_answers_go_back_into_their_own_thread_and_others_nowhere(world: World) -> None:
    roots, answer, head = await bundled(world)
    three = world.say(CLEO, "to three", room=COMMON, thread=head, reply_to=world.copy_of("three"))
    four = world.say(CLEO, "to four", room=COMMON, thread=head, reply_to=world.copy_of("four"))
    ben = world.say(CLEO, "to Ben", room=COMMON, thread=head, reply_to=world.copy_of("I am"))
    deep = world.say(BEN, "to Cleo", room=COMMON, thread=head, reply_to=four.id)
    nobody = world.say(CLEO, "to nobody #sleep", room=COMMON, thread=head)
    there = world.say(BEN, "to that", room=COMMON, thread=head, reply_to=nobody.id)
    await world.does(three, four, ben, deep, nobody, there)
    await world.echo()
    await world.settle()
    at_home = {words: relation(world, words, SLEEP) for words in ("to three", "to four", "to Ben", "to Cleo")}
    assert [(each or {})["event_id"] for each in at_home.values()] == [
        roots[0].id,
        roots[1].id,
        roots[0].id,
        roots[1].id,
    ]
    assert ((at_home["to Ben"] or {})["m.in_reply_to"]) == {"event_id": answer.id}
    assert ((at_home["to Cleo"] or {})["m.in_reply_to"]) == {"event_id": world.copy_of("to four", SLEEP)}
    assert not [words for words in ("to nobody", "to that") if words in " ".join(world.copies(SLEEP))]
    await world.does(world.change(deep, "to Cleo, changed"), world.take(three.id, COMMON, CLEO))
    assert world.copy_of("to Cleo, changed", SLEEP)
    assert "to three" not in world.server.held(SLEEP).replace(str(three), "")
    await world.does(world.say(CLEO, "consent no", room=f"!direct-{CLEO}"))
    assert [body.partition("\n")[2] for body in world.copies(SLEEP)] == ["to Cleo, changed"]


async def test_an_answer_from_there_that_is_answered_at_home_keeps_its_partner(world: World) -> None:
    roots, _, head = await bundled(world)
    question = world.say(CLEO, "why?", room=COMMON, thread=head, reply_to=world.copy_of("three"))
    await world.does(question)
    await world.echo()
    await world.does(world.say(ANN, "the moon", thread=roots[0].id, reply_to=world.copy_of("why?", SLEEP)))
    found = relation(world, "the moon")
    assert found == {"rel_type": "m.thread", "event_id": head, "is_falling_back": False, "m.in_reply_to": {"event_id": question.id}}  # fmt: skip


async def test_the_author_takes_one_back_from_within_it(world: World) -> None:
    _, _, head = await bundled(world)
    await world.does(world.say(ANN, "!unshare", room=COMMON, thread=head, reply_to=world.copy_of("three")))
    assert world.common() == ["one #common", "two #common", "four #common"]
    await world.does(world.say(ANN, f"unshare https://matrix.to/#/{COMMON}/{world.copy_of('four')}", room=f"!direct-{ANN}"))  # fmt: skip
    assert world.common() == ["one #common", "two #common"]


async def test_what_stays_in_the_circle_is_said_below_the_threads_own_copy(world: World) -> None:
    roots, _, head = await bundled(world)
    await world.does(world.say(CLEO, "not this", thread=roots[1].id))
    await later(world)
    found = relation(world, "1 reply stays in the circle.")
    assert found is not None
    assert (found["event_id"], found["is_falling_back"]) == (head, False)
    assert found["m.in_reply_to"] == {"event_id": world.copy_of("four")}


async def test_replies_before_roots_and_everything_twice(world: World) -> None:
    await share(world, "one", "two")
    three, four = world.say(ANN, "three #common"), world.say(ANN, "four #common")
    one = world.say(ANN, "more of three", thread=three.id)
    two = world.say(ANN, "more of four", thread=four.id)
    arrived = [two, four, one, three]
    for event in (*arrived, *arrived):
        await world.hear(event)
    await world.settle()
    await later(world)
    head = said(world, 2)
    for words, first in (("more of three", "three #common"), ("more of four", "four #common")):
        found = relation(world, words)
        assert found is not None
        assert (found["event_id"], found["m.in_reply_to"]["event_id"]) == (head, world.copy_of(first))
    before = len(world.server.events)
    await world.echo()
    for event in arrived:
        await world.hear(event)
    await later(world)
    assert len(world.server.events) == before


@pytest.mark.parametrize("crashes", [1, 2])
async def test_a_crash_at_any_step_leaves_one_true_bundle(world: World, crashes: int) -> None:
    async def work(times: int = 60) -> None:
        for _ in range(times):
            for _ in range(crashes):
                await world.step(crash=True)
            if not await world.step():
                break

    roots = [world.say(ANN, f"word{number} #common") for number in range(6)]
    for root in roots:
        await world.hear(root)
        await world.hear(world.say(ANN, f"more of {root.id}", thread=root.id))
        await work(2)
    await work()
    world.now_ms += PAUSE_MS
    await work()
    head = said(world, 4)
    assert [bundle_of(world, f"word{number}") for number in range(6)] == [None, None, *[head] * 4]
    assert len(world.common()) == 12
    for root in roots[2:]:
        await world.hear(world.change(root, "nothing"))
        await work(1)
    await work()
    assert len(world.common()) == 4
    held = world.server.held(COMMON)
    assert not [words for words in ("More from", "word2", "word5") if words in held]


@pytest.mark.parametrize("steps", range(6))
async def test_withdrawn_while_it_is_made(world: World, steps: int) -> None:
    await share(world, "one", "two")
    root = world.say(ANN, "three #common")
    await world.hear(root)
    for _ in range(steps // 2):
        await world.step()
    if steps % 2:
        await world.step(crash=True)
    await world.hear(world.change(root, "nothing"))
    await world.settle()
    await later(world)
    assert world.common() == ["one #common", "two #common"]
    assert not [raw for raw in world.server.events.values() if raw["room"] == COMMON and raw["sender"] == ME and not raw["redacted"]
                and ("More from" in str(raw) or raw["content"]["body"] == "…")]  # fmt: skip


async def test_where_its_message_is_refused_threads_stand_on_their_own(world: World) -> None:
    await share(world, "one", "two")
    root = world.say(ANN, "three #common")
    await world.hear(root)
    world.server.refuse.add(COMMON)
    await world.step()
    world.server.refuse.clear()
    await world.settle()
    await world.echo()
    await world.does(world.say(ANN, "more", thread=root.id))
    assert bundle_of(world, "three") is None
    found = relation(world, "more")
    assert found is not None
    assert found["event_id"] == world.copy_of("three")
    await share(world, "four")
    assert bundle_of(world, "four") == said(world, 1)
    async with world.database.writing() as db:
        (dead,) = await queue.dead(db)
        assert await queue.retry(db, dead.key)
    await world.does(world.say(ANN, "and more", thread=root.id))
    found = relation(world, "and more")
    assert found is not None
    assert found["event_id"] == world.copy_of("three")
    assert world.lines() == ["More from #sleep: 1 thread, in this thread."]


async def test_its_number_is_true_also_when_its_message_came_late(world: World) -> None:
    await share(world, "one", "two")
    await world.hear(world.say(ANN, "three #common"))
    async with world.database.reading() as db:
        (first,) = await queue.due(db, world.now_ms, 1)
    await world.step(crash=True)  # it was heard with one thread, and the homeserver did not answer
    await world.hear(world.say(ANN, "four #common"))
    async with world.database.writing() as db:
        await queue.postpone(db, [queue.Postponed(first.id, world.now_ms + 2 * PAUSE_MS, failed=True)])
    await later(world)
    await later(world)
    await later(world)
    head = said(world, 2)
    assert [bundle_of(world, each) for each in ("three", "four")] == [head, head]
