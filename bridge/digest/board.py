"""What happened in the community, arranged for looking up: read once, used for everybody. Pure; knows no reader, so it never says who may see what.

Messages are gathered into conversations: a thread, a message by itself, or a chain of replies; a thread and its copies are one. A strand is a conversation
as it stands in one room. A room's shelf finds the strands of a circle, a person or a tag; what is found on a shelf under something popular is the
best of it, where quiet people and quiet circles come before the third message of a loud one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log2
from operator import attrgetter
from zlib import crc32

from bridge.config import Choosing
from bridge.digest.model import KINDS, Copied, Link, Place, Post, Reason
from bridge.frozen import frozen

HOUR_MS = 3600 * 1000
MOST_OF_A_SOURCE = 100
"""So many conversations of one circle, person or tag in one room are looked at for a member; of more than that, the best."""

FEW = 6
"""So many conversations are ranked faster anew for each member than kept in their order for all of them."""

Ranked = tuple[float, int, str, bool]
"""One conversation that could be shown: less is better. Minus its points, minus the time of its newest message, its root, and whether that is sure or the best that could be."""

HEARD_IN = frozenset({"circle", "common"})
"""The kinds of rooms where somebody waits for an answer."""


@frozen
class Entry:
    """A post as it can be opened in one room: itself, or its copy there with the copy's event id, `seq` and reactions."""

    seq: int
    event: str
    room: str
    post: Post
    reactions: int


_ORDER = attrgetter("seq", "event")


class Strand:
    """A conversation as it stands in one room, in the order in which it came; `points` and `decay` are what it is worth to somebody who sees all of it.

    `elsewhere` are the other rooms where any of it can be read, or soon can. `plain`: no program has a word in it. `copied_from` are the rooms where all of
    this stands itself, if nothing of it is said here.
    """

    __slots__ = (
        "authors", "copied_from", "decay", "elsewhere", "entries", "first_seq", "newest_ms", "plain", "points", "room", "root",
    )  # fmt: skip

    def __init__(self, root: str, room: str, entries: Sequence[Entry], weights: Choosing, now_ms: int) -> None:
        self.root = root
        self.room = room
        self.entries = tuple(sorted(entries, key=_ORDER))
        self.first_seq = self.entries[0].seq
        said = [entry.post for entry in self.entries]
        self.authors = tuple({post.author for post in said})  # a set of so few is five times as large
        here = frozenset({post.room for post in said})
        self.elsewhere = here - {room}
        self.copied_from = self.elsewhere if room not in here else frozenset()
        self.plain = not any(post.automatic for post in said)
        self.points, self.decay, self.newest_ms = worth(self.entries, weights, now_ms)

    def says(self, author: str, tag: str) -> bool:
        """Whether this person says something with this tag in it."""
        return any(entry.post.author == author and tag in entry.post.tags for entry in self.entries)


def worth(entries: Sequence[Entry], weights: Choosing, now_ms: int) -> tuple[float, float, int]:
    """What these messages of one conversation count for beside the reasons for showing it, the share that is left of all points at this age, and from when they are."""
    people = [entry for entry in entries if not entry.post.automatic]
    authors = len({entry.post.author for entry in people})
    replies = max(len(people) - 1, 0)
    reactions = sum([entry.reactions for entry in people])
    points = (
        min(weights.author * max(authors - 1, 0), weights.most_author)
        + weights.reply * min(replies, weights.most_replies)
        + weights.reaction * log2(1 + reactions)
    )
    newest_ms = max([entry.post.at_ms for entry in entries], default=now_ms)
    return points, 0.5 ** (max(now_ms - newest_ms, 0) / (weights.half_life_hours * HOUR_MS)), newest_ms


_SHELF: Mapping[str, str] = {"person_tag": "person", "own": "circle"}
"""Where what somebody follows stands, when it is not the shelf of the same name."""

Key = tuple[str, str]
"""A place on a shelf: what kind of thing, and which."""

_NO_SHELF: Mapping[Key, list["Strand"]] = {}


def shelf_of(reason: Reason) -> Key:
    """Where on a shelf what somebody follows is found."""
    return _SHELF.get(reason.kind, reason.kind), reason.target


class Board:
    """What appeared after `since_seq` up to `until_seq`, for looking up. Made by `board`; the lists that it gives are in no order that means anything."""

    def __init__(self, since_seq: int, until_seq: int, now_ms: int, weights: Choosing) -> None:
        self.since_seq = since_seq
        self.until_seq = until_seq
        self.now_ms = now_ms
        self.weights = weights
        self.places: Mapping[str, Place] = {}
        self.posts: dict[str, Post] = {}
        self.links: dict[str, Link] = {}
        self.above: dict[str, str] = {}
        """An event id -> the one above it in its conversation: a copy's source, a reply's thread or target."""
        self.copies: dict[str, tuple[Copied, ...]] = {}
        self.carried: dict[str, tuple[str, ...]] = {}
        """The circles into which a message was carried, where it was into any: few are."""
        self.strands: dict[str, tuple[Strand, ...]] = {}
        self.shelves: dict[str, dict[Key, list[Strand]]] = {}
        self.between: dict[str, dict[str, list[Strand]]] = {}
        """In each room the strands of which something can be read in another one, too, by that other one."""
        self.unnamed: dict[str, list[Strand]] = {}
        """For each person the strands with a word of theirs that do not stand on their shelf, because it is not told there that it is theirs."""
        self.said: dict[str, list[Post]] = {}
        """What each person said, in its order."""
        self.taken: dict[str, list[str]] = {}
        """The conversations in which each person has a part, where somebody else has one, too."""
        self.replies: dict[str, list[Post]] = {}
        """For each person what answers them."""
        self.mentions: dict[str, list[Post]] = {}
        """For each person what else calls on them by name."""
        self.unheard: dict[str, list[Strand]] = {}
        """In each room, what somebody began and nobody has answered: in an order that means nothing, and so favours nobody."""
        self.answered: frozenset[str] = frozenset()
        """Whoever was answered in anything they began."""
        self.weigh: Mapping[str, float] = {kind: weights.of(kind) for kind in KINDS}
        """What each kind of reason weighs."""
        self.odd: frozenset[Strand] = frozenset()
        """Strands with a program's word in them, or with one from before: nobody who has read nothing yet finds all of it new."""
        self._roots: dict[str, str] = {}
        self._formerly: dict[str, list[str]] = {}
        self._best: dict[tuple[str, Key], list[Strand]] = {}
        self._ranked: dict[tuple[str, str, str], list[Ranked]] = {}
        self._most: dict[str, tuple[float, float, int]] = {}

    def root_of(self, event: str) -> str:
        """The root of the conversation that this event belongs to, as far as it is known here."""
        known = self._roots.get(event)
        if known is not None:
            return known
        seen = {event}
        while (above := self.above.get(event)) is not None and above not in seen:  # nobody makes us run in circles
            event = above
            seen.add(event)
            if event in self._roots:
                return self._roots[event]
        return event

    def settle(self) -> None:
        """Work out once to which conversation each message belongs: from now on nothing that they hang on may change."""
        roots: dict[str, str] = {}
        for event in self.posts:
            above = self.above.get(event)
            root = event if above is None else roots.get(above)
            # Nearly all hang on something that came before them, and that on nothing.
            roots[event] = root if root is not None and root not in self.above else self.root_of(event)
        self._roots = roots
        # Of the messages themselves it is not asked any more, and there are hundreds of thousands.
        self.above = {event: above for event, above in self.above.items() if event not in self.posts}
        for room in self.places:
            self._formerly.setdefault(self.circle_of(room), []).append(room)

    def circle_of(self, room: str) -> str:
        """The room that is in use for this one now."""
        place = self.places.get(room)
        return place.replaced_by or room if place else room

    def about(self, root: str) -> Post | Link | None:
        """What is known of a conversation's beginning."""
        return self.posts.get(root) or self.links.get(root)

    def rooms_of(self, circle: str) -> Sequence[str]:
        """The rooms for which this one is in use now."""
        return self._formerly.get(circle, (circle,) if self.circle_of(circle) == circle else ())

    def found(
        self, room: str, wanted: Iterable[tuple[int, Reason, Key]]
    ) -> Iterator[tuple[int, Reason, Sequence[Strand]]]:
        """The strands of a room in which somebody finds something who follows one of these persons, circles or tags; the best of them where they are very many.

        Each is asked for with a number and where it stands, see `shelf_of`; that of which there is nothing is left out.
        """
        shelf = self.shelves.get(room, _NO_SHELF)
        for number, reason, key in wanted:
            if strands := shelf.get(key):
                yield number, reason, strands if len(strands) <= MOST_OF_A_SOURCE else self._best_of(room, key, strands)

    def _best_of(self, room: str, key: Key, strands: Sequence[Strand]) -> Sequence[Strand]:
        if (room, key) not in self._best:
            self._best[room, key] = self._quiet_first(strands, self.weights.of(key[0]))
        return self._best[room, key]

    def ranked(self, room: str, reason: Reason, strands: Sequence[Strand]) -> Sequence[Ranked]:
        """The strands that are `found` for this reason, ranked for somebody who sees all of each, and for this reason alone: the best first."""
        cached = (room, reason.kind, reason.target)
        if cached not in self._ranked:
            weight = self.weights.reason * min(self.weigh[reason.kind], self.weights.most_reasons)
            self._ranked[cached] = sorted(
                (-(weight + strand.points) * strand.decay, -strand.newest_ms, strand.root, True) for strand in strands
            )
        return self._ranked[cached]

    def most(self, root: str) -> tuple[float, float, int]:
        """What a conversation is worth at most to anybody, as `worth` says it: to whoever could see every word of it in every room."""
        if root not in self._most:
            strands = self.strands[root]
            if len(strands) == 1:
                self._most[root] = (strands[0].points, strands[0].decay, strands[0].newest_ms)
            else:
                everything = [entry for strand in strands for entry in strand.entries]
                self._most[root] = worth(everything, self.weights, self.now_ms)
        return self._most[root]

    def _quiet_first(self, strands: Sequence[Strand], weight: float) -> list[Strand]:
        ranked = sorted(strands, key=lambda one: (-(self.weights.reason * weight + one.points) * one.decay, one.root))
        authors: dict[str, int] = defaultdict(int)
        circles: dict[str, int] = defaultdict(int)
        turns = []
        for place, strand in enumerate(ranked):
            first = strand.entries[0].post
            circle = self.circle_of(first.room)
            turn = (authors[first.author] // self.weights.per_author, circles[circle] // self.weights.per_circle)
            turns.append((*turn, place))
            authors[first.author] += 1
            circles[circle] += 1
        return [ranked[place] for _, _, place in sorted(turns)[:MOST_OF_A_SOURCE]]


def board(
    posts: Iterable[Post],
    places: Iterable[Place],
    copies: Iterable[Copied] = (),
    *,
    since_seq: int,
    until_seq: int,
    now_ms: int,
    weights: Choosing,
    links: Iterable[Link] = (),
    parts: Iterable[tuple[str, str]] = (),
) -> Board:
    """The board of these posts, rooms and live copies, given in any order; `now_ms` (UTC) is only for how old things are.

    `links` are the older messages that they hang on, `parts` are (event, user): who said something that hangs on an older message before.
    """
    made = Board(since_seq, until_seq, now_ms, weights)
    made.places = {place.room: place for place in places}
    for post in sorted(posts, key=lambda post: post.seq):
        if not post.redacted and post.room in made.places:
            made.posts[post.event] = post
    made.links = {link.event: link for link in sorted(links, key=lambda link: link.event)}
    _hang_together(made, copies)
    made.settle()
    parties: dict[str, set[str]] = defaultdict(set)
    for event, user in parts:
        parties[made.root_of(event)].add(user)
    _gather(made)
    _look_elsewhere(made)
    _take_part(made, parties)
    _call(made)
    _listen(made, parties)
    return made


def _hang_together(made: Board, copies: Iterable[Copied]) -> None:
    for link in made.links.values():
        if link.above is not None:
            made.above[link.event] = link.above
    for post in made.posts.values():
        above = post.thread or post.reply_to
        if above is not None:
            made.above[post.event] = above
    by_source: dict[str, list[Copied]] = defaultdict(list)
    for copied in copies:
        by_source[copied.source].append(copied)
        made.above[copied.copy] = copied.source
    circles = {place.room for place in made.places.values() if place.kind == "circle"}
    for source, found in by_source.items():
        made.copies[source] = tuple(sorted(found, key=lambda copied: (copied.room, copied.copy)))
        rooms = [copied.room for copied in found if copied.seq is not None and copied.room in circles]
        if rooms:
            made.carried[source] = tuple(rooms)


def _gather(made: Board) -> None:
    """Strands and shelves."""
    entries: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for post in made.posts.values():
        root = made.root_of(post.event)
        if post.seq <= made.until_seq:
            entries[root, post.room].append(Entry(post.seq, post.event, post.room, post, post.reactions))
        for copied in made.copies.get(post.event, ()):
            if copied.seq is not None and copied.seq <= made.until_seq and copied.room in made.places:
                entries[root, copied.room].append(Entry(copied.seq, copied.copy, copied.room, post, copied.reactions))
    strands: dict[str, list[Strand]] = defaultdict(list)
    for (root, room), found in sorted(entries.items()):
        strand = Strand(root, room, found, made.weights, made.now_ms)
        strands[root].append(strand)
        shelf = made.shelves.setdefault(room, {})
        keys = _keys(made, strand)
        for key in sorted(keys):
            shelf.setdefault(key, []).append(strand)
        for author in strand.authors:
            if ("person", author) not in keys:
                made.unnamed.setdefault(author, []).append(strand)
    made.strands = {root: tuple(found) for root, found in strands.items()}
    everything = (strand for found in made.strands.values() for strand in found)
    made.odd = frozenset(one for one in everything if not one.plain or one.first_seq <= made.since_seq)


def _look_elsewhere(made: Board) -> None:
    """In which rooms one and the same conversation can be read, or soon can."""
    coming: dict[str, set[str]] = defaultdict(set)
    for source, carried in made.copies.items():
        coming[made.root_of(source)].update(copied.room for copied in carried)
    for root, alike in made.strands.items():
        if len(alike) > 1 or root in coming:
            everywhere = coming.get(root, set()).union(strand.room for strand in alike)
            for strand in alike:
                strand.elsewhere |= everywhere - {strand.room}
        for strand in alike:
            for room in strand.elsewhere:
                made.between.setdefault(strand.room, {}).setdefault(room, []).append(strand)


def _keys(made: Board, strand: Strand) -> set[tuple[str, str]]:
    named: set[str] = set()
    rooms: set[str] = set()
    tags: set[str] = set()
    for entry in strand.entries:
        post = entry.post
        # Who may see only a copy that names nobody is not told that it is of somebody whom they follow.
        if not post.nameless or entry.room == post.room:
            named.add(post.author)
        if not post.automatic:
            rooms.add(post.room)
            if entry.room != post.room and made.places[entry.room].kind == "circle":  # carried into a circle
                rooms.add(entry.room)
            if post.tags:
                tags.update(post.tags)
    keys = {("person", author) for author in named}
    keys.update([("circle", made.circle_of(room)) for room in rooms], [("tag", tag) for tag in tags])
    return keys


def _take_part(made: Board, parties: Mapping[str, set[str]]) -> None:
    for post in made.posts.values():
        made.said.setdefault(post.author, []).append(post)
    for root, strands in made.strands.items():
        authors = {author for strand in strands for author in strand.authors} | parties.get(root, set())
        began = made.about(root)
        if began is not None:
            authors.add(began.author)
        if len(authors) > 1:
            for author in authors:
                made.taken.setdefault(author, []).append(root)


def _call(made: Board) -> None:
    """An answer calls on whom it answers; one in a thread that answers nobody in particular, on whoever began the thread."""
    for post in made.posts.values():
        if post.automatic:
            continue
        answers = post.reply_to or post.thread
        to = made.about(_original(made, answers)) if answers is not None else None
        answered = to.author if to is not None else None
        if answered is not None and answered != post.author:
            made.replies.setdefault(answered, []).append(post)
        for user in post.mentions:
            if user not in (answered, post.author):
                made.mentions.setdefault(user, []).append(post)


def _original(made: Board, event: str) -> str:
    """What this event is a copy of, or itself."""
    above = made.above.get(event)
    return above if above is not None and event not in made.posts and event not in made.links else event


def _listen(made: Board, parties: Mapping[str, set[str]]) -> None:
    """Whom nobody has answered. Answers by programs and by themselves do not count; one elsewhere in the room does that calls on them by name."""
    programs = {post.author for post in made.posts.values() if post.automatic}
    called: dict[tuple[str, str], int] = {}
    for user, calls in made.mentions.items():
        for post in calls:
            place = (user, made.circle_of(post.room))
            called[place] = max(post.seq, called.get(place, 0))
    answered: set[str] = set()
    for root, strands in made.strands.items():
        began = made.posts.get(root)
        if began is None or began.automatic or began.seq <= made.since_seq:
            continue
        others = {entry.post.author for strand in strands for entry in strand.entries if not entry.post.automatic}
        others |= parties.get(root, set()) - programs
        if others - {began.author} or called.get((began.author, made.circle_of(began.room)), 0) > began.seq:
            answered.add(began.author)
            continue
        for strand in strands:
            if made.places[strand.room].kind in HEARD_IN:
                made.unheard.setdefault(strand.room, []).append(strand)
    made.answered = frozenset(answered)
    for alone in made.unheard.values():
        alone.sort(key=lambda strand: (crc32(strand.root.encode()), strand.root))
