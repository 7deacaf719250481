"""Signed notices of payments, over real HTTP to a running Hearth, move memberships on two homeservers: on, out of every room, and back with all that was somebody's."""

import base64
import itertools
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from matrix_parties import until
from test_circle_life import order
from test_hearth import ask, person, running
from test_membership_ends import BERLIN, GRACE_DAYS, Later, level

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.hearth import Hearth
from bridge.web.hooks import keys, sign

SECRET = "whsec_" + base64.b64encode(b"payments" * 4).decode()
DAY = timedelta(days=1)


class Shop:
    """Whatever takes the payments."""

    def __init__(self, http: aiohttp.ClientSession, port: int, clock: Later) -> None:
        self.http, self.url, self.clock = http, f"http://127.0.0.1:{port}/hooks/membership", clock
        self.numbers = itertools.count(1)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock() / 1000, UTC)

    def day(self, days: int) -> str:
        """The date so many days from today, as it is in Berlin."""
        return (self.now.astimezone(BERLIN).date() + days * DAY).isoformat()

    async def send(
        self,
        kind: str,
        payer: str,
        *,
        id_: str | None = None,
        at: datetime | None = None,
        secret: str = SECRET,
        **data: Any,
    ) -> tuple[int, Any]:
        told = {
            "type": f"membership.{kind}",
            "timestamp": (at or self.now).isoformat(),
            "data": {"payer": payer, **data},
        }
        body, id_, stamp = json.dumps(told).encode(), id_ or f"msg_{next(self.numbers)}", str(self.clock() // 1000)
        signature = sign(keys(secret)[0], id_, stamp, body)
        sent = {"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": signature}
        async with self.http.post(self.url, data=body, headers=sent) as answer:
            return answer.status, await answer.json()

    async def tell(self, kind: str, payer: str, **data: Any) -> None:
        assert await self.send(kind, payer, **data) == (200, {"status": "taken"})


@asynccontextmanager
async def shop(port: int, clock: Later) -> AsyncIterator[Shop]:
    async with aiohttp.ClientSession() as http:

        async def listens() -> bool:
            try:
                async with http.get(f"http://127.0.0.1:{port}/"):
                    return True
            except aiohttp.ClientConnectorError:
                return False

        await until(listens)
        yield Shop(http, port, clock)


def free_port() -> int:
    """One below those that the system gives to outgoing connections, which might take it before we do."""
    while True:
        with socket.socket() as found, suppress(OSError):
            port = random.randrange(20_000, 32_000)
            found.bind(("127.0.0.1", port))
            return port


async def settings(lab: Lab, prefix: str, moderator: str, curator: str, port: int, directory: Path) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    circles = [{"name": tag, "tag": tag, "alias": f"{prefix}{tag}", "encrypted": False} for tag in ("sleep", "walk")]
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token},
            "data_dir": str(directory / "data"),
            "zone": "Europe/Berlin",
            "membership": {
                "grace_days": GRACE_DAYS,
                "reminders": [],
                "webhook": {"port": port, "secret": SECRET},
            },
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home"},
                "common": {"name": "Common", "alias": f"{prefix}common", "encrypted": False},
                "staff": {"name": "Staff", "alias": f"{prefix}staff", "encrypted": False},
                "circles": [{**circle, "curators": [curator]} for circle in circles],
                "moderators": [moderator],
                "district_size": 1,  # each circle stands in a sub-space of its own
                "assign": False,
                "onboarding": False,
            },
        }
    )


async def comes_in(member: Member, hearth: Hearth, *rooms: str) -> str:
    """Somebody accepts the first of these rooms and enters the others; their direct room with Hearth."""
    await member.accept(rooms[0])
    for room in rooms[1:]:
        await member.join(room)
    direct = await member.talk_to(hearth.me)
    await member.until("Hearth", lambda: member.hears(hearth.me, direct))
    return direct


def ends(member: Member, direct: str) -> list[str]:
    """What somebody was told of the end of their membership."""
    return [line.text for line in member.lines(direct) if "lasts until" in line.text]


async def test_payments_refunds_and_returns_on_two_homeservers(lab: Lab, prefix: str, tmp_path: Path) -> None:
    clock, port = Later(), free_port()
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva, otto = [await person(stack, lab, f"{prefix}{name}", "b", tmp_path) for name in ("eva", "otto")]
        config = await settings(lab, prefix, mira.id, eva.id, port, tmp_path)
        hearth = await stack.enter_async_context(opened(config, clock=clock))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        staff, circle = rooms["staff"], rooms["circle/sleep"]
        nested = [rooms[key] for key in sorted(rooms) if key.startswith("district/")]
        assert len(nested) == 2
        hers = [rooms["space"], rooms["common"], circle, *nested]

        async with running(hearth), shop(port, clock) as payments:
            await mira.accept(rooms["space"])
            await mira.accept(staff)
            await ask(mira, hearth, staff, f"!invite {otto.id}")
            direct = await comes_in(eva, hearth, *hers)
            with_otto = await comes_in(otto, hearth, rooms["space"], rooms["common"])
            await ask(eva, hearth, direct, "help", "For everybody")
            await ask(eva, hearth, direct, "follow #walk", "You now follow")
            await ask(eva, hearth, direct, "consent yes", "consent no")
            await until(lambda: _is(eva, circle, 50))

            # A payment, and the same notice once more: one word, one end.
            first = {"user": eva.id, "until": payments.day(10), "period": "one"}
            paid_at = payments.now
            assert await payments.send("paid", "cus_1", id_="msg_first", secret="whsec_" + "A" * 32, **first) == (401, {"error": "signature"})  # fmt: skip
            assert await payments.send("paid", "cus_1", id_="msg_first", **first) == (200, {"status": "taken"})
            await eva.sees_from(hearth.me, direct, "lasts until")
            assert await payments.send("paid", "cus_1", id_="msg_first", **first) == (200, {"status": "known"})

            # A renewal before the end counts, and an end that was told too late, from before she paid, changes nothing.
            clock.days = 8
            await payments.tell("paid", "cus_1", until=payments.day(32), period="two")
            await eva.sees_from(hearth.me, direct, "It is good that you stay.")
            await payments.tell("ended", "cus_1", at=paid_at - DAY)

            # Who pays under a reference that nobody knows waits for staff, who says who it is.
            await payments.tell("paid", "cus_9", until=payments.day(3), period="one")
            await mira.sees(staff, "cus_9")
            await order(mira, hearth, staff, f"!member assign cus_9 {otto.id}", "paid until")
            await otto.sees_from(hearth.me, with_otto, "lasts until")
            clock.days = 13  # the first period would be over
            assert "lasts until" in await ask(mira, hearth, staff, f"!member show {eva.id}")
            assert await eva.can_write(circle)
            await ask(eva, hearth, direct, "follows", "#walk")  # what was still to be told has been told before this
            assert len(ends(eva, direct)) == 2

            # It is refunded, newest first, and told in the wrong order: still today is hers, then she reads on for some days, then she is out.
            await payments.tell("refunded", "cus_1", at=payments.now, period="one")
            await payments.tell("refunded", "cus_1", at=payments.now - DAY / 24, period="two")
            await eva.until("an earlier end", lambda: len(ends(eva, direct)) == 3)
            assert await eva.can_write(circle)
            clock.days = 14
            await eva.sees_from(hearth.me, direct, "you can still read everything")
            await until(lambda: _is(eva, circle, -52))
            assert not await eva.can_write(circle)
            await ask(mira, hearth, staff, f"!ban {otto.id} spam")
            await otto.until("the ban", lambda: otto.memberships.get(rooms["common"]) == "ban")
            clock.days = 14 + GRACE_DAYS + 1
            await eva.sees_from(hearth.me, direct, "come to its end")
            for room in hers:
                await eva.until("the way out", lambda room=room: eva.memberships.get(room) == "leave")

            # A payment lets her in again, and everything is as it was; who is banned stays out, and staff hears of it.
            await payments.tell("paid", "cus_9", until=payments.day(30), period="two")
            await payments.tell("paid", "cus_1", until=payments.day(30), period="three")
            await eva.sees_from(hearth.me, direct, "Welcome back")
            for room in hers:
                await eva.until("one invitation", lambda room=room: room in eva.invites)
                assert eva.invites == {room}
                await eva.accept(room)
            await until(lambda: _is(eva, circle, 50))
            assert await eva.can_write(circle)
            await ask(eva, hearth, direct, "follows", "#walk")
            await ask(eva, hearth, direct, "consent", "Your replies travel")
            await mira.sees_from(hearth.me, staff, "The ban holds")
            assert otto.invites == set()
            for room in (rooms["space"], rooms["common"]):
                assert await hearth.matrix.gateway.membership(room, otto.id) == "ban"


async def _is(member: Member, room: str, wanted: int) -> bool:
    return await level(member, room) == wanted
