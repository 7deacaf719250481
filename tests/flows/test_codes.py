"""A code lets one newcomer in by one invitation; guessed, old, leaked and banned ones do not."""

import re
from typing import Literal

import pytest
from community import HEARTH, PEOPLE
from world import World, on_a_file, on_both

from bridge.store.tables import belongs, code_uses, codes, metadata, outbox, people, strangers, tries
from tests.fake import Member

pytestmark = on_a_file

NEW = "@nora:c.test"


async def made(world: World, how: str = "!invite code #sleep", who: str = "mod", room: str = "#staff") -> str:
    """A new code, as a moderator gets it."""
    answer = await world.order(who, how, room)
    found = re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", answer.body)
    assert len(set(found)) == 1, answer.body
    return str(found[0])


async def newcomer(world: World, user: str = NEW) -> Member:
    name = user[1:].partition(":")[0]
    world.people[name] = await world.hs.user(user)
    return world.people[name]


def invitations(world: World, member: Member) -> list[str]:
    """Every invitation that Hearth ever sent somebody, into which rooms."""
    return [
        world.name_of(room)
        for room in map(world.room, world.everywhere())
        for event in world.hs.timeline(room, "m.room.member")
        if event.state_key == member.user_id and event.content["membership"] == "invite"
    ]


async def test_a_code_brings_one_invitation_to_the_space_and_the_rest_is_entered_from_there(world: World) -> None:
    code = await made(world)
    nora = await newcomer(world)
    (answer,) = await world.ask("nora", f"hi! my code is {code.lower()}")
    assert "Welcome" in answer
    assert "#sleep" in answer
    assert invitations(world, nora) == ["#space"]
    await nora.join(world.room("#space"))
    await nora.join(world.room("#sleep"))
    await nora.join(world.room("#common"))
    await world.settle()
    assert invitations(world, nora) == ["#space"]
    assert [(row["user"], row["circle"], row["cause"]) for row in await world.rows(belongs)] == [
        (NEW, "circle/sleep", "code/1")
    ]
    made_row, used_row = await world.ledger()
    assert (made_row.actor, made_row.action, made_row.outcome) == (PEOPLE["mod"], "make a code", {"code": 1, "uses": 1})
    assert (used_row.actor, used_row.action, used_row.rule) == (NEW, "come in by code", "code 1")
    assert used_row.outcome == {"done": 1, "refused": None}
    await world.tick()  # what is done by the clock is done
    await world.replay()
    assert world.changes() == []


async def test_a_code_is_stored_nowhere_once_it_was_shown(world: World) -> None:
    code = await made(world)
    (row,) = await world.rows(codes)
    plain = code.replace("-", "")
    for table in (codes, outbox):
        assert plain not in str(await world.rows(table)).replace("-", "")
    assert len(row["hash"]) == 64


@pytest.mark.parametrize("room", ["#staff", "#sleep"])
async def test_an_answer_with_a_code_that_is_refused_leaves_no_code_behind(world: World, room: str) -> None:
    """What was said in the staff room, or by a private message to a curator, is never tried again once it was refused."""
    await world.ask("ann", "help")  # so that there is a direct room
    world.hs.faults.add("status", path="/send/m.room.message", status=403, errcode="M_FORBIDDEN", times=None)
    await world.say(room, "mod" if room == "#staff" else "ann", "!invite code #sleep")
    await world.settle()
    world.hs.faults.clear()
    (row,) = await world.rows(codes)
    assert row["uses"] == 1
    dead = [row for row in await world.rows(outbox) if row["state"] == "dead"]
    assert [(row["payload"], row["error"]) for row in dead] == [(None, "M_FORBIDDEN")]
    for table in metadata.sorted_tables:
        assert re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", str(await world.rows(table))) is None


async def test_of_two_people_with_one_code_at_the_same_moment_exactly_one_comes_in(world: World) -> None:
    code = await made(world)
    nora, omar = await newcomer(world), await newcomer(world, "@omar:d.test")
    rooms = [await world.direct("nora"), await world.direct("omar")]
    async with world.held():
        await nora.say(rooms[0], code)
        await omar.say(rooms[1], code)
    await world.settle()
    invited = [member.user_id for member in (nora, omar) if invitations(world, member)]
    assert len(invited) == 1
    assert [row["user"] for row in await world.rows(code_uses)] == invited
    assert [row["user"] for row in await world.rows(belongs)] == invited
    loser = "omar" if invited == [NEW] else "nora"
    assert "does not hold any more" in world.told(loser)[-1]
    (row,) = await world.rows(codes)
    assert row["used"] == row["uses"] == 1
    await world.replay()
    assert world.changes() == []


async def test_the_same_person_twice_is_one_use_and_one_invitation(world: World) -> None:
    code = await made(world, "!invite code #sleep 2")
    nora = await newcomer(world)
    await world.ask("nora", code)
    (again,) = await world.ask("nora", code)
    assert "invited already" in again
    assert invitations(world, nora) == ["#space"]
    await nora.join(world.room("#space"))
    await world.settle()
    (inside,) = await world.ask("nora", code)
    assert "in already" in inside
    (row,) = await world.rows(codes)
    assert row["used"] == 1


async def test_who_declined_by_mistake_is_invited_again_by_the_same_code(world: World) -> None:
    code = await made(world)
    nora = await newcomer(world)
    await world.ask("nora", code)
    await nora.leave(world.room("#space"))
    await world.settle()
    await world.ask("nora", code)
    assert invitations(world, nora) == ["#space", "#space"]
    (row,) = await world.rows(codes)
    assert row["used"] == 1


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
async def test_stopped_while_inviting_the_newcomer_gets_one_invitation(
    world: World, kind: Literal["hang", "hang_after"]
) -> None:
    code = await made(world)
    nora = await newcomer(world)
    hanging = world.hs.faults.add(kind, path="/invite$", times=None)
    await world.write_to_hearth("nora", code)
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.settle()
    assert invitations(world, nora) == ["#space"]
    assert len([told for told in world.told("nora") if "Welcome" in told]) == 1
    *_, entry = await world.ledger()
    assert entry.outcome == {"done": 1, "refused": None}


async def test_after_five_wrong_codes_there_is_silence_for_an_hour_also_over_a_restart(world: World) -> None:
    code = await made(world)
    nora = await newcomer(world)
    for number in range(4):
        (told,) = await world.ask("nora", f"AAAA-AAAA-AA2{number}")
        assert "do not know this code" in told
    (told,) = await world.ask("nora", "AAAA-AAAA-AA29")
    assert "in an hour" in told
    assert await world.ask("nora", "AAAA-AAAA-AA2A") == []
    await world.restart()
    assert await world.ask("nora", code) == []
    assert invitations(world, nora) == []
    await world.turn_to("2026-01-05 11:30")
    (told,) = await world.ask("nora", code)
    assert "Welcome" in told
    assert invitations(world, nora) == ["#space"]
    await world.turn_to("2026-01-07 11:30")
    assert await world.rows(tries) == []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("expire", "does not hold any more"),
        ("revoke", "does not hold any more"),
        ("use", "does not hold any more"),
        ("ban", "cannot let you in"),
        ("ban server", "cannot let you in"),
    ],
)
async def test_a_code_that_does_not_hold_lets_nobody_in(world: World, spoil: str, told: str) -> None:
    code = await made(world, "!invite code #sleep 2 hours")
    nora = await newcomer(world)
    await world.direct("nora")  # a stranger who is banned already is not even listened to
    await world.settle()
    if spoil == "expire":
        await world.turn_to("2026-01-05 12:01")
    elif spoil == "revoke":
        await world.order("mod", "!invite revoke 1")
    elif spoil == "use":
        await newcomer(world, "@omar:d.test")
        await world.ask("omar", code)
    elif spoil == "ban":
        await world.order("mod", f"!ban {NEW}")
    else:
        await world.order("mod", "!ban @*:c.test")
    (answer,) = await world.ask("nora", code)
    assert told in answer
    assert invitations(world, nora) == []
    assert NEW not in str(await world.rows(belongs))
    if spoil.startswith("ban"):
        (row,) = await world.rows(codes)
        assert row["used"] == 0
        assert "tried to come in" in world.from_hearth("#staff")[-1].body


@on_both
async def test_a_code_in_a_room_of_all_is_revoked_and_told_privately(world: World) -> None:
    code = await made(world)
    await world.say("#common", "ben", f"whoever wants: {code}")
    await world.settle()
    assert not world.from_hearth("#common")
    for who in ("ben", "mod"):
        await world.direct(who)
    assert "holds no longer" in world.told("ben")[-1]
    assert "invite code" in world.told("mod")[-1]
    (row,) = await world.rows(codes)
    assert row["revoked_ms"]
    nora = await newcomer(world)
    await world.ask("nora", code)
    assert invitations(world, nora) == []
    await world.replay()
    assert world.changes() == []


async def test_a_code_in_the_staff_room_or_one_that_is_none_burns_nothing(world: World) -> None:
    code = await made(world)
    await world.say("#staff", "olga", f"take {code}")
    await world.say("#common", "ben", "my bike is a K7QF-3MXD-2PVA")
    await world.settle()
    (row,) = await world.rows(codes)
    assert row["revoked_ms"] is None
    assert world.told("ben") == []


async def test_who_accepts_no_invitations_hears_what_to_do_and_can_come_later(world: World) -> None:
    code = await made(world)
    nora = await newcomer(world)
    blocked = world.hs.faults.add("status", path="/invite$", status=403, errcode="M_INVITE_BLOCKED", times=None)
    told = await world.ask("nora", code)
    assert "blocks invitations" in told[-1]
    blocked.release()
    await world.ask("nora", code)
    assert invitations(world, nora) == ["#space"]
    (row,) = await world.rows(codes)
    assert row["used"] == 1


async def test_a_code_for_an_archived_circle_lets_into_the_space(world: World) -> None:
    code = await made(world)
    data = world.config.model_dump()
    data["community"]["circles"] = [each for each in data["community"]["circles"] if each["tag"] != "sleep"]
    await world.stop()
    await world.build(data)
    await world.start()
    nora = await newcomer(world)
    (told,) = await world.ask("nora", code)
    assert "Welcome" in told
    assert "#sleep" not in told
    assert invitations(world, nora) == ["#space"]


async def test_a_member_with_a_code_leaves_it_for_somebody_else(world: World) -> None:
    code = await made(world, "!invite code")
    (told,) = await world.ask("ben", code)
    assert "in already" in told
    (row,) = await world.rows(codes)
    assert row["used"] == 0


# --- strangers -----------------------------------------------------------------------------------------------------------------------


async def test_a_stranger_gets_one_kind_word_and_is_left_after_a_day(world: World) -> None:
    await newcomer(world)
    (told,) = await world.ask("nora", "hello?")
    assert "invite code" in told
    assert await world.ask("nora", "anybody there?") == []
    room = await world.direct("nora")
    await world.turn_to("2026-01-06 09:00")
    assert HEARTH in world.hs.members(room)
    await world.turn_to("2026-01-06 10:30")
    assert HEARTH not in world.hs.members(room)
    assert await world.rows(strangers) == []
    assert NEW not in {row["user"] for row in await world.rows(people) if row["direct_room"]}


async def test_a_stranger_who_came_in_is_not_left(world: World) -> None:
    code = await made(world)
    await newcomer(world)
    await world.ask("nora", code)
    await world.turn_to("2026-01-07 10:30")
    assert HEARTH in world.hs.members(await world.direct("nora"))


async def test_of_many_strangers_only_so_many_are_listened_to_in_an_hour_and_the_others_get_their_turn(
    world: World,
) -> None:
    rooms = []
    for number in range(23):
        member = await world.hs.user(f"@stranger{number}:c.test")
        rooms.append(await member.create(preset="trusted_private_chat", is_direct=True, invite=[HEARTH]))
    await world.settle()
    assert sum(HEARTH in world.hs.members(room) for room in rooms) == 20
    assert HEARTH in world.hs.members(await world.direct("ben"))  # whom we know waits for nobody
    await world.turn_to("2026-01-05 11:05")
    assert sum(HEARTH in world.hs.members(room) for room in rooms) == 23


async def test_one_stranger_cannot_bring_us_into_many_rooms_and_a_banned_one_into_none(world: World) -> None:
    nora, eva = await newcomer(world), await newcomer(world, "@eva:evil.test")
    await world.order("mod", "!ban evil.test")
    rooms = [await nora.create(preset="trusted_private_chat", is_direct=True, invite=[HEARTH]) for _ in range(6)]
    await eva.create(preset="trusted_private_chat", is_direct=True, invite=[HEARTH])
    await world.settle()
    assert sum(HEARTH in world.hs.members(room) for room in rooms) == 3
    assert eva.user_id not in {row["user"] for row in await world.rows(strangers)}


# --- the commands --------------------------------------------------------------------------------------------------------------------


async def test_a_person_is_invited_by_command_to_the_space_only(world: World) -> None:
    nora = await newcomer(world)
    answer = await world.order("mod", f"!invite {NEW} #garden")
    assert "is invited to the space" in answer.body
    assert invitations(world, nora) == ["#space"]
    assert [row["circle"] for row in await world.rows(belongs)] == ["circle/garden"]
    again = await world.order("mod", f"!invite {NEW} #garden")
    assert "not answered yet" in again.body
    (told,) = await world.ask("nora", "hello")
    assert "invited already" in told
    await world.replay()
    assert world.changes() == []


@pytest.mark.parametrize("circle", ["", " #garden"])
async def test_an_invitation_that_is_refused_is_told_once(world: World, circle: str) -> None:
    await newcomer(world)
    world.hs.faults.add("status", path="/invite$", status=403, errcode="M_INVITE_BLOCKED", times=None)
    answer = await world.order("mod", f"!invite {NEW}{circle}")
    assert "could not be invited" in answer.body
    assert "M_INVITE_BLOCKED" in answer.body
    await world.tick()
    await world.tick()
    told = [seen.body for seen in world.from_hearth("#staff") if NEW in seen.body or "nora" in seen.body]
    assert told == [answer.body]


async def test_a_ban_beats_an_invitation(world: World) -> None:
    await world.order("mod", "!ban c.test")
    nora = await newcomer(world)
    answer = await world.order("mod", f"!invite {NEW}")
    assert "banned" in answer.body
    assert invitations(world, nora) == []


async def test_a_curator_invites_into_the_own_circle_only(world: World) -> None:
    nora = await newcomer(world)
    (answer,) = await world.ask("ann", f"invite {NEW} #garden")
    assert "own circle" in answer
    assert invitations(world, nora) == []
    await world.ask("ann", f"invite {NEW}")
    assert [row["circle"] for row in await world.rows(belongs)] == ["circle/sleep"]
    assert invitations(world, nora) == ["#space"]
    (answer,) = await world.ask("ben", f"invite {NEW}")
    assert "curators" in answer


async def test_codes_are_listed_without_themselves_and_revoked_by_number(world: World) -> None:
    first, second = await made(world, "!invite code #sleep 5 7d"), await made(world, "!invite code #garden 3 days 2")
    listed = (await world.order("mod", "!invite codes")).body
    assert "1: #sleep, 5 uses left" in listed
    assert "2: #garden, 2 uses left" in listed
    assert first not in listed
    assert second not in listed
    (for_ann,) = await world.ask("ann", "invite codes")
    assert "#sleep" in for_ann
    assert "#garden" not in for_ann
    (refused,) = await world.ask("ann", "invite revoke 2")
    assert "no code number 2" in refused
    await world.ask("ann", "invite revoke 1")
    listed = (await world.order("mod", "!invite codes")).body
    assert "#sleep" not in listed
    assert [entry.action for entry in await world.ledger()] == ["make a code", "make a code", "revoke a code"]


async def test_a_curators_code_is_told_to_the_curator_alone(world: World) -> None:
    await world.say("#sleep", "ann", "!invite code")
    await world.settle()
    assert not world.from_hearth("#sleep")
    await world.direct("ann")
    assert "Code number 1" in world.told("ann")[-1]
    assert f"https://matrix.to/#/{HEARTH}" in world.told("ann")[-1]
    (row,) = await world.rows(codes)
    assert (row["circle"], row["maker"]) == ("circle/sleep", PEOPLE["ann"])


@pytest.mark.parametrize("limits", ["0", "5000", "2 years", "3 4", "1d 5 2d", "soon"])
async def test_limits_that_make_no_sense_make_no_code(world: World, limits: str) -> None:
    await world.order("mod", f"!invite code #sleep {limits}")
    assert await world.rows(codes) == []
