"""Chooses and orders what one member's digest holds: same input, same digest, whatever the order of rows. Never reads, sends or words anything.

Messages are gathered into conversations: a thread, or one message by itself; a thread and its copies are one conversation, seen once, at the first
place where the member can open it, and when it appears there. Each gets a
score, and the best are taken while no circle and no voice takes all the places. The constants of it stand here:
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.digest.model import KINDS, Copied, Digest, Item, Member, Opening, Place, Post, Reason, openings

REASON_WEIGHTS = {"thread": 4, "person": 3, "person_tag": 3, "circle": 2, "tag": 1}
MOST_REASONS = 8
"""Reasons are added up, to at most this."""
REASON_FACTOR = 4
AUTHOR_POINTS, MOST_AUTHOR_POINTS = 2, 6
"""For each further person in the conversation."""
REPLY_POINTS, MOST_REPLIES = 0.5, 20
"""For each reply, of which no more than this many count."""
HALF_LIFE_MS = 36 * 3600 * 1000
"""After this long a conversation counts half."""
MOST_OF_A_ROOM, MOST_OF_AN_AUTHOR = 3, 2
"""Loud rooms and loud people shall not drown quiet ones."""


@dataclass(frozen=True)
class Board:
    """What happened in the community, arranged for looking up; made once for many members by `board`."""

    places: Mapping[str, Place]
    roots: Mapping[str, str]
    """An event id -> the one above it in its conversation: a copy's source, a reply's thread."""
    copies: Mapping[str, tuple[Copied, ...]]
    conversations: Mapping[str, tuple[Post, ...]] = field(default_factory=dict)
    persons: Mapping[str, tuple[Post, ...]] = field(default_factory=dict)
    tags: Mapping[str, tuple[Post, ...]] = field(default_factory=dict)
    rooms: Mapping[str, tuple[Post, ...]] = field(default_factory=dict)

    def root_of(self, event: str) -> str:
        """The root of the conversation that this event belongs to, as far as it is known here."""
        seen = {event}
        while (
            above := self.roots.get(event)
        ) is not None and above not in seen:  # nobody's relations make us run in circles
            event = above
            seen.add(event)
        return event

    def matching(self, reason: Reason) -> Iterable[Post]:
        """The posts that somebody who follows this wants to hear of."""
        match reason.kind:
            case "thread":
                return self.conversations.get(self.root_of(reason.target), ())
            case "person":
                return self.persons.get(reason.target, ())
            case "person_tag":
                return (post for post in self.persons.get(reason.target, ()) if reason.tag in post.tags)
            case "circle":
                return self.rooms.get(reason.target, ())
            case "tag":
                return self.tags.get(reason.target, ())


def board(posts: Iterable[Post], places: Iterable[Place], copies: Iterable[Copied]) -> Board:
    """The board of these posts, rooms and live copies, given in any order."""
    home = {place.room: place for place in places}
    posts = [post for post in posts if not post.redacted and post.room in home]
    by_source: dict[str, list[Copied]] = defaultdict(list)
    roots = {post.event: post.thread for post in posts if post.thread is not None}
    for copied in copies:
        by_source[copied.source].append(copied)
        roots[copied.copy] = copied.source
    empty = Board(home, roots, {key: tuple(found) for key, found in by_source.items()})
    conversations: dict[str, list[Post]] = defaultdict(list)
    persons: dict[str, list[Post]] = defaultdict(list)
    tags: dict[str, list[Post]] = defaultdict(list)
    rooms: dict[str, list[Post]] = defaultdict(list)
    for post in posts:
        conversations[empty.root_of(post.event)].append(post)
        persons[post.author].append(post)
        rooms[home[post.room].replaced_by or post.room].append(post)
        for tag in post.tags:
            tags[tag].append(post)
    return Board(home, roots, empty.copies, _frozen(conversations), _frozen(persons), _frozen(tags), _frozen(rooms))


def compose(
    member: Member, board: Board, *, since_seq: int, until_seq: int, now_ms: int, most_items: int
) -> Digest | None:
    """The member's digest of what was heard of after `since_seq` and up to `until_seq`, or None when there is nothing for them.

    `now_ms` (UTC) is only for how old things are.
    """
    view = _View(member, board, range(since_seq + 1, until_seq + 1))
    reasons: dict[str, set[Reason]] = defaultdict(set)
    roots: set[str] = set()
    for follow in member.follows:
        for post in board.matching(follow.reason):
            if view.opening(post) is not None:
                reasons[post.event].add(follow.reason)
                roots.add(board.root_of(post.event))
    found = (_candidate(view, root, reasons, now_ms) for root in roots)
    ranked = sorted(found, key=lambda one: (-one.score, -one.at_ms, one.item.event))
    chosen = _spread(ranked, most_items)
    if not chosen:
        return None
    items = sorted(
        chosen, key=lambda one: KINDS.index(one.item.reasons[0].kind)
    )  # stable: the best first within a kind
    return Digest(member.user, tuple(one.item for one in items), more=len(ranked) - len(items))


class _View:
    """What one member can open of what appeared in the window; their own words are no news to them."""

    def __init__(self, member: Member, board: Board, window: range) -> None:
        self.board = board
        self._member = member
        self._window = window
        self._here = {span.room for span in member.spans if span.until_seq is None}
        self._known: dict[str, Opening | None] = {}

    def opening(self, post: Post) -> Opening | None:
        """Where they can open this post, if it is news to them."""
        copies = self.board.copies.get(post.event, ())
        if post.room not in self._here and not copies:  # most posts are in rooms of others
            return None
        if post.event not in self._known:
            first = next(openings(self._member.spans, self.board.places, post, copies), None)
            news = first is not None and first.seq is not None and first.seq in self._window
            self._known[post.event] = first if news and post.author != self._member.user else None
        return self._known[post.event]


@dataclass(frozen=True, slots=True)
class _Candidate:
    item: Item
    author: str
    circle: str
    at_ms: int
    score: float


def _candidate(view: _View, root: str, reasons: Mapping[str, set[Reason]], now_ms: int) -> _Candidate:
    there = ((post, view.opening(post)) for post in view.board.conversations[root])
    posts = [(post, opening) for post, opening in there if opening is not None]
    wanted = [one for one in posts if one[0].event in reasons]
    # What is shown is the message with the strongest reasons, and of several the first: reading goes on from there.
    shown, opening = min(wanted, key=lambda one: (-_weight(reasons[one[0].event]), one[0].seq))
    why = _in_order(reason for post, _ in wanted for reason in reasons[post.event])
    replies = len(posts) - 1
    authors = len({post.author for post, _ in posts})
    newest_ms = max(post.at_ms for post, _ in posts)
    points = (
        REASON_FACTOR * _weight(why)
        + min(AUTHOR_POINTS * (authors - 1), MOST_AUTHOR_POINTS)
        + REPLY_POINTS * min(replies, MOST_REPLIES)
    )
    score = points * 0.5 ** (max(now_ms - newest_ms, 0) / HALF_LIFE_MS)
    return _Candidate(Item(opening.event, opening.room, why, replies), shown.author, shown.room, newest_ms, score)


def _spread(ranked: Sequence[_Candidate], most_items: int) -> list[_Candidate]:
    chosen: list[_Candidate] = []
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for one in ranked:
        room, author = ("room", one.circle), ("author", one.author)
        if len(chosen) < most_items and taken[room] < MOST_OF_A_ROOM and taken[author] < MOST_OF_AN_AUTHOR:
            chosen.append(one)
            taken[room] += 1
            taken[author] += 1
    return chosen


def _weight(reasons: Iterable[Reason]) -> int:
    return min(sum(REASON_WEIGHTS[reason.kind] for reason in reasons), MOST_REASONS)


def _in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(set(reasons), key=lambda reason: (KINDS.index(reason.kind), reason)))


def _frozen(lists: Mapping[str, list[Post]]) -> dict[str, tuple[Post, ...]]:
    return {key: tuple(found) for key, found in lists.items()}
