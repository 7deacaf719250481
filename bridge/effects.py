"""What is wanted from Matrix, as frozen values that survive in a table; never how it is done.

Every effect has a natural key: the same wish has the same key, and putting it twice is putting it once. Nobody's words are in an effect: a copy or
a digest names the events, and the words are read from the homeserver at the moment of sending.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import IntEnum
from typing import Any, ClassVar

from bridge.words import Text


class Priority(IntEnum):
    """Lower goes first. Moderation before answers, answers before shares, shares before digests."""

    MODERATION = 0
    ANSWER = 1
    ROOMS = 2
    SHARE = 3
    DIGEST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The base: a natural key, and by its class a lane (order is kept within one) and a priority."""

    key: str
    priority: ClassVar[Priority] = Priority.ANSWER

    @property
    def lane(self) -> str:
        """Effects of one lane are done one after the other, in the order in which they were put."""
        return f"{self.priority.value}:{getattr(self, 'room', None) or getattr(self, 'user', '')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Effect):
    """Say something of ours (m.notice) in a room. `thread` and `reply_to` are event ids; `mentions` are notified."""

    room: str
    text: Text
    language: str
    thread: str | None = None
    reply_to: str | None = None
    mentions: tuple[str, ...] = ()
    edits: str | None = None
    """The outbox key of the earlier Say that this one replaces."""
    case: int | None = None
    """The number of the case that this shows to staff: a reaction on it may settle that."""
    reason_of: tuple[str, ...] = ()
    """A room and a user: what they wrote when they knocked there is read when this is sent, and quoted; it is stored nowhere."""
    words_at: tuple[str, ...] = ()
    """Where people wrote what this is about (as in `store.reports`): it is read when this is sent, and quoted; it is stored nowhere."""
    asks: str | None = None
    """Whose reaction on this message answers `prompt`."""
    prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell(Effect):
    """Say something to one person, in their direct room, which is made when there is none.

    `prompt` names what a reaction on this message answers, e.g. `consent`.
    """

    user: str
    text: Text
    language: str
    prompt: str | None = None
    words_at: tuple[str, ...] = ()
    """As in Say."""
    insist: bool = False
    """It matters more than that they left our chats before: they are invited to one once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TellUnread(Effect):
    """Say to somebody that a message of theirs could not be read; not if it can be by now, nor twice about the same room."""

    user: str
    room: str
    event: str
    language: str

    @property
    def lane(self) -> str:
        """One for each person and room: as long as one is known in it, there is no other."""
        return f"{self.priority.value}:unread:{self.room}:{self.user}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepName(Effect):
    """Keep the name by which somebody wants to be known here, in their direct room; `source` None takes it away again.

    The name itself is not in here: it is what stands in the message `source` behind the first `after` words.
    """

    user: str
    source_room: str
    source: str | None = None
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class React(Effect):
    """Put a reaction on an event."""

    room: str
    event: str
    emoji: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(React):
    """Put a reaction under a message of ours, to be touched by whoever reads it; when nothing else waits, for it is only a comfort."""

    priority: ClassVar[Priority] = Priority.DIGEST

    @property
    def lane(self) -> str:
        """Its own in each room: no digest waits for it."""
        return f"{self.priority.value}:offer:{self.room}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redact(Effect):
    """Empty an event: a person's message, in the name of moderation."""

    priority: ClassVar[Priority] = Priority.MODERATION
    room: str
    event: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Effect):
    """Enter a room that we were invited to, or that is open. `person` is whose direct room it is, if it is one; `via` are servers that know it."""

    room: str
    person: str | None = None
    encrypted: bool = False
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Effect):
    """Leave a room."""

    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban(Effect):
    """Ban somebody from a room. Already banned is done. `sanction` is the decision that asks for it."""

    priority: ClassVar[Priority] = Priority.MODERATION
    room: str
    user: str
    reason: str | None = None
    sanction: int | None = None
    then: int | None = None
    """The ledger row of a server's ban: once nothing of it is left to be done in this room, the server is shut out there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unban(Effect):
    """Lift a ban in a room. Not banned is done."""

    priority: ClassVar[Priority] = Priority.MODERATION
    room: str
    user: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kick(Effect):
    """Remove somebody from a room. Not there is done."""

    priority: ClassVar[Priority] = Priority.MODERATION
    room: str
    user: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expel(Effect):
    """Remove somebody whose membership has ended from a room, or withdraw their invitation. Nothing, if it was renewed meanwhile."""

    priority: ClassVar[Priority] = Priority.MODERATION
    room: str
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite(Effect):
    """Invite somebody to a room. Already invited or joined is done."""

    priority: ClassVar[Priority] = Priority.ROOMS
    room: str
    user: str
    reason: str | None = None

    @property
    def lane(self) -> str:
        """One for the people of each server: their server has to be reached for it, and nobody else waits for one that is down."""
        return f"{self.priority.value}:invite:{self.room}:{self.user.partition(':')[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetState(Effect):
    """Make a state event have this content. Already so is done: it is read and compared first."""

    priority: ClassVar[Priority] = Priority.ROOMS
    room: str
    type: str
    state_key: str = ""
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVoice(Effect):
    """Let somebody only read in a room (`silent`), or give back the power they had before. Already so, or decided anew since, is done."""

    priority: ClassVar[Priority] = Priority.ROOMS
    room: str
    user: str
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute(SetVoice):
    """The same in the name of moderation, before answers and shares; in its room it keeps its turn among all that changes powers there."""

    priority: ClassVar[Priority] = Priority.MODERATION
    reason: str | None = None

    @property
    def lane(self) -> str:
        """That of everything else that reads the powers of a room and writes them back."""
        return f"{Priority.ROOMS.value}:{self.room}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRank(Effect):
    """Give somebody in a room the power that the configuration gives them there at the moment of doing, and no other. Already so is done."""

    priority: ClassVar[Priority] = Priority.MODERATION
    room: str
    user: str

    @property
    def lane(self) -> str:
        """That of everything else that reads the powers of a room and writes them back."""
        return f"{Priority.ROOMS.value}:{self.room}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLock(Effect):
    """Make a room's powers say whether it is locked, and whether people may be invited there, as was decided at the moment of doing."""

    priority: ClassVar[Priority] = Priority.MODERATION
    room: str

    @property
    def lane(self) -> str:
        """That of everything else that reads the powers of a room and writes them back."""
        return f"{Priority.ROOMS.value}:{self.room}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetServerAcl(SetState):
    """Make `m.room.server_acl` so, before answers and shares. It may have to wait a little, and nothing in its room waits for it."""

    priority: ClassVar[Priority] = Priority.MODERATION

    @property
    def lane(self) -> str:
        """A lane of its own in each room."""
        return f"{self.priority.value}:acl:{self.room}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAlias(Effect):
    """Let an alias point to a room. Pointing there already is done; elsewhere is refused, but from the room `was` it is moved."""

    priority: ClassVar[Priority] = Priority.ROOMS
    room: str
    alias: str
    was: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRoom(Effect):
    """Make a room. `alias` is how a repeat finds it again. `request` is the body of POST /createRoom without the alias.

    `room_key` is the name by which the configuration knows it, e.g. `circle/sleep`.
    """

    priority: ClassVar[Priority] = Priority.ROOMS
    room_key: str
    alias: str
    request: Mapping[str, Any]

    @property
    def lane(self) -> str:
        """Each room is made on its own."""
        return f"{self.priority.value}:create:{self.room_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateList(CreateRoom):
    """Make the room of our own policy list, which is none of the community's rooms. `list` is its number."""

    list: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Effect):
    """Upload a picture of ours, once and for all rooms. `file` is its path; it must still be the one with this SHA-256."""

    priority: ClassVar[Priority] = Priority.ROOMS
    file: str
    sha256: str

    @property
    def lane(self) -> str:
        """Each file is uploaded on its own."""
        return f"{self.priority.value}:upload:{self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWelcome(Effect):
    """Say a room's welcome, or let the message with the id `edits` say this now. `text` is Markdown of the configuration, `digest` its SHA-256."""

    priority: ClassVar[Priority] = Priority.ROOMS
    room: str
    text: str
    digest: str
    revision: int
    edits: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceRoom(Effect):
    """Have another room in a room's place (spec: "Room upgrades"), and be in it. Replaced already is done: the successor is looked for first.

    `version` of the new room, None for the homeserver's default; `creators` are the further ones that rooms have from version 12 on. `follow` is a
    successor that somebody else has named: then none is made, and `via` (a server) is how it is found. `cause` is the ledger row that asked for
    it, `by` the person.
    """

    priority: ClassVar[Priority] = Priority.ROOMS
    room: str
    by: str
    version: str | None = None
    creators: tuple[str, ...] = ()
    follow: str | None = None
    via: str | None = None
    cause: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy(Effect):
    """Carry one event of a shared thread into another room: read it, dress it, send it there.

    `root` is the source root's event id (equal to `source` for the root itself). The copy of a reply goes into the thread of the root's copy.
    """

    priority: ClassVar[Priority] = Priority.SHARE
    room: str
    source_room: str
    source: str
    root: str
    lacking: bool = False
    """What came of it: it was sent without its file, which has to come later."""

    @property
    def lane(self) -> str:
        """One for the copies that one room sends into another: a room with much to carry keeps nobody else waiting."""
        return f"{self.priority.value}:{self.room}:{self.source_room}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCopy(Effect):
    """The source was edited: bring its copy up to date with its newest text. `edit` is the event id of the edit."""

    priority: ClassVar[Priority] = Priority.SHARE
    room: str
    source_room: str
    source: str
    edit: str
    lacking: bool = False
    """What came of it: it was sent without its file, which has to come later."""

    @property
    def lane(self) -> str:
        """One for the copies that one room sends into another: a room with much to carry keeps nobody else waiting."""
        return f"{self.priority.value}:{self.room}:{self.source_room}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFile(Effect):
    """The file of a source could not be had when its copy was sent: bring it, in the try with this `number`, as long as it is before `until_ms` (UTC).

    `cause` is the key of the effect that was sent without it. Nothing is said by this; once the file is there, the copy is edited.
    """

    priority: ClassVar[Priority] = Priority.SHARE
    room: str
    source_room: str
    source: str
    cause: str
    number: int
    until_ms: int

    @property
    def lane(self) -> str:
        """Each file comes on its own: nobody's words wait for a server that is down."""
        return f"{self.priority.value}:file:{self.room}:{self.source}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawCopy(Effect):
    """Take back the copy of one source event."""

    priority: ClassVar[Priority] = Priority.SHARE
    room: str
    source: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarise(Effect):
    """Bring the one line at the end of a shared thread up to date, or take it away (`gone`). What it says is counted when it is sent."""

    priority: ClassVar[Priority] = Priority.SHARE
    room: str
    root: str
    gone: bool = False

    @property
    def lane(self) -> str:
        """Each line on its own, for it waits its half minute; and no waiting keeps one from being taken away."""
        return f"{self.priority.value}:{'unsaid' if self.gone else 'summary'}:{self.room}:{self.root}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TellBundle(Effect):
    """Say with what a bundle of shared threads begins, bring its number up to date, or take it away (`gone`). It is counted when it is sent."""

    priority: ClassVar[Priority] = Priority.SHARE
    room: str
    source_room: str
    bundle: int
    revision: int
    gone: bool = False

    @property
    def lane(self) -> str:
        """The first time it goes before the copies that follow it, in their lane; then on its own, for it waits its half minute."""
        if self.revision == 1:
            return f"{self.priority.value}:{self.room}:{self.source_room}"
        return f"{self.priority.value}:{'unbundle' if self.gone else 'bundle'}:{self.bundle}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsay(Effect):
    """Take back whatever an earlier try of the wish with the key `of` left in a room, if it was heard. It was first tried at `since_ms` (UTC), and is settled."""

    priority: ClassVar[Priority] = Priority.SHARE
    room: str
    of: str
    since_ms: int

    @property
    def lane(self) -> str:
        """Each on its own: what has to go waits for nobody's words."""
        return f"{self.priority.value}:unsay:{self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver(Effect):
    """Send the digest with this id to its member, in their direct room; what it holds stands in the digest tables."""

    priority: ClassVar[Priority] = Priority.DIGEST
    user: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Deliver):
    """Tell a member at once who answered them or calls on them: it waits neither for this morning's digests nor for their own."""

    priority: ClassVar[Priority] = Priority.ANSWER

    @property
    def lane(self) -> str:
        """Its own for each member."""
        return f"{Priority.DIGEST.value}:call:{self.user}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand(Deliver):
    """Give a member the digest that they asked for: an answer, which waits for nobody's digests, nor for their own next one."""

    priority: ClassVar[Priority] = Priority.ANSWER

    @property
    def lane(self) -> str:
        """Its own for each member."""
        return f"{Priority.DIGEST.value}:hand:{self.user}"


def is_call(user: str, digest: str) -> bool:
    """Whether the digest with this id is of what was told to this member at once."""
    return digest.startswith(f"{user}/call/")


def is_asked_for(user: str, digest: str) -> bool:
    """Whether the digest with this id was asked for by this member's command, and not made because it was due. A user id may hold any of these words."""
    return digest.startswith(f"{user}/now/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct(Effect):
    """Bring a delivered digest up to date in place, because something in it was edited, redacted or is no longer theirs to read.

    It goes before the digests of others, however many of these there are this morning, and waits for no later one of its member's.
    """

    priority: ClassVar[Priority] = Priority.SHARE
    user: str
    digest: str
    cause: str

    @property
    def lane(self) -> str:
        """Its own for each digest."""
        return f"{self.priority.value}:correct:{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Effect):
    """An event as it goes over the wire. Made at the moment of sending, of an effect that names its words; never in a table."""

    room: str
    type: str
    content: Mapping[str, Any]
    clear: bool = False
    """Not encrypted, also where the room is: for what everybody may read who comes later."""
    files: bool = False
    """Its files are those of another room, and have to be brought into this one."""
    once: bool = False
    """Whether it stands there already is looked for in any case, also when we know of no earlier try; its mark stays outside of what is encrypted."""


EFFECTS: Mapping[str, type[Effect]] = {
    kind.__name__: kind
    for kind in (
        Say, Tell, TellUnread, KeepName, React, Offer, Redact, Join, Leave, Ban, Unban, Kick, Expel, Invite, SetState, SetVoice, Mute, SetRank, SetLock, SetServerAcl, SetAlias, CreateRoom, CreateList,
        Upload, SetWelcome, ReplaceRoom,
        Copy, EditCopy, CopyFile, WithdrawCopy, Summarise, TellBundle, Unsay, Deliver, Call, Hand, Correct,
    )
}  # fmt: skip
"""Every kind of effect by its name in the outbox."""


@dataclass(frozen=True, slots=True)
class Put:
    """One row for the outbox: the effect, when it may be done (UTC ms; 0: at once), and the intent that it belongs to.

    `intent` is the ledger row whose outcome is told when all rows that carry it are settled.
    """

    effect: Effect
    not_before_ms: int = 0
    intent: int | None = None


def dump(effect: Effect) -> str:
    """The effect as JSON without its key and kind, keys sorted, so that equal effects are equal bytes."""
    # Not asdict for the whole: it copies all that is in it, and a wave of digests writes thousands of these while others wait to write.
    return _JSON.encode({item.name: getattr(effect, item.name) for item in fields(effect) if item.name != "key"})


_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=asdict)


def load(kind: str, key: str, payload: str) -> Effect:
    """The effect that `dump` wrote. KeyError when a newer Hearth wrote a kind that this one does not know."""
    cls = EFFECTS[kind]
    data = json.loads(payload)
    for item in fields(cls):
        value = data.get(item.name)
        if isinstance(value, dict) and item.type in (Text, "Text"):
            data[item.name] = Text.load(value)
        elif (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and item.type in (tuple[str, ...], "tuple[str, ...]")
        ):
            data[item.name] = tuple(value)
    return cls(key=key, **data)


def transaction_id(key: str) -> str:
    """The Matrix transaction id, and our mark, of the effect with this key: stable over restarts, and it tells nobody what the key says."""
    return "h" + hashlib.sha256(key.encode()).hexdigest()[:40]
