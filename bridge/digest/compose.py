"""Chooses and orders what one member's digest holds: same input, same digest, whatever the order of rows. Never reads, sends or words anything.

Candidates are what a member follows, their own circles, and what they took part in; without what they mute, said, read, or may not see. What calls for
their answer and got none comes first and is never cut. The rest goes by points (`Choosing` in `bridge/config.py`: the constants stand there), and
no circle and no voice takes all the places. Some places are kept for people whom nobody has answered.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush, merge
from itertools import chain, cycle, islice
from zlib import crc32

from bridge.digest.board import FEW, MOST_OF_A_SOURCE, Board, Entry, Ranked, Strand, worth
from bridge.digest.model import ORDER, Digest, Item, Member, Reason
from bridge.digest.reader import OWN_WAYS, Mask, Reader, Source
from bridge.frozen import frozen


def compose(member: Member, board: Board, *, since_seq: int, most_items: int) -> Digest | None:
    """The member's digest of what was heard of after `since_seq` and up to the board's end, or None when there is nothing for them."""
    reader = Reader(member, board, since_seq)
    calls = calling(reader)
    found = candidates(reader, without=calls)
    if not calls and not found.number:
        return None
    unheard = unheard_of(reader, min(board.weights.unheard, most_items), without=calls)
    left = (root for root in best_first(reader, found) if root not in unheard)
    chosen = spread(reader, left, max(most_items - len(calls) - len(unheard), 0))
    items = [
        *(item_of(reader, root, shown, reason) for root, (reason, shown) in calls.items()),
        *chosen,
        *(item_of(reader, root, reader.seen(root)[0], Reason("unheard")) for root in unheard),
    ]
    items.sort(key=lambda item: ORDER[item.reasons[0].kind])  # stable: the best first within a kind
    number = found.number - sum(found.holds(board, root) for root in unheard)
    return Digest(member.user, tuple(items), more=number - len(chosen))


def calling(reader: Reader) -> dict[str, tuple[Reason, Entry]]:
    """What calls for the member's answer and has none, by conversation: the first call, the oldest first."""
    asking: dict[str, dict[str, Reason]] = defaultdict(dict)
    for reason, calls in ((Reason("reply"), reader.board.replies), (Reason("mention"), reader.board.mentions)):
        for post in calls.get(reader.user, ()):
            root = reader.board.root_of(post.event)
            if not reader.answered(root, post):
                asking[root][post.event] = reason
    found: dict[str, tuple[Reason, Entry]] = {}
    for root, reasons in asking.items():
        entry = next((entry for entry in reader.seen(root) if entry.post.event in reasons), None)
        if entry is not None:
            found[root] = (reasons[entry.post.event], entry)
    return dict(sorted(found.items(), key=lambda one: (one[1][1].seq, one[1][1].event)))


@frozen
class Found:
    """All conversations with something that a member wants to hear of and has not: how many, and in no order.

    `lines` are ranked already, the best first; of what stands there `not_there` does not count. The others are `loose`. `whole` are the strands that are
    all of their conversation for this member, `in_part` the roots of all else.
    """

    number: int
    loose: Sequence[Ranked]
    lines: Sequence[Sequence[Ranked]]
    not_there: Collection[str]
    whole: Collection[Strand]
    in_part: Collection[str]

    def __iter__(self) -> Iterator[Ranked]:
        return chain(self.loose, *self.in_lines())

    def holds(self, board: Board, root: str) -> bool:
        """Whether this conversation is among them, if it is none of those that were to be left out."""
        return root in self.in_part or any(strand in self.whole for strand in board.strands.get(root, ()))

    def in_lines(self) -> Iterator[Iterator[Ranked]]:
        """The lines without what does not count."""
        return ((ranked for ranked in line if ranked[2] not in self.not_there) for line in self.lines)


def candidates(reader: Reader, *, without: Collection[str] = ()) -> Found:
    """All conversations with something that this member wants to hear of and has not: `best_first` gives them an order.

    What they see whole is `sure`. Of all else it is only looked whether there is anything for them; it is ranked by what it is worth at most.
    What is found in one place only needs no look at all: the board has ranked it for everybody.
    """
    board = reader.board
    sources: list[Source] = []
    there: dict[str, set[Strand]] = defaultdict(set)
    again: set[Strand] = set()
    popular = 0
    for bit, reason, room, found_there in reader.sources():
        if len(found_there) >= MOST_OF_A_SOURCE:  # it may hold good for others, too, that are not in this list
            popular |= bit
        tag = reason.tag  # of a person who is followed with one only
        strands = [one for one in found_there if one.says(reason.target, tag)] if tag else found_there
        sources.append((bit, reason, room, strands))
        again |= there[room].intersection(strands)
        there[room].update(strands)
    whole: set[Strand] = set()
    rest: set[Strand] = set()
    for room, found in there.items():
        simple = reader.whole(room, found)
        whole |= simple
        rest |= found - simple
    others = {strand for strand in rest if not reader.over(strand)}
    masks = _masks(sources, (again & whole) | others)
    each = board.weights.reason
    loose: list[Ranked] = []
    lines: list[Sequence[Ranked]] = []
    for bit, reason, room, strands in sources:
        if len(strands) > FEW and reason.kind not in OWN_WAYS:
            lines.append(board.ranked(room, reason, strands))
        else:
            weight = each * reader.weight(bit)
            loose += [
                (-(weight + one.points) * one.decay, -one.newest_ms, one.root, True)
                for one in strands
                if one in whole and one not in masks and one.root not in without
            ]
    loose += [
        (-(each * reader.weight(mask) + one.points) * one.decay, -one.newest_ms, one.root, True)
        for one, mask in masks.items()
        if one in whole and one.root not in without
    ]
    in_part: dict[str, Mask] = {}
    for strand in others:
        in_part[strand.root] = in_part.get(strand.root, popular) | masks[strand]
    wanted = [root for root in in_part if root not in without and reader.wants(root)]
    for root in wanted:
        points, decay, newest_ms = board.most(root)
        loose.append((-(each * reader.weight(in_part[root]) + points) * decay, -newest_ms, root, False))
    left_out = sum(any(strand in whole for strand in board.strands.get(root, ())) for root in without)
    not_there = {strand.root for strand in rest.union(masks)}.union(without)
    return Found(len(whole) - left_out + len(wanted), loose, lines, not_there, whole, frozenset(wanted))


def _masks(sources: Iterable[Source], strands: set[Strand]) -> dict[Strand, Mask]:
    """For which wishes each of these strands was found."""
    masks = dict.fromkeys(strands, 0)
    for bit, _, _, found in sources:
        for strand in strands.intersection(found):
            masks[strand] |= bit
    return masks


def best_first(reader: Reader, found: Found) -> Iterator[str]:
    """The roots of these conversations, the best first; none is looked at more closely than it takes to know that.

    A conversation that is worth more at most than another one is for sure comes before it, and is weighed only then.
    """
    waiting = list(found.loose)
    heapify(waiting)
    lines = merge(*found.in_lines())
    ahead = next(lines, None)
    while waiting or ahead is not None:
        if ahead is not None and (not waiting or ahead < waiting[0]):
            yield ahead[2]
            ahead = next(lines, None)
            continue
        *_, root, sure = heappop(waiting)
        if sure:
            yield root
        else:
            heappush(waiting, weighed(reader, root))


def weighed(reader: Reader, root: str) -> Ranked:
    """What a conversation is worth of which this member sees only some messages, or sees them in several places."""
    weights = reader.board.weights
    points, decay, newest_ms = worth(reader.seen(root), weights, reader.board.now_ms)
    return -(weights.reason * reader.weight(reader.why_at_all(root)) + points) * decay, -newest_ms, root, True


def unheard_of(reader: Reader, most: int, *, without: Collection[str] = ()) -> list[str]:
    """Conversations that somebody began and nobody answered, of each person one, at most so many: first in the member's own circles, the oldest first.

    Elsewhere everybody begins at another one, so that all of them are seen by somebody. People who were answered in something else come last.
    """
    board = reader.board
    people: set[str] = set()
    found: list[str] = []
    for again in (False, True):
        for strand in _unheard_strands(reader):
            if len(found) >= most:
                return found
            began = board.posts[strand.root]
            fits = (began.author in board.answered) is again and began.author not in people
            if not fits or strand.root in without or strand.root in found:
                continue
            entry = next(iter(reader.seen(strand.root)), None)
            if entry is not None and entry.post is began:
                people.add(began.author)
                found.append(strand.root)
    return found


def _unheard_strands(reader: Reader) -> Iterator[Strand]:
    board = reader.board
    near = [strand for room in reader.own for strand in board.unheard.get(room, ())]
    yield from sorted(near, key=lambda strand: (board.posts[strand.root].at_ms, strand.root))
    for room in sorted(reader.rooms.keys() - reader.own):
        there = board.unheard.get(room, [])
        first = crc32(reader.user.encode()) % max(len(there), 1)
        yield from islice(cycle(there), first, first + len(there))


def spread(reader: Reader, roots: Iterable[str], places: int) -> list[Item]:
    """The first of these conversations, as many as there are places, with no more than a few of one circle and one author."""
    weights = reader.board.weights
    chosen: list[Item] = []
    circles: dict[str, int] = defaultdict(int)
    authors: dict[str, int] = defaultdict(int)
    for root in roots if places else ():
        shown = strongest(reader, root)
        author, circle = shown.post.author, reader.board.circle_of(shown.post.room)
        if circles[circle] < weights.per_circle and authors[author] < weights.per_author:
            chosen.append(item_of(reader, root, shown))
            circles[circle] += 1
            authors[author] += 1
        if len(chosen) == places:
            break
    return chosen


def strongest(reader: Reader, root: str) -> Entry:
    """The message of a conversation with the strongest reasons, and of several the first: reading goes on from there."""
    wanted = [(entry, mask) for entry, mask in reader.why(root) if mask]  # in the order in which it came
    return max(wanted, key=lambda one: reader.weight(one[1]))[0]


def item_of(reader: Reader, root: str, shown: Entry, first: Reason | None = None) -> Item:
    """The conversation as it is shown, with every reason for it; `first` is one that does not come from what is followed."""
    reasons = reader.reasons(reader.why_at_all(root))
    return Item(shown.event, shown.room, (first, *reasons) if first else reasons, len(reader.seen(root)) - 1)
