"""What a digest is made from and made of, as frozen values, and who may read what; never how it is chosen, stored or shown."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

FollowKind = Literal["thread", "person", "person_tag", "circle", "tag"]
KINDS: tuple[FollowKind, ...] = ("thread", "person", "person_tag", "circle", "tag")
"""Every kind of follow, in the order in which a digest shows them."""


@dataclass(frozen=True, slots=True, order=True)
class Reason:
    """Why something is in a digest: what the member follows. `target` is a user, room or event id or a tag; `tag` only for `person_tag`."""

    kind: FollowKind
    target: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Follow:
    """A member's wish to hear of something. `id` rises in the order of wishing."""

    id: int
    user: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Post:
    """A message that exists. `seq` is the order in which we heard of it, `at_ms` the sender's word (UTC ms).

    `thread` is the root's event id; for a reply outside of threads, the event that it answers.
    """

    seq: int
    event: str
    room: str
    author: str
    at_ms: int
    thread: str | None = None
    tags: frozenset[str] = frozenset()
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A room of the community: what its newcomers can read, and whether its messages are encrypted.

    `replaced_by` is the room that goes on in its place: who follows that one follows this one's last words, too.
    """

    room: str
    history: str = "shared"
    encrypted: bool = False
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """What somebody was in a room, for all posts with since_seq < seq <= until_seq. `until_seq` None: still."""

    room: str
    membership: str
    since_seq: int
    until_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """The live copy of a post in another room: its event id, and the `seq` of that; None until we heard of it, which is later than all else."""

    source: str
    room: str
    copy: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """A place where somebody can open a message: the message itself or its copy, and the `seq` of that."""

    room: str
    event: str
    seq: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """One person for whom a digest is chosen: what they follow and where they were when."""

    user: str
    follows: tuple[Follow, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One conversation in a digest: the message to show, where this member can open it, why it is there, and how many more there are in it.

    `event` and `room` may be those of a copy.
    """

    event: str
    room: str
    reasons: tuple[Reason, ...]
    replies: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """What matters to one member: at most some items, the best first within each kind of reason, and the number of conversations left out."""

    user: str
    items: tuple[Item, ...]
    more: int = 0


def may_read(spans: Iterable[Span], place: Place, seq: int | None) -> bool:
    """Whether somebody with these memberships may be shown the event of this room with this `seq` (None: one that is only just coming).

    They must be in the room now, and by its history visibility must have been able to read the event when it came
    (client-server API, "Room history visibility").
    """
    mine = [span for span in spans if span.room == place.room]
    if not any(span.membership == "join" and span.until_seq is None for span in mine):
        return False
    if seq is None or place.history in ("shared", "world_readable"):
        return True
    enough = ("join", "invite") if place.history == "invited" else ("join",)
    return any(
        span.membership in enough and span.since_seq < seq and (span.until_seq is None or seq <= span.until_seq)
        for span in mine
    )


def openings(
    spans: Iterable[Span], places: Mapping[str, Place], post: Post, copies: Iterable[Copied]
) -> Iterator[Opening]:
    """Where this person may open the post: at its own place, and at its copies in a fixed order.

    Rooms that are not of the community are in no `places`, so nothing of them can be read. `copies` are those of this post that are live.
    """
    spans = tuple(spans)
    if post.redacted or post.room not in places:
        return
    if may_read(spans, places[post.room], post.seq):
        yield Opening(post.room, post.event, post.seq)
    for copied in sorted(copies, key=lambda copied: (copied.room, copied.copy)):
        place = places.get(copied.room)
        if place is not None and may_read(spans, place, copied.seq):
            yield Opening(copied.room, copied.copy, copied.seq)


def dump_reasons(reasons: Iterable[Reason]) -> str:
    """Reasons as JSON, as they stand in the table: equal reasons are equal bytes."""
    return json.dumps([[r.kind, r.target, r.tag] for r in reasons], ensure_ascii=False, separators=(",", ":"))


def load_reasons(text: str) -> tuple[Reason, ...]:
    """The reasons that `dump_reasons` wrote."""
    return tuple(Reason(kind, target, tag) for kind, target, tag in json.loads(text))
