"""Signed notices of payments over real HTTP: each is taken once, whatever order they come in, and nobody else's are."""

import asyncio
import base64
import itertools
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from community import PEOPLE
from world import World, a_world, on_a_file

from bridge.config import Config
from bridge.rooms.paid import PAID, Notice
from bridge.store import payments
from bridge.store.db import Database
from bridge.store.errors import StoreFull
from bridge.store.tables import cases, notices, payers, terms
from bridge.web.hooks import MOST_BYTES, keys, sign

EVE, BEN = PEOPLE["eve"], PEOPLE["ben"]
OLD, NEW = ("whsec_" + base64.b64encode(word * 4).decode() for word in (b"old-key!", b"new-key!"))
_ids = itertools.count(1)


def free_port() -> int:
    """One below those that the system gives to outgoing connections, which might take it before we do."""
    while True:
        with socket.socket() as found, suppress(OSError):
            port = random.randrange(20_000, 32_000)
            found.bind(("127.0.0.1", port))
            return port


class Sender:
    """Whatever takes the payments."""

    def __init__(self, world: World, http: aiohttp.ClientSession, url: str) -> None:
        self.world, self.http, self.url = world, http, url

    def notice(self, kind: str, day: str, payer: str = "cus_1", **data: Any) -> bytes:
        return json.dumps({"type": f"membership.{kind}", "timestamp": f"{day}T12:00:00Z", "data": {"payer": payer, **data}}).encode()  # fmt: skip

    async def send(
        self, body: bytes, *, id_: str | None = None, secret: str = NEW, late_s: int = 0, **headers: str
    ) -> tuple[int, Any]:
        id_ = id_ or f"msg_{next(_ids)}"
        stamp = str(self.world.clock() // 1000 - late_s)
        signature = sign(keys(secret)[0], id_, stamp, body)
        sent = {"webhook-id": id_, "webhook-timestamp": stamp, "webhook-signature": signature, **headers}
        async with self.http.post(self.url, data=body, headers=sent) as answer:
            return answer.status, await answer.json()

    async def paid(self, day: str, payer: str = "cus_1", **data: Any) -> None:
        assert await self.send(self.notice("paid", day, payer, **data)) == (200, {"status": "taken"})


@pytest.fixture
async def world(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(where, tmp_path) as made:
        await made.stop()
        data = made.config.model_dump()
        data["membership"] = {"webhook": {"port": free_port(), "secret": f"{NEW} {OLD}"}}
        made.config = Config.model_validate(data)
        await made.start()
        yield made


@pytest.fixture
async def sender(world: World) -> AsyncIterator[Sender]:
    assert world.config.membership
    assert world.config.membership.webhook
    url = f"http://127.0.0.1:{world.config.membership.webhook.port}/hooks/membership"
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(url):
                    break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)
        yield Sender(world, http, url)


async def until_of(world: World, user: str = EVE) -> str | None:
    await world.tick()
    return next((row["until"] for row in await world.rows(terms) if row["user"] == user), None)


async def test_a_payment_gives_a_membership_its_last_day_once(world: World, sender: Sender) -> None:
    body = sender.notice("paid", "2026-01-05", user=EVE, until="2026-02-04")
    assert await sender.send(body, id_="msg_a") == (200, {"status": "taken"})
    assert await until_of(world) == "2026-02-04"
    await world.direct("eve")
    told = world.told("eve")
    assert any("lasts until February 4, 2026" in one for one in told)
    assert await sender.send(body, id_="msg_a") == (200, {"status": "known"})
    await sender.paid("2026-01-05", user=EVE, until="2026-02-04")  # the same payment under another id
    assert await until_of(world) == "2026-02-04"
    assert world.told("eve") == told
    assert len([entry for entry in await world.ledger() if entry.action == "membership paid"]) == 1


async def test_payments_refunds_and_the_end_come_to_the_same_in_every_order(world: World, sender: Sender) -> None:
    told = [
        ("paid", "2026-01-05", {"days": 30, "period": "jan"}), ("paid", "2026-02-03", {"days": 30, "period": "feb"}),
        ("refunded", "2026-02-20", {"period": "feb"}),
    ]  # fmt: skip
    ends = set()
    for number, order in enumerate(itertools.permutations(told)):
        who, payer = list(PEOPLE.values())[number % len(PEOPLE)], f"cus_{number}"
        for kind, day, data in order:
            assert (await sender.send(sender.notice(kind, day, payer, user=who, **data)))[0] == 200
            await world.tick()
        ends.add(await until_of(world, who))
    assert ends == {"2026-02-20"}


@on_a_file
async def test_a_payment_brings_somebody_back_whose_membership_had_ended(world: World, sender: Sender) -> None:
    await sender.paid("2026-01-05", user=EVE, until="2026-01-10")
    await until_of(world)
    await world.turn_to("2026-03-01 09:00")
    assert EVE not in world.hs.members(world.room("#sleep"))
    await sender.paid("2026-03-01", until="2026-04-01")
    assert await until_of(world) == "2026-04-01"
    eve = world.member("eve")
    assert world.room("#space") in eve.invites()
    for name in ("#space", "#common", "#sleep"):
        await eve.join(world.room(name))
        await world.settle()
    await world.say("#sleep", "eve", "back again")


@on_a_file
async def test_what_staff_gave_is_never_shortened_by_a_payment(world: World, sender: Sender) -> None:
    await world.order("mod", f"!member expire {EVE} 2026-12-31")
    await sender.paid("2026-01-05", user=EVE, until="2026-02-04")
    assert await until_of(world) == "2026-12-31"
    await world.order("mod", f"!member expire {BEN} never")
    await sender.paid("2026-01-05", "cus_2", user=BEN, until="2026-02-04")
    assert await until_of(world, BEN) is None


async def test_who_pays_and_is_not_known_is_a_case_for_staff(world: World, sender: Sender) -> None:
    await sender.paid("2026-01-05", "cus_9", until="2026-02-04")
    await sender.paid("2026-02-05", "cus_9", until="2026-03-04")
    await world.tick()
    await sender.paid("2026-03-05", "cus_9", until="2026-04-04")
    await world.tick()
    shown = [seen for seen in world.from_hearth("#staff") if "cus_9" in seen.body]
    assert len(shown) == 1
    assert "cus_9" in (await world.order("mod", "!member payers")).body
    answer = (await world.order("mod", f"!member assign cus_9 {EVE}")).body
    assert "paid until April 4, 2026" in answer
    assert await until_of(world) == "2026-04-04"
    assert [row["state"] for row in await world.rows(cases)] == ["settled"]
    assert "no payment" in (await world.order("mod", "!member payers")).body
    await sender.paid("2026-04-05", "cus_9", until="2026-05-04")
    assert await until_of(world) == "2026-05-04"
    assert "Nothing was ever told" in (await world.order("mod", f"!member assign cus_x {EVE}")).body


@on_a_file
async def test_somebody_who_was_never_here_is_not_let_in_by_paying(world: World, sender: Sender) -> None:
    await sender.paid("2026-01-05", user="@nobody:c.test", until="2026-02-04")
    await world.tick()
    assert await world.rows(payers) == []
    (seen,) = [seen for seen in world.from_hearth("#staff") if "cus_1" in seen.body]
    await world.react("#staff", "mod", seen.event_id, "👍")
    await world.settle()
    assert "tell me who it is" in world.from_hearth("#staff")[-1].body
    await world.react("#staff", "mod", seen.event_id, "👎")
    await world.settle()
    assert [row["state"] for row in await world.rows(cases)] == ["settled"]


@on_a_file
async def test_only_who_has_the_secret_is_heard(world: World, sender: Sender) -> None:
    body = sender.notice("paid", "2026-01-05", user=EVE, until="2026-02-04")
    foreign = "whsec_" + base64.b64encode(b"not one of our keys").decode()
    assert await sender.send(body, secret=foreign) == (401, {"error": "signature"})
    assert await sender.send(body, **{"webhook-signature": "v1,AAAA v2,x"}) == (401, {"error": "signature"})
    assert await sender.send(body, **{"webhook-id": ""}) == (400, {"error": "headers"})
    assert await sender.send(body, late_s=301) == (400, {"error": "timestamp"})
    assert await sender.send(body, late_s=-301) == (400, {"error": "timestamp"})
    stamp = str(world.clock() // 1000)
    other = sign(keys(NEW)[0], "msg_b", stamp, b"something else")
    assert (await sender.send(body, id_="msg_b", **{"webhook-signature": other}))[0] == 401
    assert await world.rows(notices) == []
    good = f"v1,AAAA {sign(keys(OLD)[0], 'msg_c', stamp, body)}"
    assert await sender.send(body, id_="msg_c", **{"webhook-signature": good, "webhook-timestamp": stamp}) == (200, {"status": "taken"})  # fmt: skip
    assert await sender.send(body, secret=OLD, late_s=290) == (200, {"status": "taken"})


@on_a_file
async def test_bad_requests_are_answered_shortly(world: World, sender: Sender) -> None:
    for body, status, why in (
        (b"{", 400, "json"), (b"[" * 9000, 400, "json"), (b"[]", 400, "type"), (b'{"type": "membership.paid"}', 400, "data"),
        (sender.notice("paid", "2026-01-05", "", until="2026-02-04"), 400, "payer"),
        (sender.notice("paid", "2026-01-05", "x" * 129, until="2026-02-04"), 400, "payer"),
        (sender.notice("paid", "2026-01-05"), 400, "until"), (sender.notice("paid", "2026-01-05", until="soon"), 400, "until"),
        (sender.notice("paid", "2026-01-05", days=0), 400, "days"), (sender.notice("paid", "2026-01-05", days=True), 400, "days"),
        (sender.notice("paid", "2026-01-05", days=1, user="eve"), 400, "user"),
        (sender.notice("paid", "yesterday", days=1), 400, "timestamp"), (b"x" * (MOST_BYTES + 1), 413, "size"),
    ):  # fmt: skip
        assert await sender.send(body) == (status, {"error": why}), body[:80]
    assert await sender.send(b'{"type": "invoice.created"}') == (200, {"status": "ignored"})
    async with sender.http.get(sender.url) as answer:
        assert answer.status == 405
    async with sender.http.post(f"{sender.url}/x") as answer:
        assert (answer.status, await answer.json()) == (404, {"error": "not found"})
    assert await world.rows(notices) == []


@on_a_file
async def test_a_full_database_asks_the_sender_to_come_again(
    world: World, sender: Sender, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(_self: Database) -> Any:
        raise StoreFull("full")

    body = sender.notice("paid", "2026-01-05", "cus_secret", user=EVE, until="2026-02-04")
    with monkeypatch.context() as patch:
        patch.setattr(Database, "writing", full)
        assert await sender.send(body, id_="msg_f") == (503, {"error": "later"})
    assert await sender.send(body, id_="msg_f") == (200, {"status": "taken"})
    said = "".join(capfd.readouterr())
    assert "cus_secret" not in said
    assert "whsec" not in said


@on_a_file
async def test_what_was_taken_before_a_kill_has_its_consequences_after_it(world: World) -> None:
    await world.stop()
    async with world.writing() as db:
        told = Notice(id="msg_k", kind=PAID, at_ms=world.clock(), until="2026-02-04")
        assert await payments.hear(db, told, "cus_1", EVE, world.clock())
    await world.start()
    assert await until_of(world) == "2026-02-04"


async def test_who_pays_when_they_are_hardly_out_is_invited_back_everywhere(world: World, sender: Sender) -> None:
    """The payment is told before the homeserver tells what we have just done ourselves."""
    await sender.paid("2026-01-05", user=EVE, until="2026-01-06", period="one")
    await world.settle()
    held = world.hs.faults.add("hang", path="/sync$", times=None)
    world.clock.turn_to("2026-02-01 09:00")
    assert world.hearth
    for each in world.hearth.ticks():
        await each.run()

    async def is_out() -> bool:
        return not any(EVE in world.hs.members(world.room(name)) for name in world.everywhere())

    async def has_come() -> bool:
        return any(row["stage"] == "running" for row in await world.rows(terms))

    await world.until(is_out)
    await sender.paid("2026-02-01", user=EVE, until="2026-03-01", period="two")
    await world.until(has_come)
    held.release()
    await world.settle()
    eve = world.member("eve")
    for name in ("#space", "#common", "#sleep"):
        assert world.room(name) in eve.invites()
        await eve.join(world.room(name))
        await world.settle()
