"""After a busy day nobody's words, names or tokens stand in Hearth's files, its database or its log, even if everything went wrong."""

import io
import logging
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from community import HEARTH, PEOPLE
from world import World, a_world

from bridge import handle, journal_log
from bridge.config import Log
from bridge.events import AnyEvent, Message
from bridge.scene import Scene
from bridge.store.tables import failures, metadata, outbox

WORDS = (
    "zauberwald", "quittengelee", "mondfinsternis", "kaleidoskop", "бессонница", "ежевика", "windrose",
)  # fmt: skip
NAMES = {
    "ann": "Annabel Sternenfels",
    "ben": "Бенедикт Ключевский",
    "eve": "Evangeline Pillbox",
    "mod": "Moderata Strenge",
}

CHOSEN = "Rübezahlchen"
"""A name that somebody chooses for this community."""


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log as `hearth run` has it, and everything that can be said is said."""
    known = structlog.get_config()
    handlers, level = logging.root.handlers[:], logging.root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    journal_log.configure(Log(level="debug", format="plain"))
    yield written
    structlog.configure(**known)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
async def private(where: str | Path, tmp_path: Path, log: io.StringIO) -> AsyncIterator[World]:
    """A world with a data directory of its own and people with telling names."""
    file = tmp_path / "data" / "hearth.db" if isinstance(where, Path) else where
    async with a_world(file, tmp_path / "data") as world:
        for name, shown in NAMES.items():
            world.hs.model.set_profile(world.member(name).user, displayname=shown)
        await world.restart()
        yield world


async def a_busy_day(world: World) -> None:
    """Everything that words can get into, with a homeserver that stumbles."""
    await world.ask("ben", f"follow {PEOPLE['ann']}")
    await world.ask("ben", f"name {CHOSEN}")
    await world.ask("ben", "follow ежевика and something that is no command")
    world.hs.faults.add("garbage_after", path="/send/", times=2, skip=1)
    world.hs.faults.add("status", path="/send/", status=500, skip=2)
    world.hs.faults.add("drop_after", path="/event/", skip=1)
    root = await world.say("#sleep", "ann", "I walked through the zauberwald. #common")
    await world.answer("#sleep", "ben", root, "Bring quittengelee. @Annabel Sternenfels")
    await world.settle(hurrying=True)
    prompt = world.from_hearth(await world.direct("ben"), "ben")[-1]
    await world.react(await world.direct("ben"), "ben", prompt.event_id, "👍")
    await world.edit("#sleep", "ann", root, "I walked through the mondfinsternis. #common")
    html = {"format": "org.matrix.custom.html", "formatted_body": "<b>kaleidoskop</b>"}
    await world.answer("#sleep", "ann", root, "kaleidoskop", **html)
    await world.say("#common", "eve", "бессонница")
    await world.say("#common", "eve", "!help бессонница")
    await world.order("mod", f"!ban {PEOPLE['eve']}")
    refused = world.hs.faults.add(
        path=f"{world.room('#common')[1:]}/send/", status=403, errcode="M_FORBIDDEN", times=None
    )
    await world.say("#sleep", "ann", "windrose #common")
    await world.settle(hurrying=True)
    refused.release()
    await world.turn_to("2026-01-06 08:00")
    await world.ask("ben", "digest now")


def tell_tales(data: bytes, token: str) -> list[str]:
    """What of it must not be there."""
    lower = data.decode("utf-8", "replace").casefold()
    wide = data.decode("utf-16-le", "replace").casefold()
    escaped = [word.encode("unicode_escape").decode() for word in WORDS]
    secrets = [
        CHOSEN,
        *WORDS,
        *escaped,
        *NAMES.values(),
        *(name.encode("unicode_escape").decode() for name in NAMES.values()),
        token,
    ]
    return [secret for secret in secrets if secret.casefold() in lower or secret.casefold() in wide]


async def careless(_scene: Scene, event: AnyEvent) -> None:
    """A handler with a bug whose exception quotes everything."""
    if isinstance(event, Message) and "quittengelee" in event.content.body:
        raise ValueError(event.content.body, NAMES)


async def test_nothing_is_written_down(private: World, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    world = private
    await a_busy_day(world)
    monkeypatch.setattr(handle, "STEPS", (*handle.STEPS, careless))
    await world.say("#sleep", "ann", "quittengelee once more #common")
    await world.settle()
    assert len(await world.rows(failures)) == 1
    assert {row["state"] for row in await world.rows(outbox)} >= {"done", "dead"}
    read = "\n".join(seen.body for seen in world.from_hearth(await world.direct("ben"), "ben"))
    assert "mondfinsternis" in read
    secret = world.config.matrix.access_token
    assert secret
    token = secret.get_secret_value()
    tables: dict[str, Any] = {table.name: await world.rows(table) for table in metadata.sorted_tables}
    assert tell_tales(repr(tables).encode(), token) == []
    folder = world.config.data_dir
    files = [file for file in folder.rglob("*") if file.is_file()]
    told = {file.name: tell_tales(file.read_bytes(), token) for file in files}
    assert {name for name, found in told.items() if found} == set()
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    if not world.config.database.url:
        assert {"hearth.db", "hearth.db-wal"} <= {file.name for file in files}
    assert "event set aside" in log.getvalue()
    assert tell_tales(log.getvalue().encode(), token) == []
    assert repr(world.config).find(token) < 0


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
async def test_what_was_wanted_is_erased_once_it_is_done(private: World) -> None:
    await a_busy_day(private)
    rows = await private.rows(outbox)
    assert rows
    assert [row for row in rows if row["state"] in ("done", "skipped") and row["payload"] is not None] == []


def test_the_test_itself_finds_words() -> None:
    for data in (
        "…ZAUBERWALD…".encode(),
        "Бессонница".encode(),
        "ежевика".encode("utf-16-le"),
        b'"\\u0435\\u0436\\u0435\\u0432\\u0438\\u043a\\u0430"',
    ):
        assert tell_tales(data, "syt_1"), data
    assert HEARTH not in tell_tales(HEARTH.encode(), "syt_1")
