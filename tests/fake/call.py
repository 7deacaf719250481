"""One HTTP request as the endpoints see it, and the table of endpoints. Never knows what an endpoint does."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from .accounts import Session
from .errors import MatrixError, bad
from .events import Content, Event
from .faults import Limits
from .model import Model
from .relations import shown
from .room import Room

Answer = Content | list[Any] | web.StreamResponse
Endpoint = Callable[["Call"], Answer | Awaitable[Answer]]
E = TypeVar("E", bound=Endpoint)
CLIENT = ("/_matrix/client/v3", "/_matrix/client/r0")
V1 = ("/_matrix/client/v1",)
ROUTES: list[tuple[str, str, bool, Endpoint]] = []  # method, path, needs a token, endpoint


def route(method: str, path: str, bases: tuple[str, ...] = CLIENT, *, auth: bool = True) -> Callable[[E], E]:
    """Register an endpoint under each base path; with `auth`, a valid token is asked for first."""

    def register(endpoint: E) -> E:
        ROUTES.extend((method, base + path, auth, endpoint) for base in bases)
        return endpoint

    return register


@dataclass(slots=True)
class Call:
    """What an endpoint gets."""

    model: Model
    limits: Limits
    params: Mapping[str, str]
    query: Mapping[str, str]
    raw: bytes
    bearer: str | None
    request: web.Request
    wait: Callable[[str, float], Awaitable[None]]  # until something may be new for a user, or seconds have passed
    known_session: Session | None = None

    @property
    def session(self) -> Session:
        """Who asks."""
        if self.known_session is None:
            raise MatrixError(401, "M_MISSING_TOKEN", "Missing access token")
        return self.known_session

    @property
    def user_id(self) -> str:
        """The id of who asks."""
        return self.session.user.user_id

    @property
    def body(self) -> Content:
        """The JSON body; 400 M_NOT_JSON, M_BAD_JSON."""
        if not self.raw:
            return {}
        try:
            parsed = json.loads(self.raw)
        except ValueError:
            raise bad("Content not JSON.", "M_NOT_JSON") from None
        if not isinstance(parsed, dict):
            raise bad("Content must be a JSON object.", "M_BAD_JSON")
        return parsed

    def number(self, name: str, default: int) -> int:
        """An integer query parameter."""
        try:
            return int(self.query.get(name, default))
        except ValueError:
            raise bad(f"Query parameter {name} must be an integer") from None

    def room(self) -> Room:
        """The room of the path, for acting in it."""
        return self.model.room_for(self.params["room"], self.user_id)

    def readable(self) -> Room:
        """The room of the path, for reading it."""
        return self.model.readable(self.params["room"], self.user_id)

    def event(self, room: Room, event_id: str) -> Event:
        """An event of the room that the caller may see; else 404."""
        event = room.by_id.get(event_id)
        if not event or not room.can_see(self.user_id, event):
            raise MatrixError(404, "M_NOT_FOUND", "Event not found.")
        return event

    def shown(self, room: Room, event: Event) -> Content:
        """The event in the caller's form."""
        return shown(room, event, self.session, self.model.now_ms())

    def spend(self, *names: str) -> None:
        """Count against the caller's rate limits."""
        self.limits.spend(names, self.session)

    def known(self, what: str) -> str | None:
        """The answer to an earlier request with the same transaction."""
        return self.model.transactions.get((self.session.transactions, what))

    def mine(self) -> None:
        """Only the account named in the path itself may do this."""
        if self.model.accounts.full_id(self.params["user"]) != self.user_id:
            raise MatrixError(403, "M_FORBIDDEN", "Cannot do this for other users")
