"""What was decided, and what is the case; frozen values, nothing else."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sanction:
    """A decision that stands until it is lifted. `target` is a user id, a server name, or a glob of one; `cause` the ledger row."""

    id: int
    entity: Literal["user", "server"]
    target: str
    reason: str | None
    cause: int


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
