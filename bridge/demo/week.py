"""The demo's week, step by step: each does something as a member would, and looks at what members see of it. Never looks into Hearth.

A step that does not see what it waits for raises NotSeen, and the demo has failed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bridge.demo.acting import ask, first_lines, in_thread, say, turn_to
from bridge.demo.growth import GROWTH, a_membership_ends_and_goes_on
from bridge.demo.member import Member, NotSeen
from bridge.demo.theatre import NEWCOMERS, Play

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""A picture of one pixel."""

CIRCLES = {
    "circle/sleep": ("ann", "dan", "eva", "farid"),
    "circle/тревога": ("boris", "greta", "hugo", "rex"),
    "circle/grief": ("clara", "ines", "jonas"),
}


async def everybody_comes_in(play: Play) -> None:
    """Everybody accepts one invitation, to the space, and enters their circle and the common room by themselves."""
    space, common, staff = (play.rooms[key] for key in ("space", "common", "staff"))
    cast = [member for name, member in play.cast.items() if name not in NEWCOMERS]
    await asyncio.gather(*(member.accept(space) for member in cast))
    await asyncio.gather(*(member.join(common) for member in cast))
    for key, names in CIRCLES.items():
        await asyncio.gather(*(play.cast[name].join(play.rooms[key]) for name in names))
    await asyncio.gather(*(play.cast[name].accept(staff) for name in ("olga", "mira")))
    play.stage.saw("Eva, on the second server,", "the space", f"{await _children(play.cast['eva'], space)} rooms")


async def people_talk_to_hearth(play: Play) -> None:
    """People write to Hearth in encrypted direct rooms: help in three languages, their time zone, what they follow."""
    dan, greta, hugo, boris = (play.cast[name] for name in ("dan", "greta", "hugo", "boris"))
    for member in (dan, greta, hugo, boris, play.cast["ines"], play.cast["farid"], play.cast["ann"]):
        play.rooms[f"direct/{member.name}"] = await member.talk_to(play.hearth)
        await member.until(
            "Hearth in the direct room", partial(member.hears, play.hearth, play.rooms[f"direct/{member.name}"])
        )
    play.stage.saw("Dan", "direct room", first_lines(await ask(play, dan, "help"), 6))
    play.stage.saw("Boris", "direct room", (await ask(play, boris, "language русский")).text)
    play.stage.saw("Greta", "direct room", (await ask(play, greta, "language Deutsch")).text)
    play.stage.saw("Greta", "direct room", (await ask(play, greta, "zeitzone Berlin")).text)
    play.stage.saw("Dan", "direct room", (await ask(play, dan, f"follow {play.cast['ann'].id}")).text)
    play.stage.saw("Greta", "direct room", (await ask(play, greta, "follow #schlaf")).text)
    play.stage.saw("Hugo", "direct room", (await ask(play, hugo, "follow #тревога")).text)


async def monday_a_thread_is_shared(play: Play) -> None:
    """Monday. Ann shares her thread with everybody by a tag; Dan's answer travels once he agrees, Farid's stays in the circle."""
    turn_to(play, 0, 19)
    ann, dan, eva, farid, jonas = (play.cast[name] for name in ("ann", "dan", "eva", "farid", "jonas"))
    sleep, common = play.rooms["circle/sleep"], play.rooms["common"]
    root = await say(
        play, ann, sleep, "I have been awake since two again. What do you do at that hour? #common #schlaf"
    )
    play.events["root"] = root
    copy = await jonas.sees(common, "awake since two")
    play.events["copy"] = copy.event
    play.stage.saw("Jonas, who is in another circle,", "Common room", copy.text)
    await in_thread(play, dan, sleep, root, "I get up and make tea, and I do not look at the clock.")
    await in_thread(play, farid, sleep, root, "I count backwards in Persian.")
    for member, emoji in ((dan, "👍"), (farid, "👎")):
        asked = await member.sees_from(play.hearth, play.rooms[f"direct/{member.name}"], "👍")
        if member is dan:
            play.stage.saw("Dan", "direct room", asked.text)
        await member.react(asked.room, asked.event, emoji)
    answer = await jonas.sees(common, "make tea", thread=copy.event)
    play.stage.saw("Jonas", "the thread in the Common room", answer.text)
    if any("Persian" in line.text for line in jonas.lines(common)):
        raise NotSeen("Farid's words staying in the circle")
    await eva.sees(sleep, "Persian", thread=root)


async def the_copy_is_alive(play: Play) -> None:
    """What is edited, added as a picture, or taken back in the circle is so in the common room, too."""
    ann, dan, jonas = (play.cast[name] for name in ("ann", "dan", "jonas"))
    sleep, common, root, copy = (
        play.rooms["circle/sleep"],
        play.rooms["common"],
        play.events["root"],
        play.events["copy"],
    )
    play.said.append("two or three again")
    await ann.edit(
        sleep, root, "I have been awake since two or three again. What do you do at that hour? #common #schlaf"
    )
    edited = await jonas.sees(common, "two or three again")
    play.stage.saw("Jonas", "Common room", edited.text)
    picture = await ann.matrix.client.upload(PICTURE, "image/png", "moon.png")
    relation = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True, "m.in_reply_to": {"event_id": root}}
    info = {"mimetype": "image/png", "w": 1, "h": 1, "size": len(PICTURE)}
    await ann.say(sleep, "moon.png", msgtype="m.image", url=picture, info=info, **{"m.relates_to": relation})
    shown = await jonas.until(
        "the picture",
        lambda: next((line for line in jonas.lines(common, thread=copy) if line.msgtype == "m.image"), None),
    )
    data, _ = await jonas.matrix.client.download(str(shown.raw["url"]), 10_000)
    if data != PICTURE:
        raise NotSeen("the picture itself, on the second server")
    play.stage.saw("Jonas", "the thread in the Common room", f"a picture of {len(data)} bytes: {shown.text}")
    regretted = await in_thread(play, dan, sleep, root, "Honestly, some nights I just cry.")
    await jonas.sees(common, "some nights", thread=copy)
    await dan.redact(sleep, regretted)
    await jonas.no_longer_sees(common, "some nights")
    play.stage.saw("Jonas", "the thread in the Common room", "Dan's last words are gone, as Dan wanted.")


async def answers_come_back(play: Play) -> None:
    """Jonas answers in the common room, and Ann's circle reads it in its own thread, corrected when he corrects it."""
    ann, jonas = play.cast["ann"], play.cast["jonas"]
    sleep, common, root, copy = (
        play.rooms["circle/sleep"],
        play.rooms["common"],
        play.events["root"],
        play.events["copy"],
    )
    said = await in_thread(play, jonas, common, copy, "I listen to the shipping foreacst.")
    await ann.sees(sleep, "shipping foreacst", thread=root)
    play.said.append("shipping forecast")
    await jonas.edit(common, said, "I listen to the shipping forecast.")
    seen = await ann.sees(sleep, "shipping forecast", thread=root)
    play.stage.saw("Ann", "her circle's thread", seen.text)


async def what_is_encrypted_stays(play: Play) -> None:
    """An encrypted circle's words are not carried into the open; their author hears why."""
    ines, clara, jonas = (play.cast[name] for name in ("ines", "clara", "jonas"))
    grief, common = play.rooms["circle/grief"], play.rooms["common"]
    await say(play, ines, grief, "It is a year today. I lit a candle. #common")
    seen = await clara.sees(grief, "lit a candle")
    if not seen.encrypted:
        raise NotSeen("an encrypted message in the circle for grief")
    told = await ines.sees_from(play.hearth, play.rooms["direct/ines"], "encrypted")
    play.stage.saw("Ines", "direct room", told.text)
    if any("candle" in line.text for line in jonas.lines(common)):
        raise NotSeen("the words staying in the circle")


async def a_thread_is_followed(play: Play) -> None:
    """Ines follows a thread by its link; follows shows what somebody follows."""
    ines = play.cast["ines"]
    link = f"https://matrix.to/#/{play.rooms['common']}/{play.events['copy']}?via={play.lab.a.server_name}"
    play.stage.saw("Ines", "direct room", (await ask(play, ines, f"follow {link}")).text)
    play.stage.saw("Ines", "direct room", (await ask(play, ines, "follows")).text)


async def tuesday_digests_arrive(play: Play) -> None:
    """Tuesday, eight in the morning. Everybody who follows something gets a digest of their own, in their own language."""
    boris, ann = play.cast["boris"], play.cast["ann"]
    dan = play.cast["dan"]
    await in_thread(play, dan, play.rooms["circle/sleep"], play.events["root"], "And a blanket. Blankets help.")
    await say(play, boris, play.rooms["circle/тревога"], "Сегодня дышал по квадрату, и отпустило. #дыхание")
    await say(play, ann, play.rooms["circle/sleep"], "Good night, everybody. #schlaf")
    await _caught_up(play)
    turn_to(play, 1, 8)
    for name, words in (("dan", "Good night"), ("greta", "awake since"), ("hugo", "дышал"), ("ines", "awake since")):
        digest = await play.cast[name].sees_from(play.hearth, play.rooms[f"direct/{name}"], words)
        play.events[f"digest/{name}"] = digest.event
        play.stage.saw(name.capitalize(), "direct room", digest.text)


async def a_digest_forgets_too(play: Play) -> None:
    """What is taken back after it was delivered disappears from the digests that hold it."""
    ann, greta = play.cast["ann"], play.cast["greta"]
    regretted = next(line for line in ann.lines(play.rooms["circle/sleep"]) if "Good night" in line.text)
    await ann.redact(regretted.room, regretted.event)
    for member in (play.cast["dan"], greta):
        await member.no_longer_sees(play.rooms[f"direct/{member.name}"], "Good night")
    play.stage.saw(
        "Dan", "direct room", play.cast["dan"].screen[play.rooms["direct/dan"]][play.events["digest/dan"]].text
    )


async def wednesday_servers_come_and_go(play: Play) -> None:
    """Wednesday. Each homeserver goes down in turn and comes back; nothing that was said meanwhile is lost or doubled."""
    turn_to(play, 2, 12)
    dan, eva, jonas = (play.cast[name] for name in ("dan", "eva", "jonas"))
    sleep, common = play.rooms["circle/sleep"], play.rooms["common"]
    await play.lab.b.stop()
    await say(play, dan, sleep, "A walk before dinner made all the difference. #common")
    await play.cast["mira"].sees(common, "A walk before dinner")
    await play.lab.b.start()
    seen = await eva.sees(common, "A walk before dinner")
    play.stage.saw("Eva, back again,", "Common room", seen.text)
    await play.lab.a.stop()
    await say(play, eva, sleep, "An old paper book helps me. #common")
    await play.lab.a.start()
    seen = await jonas.sees(common, "An old paper book")
    play.stage.saw("Jonas, after Hearth's own server was away,", "Common room", seen.text)
    _exactly_once(jonas, common, "A walk before dinner", "An old paper book")


async def thursday_hearth_is_killed(play: Play) -> None:
    """Thursday. Hearth is killed in the middle of its work and started again; nothing is lost and nothing comes twice."""
    turn_to(play, 3, 12)
    dan, jonas = play.cast["dan"], play.cast["jonas"]
    sleep, common = play.rooms["circle/sleep"], play.rooms["common"]
    await say(play, dan, sleep, "Thought one of the night: warm socks. #common")
    await play.kill_bot()
    await say(play, dan, sleep, "Thought two of the night: no news after nine. #common")
    await play.start_bot()
    await say(play, dan, sleep, "Thought three of the night: you are not alone. #common")
    for words in ("warm socks", "no news after nine", "you are not alone"):
        await jonas.sees(common, words)
    await _caught_up(play)
    _exactly_once(jonas, common, "warm socks", "no news after nine", "you are not alone")
    play.stage.saw("Jonas", "Common room", "three thoughts of the night, each once")


async def friday_a_spammer_is_banned(play: Play) -> None:
    """Friday. A spammer from the second server is banned from every room by one command; our own server cannot be."""
    turn_to(play, 4, 12)
    mira, rex, eva = (play.cast[name] for name in ("mira", "rex", "eva"))
    staff, common = play.rooms["staff"], play.rooms["common"]
    await rex.say(common, "CHEAP PILLS at pills dot example")
    await mira.sees(common, "CHEAP PILLS")
    await mira.say(staff, f"!ban {rex.id} spam")
    answer = await mira.sees_from(play.hearth, staff, "Rex")
    play.stage.saw("Mira", "Staff room", answer.text)
    mine = [play.rooms[key] for key in ("space", "common", "circle/тревога")]
    await rex.until("the door of every room", lambda: all(rex.memberships.get(room) == "ban" for room in mine))
    await eva.until("Rex banned", lambda: eva.others.get((common, rex.id)) == "ban")
    if await rex.can_write(common):
        raise NotSeen("Rex being refused")
    play.stage.saw("Rex", "every room", "banned; what he writes is refused")
    again = await ask(play, mira, f"!ban {play.hearth.partition(':')[2]} oops", room=staff)
    play.stage.saw("Mira", "Staff room", again.text)


async def saturday_forgiven(play: Play) -> None:
    """Saturday. The ban is lifted again, everywhere where it was our doing."""
    turn_to(play, 5, 12)
    mira, rex = play.cast["mira"], play.cast["rex"]
    answer = await ask(play, mira, f"!unban {rex.id}", room=play.rooms["staff"], contains="Rex")
    play.stage.saw("Mira", "Staff room", answer.text)
    await rex.until("no ban", lambda: rex.memberships.get(play.rooms["common"]) != "ban")


async def sunday_digest_on_demand(play: Play) -> None:
    """Sunday. “digest now” at any time; an unknown word gets a kind answer, and unfollow ends it."""
    turn_to(play, 6, 7)
    dan = play.cast["dan"]
    await say(play, play.cast["ann"], play.rooms["circle/sleep"], "I slept six whole hours. Thank you, all of you.")
    play.stage.saw(
        "Dan", "direct room", first_lines(await ask(play, dan, "digest now", contains="six whole hours"), 12)
    )
    play.stage.saw("Dan", "direct room", (await ask(play, dan, "folow #schlaf")).text)
    play.stage.saw("Dan", "direct room", (await ask(play, dan, f"unfollow {play.cast['ann'].id}")).text)


async def nothing_is_written_down(play: Play) -> None:
    """After the week nobody's words stand in Hearth's database, keys or log."""
    await _caught_up(play)
    files = [file for file in (play.directory / "hearth").rglob("*") if file.is_file()]
    for file in files:
        data = await asyncio.to_thread(Path.read_bytes, file)
        for words in play.said:
            if words.encode() in data:
                raise NotSeen(f"{file.name} without anybody's words")
    play.stage.tell(f"{len(play.said)} messages looked for in {len(files)} files; none of their words is there.")


STEPS: tuple[Callable[[Play], Awaitable[None]], ...] = (
    everybody_comes_in, people_talk_to_hearth, monday_a_thread_is_shared, the_copy_is_alive, answers_come_back,
    what_is_encrypted_stays,
    a_thread_is_followed, tuesday_digests_arrive, a_digest_forgets_too, wednesday_servers_come_and_go,
    thursday_hearth_is_killed, friday_a_spammer_is_banned, saturday_forgiven, *GROWTH, sunday_digest_on_demand, a_membership_ends_and_goes_on, nothing_is_written_down,
)  # fmt: skip


async def _caught_up(play: Play) -> None:
    """Hearth has read everything up to now: it answers a question asked after it, and no other one."""
    await ask(play, play.cast["ann"], "help timezone", room=play.rooms["direct/ann"], contains="timezone")


def _exactly_once(member: Member, room: str, *texts: str) -> None:
    for text in texts:
        times = sum(text in line.text for line in member.lines(room))
        if times != 1:
            raise NotSeen(f"“{text}” exactly once (it is there {times} times)")


async def _children(member: Member, space: str) -> int:
    answer = await member.matrix.client.request(
        "GET", "/_matrix/client/v1/rooms/{room}/hierarchy", parts={"room": space}, query={"limit": "50"}
    )
    return len(answer["rooms"]) - 1
