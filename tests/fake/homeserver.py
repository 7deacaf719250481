"""A homeserver for tests: the client-server API over real HTTP on loopback, all in memory. Never federates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from .accounts import AppService
from .events import Content, Event
from .faults import Faults
from .member import Member
from .model import Model
from .room import Room
from .server import Bell, Request, Server

T = TypeVar("T")


class FakeHomeserver:
    """`async with FakeHomeserver() as hs:` serves at `hs.url`; people of other servers act through `hs.user("@ann:b.test")`."""

    def __init__(self, server_name: str = "a.test") -> None:
        self._bell = Bell()
        self.model = Model(server_name, self._bell.ring)
        self._server = Server(self.model, self._bell)
        self._mark = 0

    async def __aenter__(self) -> Self:
        await self._server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()
        if self._server.bugs and error is None:
            raise AssertionError("the fake homeserver broke:\n" + "\n".join(self._server.bugs))

    @property
    def url(self) -> str:
        """Base address, the same over `down` and `up`."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def server_name(self) -> str:
        """The domain of its users and aliases."""
        return self.model.server_name

    @property
    def faults(self) -> Faults:
        """What shall go wrong: `hs.faults.add("status", path="/send/", status=502)`."""
        return self._server.faults

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in the order of arrival."""
        return self._server.log

    def mark(self) -> None:
        """Start counting requests anew."""
        self._mark = len(self._server.log)

    def requests_since_mark(self, *, mutating: bool = True) -> list[Request]:
        """The requests since the mark; by default only those that ask to change something."""
        return [request for request in self._server.log[self._mark :] if request.mutating or not mutating]

    def limit(self, name: str, per_second: float | None, burst: int = 1) -> None:
        """Set the rate limit "send", "create", "invite", "join" or "login" of every user; None lifts it."""
        self._server.limits.set(name, per_second, burst)

    def polling(self, name: str) -> bool:
        """Whether a /sync of that user is open and has nothing to tell: the bot has taken in everything so far."""
        return self._bell.waits(self.model.accounts.full_id(name))

    def use_clock(self, now_ms: Callable[[], int]) -> None:
        """Let events get their origin_server_ts (UTC milliseconds) from this clock."""
        self.model.now_ms = now_ms

    async def down(self) -> None:
        """The whole server is gone: connections are cut and refused."""
        await self._server.down()

    async def up(self) -> None:
        """It is back on the same port with all its memory."""
        await self._server.up()

    async def user(self, name: str, *, password: str | None = None, admin: bool = False) -> Member:
        """The member `ann`, `@ann` or `@ann:b.test`, made if missing; with a password it can log in over HTTP."""
        user = self.model.accounts.ensure(name)
        user.password = password or user.password
        user.admin = admin or user.admin
        return Member(self.model, user)

    def appservice(self, as_token: str, sender: str, users: str, *, rate_limited: bool = False) -> AppService:
        """Register an application service: `sender` is its technical account, `users` a regex over full user ids."""
        sender_id = self.model.accounts.ensure(sender).user_id
        service = AppService(as_token, sender_id, users, rate_limited)
        self.model.accounts.services[as_token] = service
        return service

    def sign_out(self, name: str) -> None:
        """Make all tokens of a user unknown."""
        user_id = self.model.accounts.full_id(name)
        self.model.accounts.close(user_id)
        self._bell.ring({user_id})

    def room(self, room: str) -> Room:
        """A room by id, alias, or the local part of an alias of this server."""
        if room.startswith("#") and ":" not in room:
            room = f"{room}:{self.server_name}"
        return self.model.room(room)

    def timeline(self, room: str, event_type: str | None = None) -> list[Event]:
        """All events of a room as the server holds them, oldest first."""
        return [event for event in self.room(room).timeline if event_type in {None, event.type}]

    def members(self, room: str) -> set[str]:
        """Who is joined."""
        return set(self.room(room).joined)

    def banned(self, user_id: str) -> set[str]:
        """Ids of the rooms in which this user is banned."""
        return {room_id for room_id, room in self.model.rooms.items() if room.membership(user_id) == "ban"}

    def inject(
        self, room: str, sender: str, event_type: str, content: Content, *, ts: int, state_key: str | None = None
    ) -> str:
        """An event that arrives late, with an old origin_server_ts (UTC ms), unchecked, as over federation; its id."""
        self.model.accounts.ensure(sender)
        return self.model.accept(self.room(room), sender, event_type, content, state_key=state_key, ts=ts).event_id

    async def until(self, condition: Callable[[], T], seconds: float = 30, what: Any = "") -> T:
        """Wait for a true value and return it; looked at after every change and request, AssertionError when time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            before = loop.time()
            value = condition()
            now = loop.time()
            if value:
                return value
            if now >= deadline:
                name = getattr(condition, "__qualname__", "the condition")
                raise AssertionError(f"{what() if callable(what) else what or name}: not so within {seconds} s")
            await self._bell.wait(None, min(deadline - now, 1.0))
            await asyncio.sleep(3 * (now - before))  # an expensive look must not starve the server it looks at
