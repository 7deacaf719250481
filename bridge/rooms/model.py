"""What rooms should exist, which do, and the steps from one to the other, as frozen values; never how a step is done."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.config_types import CURATOR, Entry

State = tuple[str, str]
"""Type and state key of a state event."""
Content = Mapping[str, Any]
Kind = Literal["space", "common", "staff", "circle", "room", "district"]


@dataclass(frozen=True, slots=True)
class DesiredRoom:
    """A room as the configuration wants it. `key` is its name for ever: space, common, staff, circle/<folded tag>, room/<name> or district/<number>.

    `levels` are the powers of the people named in the configuration (owners among them), `writers` the power needed to write, `power` what else takes
    which power (as the file names it), `guarded` the power for what nobody named. `guests` are the people to invite, in order; `after_space` says that
    they are invited once they are in the space. `parent` is the key of the space that shows it. `avatar` is a file's path or an mxc:// address.
    `archived`: it is no longer used. It is never made; if it is there, it is read only and no space shows it.
    `adopts` is the address or id of an existing room that is taken instead of making one; `kept` are fields of which the file says nothing, so that an
    adopted room keeps what it has.
    """

    key: str
    kind: Kind
    name: str
    topic: str
    alias: str
    tag: str | None = None
    avatar: str | None = None
    entry: Entry = "members"
    encrypted: bool = True
    history: str = "shared"
    servers: tuple[str, ...] = ()
    retention_days: int | None = None
    levels: Mapping[str, int] = field(default_factory=dict)
    writers: int = 0
    power: Mapping[str, int] = field(default_factory=dict)
    guarded: int = CURATOR
    welcome: str = ""
    guests: tuple[str, ...] = ()
    after_space: bool = False
    parent: str | None = None
    archived: bool = False
    adopts: str | None = None
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that should exist, the space first. `me` is Hearth's own account, `server` its server, the one that all rooms can be found through.

    The districts are not among the rooms: which there are depends on those that there are already, see `districted`.
    """

    me: str
    server: str
    version: str | None
    owners: tuple[str, ...]
    rooms: tuple[DesiredRoom, ...]
    district_size: int = 50
    district_name: str = "Circles"


@dataclass(frozen=True, slots=True)
class Around:
    """What the state of a room speaks of that is not in the room: ids of the space and of what shows it (None: not there yet), its version.

    `elsewhere` are our spaces that do not show it (any more). `denied` are the servers that moderation shuts out, `picture` is the address of the avatar (None: not known, leave what is there).
    """

    version: str
    space: str | None = None
    parent: str | None = None
    elsewhere: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class ActualRoom:
    """A room as it is. `state` has everything but the memberships, `events` the id of each of these state events, `senders` who sent it.

    `members` has what is known of each user: join, invite, knock, leave or ban. `here` is false when we are not in it (any more).
    """

    key: str
    room: str
    version: str
    creators: frozenset[str]
    state: Mapping[State, Content]
    events: Mapping[State, str] = field(default_factory=dict)
    senders: Mapping[State, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    here: bool = True

    def content(self, kind: str, state_key: str = "") -> Content:
        """The content of a state event; empty when there is none."""
        return self.state.get((kind, state_key), {})


@dataclass(frozen=True, slots=True)
class Welcome:
    """The welcome that we said in a room: the first message's id, what it says now (a digest of the words), and how often it was said anew."""

    event: str
    digest: str
    revision: int


@dataclass(frozen=True, slots=True)
class Adoption:
    """How it stands with an existing room that is to be ours. `target` is what the file calls it, or by what it was found in the space.

    `ready`: it can be. What is missing otherwise: `unknown`, there is no such room; `outside`, we are not in it; `lacks`, we have only power `level`; `old`,
    its version (`level`) is too old; `taken`, it is another room of ours; `entering`: we are on the way into it.
    """

    target: str
    state: Literal["ready", "unknown", "outside", "lacks", "old", "taken", "entering"]
    level: int = 0


@dataclass(frozen=True, slots=True)
class Actual:
    """The rooms that are ours, by key. `version` is what the homeserver makes when not told otherwise.

    `aliases` says for wanted addresses that are not yet the official ones of their rooms to which room they lead.
    `lost` are rooms made by us that a crash kept us from writing down, by key. `denied` are the servers that moderation shuts out.
    `adoptions` are the existing rooms that are to be ours, by key; those that can be are among `lost`. `strangers` are rooms of an adopted space that nobody named.
    `files` has the SHA-256 of every wanted picture that can be read, `uploads` the addresses of what was uploaded, by that. `welcomes` are by room id.
    """

    rooms: Mapping[str, ActualRoom]
    version: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[str, ActualRoom] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    uploads: Mapping[str, str] = field(default_factory=dict)
    welcomes: Mapping[str, Welcome] = field(default_factory=dict)
    adoptions: Mapping[str, Adoption] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Create:
    """Make this room."""

    room: DesiredRoom


@dataclass(frozen=True, slots=True)
class Remember:
    """Write down a room that we had made before, or one that was there before us and is `adopted`."""

    wanted: DesiredRoom
    room: str
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class EnterRoom:
    """Enter an existing room that is to be ours, by an invitation or because its door is open."""

    key: str
    target: str


@dataclass(frozen=True, slots=True)
class PointAlias:
    """Let an address lead to a room."""

    key: str
    room: str
    alias: str


@dataclass(frozen=True, slots=True)
class SetContent:
    """Give a state event this content. `was` is what it holds now, `answers` the event that this puts right (None: there is none).

    `child` is the key of the room that a link in the space leads to, `by` who made by hand what it holds now (None: we did, or there is nothing).
    """

    key: str
    room: str
    type: str
    state_key: str
    was: Content
    content: Content
    answers: str | None = None
    child: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class InvitePerson:
    """Invite somebody who never was there."""

    key: str
    room: str
    user: str


@dataclass(frozen=True, slots=True)
class UploadFile:
    """Upload a picture, once for all rooms that show it. `key` is the first of them."""

    key: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SayWelcome:
    """Say the welcome of a room, or change what it says: `was` is what was said before."""

    key: str
    room: str
    text: str
    digest: str
    was: Welcome | None


Change = Create | Remember | EnterRoom | PointAlias | SetContent | InvitePerson | UploadFile | SayWelcome


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person should know and that no change of ours puts right. `key` is the room's."""

    key: str
    about: Literal[
        "vanished", "away", "encrypted", "alias", "power", "stronger", "picture",
        "unknown", "outside", "lacks", "old", "taken", "stranger",
    ]  # fmt: skip
    user: str | None = None
    level: int | None = None
    name: str | None = None


def local_alias(alias: str | None, tag: str | None, name: str) -> str:
    """The local part of a room's address: the chosen one, else its tag, else made of its name."""
    if alias or tag:
        return str(alias or tag)
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", name).casefold())
    return "-".join(words) or "room"
