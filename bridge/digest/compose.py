"""Chooses and orders what one member's digest holds: same input, same digest, whatever the order of rows. Never reads, sends or words anything.

Candidates are what a member follows, their own circles, and what they took part in; without what they mute, said, read, or may not see. What calls for
their answer and got none comes first and is never cut. The rest goes by points (`Choosing` in `bridge/config.py`: the constants stand there), and
no circle and no voice takes all the places. Some places are kept for people whom nobody has answered.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import cycle, islice
from zlib import crc32

from bridge.digest.board import Board, Entry, Strand, worth
from bridge.digest.model import KINDS, Digest, Item, Member, Reason
from bridge.digest.reader import Reader

ORDER: Mapping[str, int] = {kind: place for place, kind in enumerate(KINDS)}


Ranked = tuple[float, int, str]
"""One conversation that could be shown: less is better. Minus its points, minus the time of its newest message, and its root."""


def compose(member: Member, board: Board, *, since_seq: int, most_items: int) -> Digest | None:
    """The member's digest of what was heard of after `since_seq` and up to the board's end, or None when there is nothing for them."""
    reader = Reader(member, board, since_seq)
    calls = calling(reader)
    ranked = candidates(reader, without=calls)
    if not calls and not ranked:
        return None
    unheard = unheard_of(reader, min(board.weights.unheard, most_items), without=calls)
    left = [root for _, _, root in ranked if root not in unheard]
    chosen = spread(reader, left, max(most_items - len(calls) - len(unheard), 0))
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
    """All conversations with something that this member wants to hear of and has not, the best first."""
    masks: dict[Strand, int] = {}
    for number, reason in enumerate(reader.wishes):
        bit = 1 << number
        for strand in reader.strands_for(reason):
            masks[strand] = masks.get(strand, 0) | bit
    each = reader.board.weights.reason
    found: list[Ranked] = []
    others: set[str] = set()
    for strand, mask in masks.items():
        if strand.root in without:
            continue
        if reader.whole(strand):
            points = each * reader.weight_of(mask) + strand.points
            found.append((-points * strand.decay, -strand.newest_ms, strand.root))
        else:
            others.add(strand.root)
    found += [one for root in others if (one := _looked_at(reader, root)) is not None]
    found.sort()
    return found


def _looked_at(reader: Reader, root: str) -> Ranked | None:
    """A conversation of which this member sees only some messages, or in several places; None when there is nothing for them in it."""
    weights = reader.board.weights
    entries = reader.seen(root)
    reasons = {reason for _, each in reader.why(root) for reason in each}
    if not reasons:
        return None
    points, decay, newest_ms = worth(entries, weights, reader.board.now_ms)
    return -(weights.reason * reader.weight(reasons) + points) * decay, -newest_ms, root


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
    for root in roots:
        if len(chosen) >= places:
            break
        shown = strongest(reader, root)
        author, circle = shown.post.author, reader.board.circle_of(shown.post.room)
        if circles[circle] < weights.per_circle and authors[author] < weights.per_author:
            chosen.append(item_of(reader, root, shown))
            circles[circle] += 1
            authors[author] += 1
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
