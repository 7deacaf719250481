"""What a digest is made from and made of, as frozen values, and who may read what; never how it is chosen, stored or shown."""

import json
from collections.abc import Iterable, Mapping
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
    """A message that exists. `seq` is the order in which we heard of it; `at_ms` the sender's word, `seen_ms` our clock (UTC ms)."""

    seq: int
    event: str
    room: str
    author: str
    at_ms: int
    seen_ms: int
    thread: str | None = None
    tags: frozenset[str] = frozenset()
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A room of the community: what its newcomers can read, and whether its messages are encrypted."""

    room: str
    history: str = "shared"
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """What somebody was in a room from when to when, by our clock (UTC ms). `until_ms` None: still."""

    room: str
    membership: str
    since_ms: int
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Copied:
    """The copy of a post in another room. `shared_ms` is when its thread was shared, so the copy is no older than that."""

    source: str
    source_room: str
    room: str
    copy: str
    shared_ms: int


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


def may_read(spans: Iterable[Span], place: Place, seen_ms: int) -> bool:
    """Whether somebody with these memberships may be shown what arrived in this room at that time (UTC ms, our clock).

    They must be in the room now, and by its history visibility must have been able to read the message when it arrived
    (client-server API, "Room history visibility"). What happened in the same millisecond as the message counts against them: its order is unknown.
    """
    mine = [span for span in spans if span.room == place.room]
    if not any(_is_there(span) for span in mine):
        return False
    if place.history in ("shared", "world_readable"):
        return True
    enough = ("join", "invite") if place.history == "invited" else ("join",)
    return any(
        span.membership in enough and span.since_ms < seen_ms and (span.until_ms is None or seen_ms < span.until_ms)
        for span in mine
    )


def may_read_since(spans: Iterable[Span], place: Place, since_ms: int) -> bool:
    """Whether somebody may be shown what arrived in this room at some time after this one (UTC ms), when nobody knows how long after."""
    return any(
        span.room == place.room
        and _is_there(span)
        and (place.history in ("shared", "world_readable") or span.since_ms < since_ms)
        for span in spans
    )


def _is_there(span: Span) -> bool:
    return span.membership == "join" and span.until_ms is None


def readable_at(
    spans: Iterable[Span], places: Mapping[str, Place], post: Post, copies: Iterable[Copied]
) -> tuple[str, str] | None:
    """Where this person may open the post, as (room, event): at its own place, else at one of its copies, else nowhere (None).

    Rooms that are not of the community are in no `places`, so nothing of them can be read.
    """
    spans = tuple(spans)
    if post.redacted or post.room not in places:
        return None
    if may_read(spans, places[post.room], post.seen_ms):
        return post.room, post.event
    for copied in sorted(copies, key=lambda copied: (copied.room, copied.copy)):
        place = places.get(copied.room)
        if place is not None and may_read_since(spans, place, max(copied.shared_ms, post.seen_ms)):
            return copied.room, copied.copy
    return None


def dump_reasons(reasons: Iterable[Reason]) -> str:
    """Reasons as JSON, as they stand in the table: equal reasons are equal bytes."""
    return json.dumps([[r.kind, r.target, r.tag] for r in reasons], ensure_ascii=False, separators=(",", ":"))


def load_reasons(text: str) -> tuple[Reason, ...]:
    """The reasons that `dump_reasons` wrote."""
    return tuple(Reason(kind, target, tag) for kind, target, tag in json.loads(text))
