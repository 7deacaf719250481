"""`hearth check` against a homeserver in every condition: each problem is named, with its cure, and no secret is shown."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge import check
from bridge.check import online
from bridge.check_here import Finding, offline, rooms_wanted
from bridge.clock import now_ms
from bridge.config_file import load
from bridge.store import rooms
from bridge.store.db import Database
from tests.fake import FakeHomeserver, Member

CONFIG = """\
matrix: {homeserver: "%s", user_id: "@hearth:a.test", access_token_file: token}
community: {space: {name: Home}, common: {name: Common}, staff: {name: Staff}, circles: %s, owners: ["@ann:a.test"]}
"""
MANY = json.dumps([{"name": f"Circle {number}", "tag": f"circle-{number}"} for number in range(30)])


class Place:
    """A homeserver, the bot's account and a configuration for it."""

    def __init__(self, hs: FakeHomeserver, bot: Member, directory: Path) -> None:
        self.hs, self.bot, self.directory = hs, bot, directory
        self.file = directory / "config.yaml"
        self.token = bot.token("DEVICE")
        self.write()

    def write(self, *, circles: str = "[]", more: str = "", homeserver: str | None = None) -> None:
        self.file.write_text(CONFIG % (homeserver or self.hs.url, circles) + more, encoding="utf-8")
        (self.directory / "token").write_text(self.token, encoding="utf-8")
        (self.directory / "token").chmod(0o600)

    async def findings(self) -> list[Finding]:
        config = load(self.file, {})
        found = [*offline(config, self.file), *[finding async for finding in online(config)]]
        assert self.token not in repr(found)
        return found

    async def told(self, state: str = "problem") -> list[str]:
        found = [finding for finding in await self.findings() if finding.state == state]
        assert state == "ok" or all(finding.cure or ". " in finding.what for finding in found)
        return [finding.what for finding in found]

    async def add_room(self, key: str, room: str) -> None:
        database = await Database.open(self.directory / "hearth-data" / "hearth.db")
        async with database.writing() as db:
            row = rooms.Room(
                room=room, key=key, kind=key, alias=f"#{key}:a.test", encrypted=False, history="shared", made_ms=1
            )
            await rooms.add(db, row)
        await database.close()

    def sign_device(self) -> None:
        """Give the account a device with keys, signed by its own self-signing key. The homeserver is only their letter box."""
        user = self.hs.model.accounts.users["@hearth:a.test"]
        device = user.devices["DEVICE"]
        device.keys = {
            "device_id": "DEVICE",
            "user_id": user.user_id,
            "keys": {},
            "signatures": {user.user_id: {"ed25519:self": "x"}},
        }
        user.cross_signing["self_signing"] = {"user_id": user.user_id, "keys": {"ed25519:self": "self"}}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with FakeHomeserver() as hs:
        yield Place(hs, await hs.user("hearth"), tmp_path)


async def test_a_healthy_place_has_no_problem(place: Place) -> None:
    room = await place.bot.create(preset="private_chat", power_level_content_override={"invite": 50})
    await place.add_room("space", room)
    place.sign_device()
    assert await place.told() == []
    assert await place.told("hint") == [
        "The help lines are those that come with Hearth, and nobody here has looked at them.",
        "A help line has neither a phone nor a page: Телефон доверия для взрослых (RU).",
        "The homeserver's rate limits hold for this account. Hearth waits where it must, and loses nothing.",
    ]
    assert await place.told("ok") == [
        "The configuration is complete. Circles: 0.",
        f"The data directory {place.directory / 'hearth-data'} is there.",
        "The homeserver is there; it speaks Matrix up to v1.15.",
        "The database is there. Rooms it knows: 1.",
        "The token works: @hearth:a.test, device DEVICE.",
        "The device has keys and is signed by its account.",
        "New rooms get version 12.",
        "Rooms in which Hearth has the power it needs: 1.",
    ]


async def test_before_the_first_start_nothing_is_made(place: Place) -> None:
    assert await place.told() == []
    assert "The database knows no rooms yet." in await place.told("ok")
    assert "The device has no keys yet; they are made at the first start." in await place.told("ok")
    assert not (place.directory / "hearth-data").exists()


async def test_a_homeserver_that_is_away(place: Place) -> None:
    await place.hs.down()
    assert await place.told() == [f"{place.hs.url} cannot be reached."]


@pytest.mark.parametrize("body", ["<html>Welcome</html>", "[]", '{"versions": 3}'])
async def test_an_address_that_is_no_homeserver(place: Place, body: str) -> None:
    place.hs.faults.add("garbage", path="/versions", times=None, body=body)
    assert await place.told() == [f"{place.hs.url} answers, but is no homeserver."]


async def test_a_token_that_is_not_known_any_more(place: Place) -> None:
    place.hs.sign_out("hearth")
    (what,) = await place.told()
    assert what.startswith("The homeserver does not know matrix.access_token")


async def test_a_token_of_somebody_else(place: Place) -> None:
    place.token = (await place.hs.user("ann")).token()
    place.write()
    (what,) = await place.told()
    assert "does not belong to matrix.user_id, @hearth:a.test" in what


async def test_clocks_that_disagree(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "now_ms", lambda: now_ms() + 300_000)
    assert any("seconds apart" in what for what in await place.told("hint"))


async def test_a_device_that_is_not_signed(place: Place) -> None:
    place.sign_device()
    place.hs.model.accounts.users["@hearth:a.test"].devices["DEVICE"].keys["signatures"] = {}
    assert any("is not signed by its account" in what for what in await place.told("hint"))


async def test_rate_limits_are_told_with_how_long_it_takes(place: Place) -> None:
    place.write(circles=MANY)
    (what,) = [what for what in await place.told("hint") if "rate limits" in what]
    assert "Making 33 rooms takes about 24 minutes under usual limits." in what


async def test_lifted_rate_limits_are_seen(place: Place) -> None:
    user = (await place.hs.user("hearth", admin=True)).user
    assert any("rate limits hold" in what for what in await place.told("hint"))
    user.ratelimit = {"messages_per_second": 0, "burst_count": 0}
    assert "The homeserver's rate limits are lifted for this account." in await place.told("ok")


async def test_a_room_version_that_is_not_there(place: Place) -> None:
    place.file.write_text(place.file.read_text().replace("owners:", "room_version: 12, owners:"), encoding="utf-8")
    answer = {"capabilities": {"m.room_versions": {"default": "11", "available": {"11": "stable"}}}}
    place.hs.faults.add("garbage", path="/capabilities", times=None, body=json.dumps(answer))
    assert await place.told() == ["The homeserver cannot make rooms of version 12."]


async def test_missing_power_and_a_room_that_we_are_out_of(place: Place) -> None:
    weak = await place.bot.create(preset="private_chat", room_version="10")
    levels = {"users": {"@hearth:a.test": 50}, "ban": 60}
    await place.bot.state(weak, "m.room.power_levels", levels)
    left = await place.bot.create(preset="private_chat")
    await place.bot.leave(left)
    await place.add_room("common", weak)
    other = await place.hs.user("ann")
    await place.add_room("staff", await other.create(preset="private_chat"))
    assert await place.told() == [
        "In common (#common:a.test) Hearth may not: ban.",
        "Hearth is not in staff (#staff:a.test).",
    ]


async def test_a_database_of_a_newer_hearth(place: Place) -> None:
    await place.add_room("space", "!x")
    import sqlite3  # noqa: PLC0415 - a stand-in for another version

    with sqlite3.connect(place.directory / "hearth-data" / "hearth.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    assert await place.told() == ["A newer Hearth has worked with this database."]


async def test_what_others_on_the_machine_could_read(place: Place) -> None:
    (place.directory / "token").chmod(0o644)
    data_dir = place.directory / "hearth-data"
    data_dir.mkdir(mode=0o755)
    data_dir.chmod(0o755)
    assert [what for what in await place.told("hint") if "Others" in what] == [
        f"Others on this machine can read the secret in {place.directory / 'token'}.",
        f"Others on this machine can look into {data_dir}.",
    ]


async def test_a_data_directory_that_cannot_be(place: Place) -> None:
    (place.directory / "hearth-data").write_text("a file")
    assert f"data_dir cannot be made: {place.directory / 'hearth-data'} is a file." in [
        finding.what for finding in offline(load(place.file, {}), place.file)
    ]


async def test_what_could_be_better_in_the_file(place: Place) -> None:
    circles = json.dumps([{"name": f"Circle {n}", "tag": f"circle-{n}", "history": "shared"} for n in range(50)])
    circles = circles.replace('"shared"', '"joined", "welcome": "Hello"', 1)
    place.write(circles=circles, homeserver="http://matrix.example.org")
    place.file.write_text(
        place.file.read_text().replace(', owners: ["@ann:a.test"]', ", district_size: 1"), encoding="utf-8"
    )
    hints = [finding.what for finding in offline(load(place.file, {}), place.file) if finding.state == "hint"]
    assert hints == [
        "Nobody is an owner.",
        "The space holds more than 50 rooms, its districts among them.",
        "Newcomers in circle/circle-0 cannot read its welcome: they see nothing from before they came.",
        "The homeserver is spoken to without TLS.",
        "The help lines are those that come with Hearth, and nobody here has looked at them.",
        "A help line has neither a phone nor a page: Телефон доверия для взрослых (RU).",
    ]


async def test_a_webhook_that_everybody_can_reach_or_whose_secret_everybody_can_read(place: Place) -> None:
    secret = place.directory / "webhook-secret"
    secret.write_text("whsec_" + "A" * 32)
    secret.chmod(0o644)
    place.write()
    more = "\nmembership: {webhook: {bind: 0.0.0.0, port: 8010, secret_file: webhook-secret}}\n"
    place.file.write_text(place.file.read_text() + more, encoding="utf-8")
    hints = [finding.what for finding in offline(load(place.file, {}), place.file) if finding.state == "hint"]
    assert hints == [
        "Notices of payments are listened for on 0.0.0.0, without TLS: everybody who reaches it can read who pays.",
        "The help lines are those that come with Hearth, and nobody here has looked at them.",
        "A help line has neither a phone nor a page: Телефон доверия для взрослых (RU).",
        f"Others on this machine can read the secret in {secret}.",
    ]


@pytest.mark.parametrize(("circles", "size", "number"), [(4, 50, 8), (4, 6, 8), (4, 5, 9), (1, 1, 6), (10, 4, 17)])
async def test_the_rooms_to_be_made_are_counted_with_further_ones_and_districts(
    place: Place, circles: int, size: int, number: int
) -> None:
    place.write(circles=json.dumps([{"name": f"Circle {n}", "tag": f"circle-{n}"} for n in range(circles)]))
    more = f', rooms: [{{key: library, name: Library}}], district_size: {size}, owners: ["@ann:a.test"]'
    place.file.write_text(place.file.read_text().replace(', owners: ["@ann:a.test"]', more), encoding="utf-8")
    config = load(place.file, {})
    assert rooms_wanted(config) == number


async def hearth(*arguments: Any) -> tuple[int | None, str]:
    """Run the command in a process of its own: its exit code and all that it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if not name.startswith("HEARTH_")},
    )  # fmt: skip
    said, _ = await process.communicate()
    assert b"Traceback" not in said
    return process.returncode, said.decode()


async def test_the_command_tells_and_exits(place: Place) -> None:
    code, said = await hearth("check", "--config", place.file)
    assert (code, said.splitlines()[-1]) == (0, "All is well.")
    place.hs.sign_out("hearth")
    code, said = await hearth("check", "--config", place.file)
    assert (code, said.splitlines()[-1]) == (1, "1 to put right.")
    code, said = await hearth("check", "--offline", "--config", place.file)
    assert code == 0
    place.file.write_text(place.file.read_text().replace("matrix:", "matrixx:"), encoding="utf-8")
    code, said = await hearth("check", "--config", place.file)
    assert code == 2
    assert said.splitlines()[-1] == "2 mistakes. Nothing was started."


async def test_the_token_that_reads_reports_has_to_be_an_administrators(place: Place) -> None:
    root = await place.hs.user("root", admin=True)
    cannot = "What people report by their client's button cannot be read"
    for token, state, told in (
        (root.token(), "ok", "What people report by their client's button can be read."),
        ((await place.hs.user("ann")).token(), "problem", f"{cannot} (M_FORBIDDEN)."),
        ("gone", "problem", f"{cannot} (M_UNKNOWN_TOKEN)."),
    ):
        place.write(more="reports: {admin_token_file: admin}\n")
        (place.directory / "admin").write_text(token, encoding="utf-8")
        assert told in await place.told(state)
        assert token not in repr(await place.findings())
