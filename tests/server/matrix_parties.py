"""Accounts of the two real homeservers as our own code connects them, and waiting for what they see."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bridge.config import Matrix as Settings
from bridge.demo.homeservers import Homeserver
from bridge.effects import Join, Send
from bridge.errors import Refused, Unavailable
from bridge.events import AnyEvent, Batch, Message
from bridge.matrix.connect import Matrix, connect
from bridge.matrix.sync import batches

DEADLINE_SECONDS = 60
"""So long a busy machine may take; what is waited for mostly comes in less than one."""

_numbers = itertools.count(1)


class Party:
    """A connected account; it remembers its cursor and everything that it ever was told."""

    def __init__(self, matrix: Matrix, cursor: str | None) -> None:
        self.matrix = matrix
        self.cursor = cursor
        self.batches: list[Batch] = []
        self.troubles: list[str | None] = []

    @property
    def user(self) -> str:
        return self.matrix.user

    @property
    def events(self) -> list[AnyEvent]:
        return [event for batch in self.batches for event in batch.events]

    def messages(self, room: str | None = None) -> list[str]:
        """The words of all messages, in the order of arrival."""
        return [e.content.body for e in self.events if isinstance(e, Message) and room in {None, e.room}]

    async def listen(self, until: Callable[[], Any], what: str = "") -> Any:
        """Sync until the condition holds, and give what it gave."""
        if found := until():
            return found
        loop = batches(self.matrix, self.cursor, trouble=self.troubles.append, timeout_ms=1000)
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                async for batch in loop:
                    self.batches.append(batch)
                    if batch.final:
                        self.cursor = batch.cursor
                    if batch.final and (found := until()):
                        return found
        except TimeoutError:
            raise AssertionError(f"{self.user} never saw: {what or until}") from None
        finally:
            await loop.aclose()  # type: ignore[attr-defined]

    async def start(self) -> None:
        """Set the cursor."""
        await self.listen(lambda: self.batches, "the first sync")

    async def see(self, body: str) -> Message:
        """Sync until this message is there."""
        return await self.listen(
            lambda: next((e for e in self.events if isinstance(e, Message) and e.content.body == body), None), body
        )

    async def say(self, room: str, body: str, **content: Any) -> str:
        key = f"{self.user}/{next(_numbers)}"
        effect = Send(key=key, room=room, type="m.room.message", content={"msgtype": "m.text", "body": body, **content})
        return str(await self.matrix.gateway.perform(effect))

    async def join(self, room: str) -> None:
        await eventually(lambda: self.matrix.gateway.perform(Join(key=f"join/{room}", room=room)))


async def eventually(act: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """Federation lags: ask again until it is not refused."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await act()
            except (Refused, Unavailable):
                await asyncio.sleep(0.1)


async def until(look: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """Ask until the answer is true."""
    async with asyncio.timeout(seconds):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.1)


def settings_for(home: Homeserver, localpart: str, **more: Any) -> Settings:
    return Settings(homeserver=home.url, user_id=f"@{localpart}:{home.server_name}", **more)


@asynccontextmanager
async def party(settings: Settings, directory: Path, cursor: str | None = None) -> AsyncIterator[Party]:
    async with connect(settings, directory) as matrix:
        someone = Party(matrix, cursor)
        if cursor is None:
            await someone.start()
        yield someone


@asynccontextmanager
async def newcomer(home: Homeserver, localpart: str, directory: Path) -> AsyncIterator[Party]:
    """A new account with a token."""
    account = await home.register(localpart, "pw")
    settings = settings_for(home, localpart, access_token=SecretStr(account.token), password=SecretStr("pw"))
    async with party(settings, directory / localpart) as someone:
        yield someone
