"""A newcomer of the other homeserver is led through the first steps in an encrypted direct room, and Hearth is restarted in between."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from matrix_parties import until
from test_hearth import soon

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Line, Member, logged_in
from bridge.hearth import Hearth
from bridge.store import queue
from bridge.store.tables import metadata

NAME = "Quittenblüte"


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Hearth]:
    """Hearth from its start to an end without a warning."""
    async with opened(config) as hearth:
        soon(hearth)
        ready = asyncio.Event()
        life = asyncio.create_task(hearth.run(ready=ready.set))
        async with asyncio.timeout(60):
            await ready.wait()
        try:
            yield hearth
            await until(lambda: at_rest(hearth))
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


async def at_rest(hearth: Hearth) -> bool:
    """Whether nothing is left to be done now: members see words a moment before the outbox notes that they are said, and erases them."""
    async with hearth.database.reading() as db:
        return not (await queue.waiting(db, hearth.clock())).ready


async def hears(member: Member, room: str, hearth: str, text: str) -> Line:
    """Hearth's newest words with this text in them."""
    return await member.until(
        text,
        lambda: next((line for line in member.lines(room) if line.sender == hearth and text in line.text), None),
    )


async def test_a_remote_newcomer_in_an_encrypted_direct_room(lab: Lab, prefix: str, tmp_path: Path) -> None:
    logging.getLogger("nio").setLevel(logging.CRITICAL)
    account = await lab.a.register(f"{prefix}hearth", "pw")
    servers = [lab.a.server_name, lab.b.server_name]
    async with AsyncExitStack() as stack:
        ann = await stack.enter_async_context(logged_in(f"{prefix}ann", lab.a, tmp_path, servers))
        nora = await stack.enter_async_context(logged_in(f"{prefix}nora", lab.b, tmp_path, servers))
        circle = {
            "name": "Sleep",
            "tag": "sleep",
            "alias": f"{prefix}sleep",
            "curators": [ann.id],
            "members": [nora.id],
        }
        config = Config.model_validate({
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token},
            "data_dir": str(tmp_path / "data"),
            "zone": "Europe/Berlin",
            "community": {
                "space": {"name": "Lantern", "alias": f"{prefix}space"},
                "common": {"name": "Common", "alias": f"{prefix}common"},
                "staff": {"name": "Staff", "alias": f"{prefix}staff"},
                "circles": [circle],
                "rules": {"en": "Be kind.", "de": "Sei freundlich."},
            },
        })  # fmt: skip
        async with opened(config) as hearth:
            assert not (await hearth.apply(lambda _: None)).failures
            rooms = await hearth.rooms()
        await ann.accept(rooms["space"])
        async with running(config) as hearth:
            me = hearth.me
            await nora.accept(rooms["space"])
            direct = await nora.until("an invitation", lambda: next(iter(nora.invites - set(rooms.values())), None))
            await nora.accept(direct)
            first = await hears(nora, direct, me, "Auf Deutsch")
            assert first.encrypted
            await nora.react(direct, first.event, "3️⃣")
            rules = await hears(nora, direct, me, "Sei freundlich.")
            assert rules.encrypted
        await nora.react(direct, rules.event, "✅")  # while Hearth is away
        async with running(config):
            await hears(nora, direct, me, "Zeitzone")
            await nora.say(direct, "Wien")
            await hears(nora, direct, me, "Unter welchem Namen")
            await nora.say(direct, NAME)
            await hears(nora, direct, me, "Ab jetzt nenne ich dich überall so.")
            await nora.join(rooms["circle/sleep"])
            await hears(nora, direct, me, "schlage ich vor")
        async with running(config) as hearth:
            await nora.say(direct, "name")
            await hears(nora, direct, me, f"Du bist hier bekannt als {NAME}")
            said = [line.text for line in nora.lines(direct) if line.sender == me]
            assert len([text for text in said if "Sei freundlich." in text]) == 1
            assert (
                len([text for text in said if "Zeitzone" in text and "Wien" not in text and "In welcher" in text]) == 1
            )
            await until(lambda: at_rest(hearth))
            async with hearth.database.reading() as db:
                rows = [tuple(row) for table in metadata.sorted_tables for row in await db.execute(table.select())]
        assert NAME.casefold() not in repr(rows).casefold()
        files = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
        assert all(NAME.encode() not in file.read_bytes() for file in files)
