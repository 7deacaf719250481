"""One member before the board: what of it they may see, have not read, did not say and do not mute, and why they would want it. Pure; chooses nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from math import fsum
from operator import attrgetter

from bridge.digest.board import Board, Entry, Strand, shelf_of
from bridge.digest.model import ORDER, Follow, Member, Place, Post, Reason, Span
from bridge.digest.visible import always_open, may_read

WHOLE, MAIN = "", "main"
"""A receipt for a whole room, and one for what is in none of its threads (client-server API, "Threaded read receipts")."""

Mask = int
"""Some of a member's wishes: bit n stands for the nth of `Reader.wishes`. There are hundreds of conversations for each member, and numbers are added up fast."""

OWN_WAYS = frozenset({"thread", "taken", "person_tag"})
"""Kinds of wishes of which a member finds something in a way of their own, and not all that stands at one place of a shelf."""

Source = tuple[Mask, Reason, str, Sequence[Strand]]
"""Where something may be found: for which wish (as a mask, and itself), in which room, and the strands that stand there."""


def has_read(reads: Mapping[tuple[str, str], int], room: str, event: str, seq: int, within: Sequence[str] = ()) -> bool:
    """Whether somebody has read this message: the whole room up to it, the thread that it is in or begins, or the message by itself."""
    return any(reads.get((room, key), -1) >= seq for key in (WHOLE, event, *within))


def _bits(mask: Mask) -> Iterator[Mask]:
    """Each wish of some, in their order."""
    while mask:
        bit = mask & -mask
        yield bit
        mask ^= bit


class Reader:
    """What one member finds on the board. Whatever is asked for is worked out once."""

    def __init__(self, member: Member, board: Board, since_seq: int) -> None:
        self.user = member.user
        self.board = board
        self._since_seq = since_seq
        self._spans: dict[str, list[Span]] = {}
        for span in member.spans:
            self._spans.setdefault(span.room, []).append(span)
        self.rooms: dict[str, Place] = {
            room: board.places[room]
            for room, spans in self._spans.items()
            if room in board.places and any(span.membership == "join" and span.until_seq is None for span in spans)
        }
        """The rooms where they are now."""
        self._open = frozenset(room for room, place in self.rooms.items() if always_open(place))
        self.own = frozenset(room for room, place in self.rooms.items() if place.kind == "circle")
        self._reads = member.reads
        self._read_most: dict[str, int] = {}
        for (room, _), seq in member.reads.items():
            self._read_most[room] = max(seq, self._read_most.get(room, -1))
        self._mute(member)
        self._news_after: dict[str, int] = {
            room: max(since_seq, self._read_most.get(room, -1)) for room in self._open if not self._mutes
        }
        """Where nothing is hidden from them, and after which `seq` everything is news."""
        self._over = {room: max(since_seq, self._reads.get((room, WHOLE), -1)) for room in self.rooms}
        """Up to where nothing is news to them."""
        self._want([follow.reason for follow in member.follows if follow.wish == "follow"])
        self._seen: dict[str, tuple[Entry, ...]] = {}
        self._why: dict[str, list[tuple[Entry, Mask]]] = {}
        self._weights: dict[Mask, float] = {}
        self._reasons: dict[Mask, tuple[Reason, ...]] = {}

    def _mute(self, member: Member) -> None:
        muted = [follow for follow in member.follows if follow.wish != "follow"]

        def targets(kind: str) -> Iterable[Follow]:
            return (follow for follow in muted if follow.reason.kind == kind)

        self._quiet_people = member.apart | {follow.reason.target for follow in targets("person")}
        self._quiet_tags = frozenset(follow.reason.target for follow in targets("tag"))
        self._quiet_circles = frozenset(follow.reason.target for follow in targets("circle"))
        self._quiet_threads = frozenset(self.board.root_of(follow.reason.target) for follow in targets("thread"))
        self._quiet_voices = frozenset((follow.reason.target, follow.reason.tag) for follow in targets("person_tag"))
        self._mutes = bool(muted) or bool(member.apart)

    def _want(self, follows: Sequence[Reason]) -> None:
        board = self.board
        circles = {reason.target: reason for reason in follows if reason.kind == "circle"}
        for room in self.own:
            circle = board.circle_of(room)
            circles.setdefault(circle, Reason("own", circle))
        circles = {circle: reason for circle, reason in circles.items() if circle not in self._quiet_circles}
        threads: dict[str, list[Reason]] = {}
        for reason in follows:
            if reason.kind == "thread":
                threads.setdefault(board.root_of(reason.target), []).append(reason)
        taken = Reason("taken")
        for root in board.taken.get(self.user, ()):
            threads.setdefault(root, [taken])
        wanted = {reason for reason in follows if reason.kind not in ("thread", "circle")}
        wanted.update(circles.values(), *threads.values())
        self.wishes: tuple[Reason, ...] = tuple(sorted(wanted, key=lambda reason: (ORDER[reason.kind], reason)))
        """Everything of which this member wants to hear, in the order in which it is shown."""
        bits = {reason: 1 << number for number, reason in enumerate(self.wishes)}
        self._wish = {bit: reason for reason, bit in bits.items()}
        self._people = {reason.target: bit for reason, bit in bits.items() if reason.kind == "person"}
        self._tags = {reason.target: bit for reason, bit in bits.items() if reason.kind == "tag"}
        self._circles = {room: bits[reason] for circle, reason in circles.items() for room in board.rooms_of(circle)}
        self._voices: dict[str, list[tuple[str, Mask]]] = {}
        for reason, bit in bits.items():
            if reason.kind == "person_tag":
                self._voices.setdefault(reason.target, []).append((reason.tag, bit))
        self._roots: dict[Reason, list[str]] = {}
        for root, found in threads.items():
            for reason in dict.fromkeys(found):
                self._roots.setdefault(reason, []).append(root)
        self._threads = {root: sum(bits[reason] for reason in set(found)) for root, found in threads.items()}

    # --- finding ---------------------------------------------------------------------------------------------------------------------

    def sources(self) -> Iterator[Source]:
        """Where something may be found for each wish: perhaps nothing that they may see, or that is news. Of one circle, person or tag in a room all at once."""
        board = self.board
        wanted = []
        for number, reason in enumerate(self.wishes):
            if reason not in self._roots:
                wanted.append((1 << number, reason, shelf_of(reason)))
                continue
            there: dict[str, list[Strand]] = {}
            for root in self._roots[reason]:
                for strand in board.strands.get(root, ()):
                    if strand.room in self.rooms:
                        there.setdefault(strand.room, []).append(strand)
            for room, strands in there.items():
                yield 1 << number, reason, room, strands
        for room in self.rooms:
            for bit, reason, found in board.found(room, wanted):
                yield bit, reason, room, found

    def all_new(self, strand: Strand) -> bool:
        """Whether this strand is all of its conversation for this member, who sees all of it, and every word is news to them: for most it is that simple."""
        after = self._news_after.get(strand.room)
        return after is not None and strand.first_seq > after and strand.plain and strand not in self._exceptions

    def whole(self, room: str, strands: set[Strand]) -> set[Strand]:
        """Which of these strands of a room are `all_new`.

        It is asked of hundreds for each member: what is the same for many of them is known to the board, a member's exceptions are gathered once, and
        sets are subtracted faster than anything can be looked at one by one.
        """
        after = self._news_after.get(room)
        if after is None:
            return set()
        if after == self.board.since_seq:
            found = strands - self.board.odd
        else:
            found = {strand for strand in strands if strand.first_seq > after and strand.plain}
        return found - self._exceptions

    @cached_property
    def _exceptions(self) -> set[Strand]:
        """Strands with a word of their own, or of somebody whom they follow only with a tag, or that they see in other rooms, too."""
        board = self.board
        found: set[Strand] = set()
        for author in (self.user, *self._voices):
            found.update(board.unnamed.get(author, ()))
            for room in self.rooms:
                found.update(board.shelves.get(room, {}).get(("person", author), ()))
        for room in self.rooms:
            there = board.between.get(room, {})
            for other in there.keys() & self.rooms.keys():
                found.update(there[other])
        return found

    def seen(self, root: str) -> tuple[Entry, ...]:
        """What of a conversation is news to this member, each message once, at the first place where they can open it; in the order in which it came."""
        if root not in self._seen:
            here = [strand for strand in self.board.strands.get(root, ()) if strand.room in self.rooms]
            if len(here) == 1 and self.all_new(here[0]):
                self._seen[root] = here[0].entries
            elif self.hides(root):
                self._seen[root] = ()
            else:
                found = [entry for strand in here for entry in self._fresh(strand)]
                self._seen[root] = tuple(sorted(found, key=attrgetter("seq", "event")))
        return self._seen[root]

    def wants(self, root: str) -> bool:
        """Whether there is anything in a conversation that is news to this member and of which they want to hear."""
        if self.hides(root):
            return False
        return any(
            self.mask(root, entry.post)
            for strand in self.board.strands[root]
            if strand.room in self.rooms
            for entry in self._fresh(strand)
        )

    def over(self, strand: Strand) -> bool:
        """Whether nothing of its conversation can be news to this member, who has read its room up to there and sees it nowhere else."""
        return strand.entries[-1].seq <= self._over[strand.room] and strand.elsewhere.isdisjoint(self.rooms)

    def _fresh(self, strand: Strand) -> Iterator[Entry]:
        """What of a strand is news to this member, the newest first."""
        if strand.copied_from and strand.copied_from <= self._open:
            return  # all of it they can open where it was said
        room = strand.room
        over, read_most, always = self._over[room], self._read_most.get(room, -1), room in self._open
        for entry in reversed(strand.entries):
            if entry.seq <= over:
                return
            post = entry.post
            itself = room == post.room
            if (
                post.author != self.user
                and not (self._mutes and self.quiet(post))
                and (always or self._may_read(room, entry.seq, post.at_ms if itself else None))
                and not (entry.seq <= read_most and self._read(entry))
                and (itself or self._first_place(entry))
                and not (itself and post.event in self.board.copies and self._read_elsewhere(post))
            ):
                yield entry

    def _may_read(self, room: str, seq: int | None, at_ms: int | None) -> bool:
        if room not in self.rooms:
            return False
        return room in self._open or may_read(self._spans[room], self.rooms[room], seq, at_ms)

    def _first_place(self, entry: Entry) -> bool:
        """Of a copy: whether they can open neither the message itself nor a copy that comes before this one."""
        post = entry.post
        if self._may_read(post.room, post.seq, post.at_ms):
            return False
        for copied in self.board.copies[post.event]:
            if copied.copy == entry.event:
                return True
            if self._may_read(copied.room, copied.seq, None):
                return False
        return True

    def _read(self, entry: Entry) -> bool:
        thread = entry.post.thread
        if entry.room != entry.post.room:
            thread = next(one.thread for one in self.board.copies[entry.post.event] if one.copy == entry.event)
        return has_read(self._reads, entry.room, entry.event, entry.seq, (thread or MAIN,))

    def _read_elsewhere(self, post: Post) -> bool:
        """Whether they have read a message where it was carried."""
        return any(
            copied.seq is not None
            and copied.room in self.rooms
            and has_read(self._reads, copied.room, copied.copy, copied.seq, (copied.thread or MAIN,))
            for copied in self.board.copies[post.event]
        )

    # --- muting ----------------------------------------------------------------------------------------------------------------------

    def hides(self, root: str) -> bool:
        """Whether this member mutes the whole conversation: itself, its circle, or the tags with which it began."""
        if not self._mutes:
            return False
        began = self.board.about(root)
        if root in self._quiet_threads:
            return True
        return began is not None and (
            self.board.circle_of(began.room) in self._quiet_circles
            or not self._quiet_tags.isdisjoint(began.tags)
            or any((began.author, tag) in self._quiet_voices for tag in began.tags)
        )

    def quiet(self, post: Post) -> bool:
        """Whether this member mutes this message: its author, its circle, or its tags."""
        return (
            post.author in self._quiet_people
            or self.board.circle_of(post.room) in self._quiet_circles
            or not self._quiet_tags.isdisjoint(post.tags)
            or any((post.author, tag) in self._quiet_voices for tag in post.tags)
        )

    # --- why -------------------------------------------------------------------------------------------------------------------------

    def mask(self, root: str, post: Post) -> Mask:
        """Why this member would want to hear of this message. Of a program's word only because they follow the program."""
        found = 0
        if not post.nameless or self._may_read(post.room, post.seq, post.at_ms):
            found = self._people.get(post.author, 0)
            if post.author in self._voices and not post.automatic:
                for tag, bit in self._voices[post.author]:
                    if tag in post.tags:
                        found |= bit
        if post.automatic:
            return found
        if post.tags:
            for tag in post.tags:
                found |= self._tags.get(tag, 0)
        if post.event in self.board.carried:
            for room in self.own.intersection(self.board.carried[post.event]):
                found |= self._circles.get(room, 0)
        return found | self._circles.get(post.room, 0) | self._threads.get(root, 0)

    def why(self, root: str) -> list[tuple[Entry, Mask]]:
        """What of a conversation is news to this member, each message with why they would want to hear of it: perhaps for no reason."""
        known = self._why.get(root)
        if known is None:
            known = self._why[root] = [(entry, self.mask(root, entry.post)) for entry in self.seen(root)]
        return known

    def why_at_all(self, root: str) -> Mask:
        """Why this member would want to hear of anything in a conversation that is news to them."""
        found = 0
        for _, mask in self.why(root):
            found |= mask
        return found

    def reasons(self, mask: Mask) -> tuple[Reason, ...]:
        """These wishes, in the order in which they are shown."""
        if mask not in self._reasons:
            self._reasons[mask] = tuple([self._wish[bit] for bit in _bits(mask)])
        return self._reasons[mask]

    def weight(self, mask: Mask) -> float:
        """What these wishes weigh together."""
        known = self._weights.get(mask)
        if known is None:
            weigh = self.board.weigh
            # fsum: what comes out must not depend on an order.
            together = fsum([weigh[self._wish[bit].kind] for bit in _bits(mask)])
            known = self._weights[mask] = min(together, self.board.weights.most_reasons)
        return known

    # --- answering -------------------------------------------------------------------------------------------------------------------

    def answered(self, root: str, post: Post) -> bool:
        """Whether they wrote in this conversation after this message of it, or outside of threads in its room after it when it stands outside of threads."""
        within, outside = self._last_words
        if within.get(root, 0) > post.seq:
            return True
        return post.thread is None and outside.get(post.room, 0) > post.seq

    @cached_property
    def _last_words(self) -> tuple[dict[str, int], dict[str, int]]:
        """The `seq` of the last thing that they said in each conversation, and outside of threads in each room."""
        within: dict[str, int] = {}
        outside: dict[str, int] = {}
        for mine in self.board.said.get(self.user, ()):  # in the order in which it came
            within[self.board.root_of(mine.event)] = mine.seq
            if mine.thread is None:
                outside[mine.room] = mine.seq
        return within, outside
