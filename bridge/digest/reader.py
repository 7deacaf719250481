"""One member before the board: what of it they may see, have not read, did not say and do not mute, and why they would want it. Pure; chooses nothing."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from math import fsum

from bridge.digest.board import Board, Entry, Strand
from bridge.digest.model import Follow, Member, Place, Post, Reason, Span
from bridge.digest.visible import always_open, may_read

WHOLE, MAIN = "", "main"
"""A receipt for a whole room, and one for what is in none of its threads (client-server API, "Threaded read receipts")."""


_NEVER = 2**63


def has_read(reads: Mapping[tuple[str, str], int], room: str, event: str, seq: int, within: Sequence[str] = ()) -> bool:
    """Whether somebody has read this message: the whole room up to it, the thread that it is in or begins, or the message by itself."""
    return any(reads.get((room, key), -1) >= seq for key in (WHOLE, event, *within))


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
        self._want([follow.reason for follow in member.follows if follow.wish == "follow"])
        self._seen: dict[str, tuple[Entry, ...]] = {}
        self._why: dict[str, list[tuple[Entry, tuple[Reason, ...]]]] = {}
        self._weights: dict[int, float] = {}

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
        self._people = {reason.target: reason for reason in follows if reason.kind == "person"}
        self._tags = {reason.target: reason for reason in follows if reason.kind == "tag"}
        self._voices: dict[str, list[Reason]] = {}
        for reason in follows:
            if reason.kind == "person_tag":
                self._voices.setdefault(reason.target, []).append(reason)
        self._heard = frozenset(self._voices)
        self._circles = {reason.target: reason for reason in follows if reason.kind == "circle"}
        for room in self.own:
            circle = board.circle_of(room)
            self._circles.setdefault(circle, Reason("own", circle))
        self._threads: dict[str, list[Reason]] = {}
        for reason in follows:
            if reason.kind == "thread":
                self._threads.setdefault(board.root_of(reason.target), []).append(reason)
        taken = Reason("taken")
        for root in board.taken.get(self.user, ()):
            self._threads.setdefault(root, [taken])
        loose = [*self._people.values(), *self._tags.values(), *self._circles.values()]
        loose += [reason for voices in self._voices.values() for reason in voices]
        self.wishes: tuple[Reason, ...] = tuple(
            sorted({*loose, *(r for found in self._threads.values() for r in found)})
        )
        """Everything of which this member wants to hear, in a fixed order."""
        self._roots: dict[Reason, list[str]] = {}
        for root, reasons in self._threads.items():
            for reason in reasons:
                self._roots.setdefault(reason, []).append(root)

    # --- finding ---------------------------------------------------------------------------------------------------------------------

    def strands_for(self, reason: Reason) -> Iterator[Sequence[Strand]]:
        """Where something may be found for this reason, as one list or several: perhaps nothing that they may see, or that is news."""
        if reason.kind in ("thread", "taken"):
            for root in self._roots.get(reason, ()):
                yield [strand for strand in self.board.strands.get(root, ()) if strand.room in self.rooms]
        else:
            for room in self.rooms:
                yield self.board.found(room, reason)

    def whole(self, strands: Collection[Strand]) -> list[Strand]:
        """Which of these strands are all of their conversation for this member, who sees all of it, and every word is news to them: for most it is that simple.

        It is asked of hundreds for each member, so a member's exceptions are gathered once.
        """
        after, exceptions = self._news_after, self._exceptions
        return [
            one
            for one in strands
            if one.first_seq > after.get(one.room, _NEVER) and one.plain and one not in exceptions
        ]

    @cached_property
    def _exceptions(self) -> set[Strand]:
        """Strands with a word of their own, or of somebody whom they follow only with a tag, or that they see in other rooms, too."""
        board = self.board
        found: set[Strand] = set()
        for author in (self.user, *self._heard):
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
            if len(here) == 1 and self.whole(here):
                self._seen[root] = here[0].entries
            elif self.hides(root):
                self._seen[root] = ()
            else:
                found = [entry for strand in here for entry in strand.entries if self._news(entry)]
                self._seen[root] = tuple(sorted(found, key=lambda entry: (entry.seq, entry.event)))
        return self._seen[root]

    def wants(self, root: str) -> bool:
        """Whether there is anything in a conversation that is news to this member and of which they want to hear."""
        if self.hides(root):
            return False
        return any(
            self._news(entry) and self.reasons(root, entry.post)
            for strand in self.board.strands[root]
            if strand.room in self.rooms
            for entry in reversed(strand.entries)  # the newest are the likeliest to be news
        )

    def _news(self, entry: Entry) -> bool:
        post = entry.post
        return (
            self._since_seq < entry.seq <= self.board.until_seq
            and post.author != self.user
            and not (self._mutes and self.quiet(post))
            and self._may_read(entry.room, entry.seq, post.at_ms if entry.room == post.room else None)
            and not (entry.seq <= self._read_most.get(entry.room, -1) and self._read(entry))
            and self._first_place(entry)
        )

    def _may_read(self, room: str, seq: int | None, at_ms: int | None) -> bool:
        if room not in self.rooms:
            return False
        return room in self._open or may_read(self._spans[room], self.rooms[room], seq, at_ms)

    def _first_place(self, entry: Entry) -> bool:
        post = entry.post
        if entry.room == post.room:
            return True
        if self._may_read(post.room, post.seq, post.at_ms):
            return False
        for copied in self.board.copies[post.event]:
            if copied.copy == entry.event:
                return True
            if self._may_read(copied.room, copied.seq, None):
                return False
        return True

    def _read(self, entry: Entry) -> bool:
        post = entry.post
        within = (post.thread or MAIN,) if entry.room == post.room else ()
        return has_read(self._reads, entry.room, entry.event, entry.seq, within)

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

    def reasons(self, root: str, post: Post) -> tuple[Reason, ...]:
        """Why this member would want to hear of this message. Of a program's word only because they follow the program."""
        found: list[Reason] = []
        if not post.nameless or self._may_read(post.room, post.seq, post.at_ms):
            if (person := self._people.get(post.author)) is not None:
                found.append(person)
            if post.author in self._heard and not post.automatic:
                found += [reason for reason in self._voices[post.author] if reason.tag in post.tags]
        if post.automatic:
            return tuple(found)
        if post.tags:
            found += [self._tags[tag] for tag in post.tags if tag in self._tags]
        if (circle := self._circles.get(self.board.circle_of(post.room))) is not None:
            found.append(circle)
        if root in self._threads:
            found += self._threads[root]
        return tuple(found)

    def why(self, root: str) -> list[tuple[Entry, tuple[Reason, ...]]]:
        """What of a conversation is news to this member, each message with why they would want to hear of it: perhaps for no reason."""
        if root not in self._why:
            self._why[root] = [(entry, self.reasons(root, entry.post)) for entry in self.seen(root)]
        return self._why[root]

    def weight(self, reasons: Iterable[Reason]) -> float:
        """What these reasons weigh together; each of them is there once."""
        weigh = self.board.weigh
        # fsum: what comes out must not depend on the order in which a set gives its members.
        return min(fsum([weigh[reason.kind] for reason in reasons]), self.board.weights.most_reasons)

    def weight_of(self, mask: int) -> float:
        """What the wishes with these numbers weigh together, as `weight`."""
        if mask not in self._weights:
            chosen = (reason for number, reason in enumerate(self.wishes) if mask >> number & 1)
            self._weights[mask] = self.weight(chosen)
        return self._weights[mask]

    def answered(self, post: Post) -> bool:
        """Whether they wrote in this conversation after this message, or outside of threads in its room after it when it stands outside of threads."""
        root = self.board.root_of(post.event)
        later = takewhile(lambda mine: mine.seq > post.seq, reversed(self.board.said.get(self.user, [])))
        return any(
            self.board.root_of(mine.event) == root
            or (mine.room == post.room and mine.thread is None and post.thread is None)
            for mine in later
        )
