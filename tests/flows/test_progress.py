"""A decision that the homeserver makes take long: told how far it is in one notice, commands still answer, a server is shut out after its people."""

from world import World, on_a_file

from bridge.moderation import progress
from tests.fake import Request


def order_of(requests: list[Request], *parts: str) -> list[str]:
    """Which of these parts of a path came in which order, done or refused by a limit; repeats of one in a row are one."""
    found: list[str] = []
    for request in requests:
        part = next((each for each in parts if each in request.path and request.status == 200), None)
        if part and found[-1:] != [part]:
            found.append(part)
    return found


@on_a_file
async def test_a_server_is_shut_out_of_a_room_after_its_people_were_banned_there(world: World) -> None:
    world.hs.mark()
    hanging = world.hs.faults.add("hang", path="/ban$", times=1, skip=2)
    await world.say("#staff", "mod", "!ban b.test")
    await world.hs.until(lambda: hanging.hits)
    await world.until(lambda: _acls(world, 2), what="the lists of rooms where nobody had to be banned")
    stuck = next(
        request for request in world.hs.requests_since_mark() if request.path.endswith("/ban") and not request.status
    )
    room = next(room for room in world.everywhere() if world.room(room) in stuck.path)
    assert not world.acl(room)
    hanging.release()
    await world.settle()
    assert world.acl(room)["deny"] == ["b.test"]
    for name in ("#space", "#common", "#sleep", "#garden"):
        mine = [each for each in world.changes() if world.room(name) in each.path]
        assert order_of(mine, "/ban", "m.room.server_acl") == ["/ban", "m.room.server_acl"]
    (entry,) = await world.ledger()
    assert entry.outcome == {"done": 14, "refused": {}}


@on_a_file
async def test_a_list_of_servers_that_a_hand_changed_is_put_right_once_and_keeps_what_the_hand_added(
    world: World,
) -> None:
    await world.order("mod", "!ban b.test")

    async def by_hand(*deny: str) -> list[str]:
        await world.member("olga").state(
            world.room("#staff"), "m.room.server_acl", {"allow": ["*"], "deny": list(deny)}
        )
        await world.settle()
        return list(world.acl("#staff")["deny"])

    assert await by_hand("other.test") == ["b.test", "other.test"]
    assert await by_hand("b.test", "more.test") == ["b.test", "more.test"]  # nothing of ours is missing
    assert await by_hand() == []  # another bot, perhaps: not again within the hour
    world.clock.forward(60 * 60 * 1000)
    assert await by_hand("last.test") == ["b.test", "last.test"]
    # What a hand added stays, whatever we decide later; what we decided goes with its end.
    await world.order("mod", "!ban far.test")
    assert world.acl("#staff")["deny"] == ["b.test", "far.test", "last.test"]
    await world.order("mod", "!unban b.test")
    await world.order("mod", "!unban far.test")
    assert world.acl("#staff")["deny"] == ["last.test"]
    assert world.acl("#sleep")["deny"] == []
    assert [each.rule for each in await world.ledger() if each.action == "server list"] == [
        "changed by @olga:a.test"
    ] * 2


@on_a_file
async def test_what_was_written_on_a_server_while_it_was_shut_out_is_taken_away_when_its_ban_ends(world: World) -> None:
    await world.order("mod", "!ban b.test 2h spam wave")
    world.clock.forward(2 * 60 * 60 * 1000 + 1)
    await world.ring("sanctions end")
    await world.settle()
    assert await world.comes_late("@dan:b.test") == (True, False)
    assert sum("while it was shut out" in seen.body for seen in world.from_hearth("#staff")) == 1
    assert (await world.ledger())[-1].rule == "ban 1"
    assert "2 rows" in (await world.order("mod", "!ledger ban 1")).body


async def _acls(world: World, number: int) -> bool:
    return sum(bool(world.acl(room)) for room in world.everywhere()) >= number


@on_a_file
async def test_under_a_limit_it_tells_how_far_it_is_once_and_edits_that_and_commands_still_answer(world: World) -> None:
    await world.direct("ben")
    for number in range(20):  # a person in few rooms would be done at once
        user = await world.hs.user(f"@spam{number}:c.test")
        for room in ("#space", "#common"):
            await world.member("olga").invite(world.room(room), user.user_id)
            await user.join(world.room(room))
    await world.settle()
    world.hs.limit("send", 4, burst=2)
    question = await world.order("mod", "!kick @spam*:c.test")
    world.hs.mark()
    await world.react("#staff", "mod", question.event_id, "👍")
    await world.hs.until(lambda: _kicks(world) > 3)
    room = world.rooms["@ben"]
    before = len(world.from_hearth(room, "ben"))
    await world.say(room, "ben", "help")
    await world.hs.until(lambda: len(world.from_hearth(room, "ben")) > before)
    assert _kicks(world) < 40, "the answer did not have to wait for the end"
    world.clock.forward(progress.WAIT_MS)
    await world.ring("progress")
    await world.until(lambda: _notice(world))
    world.hs.limit("send", 1000, burst=1000)
    await world.settle(hurrying=True)
    notices = [seen for seen in world.from_hearth("#staff") if "40" in seen.body and "of" in seen.body]
    assert len(notices) == 1
    assert notices[0].body == "40 of 40: that is all."
    assert notices[0].edited
    assert "is out of 2 rooms" in world.from_hearth("#staff")[-1].body


def _kicks(world: World) -> int:
    return sum(each.path.endswith("/kick") and each.status == 200 for each in world.changes())


async def _notice(world: World) -> bool:
    return any(" of 40" in seen.body for seen in world.from_hearth("#staff"))


def test_what_is_left_is_told_in_whole_minutes() -> None:
    said = [progress.in_words(37, 100, left) for left in (None, 20_000, 5 * 60_000 + 9_000)]
    assert [text.source for text in said] == [
        "%(done)s of %(total)s so far.",
        "%(done)s of %(total)s, less than a minute left.",
        "%(done)s of %(total)s, about %(minutes)s min left.",
    ]
    assert said[2].values["minutes"] == 5
