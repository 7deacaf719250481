"""What a shell is given while it handles one event; never a client, never anything that could act.

Reading Matrix comes in as small Protocols that `hearth.py` fills.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from bridge.config import Config
from bridge.effects import Effect, Put
from bridge.roles import Role as Role  # noqa: PLC0414 - one name for the shells
from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.store.watched import Watched


class Names(Protocol):
    """Display names, kept in memory only."""

    def of(self, user: str) -> str:
        """The name by which people know this user: the one they chose here, or their display name, or else the local part of their id."""

    def find(self, name: str) -> Sequence[str]:
        """The users with this name, folded for case; sorted."""


class Naming(Names, Protocol):
    """Names, and what is needed to give somebody one of their own here."""

    def like(self, name: str) -> frozenset[str]:
        """The users with a name that can be taken for this one."""

    def profile(self, user: str) -> str:
        """The display name of this user, or else the local part of their id; whatever they are called here."""

    def seal(self, name: str) -> str:
        """What can be stored of a name: the same for names that look alike, and of no use without a key."""

    def fingerprint(self, text: str) -> str:
        """What can be kept for a while of something that was said: the same for texts that look alike, and of no use without a key."""

    def call(self, user: str, name: str | None) -> None:
        """From now on this person is called so here; None: by their display name."""


@dataclass(slots=True)
class Scene:
    """One event's surroundings: the open transaction, the configuration, our own id, the time (UTC ms), names. `puts` gathers what is wanted.

    `news`: whether a change of membership was unknown before. Homeservers tell again who has long been in a room when they say something there.
    `ours`, `ordinary`: a new message in a room of ours, and one (or somebody's going) that nothing hangs on that we know of (`store.journal.Heard`); looks
    into the database are spared by it, and nothing else. `slowed`: it is a message, and somebody somewhere has to write slowly, or a server's ban has ended lately.
    `liked`: the message on which a reaction came or went. `here`: the room of ours in which somebody's membership changed.
    """

    db: Connection
    config: Config
    me: str
    now_ms: int
    names: Naming
    puts: list[Put] = field(default_factory=list)
    news: bool = True
    ours: bool = False
    ordinary: bool = False
    slowed: bool = False
    liked: str | None = None
    here: Room | None = None
    urgent: bool = False
    """Somebody may be in danger of their life: whatever else holds, this message is not hidden."""
    watched: Watched = field(default_factory=Watched)
    """The rules of watched lists."""
    met: int | None = None
    """The ledger row under which somebody who comes has just met such a rule."""


class Reader(Protocol):
    """What may be read from the homeserver outside of a transaction. Raises Refused or Unavailable."""

    async def event(self, room: str, event: str) -> Mapping[str, Any] | None:
        """One event, decrypted, with its newest edit applied to `content`; None when it is gone, redacted or never was readable for us."""

    async def edits(self, room: str, event: str) -> Sequence[str]:
        """The ids of all edits of an event."""

    async def unreadable(self, room: str, event: str) -> bool:
        """Whether this event is there, encrypted, and we have no key for it."""

    async def state(self, room: str) -> Sequence[Mapping[str, Any]]:
        """All current state events of a room."""

    async def state_content(self, room: str, kind: str, state_key: str = "") -> Mapping[str, Any] | None:
        """The content of one state event, or None."""

    async def state_event(self, room: str, kind: str, state_key: str = "") -> Mapping[str, Any] | None:
        """One whole state event, with its sender where the homeserver tells it, or None."""

    async def resolve_alias(self, alias: str) -> str | None:
        """The room id behind an alias, or None."""

    async def children(self, space: str) -> Sequence[Mapping[str, Any]]:
        """What may be seen of the rooms that a space shows: room_id, name, canonical_alias."""

    async def local_aliases(self, room: str) -> Sequence[str]:
        """The addresses on our own server that lead to a room."""

    async def report_reason(self, kind: str, number: str) -> str | None:
        """What somebody wrote when they used their client's report button, by the number of the homeserver's own list; None when it cannot be read."""

    async def joined_rooms(self) -> Sequence[str]:
        """The ids of all rooms that we are in."""


Lacking = Literal["later", "gone", "too large"]
"""Why a file cannot be carried: its server does not answer, it is not there any more, or it is larger than the homeserver takes."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What is at hand when an effect is prepared for sending: nothing that writes. `reading` opens a read-only connection.

    `again`: this effect was tried before, and may have reached the homeserver although nobody wrote that down.
    `lacking`: why the file that belongs to it cannot be sent; None when it can, or when nobody has looked yet.
    """

    reading: Callable[[], AbstractAsyncContextManager[Connection]]
    read: Reader
    names: Naming
    config: Config
    me: str
    now_ms: int
    again: bool = False
    lacking: Lacking | None = None


State = Literal["done", "skipped", "dead"]

Filler = Callable[[Desk, Any], Awaitable[Effect | None]]
"""Makes of an effect that only names its words the one that goes over the wire; None when there is nothing to do (any more)."""

Settler = Callable[[Scene, Any, State, str | None], Awaitable[None]]
"""Records the outcome of an effect, in the transaction that settles it: effect, state, and the event or room id that Matrix gave."""
