"""What was decided, and what is the case; frozen values, nothing else."""

from dataclasses import dataclass
from typing import Literal

NOTE, WARN, SLOW, MUTE, KICK, BAN = "note", "warn", "slow", "mute", "kick", "ban"
"""The kinds of sanction against people, from mild to grave."""

LOCK, INVITES = "lock", "invites"
"""The kinds of sanction that rooms have: nobody writes, nobody invites."""

EVERY_ROOM = "*"
"""The target of a lock on all rooms."""


@dataclass(frozen=True, slots=True)
class Sanction:
    """A decision that stands until it is lifted. `target` is a user id, a server name, or a glob of one; `cause` the ledger row.

    `scope` is the key of the only room where it holds (empty: in all), `until_ms` when it ends by itself (UTC; None: never), `gap_ms` the least time
    between two messages of somebody who is to write slowly. Of a room's lock the target is the room's key, or `*`.
    """

    id: int
    entity: Literal["user", "server", "room"]
    target: str
    reason: str | None
    cause: int
    kind: str = BAN
    scope: str = ""
    until_ms: int | None = None
    gap_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """What somebody is in a room right now: join, invite, knock, leave or ban. `row` changes whenever that changes."""

    room: str
    user: str
    membership: str
    row: int


@dataclass(frozen=True, slots=True)
class OurBan:
    """A ban in a room that is our doing, and the sanction it was done for."""

    room: str
    user: str
    sanction: int


@dataclass(frozen=True, slots=True)
class OurMute:
    """That somebody may only read in a room is our doing, for this sanction."""

    room: str
    user: str
    sanction: int
