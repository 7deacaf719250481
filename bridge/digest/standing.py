"""What of a digest that was made its reader may open at this moment; never what was said in it."""

from collections.abc import Collection
from dataclasses import dataclass

from bridge.digest import store
from bridge.digest.model import Copied, Item, Reason
from bridge.digest.reader import MAIN, has_read
from bridge.digest.visible import may_read_edit, openings
from bridge.store import attention, happened, versions, watching
from bridge.store.db import Connection

LAG_MS = 10 * 60 * 1000
"""So much older than the digest before it may be what is in a digest, and is not called late: clocks differ, and messages take a moment."""


UNHEARD = Reason("unheard")


@dataclass(frozen=True, slots=True)
class Standing:
    """How an item stands now: its author (empty where a copy names none), and the copy that it is, if it is one.

    `late_ms`: it came so late that it belongs into an earlier digest, and when it was written (UTC ms). `quotable`: its newest words are its reader's to read.
    `reasons` are those that still hold.
    """

    author: str
    copied: Copied | None = None
    late_ms: int | None = None
    quotable: bool = True
    reasons: tuple[Reason, ...] = ()


async def readable(db: Connection, made: store.Made, me: str, bots: Collection[str] = ()) -> dict[Item, Standing]:
    """The items that this member may open right now, and that are of nobody whom they block or who blocks them.

    What is there only because nobody had answered it is left out once somebody has, or its author is gone; `bots` are people whose word is a program's, and no answer.
    """
    spans = (await happened.spans_of(db, [made.user])).get(made.user, ())
    posts, copies = await happened.behind(db, [item.event for item in made.digest.items], me)
    concerned = {item.room for item in made.digest.items}.union(post.room for post in posts.values())
    places = {place.room: place for place in await happened.places(db, me, concerned)}
    edits = await versions.newest_of(db, [item.event for item in made.digest.items])
    apart = await store.apart_from(db, made.user)
    alone = [posts[item.event].event for item in made.digest.items if UNHEARD in item.reasons and item.event in posts]
    waiting = await watching.unanswered(db, alone, {me, *bots}) if alone else ()
    found = {}
    for item in made.digest.items:
        post, copied = posts.get(item.event), copies.get(item.event)
        if post is not None and post.author not in apart:
            reasons = item.reasons if post.event in waiting else tuple(r for r in item.reasons if r != UNHEARD)
            if not reasons:
                continue
            there = openings(spans, places, post, [copied] if copied else ())
            if any((opening.room, opening.event) == (item.room, item.event) for opening in there):
                late = made.from_ms is not None and not copied and post.at_ms < made.from_ms - LAG_MS
                author = "" if copied and post.nameless else post.author
                quotable = may_read_edit(spans, places[item.room], edits.get(item.event))
                found[item] = Standing(author, copied, post.at_ms if late else None, quotable, reasons)
    return found


async def by_number(db: Connection, made: store.Made, me: str, bots: Collection[str] = ()) -> dict[int, Item]:
    """The same items by the numbers that they have in the digest, whatever has disappeared since."""
    there = await readable(db, made, me, bots)
    return {number: item for number, item in enumerate(made.digest.items, start=1) if item in there}


async def known_already(db: Connection, made: store.Made) -> frozenset[Item]:
    """What of it its member has read by now where it stands, or has written after in the same place."""
    where = await store.places_of(db, [item.event for item in made.digest.items])
    reads = (await attention.reads_of(db, [made.user])).get(made.user, {})
    said = await store.newest_said(db, made.user, made.since_seq)
    found = set()
    for item in made.digest.items:
        seq, thread = where.get(item.event, (0, None))
        within = thread or MAIN
        written = max(said.get((item.room, within), 0), said.get((item.room, item.event), 0))
        if has_read(reads, item.room, item.event, seq, (within,)) or written > seq:
            found.add(item)
    return frozenset(found)
