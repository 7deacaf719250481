"""What was decided, and what is the case; frozen values, nothing else."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bridge.words import Text

NOTE, WARN, SLOW, MUTE, KICK, BAN = "note", "warn", "slow", "mute", "kick", "ban"
"""The kinds of sanction against people, from mild to grave."""

LOCK, INVITES = "lock", "invites"
"""The kinds of sanction that rooms have: nobody writes, nobody invites."""

CRISIS_REPORT, HARM_REPORT, OTHER_REPORT = "report/crisis", "report/harm", "report/other"
"""The kinds of case that members raise."""

REPORTS = (CRISIS_REPORT, HARM_REPORT, OTHER_REPORT)
"""The same, the most urgent first."""

EVERY_ROOM = "*"
"""The target of a lock on all rooms."""


@dataclass(frozen=True, slots=True)
class Sanction:
    """A decision that stands until it is lifted. `target` is a user id, a server name, or a glob of one; `cause` the ledger row.

    `scope` is the key of the only room where it holds (empty: in all), `until_ms` when it ends by itself (UTC; None: never), `gap_ms` the least time
    between two messages of somebody who is to write slowly. Of a room's lock the target is the room's key, or `*`. `rule` is the rule of a watched
    list that asks for it; 0: people here decided it. Of a sanction of many `spared` are those whom it does not mean all the same.
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
    rule: int = 0
    spared: frozenset[str] = frozenset()


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


class Act(StrEnum):
    """What a protection may ask for. MUTE lets somebody only read for a time, HOLD until staff has looked; both are a case, too."""

    WARN = "warn"
    REDACT = "redact"
    MUTE = "mute"
    HOLD = "hold"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a protection found: what it asks for, and what matched, in words that hold nothing of what was said.

    `of_room`: it is about what goes on in the room and not about one person, so it is one case, however many have a part in it.
    """

    acts: tuple[Act, ...]
    matched: Text
    of_room: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known around one event in a room of ours, from the database; times are UTC ms.

    `key` and `kind` are of the room. Of who sent it (or came): `staff`; `since_ms`, when they first entered any room of ours (None: never);
    `posts`, how many messages of theirs stand in our rooms (counted up to what trust needs); `recent`, how many of them came here within
    the flood window. `arrivals`: who came into this room within the join window, themselves included. `same_rooms` and `same_people`: where, and
    by how many, the same words were said lately, this time included. `alike`: people whose name can be taken for theirs; `guarded`: us and
    staff; `tags`: of the circles. `listed`: the message leads to a room that a watched list bans: one that is followed, or one to be asked about.
    """

    key: str
    kind: str
    now_ms: int
    me: str = ""
    staff: bool = False
    since_ms: int | None = None
    posts: int = 0
    trusted: bool = False
    recent: int = 0
    arrivals: int = 0
    same_rooms: int = 0
    same_people: int = 0
    alike: frozenset[str] = frozenset()
    listed: Literal["", "followed", "asked"] = ""
    guarded: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    rooms: frozenset[str] = frozenset()
