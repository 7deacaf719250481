"""Who may be shown which message, and where they can open it; pure. Never says who wants to see it.

This is the promise that must never break, so where the rows leave a doubt the answer is no. It holds for what can be read *now* and could be read
*then*: somebody must be in the room at this moment, and the history visibility under which the event came must let them see it
(client-server API, "Room history visibility"). All order is that of `seq`, which no other server can forge.
"""

from collections.abc import Iterable, Iterator, Mapping

from bridge.digest.model import Copied, Opening, Place, Post, Span

OPEN = frozenset({"shared", "world_readable"})
"""Under these whoever is in the room now may read what came then."""


def history_at(place: Place, seq: int | None) -> str:
    """The history visibility under which the event with this `seq` came; None: one that is only just coming."""
    if seq is None or not place.changes:
        return place.history
    changes = sorted(place.changes)
    before = [history for since_seq, history in changes if since_seq < seq]
    return before[-1] if before else changes[0][1]


def always_open(place: Place) -> bool:
    """Whether everything that ever came in this room may be read by whoever is there now."""
    return place.history in OPEN and all(history in OPEN for _, history in place.changes)


def may_read(spans: Iterable[Span], place: Place, seq: int | None, at_ms: int | None = None) -> bool:
    """Whether somebody with these memberships may be shown the event of this room with this `seq`; None: one that is only just coming.

    `at_ms` is its sender's word for when it was said: what was said before somebody came is not theirs where the past is hidden, however late it comes to us.
    """
    mine = [span for span in spans if span.room == place.room]
    if not any(span.membership == "join" and span.until_seq is None for span in mine):
        return False
    history = history_at(place, seq)
    if seq is None or history in OPEN:
        return True
    enough = ("join", "invite") if history == "invited" else ("join",)
    return any(
        span.membership in enough
        and span.since_seq < seq
        and (span.until_seq is None or seq <= span.until_seq)
        and (at_ms is None or span.since_ms <= at_ms)
        for span in mine
    )


def may_read_edit(spans: Iterable[Span], place: Place, edit_seq: int | None) -> bool:
    """Whether somebody who may read a message of this room may be shown how it was worded anew: they were there then, too.

    `edit_seq` is the newest `seq` when we heard of that edit; None: there is none. An edit has no `seq` of its own, so what they were just then must
    have begun before and not have ended yet; what newcomers can read now, and could read ever, has to let them see it.
    """
    if edit_seq is None or always_open(place):
        return True
    histories = {place.history, *(history for _, history in place.changes)}
    enough = ("join", "invite") if histories <= OPEN | {"invited"} else ("join",)
    return any(
        span.room == place.room
        and span.membership in enough
        and span.since_seq < edit_seq
        and (span.until_seq is None or edit_seq < span.until_seq)
        for span in spans
    )


def openings(
    spans: Iterable[Span], places: Mapping[str, Place], post: Post, copies: Iterable[Copied]
) -> Iterator[Opening]:
    """Where this person may open the post: at its own place, and at its copies in a fixed order.

    Rooms that are not of the community are in no `places`, so nothing of them can be read. `copies` are those of this post that are live.
    """
    spans = tuple(spans)
    if post.redacted or post.room not in places:
        return
    if may_read(spans, places[post.room], post.seq, post.at_ms):
        yield Opening(post.room, post.event, post.seq)
    for copied in sorted(copies, key=lambda copied: (copied.room, copied.copy)):
        place = places.get(copied.room)
        if place is not None and may_read(spans, place, copied.seq):
            yield Opening(copied.room, copied.copy, copied.seq)
