"""What a digest is made from and made of, as frozen values; never how it is chosen, stored or shown, nor who may read what."""

import json
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import Literal, NamedTuple

from bridge.frozen import frozen

FollowKind = Literal["thread", "person", "person_tag", "circle", "tag"]
FOLLOWED: tuple[FollowKind, ...] = ("thread", "person", "person_tag", "circle", "tag")
"""Every kind of thing that can be followed or muted."""

Kind = Literal["reply", "mention", "thread", "taken", "person", "person_tag", "circle", "own", "tag", "unheard"]
KINDS: tuple[Kind, ...] = (
    "reply", "mention", "thread", "taken", "person", "person_tag", "circle", "own", "tag", "unheard",
)  # fmt: skip
"""Every kind of reason, in the order in which a digest shows them: what calls for an answer, what is followed, and whom nobody has answered.

`taken`: a conversation that the member took part in; `own`: a circle that the member is in.
"""

ORDER: Mapping[str, int] = {kind: place for place, kind in enumerate(KINDS)}

Wish = Literal["follow", "mute", "block"]
"""What somebody can want of a thing: to hear of it, to hear nothing of it, or (of a person) that neither hears of the other."""


class Reason(NamedTuple):
    """Why something is in a digest, or what a member follows or mutes.

    `target` is a user, room or event id or a tag, and empty where the kind says all; `tag` only for `person_tag`.
    """

    kind: Kind
    target: str = ""
    tag: str = ""


@frozen
class Follow:
    """A member's wish to hear of something, or nothing of it. `id` rises in the order of wishing."""

    id: int
    user: str
    reason: Reason
    wish: Wish = "follow"


@frozen
class Post:
    """A message that exists. `seq` is the order in which we heard of it, `at_ms` the sender's word (UTC ms).

    `thread` is the event id of its thread's root in its room, `reply_to` the event that it answers outside of threads, or within one in particular.
    `mentions` are the people it calls on, `reactions` says how many people reacted to it, `automatic` that it is a program's word.
    `nameless`: its author is not named on copies of it.
    """

    seq: int
    event: str
    room: str
    author: str
    at_ms: int
    thread: str | None = None
    tags: frozenset[str] = frozenset()
    redacted: bool = False
    reply_to: str | None = None
    mentions: frozenset[str] = frozenset()
    reactions: int = 0
    automatic: bool = False
    nameless: bool = False


@frozen
class Link:
    """A message that recent ones hang on and that is older than they: what it hangs on itself, whose it is, and where. Redacted ones are links, too."""

    event: str
    above: str | None
    author: str
    room: str
    tags: frozenset[str] = frozenset()


@frozen
class Place:
    """A room of the community: what its newcomers can read, and whether its messages are encrypted.

    `changes` are (seq, history): for what came after that `seq` this history visibility held, until the next change; without any, `history` always did.
    `replaced_by` is the room that goes on in its place: who follows that one follows this one's last words, too.
    """

    room: str
    history: str = "shared"
    encrypted: bool = False
    replaced_by: str | None = None
    kind: str = "room"
    changes: tuple[tuple[int, str], ...] = ()


@frozen
class Span:
    """What somebody was in a room, for all posts with since_seq < seq <= until_seq. `until_seq` None: still. `since_ms`: by the sender's clock (UTC ms)."""

    room: str
    membership: str
    since_seq: int
    until_seq: int | None = None
    since_ms: int = 0


@frozen
class Copied:
    """The live copy of a post in another room: its event id, and the `seq` of that; None until we heard of it, which is later than all else.

    `reactions` says how many people reacted to the copy, `thread` in which thread of its room it stands.
    """

    source: str
    room: str
    copy: str
    seq: int | None = None
    reactions: int = 0
    thread: str | None = None


@frozen
class Opening:
    """A place where somebody can open a message: the message itself or its copy, and the `seq` of that."""

    room: str
    event: str
    seq: int | None


@frozen
class Member:
    """One person for whom a digest is chosen: what they follow and mute, and where they were when.

    `reads` is the `seq` up to which they have read, by room and thread: "" stands for the whole room, "main" for what is in no thread.
    `apart` are people who do not want to be heard of by this one.
    """

    user: str
    follows: tuple[Follow, ...]
    spans: tuple[Span, ...]
    reads: Mapping[tuple[str, str], int] = field(default_factory=dict)
    apart: frozenset[str] = frozenset()


@frozen
class Item:
    """One conversation in a digest: the message to show, where this member can open it, why it is there, and how many more there are in it.

    `event` and `room` may be those of a copy.
    """

    event: str
    room: str
    reasons: tuple[Reason, ...]
    replies: int = 0


@frozen
class Digest:
    """What matters to one member: at most some items, the best first within each kind of reason, and the number of conversations left out."""

    user: str
    items: tuple[Item, ...]
    more: int = 0


@frozen
class Waiting:
    """A message that began a conversation and that nobody answered; `at_ms`: when we heard of it (UTC ms)."""

    room: str
    event: str
    author: str
    at_ms: int


@frozen
class Presence:
    """Somebody in a room: since when, when they last said something in it, and when they last said or read anything anywhere (UTC ms; None: never)."""

    room: str
    user: str
    since_ms: int
    said_ms: int | None = None
    seen_ms: int | None = None


@frozen
class Week:
    """How many people wrote in a room in a week; `ago` 0 are the last seven days."""

    room: str
    ago: int
    people: int


@frozen
class Answers:
    """How many answers somebody gave to others in a room."""

    room: str
    user: str
    number: int


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@lru_cache(4_096)
def dump_reasons(reasons: tuple[Reason, ...]) -> str:
    """Reasons as JSON, as they stand in the table: equal reasons are equal bytes. Many conversations are there for the same ones."""
    return _JSON.encode([[r.kind, r.target, r.tag] for r in reasons])


@lru_cache(4_096)
def load_reasons(text: str) -> tuple[Reason, ...]:
    """The reasons that `dump_reasons` wrote."""
    return tuple(Reason(kind, target, tag) for kind, target, tag in json.loads(text))
