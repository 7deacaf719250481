"""Chooses and orders what one member's digest holds: same input, same digest, whatever the order of rows. Never reads, sends or words anything.

Candidates are what a member follows, their own circles, and what they took part in; without what they mute, said, read, or may not see. What calls for
their answer and got none comes first and is never cut. The rest goes by points (`Choosing` in `bridge/config.py`: the constants stand there), and
no circle and no voice takes all the places. Some places are kept for people whom nobody has answered.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from bridge.digest.board import Board, Entry, worth
from bridge.digest.model import KINDS, Digest, Item, Member, Reason
from bridge.digest.reader import Reader

ORDER: Mapping[str, int] = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One conversation that could be shown, with what it has to be compared by."""

    root: str
    score: float
    newest_ms: int


def compose(member: Member, board: Board, *, since_seq: int, most_items: int) -> Digest | None:
    """The member's digest of what was heard of after `since_seq` and up to the board's end, or None when there is nothing for them."""
    reader = Reader(member, board, since_seq)
    calls = calling(reader)
    ranked = candidates(reader, without=calls)
    if not calls and not ranked:
        return None
    unheard = unheard_of(reader, without=calls)[: min(board.weights.unheard, most_items)]
    left = [one for one in ranked if one.root not in unheard]
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


def candidates(reader: Reader, *, without: Iterable[str] = ()) -> list[Candidate]:
    """All conversations with something that this member wants to hear of and has not, the best first."""
    masks: dict[str, int] = defaultdict(int)
    for number, reason in enumerate(reader.wishes):
        for root in reader.roots_for(reason):
            masks[root] |= 1 << number
    for root in without:
        masks.pop(root, None)
    found = [one for root, mask in masks.items() if (one := _candidate(reader, root, mask)) is not None]
    return sorted(found, key=lambda one: (-one.score, -one.newest_ms, one.root))


def _candidate(reader: Reader, root: str, mask: int) -> Candidate | None:
    weights = reader.board.weights
    strand = reader.whole(root)
    if strand is not None:
        points, decay, newest_ms = strand.points, strand.decay, strand.newest_ms
        weight = reader.weight_of(mask)
    else:
        entries = reader.seen(root)
        reasons = {reason for entry in entries for reason in reader.reasons(root, entry.post)}
        if not reasons:
            return None
        points, decay, newest_ms = worth(entries, weights, reader.board.now_ms)
        weight = reader.weight(reasons)
    return Candidate(root, (weights.reason * weight + points) * decay, newest_ms)


def unheard_of(reader: Reader, *, without: Iterable[str] = ()) -> list[str]:
    """Conversations that somebody began and nobody answered, of each person one: first in the member's own circles, the oldest first.

    Elsewhere everybody gets others first, so that all of them are seen by somebody; and people who were answered elsewhere come last.
    """
    board = reader.board
    taken = set(without)
    found = []
    for room in sorted(reader.rooms):
        near = room in reader.own
        for strand in board.unheard.get(room, ()):
            if strand.root in taken or reader.hides(strand.root):
                continue
            entry = next(iter(reader.seen(strand.root)), None)
            if entry is None or entry.post.event != strand.root:
                continue
            taken.add(strand.root)
            turn = 0 if near else crc32(f"{reader.user} {strand.root}".encode())
            order = (entry.post.author in board.answered, not near, turn, entry.post.at_ms, strand.root)
            found.append((order, entry.post.author, strand.root))
    people: dict[str, str] = {}
    for _, author, root in sorted(found):
        people.setdefault(author, root)
    return list(people.values())


def spread(reader: Reader, ranked: Sequence[Candidate], places: int) -> list[Item]:
    """The best ones, as many as there are places, with no more than a few of one circle and one author."""
    weights = reader.board.weights
    chosen: list[Item] = []
    circles: dict[str, int] = defaultdict(int)
    authors: dict[str, int] = defaultdict(int)
    for one in ranked:
        if len(chosen) >= places:
            break
        shown = strongest(reader, one.root)
        author, circle = shown.post.author, reader.board.circle_of(shown.post.room)
        if circles[circle] < weights.per_circle and authors[author] < weights.per_author:
            chosen.append(item_of(reader, one.root, shown))
            circles[circle] += 1
            authors[author] += 1
    return chosen


def strongest(reader: Reader, root: str) -> Entry:
    """The message of a conversation with the strongest reasons, and of several the first: reading goes on from there."""
    wanted = ((entry, reader.reasons(root, entry.post)) for entry in reader.seen(root))
    ranked = ((-reader.weight(reasons), entry.seq, entry.event, entry) for entry, reasons in wanted if reasons)
    return min(ranked, key=lambda one: one[:3])[3]


def item_of(reader: Reader, root: str, shown: Entry, first: Reason | None = None) -> Item:
    """The conversation as it is shown, with every reason for it; `first` is one that does not come from what is followed."""
    entries = reader.seen(root)
    found = {reason for entry in entries for reason in reader.reasons(root, entry.post)}
    rest = sorted(found, key=lambda reason: (ORDER[reason.kind], reason))
    return Item(shown.event, shown.room, (*((first,) if first else ()), *rest), len(entries) - 1)
