"""The demo's second chapter: the community grows. People come in, circles are made and put aside. Never looks into Hearth."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from bridge.demo.acting import ask, first_lines, turn_to
from bridge.demo.member import Member, NotSeen
from bridge.demo.theatre import Play

_CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")


async def the_door_is_opened(play: Play) -> None:
    """The owner changes one line of the file and starts Hearth again: newcomers are welcomed from now on, and who is there is asked nothing."""
    await play.kill_bot()
    text = await asyncio.to_thread(play.config_file.read_text, encoding="utf-8")
    welcoming = text.replace("onboarding: false", "onboarding: true")
    await asyncio.to_thread(play.config_file.write_text, welcoming, encoding="utf-8")
    await play.start_bot()


async def a_circle_is_made(play: Play) -> None:
    """A moderator makes a circle by one command; everybody in the space finds it."""
    turn_to(play, 5, 14)
    mira, ann = play.cast["mira"], play.cast["ann"]
    staff, space = play.rooms["staff"], play.rooms["space"]
    await mira.say(staff, f"!circles make #hope {ann.id} Hope")
    made = await mira.sees_from(play.hearth, staff, "#hope is there now")
    play.stage.saw("Mira", "Staff room", made.text)
    play.rooms["circle/hope"] = await _room_behind(ann, f"#hope:{play.lab.a.server_name}")
    if play.rooms["circle/hope"] not in await _in_the_space(ann, space):
        raise NotSeen("the new circle in the space")
    await ann.accept(play.rooms["circle/hope"])
    listed = await ask(play, mira, "!circles", room=staff, contains="#hope")
    play.stage.saw("Mira", "Staff room", listed.text)


async def somebody_comes_in_by_a_code(play: Play) -> None:
    """Zoe, on the second server, comes in by a code: one invitation, a few questions in her own language, and her circle is open to her."""
    mira, zoe, ann = play.cast["mira"], play.cast["zoe"], play.cast["ann"]
    made = await ask(play, mira, "!invite code #hope", room=play.rooms["staff"], contains="#hope")
    code = _CODE.search(made.text)
    if code is None:
        raise NotSeen("a code in Hearth's answer")
    direct = play.rooms["direct/zoe"] = await zoe.talk_to(play.hearth)
    await zoe.until("Hearth in the direct room", lambda: zoe.hears(play.hearth, direct))
    said = await ask(play, zoe, f"My code is {code[0]}")
    play.stage.saw("Zoe", "direct room", said.text)
    await zoe.accept(play.rooms["space"])
    first = await zoe.sees_from(play.hearth, direct, "Welcome to")
    play.stage.saw("Zoe", "direct room", first_lines(first, 3))
    for reply, expected in (("English", "time zone"), ("Lisbon", "name"), ("skip", "")):
        told = await ask(play, zoe, reply, contains=expected)
        play.stage.saw("Zoe", f"direct room, after “{reply}”", first_lines(told, 2))
    await zoe.join(play.rooms["circle/hope"])
    hello = await ann.sees_from(play.hearth, play.rooms["direct/ann"], "Zoe")
    play.stage.saw("Ann", "direct room", hello.text)


async def somebody_knocks(play: Play) -> None:
    """Kim knocks at the space; staff sees a case, and one reaction lets Kim in."""
    mira, kim = play.cast["mira"], play.cast["kim"]
    staff, space = play.rooms["staff"], play.rooms["space"]
    await kim.matrix.client.request("POST", "/knock/{room}", parts={"room": space}, body={})
    case = await mira.sees_from(play.hearth, staff, "knocks")
    play.stage.saw("Mira", "Staff room", case.text)
    await mira.react(staff, case.event, "👍")
    await kim.accept(space)
    await kim.join(play.rooms["common"])
    invited = await kim.until("Hearth's invitation to a direct room", lambda: next(iter(kim.invites), None))
    await kim.accept(invited)
    play.rooms["direct/kim"] = invited
    play.stage.saw("Kim", "the common room", "let in by one reaction")


async def a_circle_is_put_aside(play: Play) -> None:
    """The circle is archived: readable, out of the space, nobody removed. The plan has nothing to add."""
    mira, ann, zoe = (play.cast[name] for name in ("mira", "ann", "zoe"))
    staff, space, hope = (play.rooms[key] for key in ("staff", "space", "circle/hope"))
    await mira.say(staff, "!circles archive #hope")
    await mira.sees_from(play.hearth, staff, "That is done")
    if hope in await _in_the_space(ann, space):
        raise NotSeen("the circle gone from the space")
    await zoe.until("still being in the circle", lambda: zoe.memberships.get(hope) == "join")
    await zoe.only_reads(hope)  # once her homeserver has heard of it
    planned = await ask(play, mira, "!plan", room=staff, contains="Nothing")
    play.stage.saw("Mira", "Staff room", planned.text)


async def a_membership_ends_and_goes_on(play: Play) -> None:
    """Kim's membership ends: three days of reading only, then out of every room. A renewal is one invitation."""
    mira, kim = play.cast["mira"], play.cast["kim"]
    staff, direct, common = play.rooms["staff"], play.rooms["direct/kim"], play.rooms["common"]
    lasts = await ask(play, mira, f"!member expire {kim.id} 1d", room=staff, contains="lasts until")
    play.stage.saw("Mira", "Staff room", lasts.text)
    turn_to(play, 2, 12)
    grace = await kim.sees_from(play.hearth, direct, "you can still read")
    play.stage.saw("Kim", "direct room", grace.text)
    await kim.only_reads(common)
    turn_to(play, 4, 12)
    await kim.until("the end", lambda: kim.memberships.get(common) == "leave")
    play.stage.saw("Kim", "every room", "the membership has come to its end")
    await ask(play, mira, f"!member renew {kim.id} 30d", room=staff, contains="lasts until")
    await kim.accept(play.rooms["space"])
    await kim.join(common)
    await kim.until("being heard again", lambda: kim.memberships.get(common) == "join")
    play.stage.saw("Kim", "the common room", "back, by one invitation")


GROWTH: tuple[Callable[[Play], Awaitable[None]], ...] = (
    the_door_is_opened,
    a_circle_is_made, somebody_comes_in_by_a_code, somebody_knocks, a_circle_is_put_aside,
)  # fmt: skip


async def _room_behind(member: Member, alias: str) -> str:
    answer = await member.matrix.client.request("GET", "/directory/room/{alias}", parts={"alias": alias})
    return str(answer["room_id"])


async def _in_the_space(member: Member, space: str) -> set[str]:
    """The rooms that the space shows."""
    path = "/_matrix/client/v1/rooms/{room}/hierarchy"
    answer = await member.matrix.client.request("GET", path, parts={"room": space}, query={"limit": "50"})
    return {each["room_id"] for each in answer["rooms"]}
