"""One member before the board: what of it they may see, have not read, did not say and do not mute, and why they would want it. Pure; chooses nothing."""

from collections.abc import Iterable, Sequence
from itertools import takewhile

from bridge.digest.board import Board, Entry, Strand
from bridge.digest.model import Follow, Member, Place, Post, Reason, Span
from bridge.digest.visible import always_open, may_read

WHOLE, MAIN = "", "main"
"""A receipt for a whole room, and one for what is in none of its threads (client-server API, "Threaded read receipts")."""


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
        self._want([follow.reason for follow in member.follows if follow.wish == "follow"])
        self._seen: dict[str, tuple[Entry, ...]] = {}
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

    def roots_for(self, reason: Reason) -> Iterable[str]:
        """The conversations in which something may be found for this reason: perhaps nothing that they may see, or that is news."""
        if reason.kind in ("thread", "taken"):
            return (root for root in self._roots.get(reason, ()) if root in self.board.strands)
        return (strand.root for room in self.rooms for strand in self.board.found(room, reason))

    def whole(self, root: str) -> Strand | None:
        """The only strand of a conversation for this member, where they see all of it and every word is news to them; None where that is not so simple."""
        if self._mutes:
            return None
        here = [strand for strand in self.board.strands[root] if strand.room in self.rooms]
        if len(here) != 1:
            return None
        strand = here[0]
        simple = (
            strand.room in self._open
            and strand.plain
            and strand.entries[0].seq > self._since_seq
            and strand.entries[0].seq > self._read_most.get(strand.room, -1)
            and self.user not in strand.authors
            and strand.away.isdisjoint(self.rooms)
            and not any(
                reason.kind == "person_tag" for author in strand.authors for reason in self._voices.get(author, ())
            )
        )
        return strand if simple else None

    def seen(self, root: str) -> tuple[Entry, ...]:
        """What of a conversation is news to this member, each message once, at the first place where they can open it; in the order in which it came."""
        if root not in self._seen:
            strand = self.whole(root)
            if strand is not None:
                self._seen[root] = strand.entries
            elif self.hides(root):
                self._seen[root] = ()
            else:
                found = [
                    entry
                    for strand in self.board.strands.get(root, ())
                    if strand.room in self.rooms
                    for entry in strand.entries
                    if self._news(entry)
                ]
                self._seen[root] = tuple(sorted(found, key=lambda entry: (entry.seq, entry.event)))
        return self._seen[root]

    def _news(self, entry: Entry) -> bool:
        post = entry.post
        return (
            self._since_seq < entry.seq <= self.board.until_seq
            and post.author != self.user
            and not (self._mutes and self._quiet(post))
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
        up_to = self._reads.get((entry.room, WHOLE), -1)
        if entry.room == post.room:
            up_to = max(up_to, self._reads.get((entry.room, post.thread or MAIN), -1))
            if post.thread is None:  # a thread's beginning is read with the thread, too
                up_to = max(up_to, post.seq if self._reads.get((entry.room, post.event), -1) >= post.seq else -1)
        return entry.seq <= up_to

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

    def _quiet(self, post: Post) -> bool:
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
        named = not post.nameless or self._may_read(post.room, post.seq, post.at_ms)
        if named and (person := self._people.get(post.author)) is not None:
            found.append(person)
        if post.automatic:
            return tuple(found)
        if named:
            found += [reason for reason in self._voices.get(post.author, ()) if reason.tag in post.tags]
        found += [self._tags[tag] for tag in post.tags if tag in self._tags]
        if (circle := self._circles.get(self.board.circle_of(post.room))) is not None:
            found.append(circle)
        found += self._threads.get(root, ())
        return tuple(found)

    def weight(self, reasons: Iterable[Reason]) -> float:
        """What these reasons weigh together."""
        weights = self.board.weights
        return min(sum(weights.of(reason.kind) for reason in set(reasons)), weights.most_reasons)

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
