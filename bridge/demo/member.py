"""One person of the demo, at a client of their own: what they see is what their server told them. Never looks into Hearth."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from bridge.config import Matrix
from bridge.demo.homeservers import Homeserver
from bridge.effects import Join
from bridge.errors import Refused, Unavailable
from bridge.events import AnyEvent, Edited, Invited, MemberChanged, Message, Reacted, Redacted, Undecryptable
from bridge.matrix.connect import Matrix as Connected
from bridge.matrix.connect import connect
from bridge.matrix.sync import batches

T = TypeVar("T")

PATIENCE_SECONDS = 60
"""So long a busy machine may take to show on one homeserver what was done on the other."""


class NotSeen(Exception):  # noqa: N818 - what it says is what happened
    """Something that should have been on somebody's screen was not there in time."""


@dataclass(slots=True)
class Line:
    """One message on somebody's screen, as it looks now."""

    event: str
    room: str
    sender: str
    text: str
    html: str = ""
    thread: str | None = None
    msgtype: str = "m.text"
    encrypted: bool = False
    edited: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)
    reactions: set[tuple[str, str]] = field(default_factory=set)


class Member:
    """A person with an account, a client, and a screen for each room."""

    def __init__(self, name: str, matrix: Connected, home: Homeserver, password: str, servers: Sequence[str]) -> None:
        """Use `logged_in` instead: it also keeps the client running."""
        self.name = name
        self.id = matrix.user
        self.home = home
        self.password = password
        self.servers = servers
        self.matrix = matrix
        self.screen: dict[str, dict[str, Line]] = {}
        self.invites: set[str] = set()
        self.memberships: dict[str, str] = {}
        self.others: dict[tuple[str, str], str] = {}
        self.unread: list[str] = []
        self.trouble: str | None = None
        self.client_task: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._numbers = itertools.count(1)

    async def listen(self) -> None:
        """Follow the server for as long as the demo lasts."""
        async for batch in batches(self.matrix, None, trouble=self._trouble):
            async with self._changed:
                for event in batch.events:
                    self._show(event)
                for room in batch.joined:
                    self.memberships[room] = "join"
                    self.invites.discard(room)
                for room in batch.left:
                    if self.memberships.get(room) == "join":
                        self.memberships[room] = "leave"
                self._changed.notify_all()

    def _trouble(self, words: str | None) -> None:
        self.trouble = words

    def _show(self, event: AnyEvent) -> None:
        lines = self.screen.setdefault(event.room, {})
        match event:
            case Message():
                lines[event.id] = Line(
                    event.id, event.room, event.sender, event.content.body, event.content.formatted_body or "", event.thread,
                    event.content.msgtype, event.encrypted, raw=event.content.raw,
                )  # fmt: skip
            case Edited() if event.target in lines and lines[event.target].sender == event.sender:
                line = lines[event.target]
                line.text, line.html, line.edited = event.content.body, event.content.formatted_body or "", True
            case Redacted():
                lines.pop(event.target, None)
            case Reacted() if event.target in lines:
                lines[event.target].reactions.add((event.sender, event.key))
            case MemberChanged() if event.user == self.id:
                self.memberships[event.room] = event.membership
            case MemberChanged():
                self.others[event.room, event.user] = event.membership
            case Invited():
                self.invites.add(event.room)
            case Undecryptable():
                self.unread.append(event.id)

    def lines(self, room: str, *, thread: str | None = None) -> list[Line]:
        """What stands in a room, in the order in which it came; with `thread` only what is in that one."""
        return [line for line in self.screen.get(room, {}).values() if thread is None or line.thread == thread]

    async def until(self, what: str, look: Callable[[], T | None], seconds: float = PATIENCE_SECONDS) -> T:
        """Wait until `look` gives something and return it. Raises NotSeen with `what` after `seconds`."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                while not (found := look()):
                    await self._changed.wait()
                return found
        except TimeoutError:
            if self.client_task and self.client_task.done():
                self.client_task.result()
            because = f" ({self.trouble})" if self.trouble else ""
            raise NotSeen(f"{self.name.capitalize()} did not see: {what}{because}") from None

    async def sees(self, room: str, text: str, *, thread: str | None = None, seconds: float = PATIENCE_SECONDS) -> Line:
        """Wait until a message with these words is on the screen."""
        return await self.until(
            f"“{text}”",
            lambda: next((line for line in self.lines(room, thread=thread) if text in line.text), None),
            seconds,
        )

    async def no_longer_sees(self, room: str, text: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until no message with these words is on the screen."""
        await self.until(f"“{text}” gone", lambda: not any(text in line.text for line in self.lines(room)), seconds)

    async def sees_from(self, sender: str, room: str, text: str, seconds: float = PATIENCE_SECONDS) -> Line:
        """Wait until a message of this sender with these words is on the screen; the newest one counts."""
        return await self.until(
            f"“{text}” from {sender}",
            lambda: next(
                (line for line in reversed(self.lines(room)) if line.sender == sender and text in line.text), None
            ),
            seconds,
        )

    def hears(self, user: str, room: str) -> bool:
        """Whether somebody else is in a room, as far as this client knows."""
        return self.others.get((room, user)) == "join"

    async def can_write(self, room: str) -> bool:
        """Try to write; false when the server refuses it."""
        try:
            await self._put(room, "m.room.message", {"msgtype": "m.text", "body": "still here"})
        except Refused:
            return False
        return True

    async def only_reads(self, room: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Return once the server refuses what we write. Raises NotSeen after `seconds`."""
        for _ in range(round(seconds * 5)):
            if not await self.can_write(room):
                return
            await asyncio.sleep(0.2)
        raise NotSeen(f"{self.name.capitalize()} can still write")

    async def join(self, room: str) -> None:
        """Enter a room, by invitation or because the space's members may."""
        query = {"via": list(self.servers)}
        await self._again(
            lambda: self.matrix.client.request("POST", "/join/{room}", parts={"room": room}, query=query, body={})
        )
        await self.until("the room", lambda: self.memberships.get(room) == "join")

    async def say(self, room: str, text: str, **content: Any) -> str:
        """Write a message; returns its event id."""
        return await self.send(room, "m.room.message", {"msgtype": "m.text", "body": text, **content})

    async def answer(self, room: str, root: str, text: str) -> str:
        """Write into a thread."""
        relation = {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": root},
        }
        return await self.say(room, text, **{"m.relates_to": relation})

    async def edit(self, room: str, event: str, text: str) -> str:
        """Replace the words of an own message."""
        new = {"msgtype": "m.text", "body": text}
        return await self.say(
            room, f"* {text}", **{"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": event}}
        )

    async def react(self, room: str, event: str, emoji: str) -> str:
        """Put a reaction on a message."""
        relation = {"rel_type": "m.annotation", "event_id": event, "key": emoji}
        return await self.send(room, "m.reaction", {"m.relates_to": relation})

    async def redact(self, room: str, event: str) -> None:
        """Take back a message."""
        path = "/rooms/{room}/redact/{event}/{txn}"
        parts = {"room": room, "event": event, "txn": f"demo{next(self._numbers)}"}
        await self._again(lambda: self.matrix.client.request("PUT", path, parts=parts, body={}))

    async def send(self, room: str, kind: str, content: Mapping[str, Any]) -> str:
        """Send any event; encrypted where the room is, except reactions, which never are. Returns its event id."""
        return str(await self._again(lambda: self._put(room, kind, content)))

    async def _put(self, room: str, kind: str, content: Mapping[str, Any]) -> str:
        rooms, crypto = self.matrix.rooms, self.matrix.crypto
        if crypto and kind != "m.reaction" and await rooms.encrypted(room):
            kind, content = await crypto.encrypt(room, await rooms.recipients(room), kind, content)
        parts = {"room": room, "kind": kind, "number": f"demo{next(self._numbers)}"}
        path = "/rooms/{room}/send/{kind}/{number}"
        return str((await self.matrix.client.request("PUT", path, parts=parts, body=content))["event_id"])

    async def talk_to(self, other: str) -> str:
        """Open an encrypted direct room with somebody, as clients do, and return its id."""
        return str(await self.matrix.gateway.direct_room(other, None, encrypted=True))

    async def accept(self, room: str) -> None:
        """Accept an invitation."""
        await self.until("an invitation", lambda: room in self.invites or self.memberships.get(room) == "join")
        await self._again(lambda: self.matrix.gateway.perform(Join(key=f"demo/{self.id}/join/{room}", room=room)))
        await self.until("the room", lambda: self.memberships.get(room) == "join")

    async def _again(self, act: Callable[[], Any], tries: int = 8) -> Any:
        # Federation lags: a room that one server knows may need a moment to be known by the other.
        for attempt in range(tries):
            try:
                return await act()
            except (Refused, Unavailable):
                if attempt == tries - 1:
                    raise
                await asyncio.sleep(0.2 * 2**attempt)
        return None


@asynccontextmanager
async def logged_in(name: str, home: Homeserver, directory: Path, servers: Sequence[str]) -> AsyncIterator[Member]:
    """Register a person on a homeserver, log them in, and keep their client running until the block ends.

    `servers` are the names of all homeservers, asked for rooms that are not known here yet.
    """
    account = await home.register(name, f"{name}-password")
    settings = Matrix(homeserver=home.url, user_id=account.user_id, access_token=SecretStr(account.token))
    async with connect(settings, directory / name) as matrix:
        profile = "/profile/{user}/displayname"
        await matrix.client.request(
            "PUT", profile, parts={"user": matrix.user}, body={"displayname": name.capitalize()}
        )
        member = Member(name, matrix, home, account.password, servers)
        member.client_task = task = asyncio.create_task(member.listen(), name=f"client of {name}")
        try:
            yield member
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
