"""The registration that we write is what a real homeserver takes, and lifts its default limits; `hearth check` sees both."""

from pathlib import Path

import pytest
import yaml

from bridge.check import online
from bridge.config_file import load
from bridge.demo.homeservers import Homeserver, homeservers
from bridge.errors import Unavailable
from bridge.matrix.session import open_session
from bridge.registration import write_registration

CONFIG = """\
matrix: {homeserver: %s, user_id: "@hearth:%s", %s}
community: {space: {name: Home}, common: {name: Common}, staff: {name: Staff}, owners: ["@ann:a.test"], circles: %s}
"""
CIRCLES = str([{"name": f"Circle {number}", "tag": f"circle-{number}"} for number in range(20)])


async def findings(file: Path) -> dict[str, str]:
    config = load(file, {})
    return {finding.what: finding.state async for finding in online(config)}


async def test_the_homeserver_takes_our_registration_and_lifts_the_limits(synapse_venv: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"

    def prepare(server: Homeserver) -> None:
        file.write_text(CONFIG % (server.url, server.server_name, "application_service: {}", CIRCLES), encoding="utf-8")
        written = write_registration(load(file, {}, secrets=False), None)
        server.registrations.append(yaml.safe_load(written.read_text(encoding="utf-8")))

    async with homeservers(["r"], synapse_venv, limits="default", prepare=prepare) as lab:
        server = lab["r"]
        told = await findings(file)
        assert "problem" not in told.values(), told
        assert "As an application service Hearth is not slowed down by rate limits." in told
        assert "New rooms get version 12." in told
        config = load(file, {})
        session = await open_session(config.matrix, config.data_dir)
        async with session.client as client:
            for number in range(13):
                body = {"name": f"Room {number}", "room_alias_name": f"room-{number}"}
                await client.request("POST", "/createRoom", body=body)

        # An ordinary account of the same server is told how long it takes, and what lifts the limits.
        plain = await server.register("plain", "pw", admin=True)
        sign_in = f"access_token: {plain.token}"
        file.write_text(
            (CONFIG % (server.url, server.server_name, sign_in, CIRCLES)).replace("@hearth", "@plain"), encoding="utf-8"
        )
        told = await findings(file)
        assert any("Making 23 rooms takes about 13 minutes" in what for what in told), told
        session = await open_session(load(file, {}).matrix, tmp_path)
        async with session.client as client:
            for _ in range(10):
                await client.request("POST", "/createRoom", body={})
            with pytest.raises(Unavailable) as held:
                await client.request("POST", "/createRoom", body={})
            assert held.value.limited
            await client.request(
                "POST",
                "/_synapse/admin/v1/users/{user}/override_ratelimit",
                parts={"user": plain.user_id},
                body={"messages_per_second": 0, "burst_count": 0},
            )
        assert "The homeserver's rate limits are lifted for this account." in await findings(file)
