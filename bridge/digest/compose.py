"""Chooses and orders what one member's digest holds: same input, same digest, whatever the order of rows. Never reads, sends or words anything.

Candidates are what a member follows, their own circles, and what they took part in; without what they mute, said, read, or may not see. What calls for
their answer and got none comes first and is never cut. The rest goes by points (`Choosing` in `bridge/config.py`: the constants stand there), and
no circle and no voice takes all the places. Some places are kept for people whom nobody has answered.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from itertools import cycle, islice
from zlib import crc32

from bridge.digest.board import MOST_OF_A_SOURCE, Board, Entry, Strand, worth
from bridge.digest.model import KINDS, Digest, Item, Member, Reason
from bridge.digest.reader import Reader

ORDER: Mapping[str, int] = {kind: place for place, kind in enumerate(KINDS)}


Ranked = tuple[float, int, str, bool]
"""One conversation that could be shown: less is better. Minus its points, minus the time of its newest message, its root, and whether that is sure or the best that could be."""


def compose(member: Member, board: Board, *, since_seq: int, most_items: int) -> Digest | None:
    """The member's digest of what was heard of after `since_seq` and up to the board's end, or None when there is nothing for them."""
    reader = Reader(member, board, since_seq)
    calls = calling(reader)
    found = candidates(reader, without=calls)
    if not calls and not found:
        return None
    unheard = unheard_of(reader, min(board.weights.unheard, most_items), without=calls)
    left = [ranked for ranked in found if ranked[2] not in unheard]
    chosen = spread(reader, best_first(reader, left), max(most_items - len(calls) - len(unheard), 0))
    items = [
        *(item_of(reader, root, shown, reason) for root, (reason, shown) in calls.items()),
        *chosen,
        *(item_of(reader, root, reader.seen(root)[0], Reason("unheard")) for root in unheard),
    ]
    items.sort(key=lambda item: ORDER[item.reasons[0].kind])  # stable: the best first within a kind
    return Digest(member.user, tuple(items), more=len(left) - len(chosen))


def calling(reader: Reader) -> dict[str, tuple[Reason, Entry]]:
    """What calls for the member's answer and has none, by conversation: the first call, the oldest first."""
    found: dict[str, tuple[Reason, Entry]] = {}
    for kind, post in reader.board.calls.get(reader.user, ()):
        root = reader.board.root_of(post.event)
        if reader.answered(post) or reader.hides(root):
            continue
        entry = next((entry for entry in reader.seen(root) if entry.post is post), None)
        if entry is None:
            continue
        before = found.get(root)
        if before is None or (entry.seq, entry.event) < (before[1].seq, before[1].event):
            found[root] = (Reason("reply" if kind == "reply" else "mention"), entry)
    return dict(sorted(found.items(), key=lambda one: (one[1][1].seq, one[1][1].event)))


def candidates(reader: Reader, *, without: Collection[str] = ()) -> list[Ranked]:
    """All conversations with something that this member wants to hear of and has not, in no order: `best_first` gives them one.

    What they see whole is `sure`. Of all else it is only looked whether there is anything for them; it is ranked by what it is worth at most.
    """
    masks: dict[Strand, int] = {}
    popular = 0
    for number, reason in enumerate(reader.wishes):
        bit = 1 << number
        for strands in reader.strands_for(reason):
            if len(strands) >= MOST_OF_A_SOURCE:  # it may hold good for others, too, that are not in this list
                popular |= bit
            again = [(strand, masks[strand] | bit) for strand in strands if strand in masks]
            masks.update(dict.fromkeys(strands, bit))
            masks.update(again)
    each, weights = reader.board.weights.reason, {mask: reader.weight_of(mask) for mask in set(masks.values())}
    whole = reader.whole(masks)
    found: list[Ranked] = [
        (-(each * weights[masks[one]] + one.points) * one.decay, -one.newest_ms, one.root, True)
        for one in whole
        if one.root not in without
    ]
    others: dict[str, int] = {}
    for strand in masks.keys() - set(whole):
        others[strand.root] = others.get(strand.root, popular) | masks[strand]
    for root, mask in others.items():
        if root not in without and reader.wants(root):
            points, decay, newest_ms = reader.board.most(root)
            found.append((-(each * reader.weight_of(mask) + points) * decay, -newest_ms, root, False))
    return found


def best_first(reader: Reader, found: Iterable[Ranked]) -> Iterator[str]:
    """The roots of these conversations, the best first; none is looked at more closely than it takes to know that.

    A conversation that is worth more at most than another one is for sure comes before it, and is weighed only then.
    """
    waiting = list(found)
    heapify(waiting)
    while waiting:
        *_, root, sure = heappop(waiting)
        if sure:
            yield root
        else:
            heappush(waiting, weighed(reader, root))


def weighed(reader: Reader, root: str) -> Ranked:
    """What a conversation is worth of which this member sees only some messages, or sees them in several places."""
    weights = reader.board.weights
    reasons = {reason for _, each in reader.why(root) for reason in each}
    points, decay, newest_ms = worth(reader.seen(root), weights, reader.board.now_ms)
    return -(weights.reason * reader.weight(reasons) + points) * decay, -newest_ms, root, True


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
    ranked = (
        (-reader.weight(reasons), entry.seq, entry.event, entry) for entry, reasons in reader.why(root) if reasons
    )
    return min(ranked, key=lambda one: one[:3])[3]


def item_of(reader: Reader, root: str, shown: Entry, first: Reason | None = None) -> Item:
    """The conversation as it is shown, with every reason for it; `first` is one that does not come from what is followed."""
    found = {reason for _, reasons in reader.why(root) for reason in reasons}
    rest = sorted(found, key=lambda reason: (ORDER[reason.kind], reason))
    return Item(shown.event, shown.room, (*((first,) if first else ()), *rest), len(reader.seen(root)) - 1)
