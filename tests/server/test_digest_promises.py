"""What digests promise, on two real federated homeservers: nobody is given a word that is not theirs, and those who look after others hear of whom nobody answered.

A month passes by Hearth's clock; its homeservers keep theirs.
"""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from due_digests import settled
from matrix_parties import until
from sqlalchemy import select
from test_digest_touched_real import opens
from test_hearth import ask, person, running

from bridge.app import opened
from bridge.clock import now_ms
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Line, Member
from bridge.digest import due
from bridge.hearth import Hearth
from bridge.store import people, queue
from bridge.store.tables import posts

BERLIN = ZoneInfo("Europe/Berlin")


class Wall:
    """The machine's clock, moved forward by days: what homeservers say of when something was is never later than it. It begins at noon, whenever that is."""

    def __init__(self) -> None:
        self.offset_ms = 0
        self.today = datetime.now(BERLIN).date() + timedelta(days=1)
        self.turn_to(0, "12:00")

    def __call__(self) -> int:
        return now_ms() + self.offset_ms

    def turn_to(self, day: int, time: str) -> str:
        """So many days later at this time in Berlin; the date there."""
        date = self.today + timedelta(days=day)
        moment = datetime.fromisoformat(f"{date} {time}").replace(tzinfo=BERLIN)
        self.offset_ms = int(moment.timestamp() * 1000) - now_ms()
        return date.isoformat()


async def settings(lab: Lab, prefix: str, who: dict[str, Member], directory: Path) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    rooms = {key: {"name": key.capitalize(), "alias": f"{prefix}{key}"} for key in ("space", "common", "staff")}
    plain = {**rooms, **{key: {**rooms[key], "encrypted": False} for key in ("common", "staff")}}
    circles = [
        {"tag": "sleep", "curators": [who["mira"].id], "members": [who[name].id for name in ("eva", "nora", "dan", "kim", "relay")]},
        {"tag": "grief", "members": [who["nora"].id, who["dan"].id]},
    ]  # fmt: skip
    for circle in circles:
        circle |= {"name": circle["tag"], "alias": f"{prefix}{circle['tag']}", "encrypted": False, "history": "joined"}
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "password": "pw"},
            "data_dir": str(directory / "data"),
            "zone": "Europe/Berlin",
            "digest": {"bots": [who["relay"].id], "default_time": "08:00", "choosing": {"per_circle": 9, "per_author": 9}},
            "community": {
                **plain, "circles": circles, "moderators": [who["uma"].id], "onboarding": False, "assign": False,
            },
        }
    )  # fmt: skip


async def knows(hearth: Hearth, *events: str) -> None:
    """Wait until Hearth has heard of these messages, or of these edits as the newest ones."""

    async def look() -> bool:
        async with hearth.database.reading() as db:
            rows = await db.execute(select(posts.c.event, posts.c.edited))
            return {*events} <= {each for row in rows for each in row}

    await until(look)


async def knows_of(hearth: Hearth, member: Member, room: str, membership: str) -> None:
    async def look() -> bool:
        async with hearth.database.reading() as db:
            return await people.membership(db, room, member.id) == membership

    await until(look)


async def shown(hearth: Hearth, member: Member, direct: str, day: str) -> Line:
    """The digest of this day on somebody's screen."""
    event = await settled(hearth, member.id, day)
    assert event is not None
    return await member.until("a digest", lambda: member.screen.get(direct, {}).get(event))


async def chosen(hearth: Hearth, day: str, *members: Member) -> None:
    """Wait until what these people's digests of this day hold is decided."""

    async def look() -> bool:
        async with hearth.database.reading() as db:
            return all([await queue.get(db, f"digest/{member.id}/{day}") for member in members])

    await until(look)


async def test_nobody_is_given_what_is_not_theirs_and_who_waits_for_an_answer_is_told_of(
    lab: Lab, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Wall()
    async with AsyncExitStack() as stack:
        homes = {"mira": "a", "uma": "a", "eva": "b", "nora": "b", "dan": "b", "kim": "b", "relay": "b"}
        them = await asyncio.gather(
            *(person(stack, lab, f"{prefix}{name}", home, tmp_path) for name, home in homes.items())
        )
        who = dict(zip(homes, them, strict=True))
        mira, uma, eva, nora, dan, kim, relay = them
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, who, tmp_path), clock=clock))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        space, common, sleep, grief = (rooms[key] for key in ("space", "common", "circle/sleep", "circle/grief"))
        await stack.enter_async_context(running(hearth))
        await asyncio.gather(*(member.accept(space) for member in them), uma.accept(rooms["staff"]))
        await asyncio.gather(*(member.join(sleep) for member in (mira, eva, nora, dan, kim, relay)), uma.join(common))
        await asyncio.gather(*(member.join(common) for member in (eva, kim)), *(m.join(grief) for m in (nora, dan)))
        direct = dict(
            zip(
                (mira, uma, eva, dan),
                await asyncio.gather(*(opens(m, hearth, encrypted=m is eva) for m in (mira, uma, eva, dan))),
                strict=True,
            )
        )

        # --- whom nobody answered -------------------------------------------------------------------------------------------------
        await ask(mira, hearth, direct[mira], "digest daily 8:00", "8:00")
        asked = await nora.say(sleep, "Who else lies awake?")
        alone = [await nora.answer(sleep, asked, "Anybody?"), await relay.answer(sleep, asked, "Beep.")]
        thread = {"m.relates_to": {"rel_type": "m.thread", "event_id": asked}}
        alone.append(await eva.say(sleep, "Automatic answer: away.", msgtype="m.notice", **thread))
        small = await dan.say(grief, "I miss her.")
        await knows(hearth, asked, *alone, small)
        clock.offset_ms += 5 * 3_600_000
        told = await ask(mira, hearth, direct[mira], "unheard", "What may need you")
        assert f"- {nora.name.capitalize()} has had no answer for 5 hours." in told
        assert asked in told
        assert "awake" not in told
        told = await ask(uma, hearth, direct[uma], "unheard", "What may need you")
        assert "- #sleep: without an answer: 1, the oldest for 5 hours" in told
        assert "grief" not in told
        assert nora.name.capitalize() not in told
        assert asked not in told
        heard = [await eva.answer(sleep, asked, "I do."), await mira.say(sleep, "Good night, all.")]
        await knows(hearth, *heard)
        await ask(mira, hearth, direct[mira], "unheard", "Nobody waits")

        # Day by day: who is new and silent, who was not seen, and each is told of once.
        day = clock.turn_to(4, "08:00")
        digest = await shown(hearth, mira, direct[mira], day)
        new = sorted(member.name.capitalize() for member in (dan, kim))
        assert f"New, and without a word so far: {', '.join(new)}" in digest.text
        assert "“" not in digest.text.partition("What may need you")[2]
        for number in (7, 13, 21):
            clock.turn_to(
                number, "05:00"
            )  # by night no missed digest comes, so that none is on its way when the next is due
            said = [await member.say(sleep, f"Day {number}.") for member in (mira, eva, nora)]
            if number == 13:
                long_ago = said[-1]
                said.append(await kim.say(sleep, "I am Kim."))
            await knows(hearth, *said)
        turns = [mira] * 14 + [eva] * 7
        await knows(hearth, *await asyncio.gather(*(one.answer(sleep, asked, f"{n}") for n, one in enumerate(turns))))
        day = clock.turn_to(22, "08:00")
        digest = await shown(hearth, mira, direct[mira], day)
        assert f"{mira.name.capitalize()} has had" not in digest.text
        unseen = f"Not seen for two weeks: {dan.name.capitalize()}\n"
        assert sum(unseen in f"{line.text}\n" for line in mira.lines(direct[mira])) == 1
        assert f"{mira.name.capitalize()} gave 14 of 21 answers in two weeks." in digest.text
        assert "without a word so far" not in digest.text
        # Somebody answers whom it names: it does not go on saying that nobody did.
        waits = f"- {nora.name.capitalize()} has had no answer for 1 week 2 days."
        assert waits in digest.text
        await kim.answer(sleep, long_ago, "Sorry that it took me so long.")
        await mira.until("the corrected digest", lambda: waits not in digest.text)
        assert digest.edited
        clock.turn_to(29, "08:00")
        told = await ask(mira, hearth, direct[mira], "unheard", "What may need you")
        assert "It has gone quiet. People who wrote this week: 1, usually: 3" in told
        await ask(uma, hearth, rooms["staff"], "!unheard", "it has gone quiet")

        # --- what is not theirs ---------------------------------------------------------------------------------------------------
        # As in a large community: digests are chosen on time and go out within the hour.
        monkeypatch.setattr(due, "AT_ONCE", 0)
        monkeypatch.setattr(due, "EACH_MS", due.SPREAD_MS)
        direct[kim] = await opens(kim, hearth, encrypted=False)
        wishes = {eva: mira.id, uma: "#night", dan: "#sleep", kim: "#sleep"}
        await asyncio.gather(
            *(
                ask(member, hearth, direct[member], f"follow {wish}", "You now follow")
                for member, wish in wishes.items()
            )
        )
        await ask(uma, hearth, direct[uma], "follow #sleep", "You now follow")
        kept = await nora.say(sleep, "Please keep this one.")
        slip = await kim.say(sleep, "My number is 555.")
        real = await nora.say(sleep, "My real words.")
        # Shared both ways, across the servers: out of the circle, and into it.
        out = await mira.say(sleep, "Night shift again #common #night")
        back = await uma.say(common, "Breathing helps #sleep")
        carried = await uma.sees(common, "Night shift again")
        into = await dan.sees(sleep, "Breathing helps")
        await knows(hearth, kept, slip, real, out, back, carried.event, into.event)
        await ask(eva, hearth, direct[eva], f"follow https://matrix.to/#/{common}/{back}", "You now follow")
        # She leaves, and comes back: what was said and worded anew meanwhile is not hers.
        await eva.matrix.client.request("POST", "/rooms/{room}/leave", parts={"room": sleep})
        await knows_of(hearth, eva, sleep, "leave")
        away = [await nora.edit(sleep, real, "Now that she is gone."), await nora.say(sleep, "As long as she is away.")]
        await knows(hearth, *away)
        await eva.join(sleep)
        await knows_of(hearth, eva, sleep, "join")
        # Somebody comes later, to a circle whose past is its own; somebody has read all that is there.
        await uma.join(sleep)
        await knows_of(hearth, uma, sleep, "join")
        last = await nora.say(sleep, "Welcome, both of you.")
        await knows(hearth, last)
        parts = {"room": sleep, "event": last}
        await mira.matrix.client.request("POST", "/rooms/{room}/receipt/m.read/{event}", parts=parts, body={})

        day = clock.turn_to(31, "08:00")
        await chosen(hearth, day, eva, uma, dan, kim)
        # Between the choice and the moment when it is sent: one is banned, one leaves, one takes a word back.
        ban = {"user_id": dan.id}
        await mira.matrix.client.request("POST", "/rooms/{room}/ban", parts={"room": sleep}, body=ban)
        await kim.redact(sleep, slip)
        await kim.matrix.client.request("POST", "/rooms/{room}/leave", parts={"room": sleep})
        for member, membership in ((dan, "ban"), (kim, "leave")):
            await knows_of(hearth, member, sleep, membership)
        clock.turn_to(31, "08:59")
        hearth.outbox.wake()
        digest = await shown(hearth, eva, direct[eva], day)
        assert digest.encrypted
        for text in ("Please keep this one.", "Welcome, both of you.", "Breathing helps #sleep"):
            assert text in digest.text
        for text in (f"Because you follow {mira.name.capitalize()}.", "Because you follow this thread."):
            assert text in digest.text
        for word in ("555", "real words", "she is gone", "she is away"):
            assert word not in digest.text
        assert real in digest.text
        # Each thread once, where this reader may open it.
        assert out in digest.text
        assert carried.event not in digest.text
        assert back in digest.text
        assert into.event not in digest.text
        digest = await shown(hearth, uma, direct[uma], day)
        assert "Welcome, both of you." in digest.text
        assert "Because you follow #sleep, #night." in digest.text
        assert carried.event in digest.text
        for word in ("keep this one", "real words", "555", out):
            assert word not in digest.text
        # What was carried into the circle from the common room is still hers, and nothing else.
        digest = await shown(hearth, kim, direct[kim], day)
        assert back in digest.text
        assert digest.text.count("Open it") == 1
        assert await settled(hearth, dan.id, day) is None
        for member in (dan, kim):
            assert not any("keep this one" in line.text for line in member.lines(direct[member]))

        # What was delivered follows her: once she is gone, so are its words.
        await eva.matrix.client.request("POST", "/rooms/{room}/leave", parts={"room": sleep})
        shows = await shown(hearth, eva, direct[eva], day)
        await eva.until("the corrected digest", lambda: "keep this one" not in shows.text)
        assert carried.event in shows.text or "Breathing helps" in shows.text
