"""Makes digests for some people and writes them down together with the wish to deliver them; never decides whose turn it is, never sends.

What happened is read once into a board, however many people there are; then they are gone through some hundreds at a time, with a few queries for each time.
"""

import asyncio
import gc
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field

import structlog

from bridge.config import Config
from bridge.digest import store
from bridge.digest.board import Board, board
from bridge.digest.compose import compose
from bridge.digest.model import Digest, Member
from bridge.effects import Deliver, Hand, Put, is_asked_for
from bridge.frozen import frozen
from bridge.store import attention, failures, happened, people, queue
from bridge.store.db import Connection
from bridge.store.window import window

log = structlog.get_logger(__name__)


@frozen
class Turn:
    """One person for whom a digest is to be made: its id, and after which `seq` it begins; since when it covers what happened, where one went before (UTC ms).

    `most_items` is how much they want in it at most; None: as everybody. Who `leads` others gets one even where nothing is new for themselves: whether
    there is anything to say is seen when it goes out.
    """

    user: str
    digest: str
    since_seq: int
    from_ms: int | None = None
    most_items: int | None = None
    leads: bool = False


@frozen
class Chosen:
    """What these people's digests will hold; for everybody who is not in it there was nothing new. `crashed`: for whom choosing failed, and how."""

    made: tuple[store.Made, ...]
    crashed: Mapping[str, Exception] = field(default_factory=dict)


async def look(
    db: Connection,
    since_seq: int,
    until_seq: int,
    config: Config,
    now_ms: int,
    *,
    rooms: Collection[str] | None = None,
    stays: bool = False,
) -> Board:
    """All that appeared after `since_seq` up to `until_seq`, arranged for choosing. Nine queries.

    With `rooms` only what stands in one of these: enough for those who are in no other, and little work however large the community is.
    Where it `stays` for long, Python does not go through it again and again, which everybody would wait for, until the caller says `gc.unfreeze`.
    """
    me = config.matrix.user_id
    with _undisturbed():
        seen = await window(db, since_seq=since_seq, until_seq=until_seq, me=me, bots=config.digest.bots, rooms=rooms)
        places = await happened.places(db, me)
        # In a thread: for a large community this takes seconds, and orders by moderators are not to wait for it.
        made = await asyncio.to_thread(
            board,
            seen.posts,
            places,
            seen.copies,
            since_seq=since_seq,
            until_seq=until_seq,
            now_ms=now_ms,
            weights=config.digest.choosing,
            links=seen.links,
            parts=seen.parts,
        )
        if stays:
            gc.freeze()
    return made


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Within it nobody looks for objects that hold one another: among millions that do not, this would take a quarter of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


async def members(db: Connection, users: Sequence[str]) -> dict[str, Member]:
    """These people with all that their digests depend on. Three queries, however many."""
    wishes, apart = await store.wishes_of(db, users)
    spans = await happened.spans_of(db, users)
    reads = await attention.reads_of(db, users)
    return {
        user: Member(user, wishes.get(user, ()), spans.get(user, ()), reads.get(user, {}), apart.get(user, frozenset()))
        for user in users
    }


async def choose(db: Connection, turns: Sequence[Turn], what: Board, config: Config) -> Chosen:
    """Choose what these people's digests hold, up to the board's end. One person's crash costs the others nothing."""
    if not turns:
        return Chosen(())
    them = await members(db, [turn.user for turn in turns])
    with _undisturbed():
        return await asyncio.to_thread(_choose, turns, them, what, config.digest.most_items)


def _choose(turns: Sequence[Turn], them: Mapping[str, Member], what: Board, most_items: int) -> Chosen:
    made: list[store.Made] = []
    crashed: dict[str, Exception] = {}
    for turn in turns:
        try:
            most = min(turn.most_items or most_items, most_items)
            digest = compose(them[turn.user], what, since_seq=turn.since_seq, most_items=most)
            if digest is None and turn.leads:
                digest = Digest(turn.user, ())
        except Exception as error:  # noqa: BLE001 - whatever it is, the others want their digests
            crashed[turn.user] = error
        else:
            if digest is not None:
                made.append(
                    store.Made(
                        turn.digest,
                        turn.user,
                        turn.since_seq,
                        what.until_seq,
                        what.now_ms,
                        digest,
                        from_ms=turn.from_ms,
                    )
                )
    return Chosen(tuple(made), crashed)


async def anew(db: Connection, user: str, config: Config, now_ms: int) -> None:
    """Choose again what a digest holds that waits for its moment: its member has just said that they want to hear nothing of something."""
    made = await store.waiting(db, user, untried=True)
    if made is None:
        return
    person = await people.get(db, user)
    rooms = await people.rooms_of(db, user)
    what = await look(db, made.since_seq, made.until_seq, config, now_ms, rooms=rooms)
    turn = Turn(user, made.id, made.since_seq, made.from_ms, person.digest_most, leads=True)
    for one in (await choose(db, [turn], what, config)).made:
        await store.rewrite(db, one)


async def write(
    db: Connection, chosen: Chosen, now_ms: int, moments: Mapping[str, int] | None = None
) -> frozenset[str]:
    """Write digests down and put their delivery into the outbox; for whom. A digest whose id is there already is not made again. Crashes are recorded.

    `moments` says when somebody's may go out (UTC ms); of whoever is not in it, at once.
    """
    later = moments or {}
    for error in chosen.crashed.values():
        where = await failures.record(db, None, None, error, now_ms)
        log.error("digest set aside", where=where, error=type(error).__name__)
    new = await store.add(db, chosen.made)
    fresh = [made for made in chosen.made if made.id in new]
    puts = []
    for one in fresh:
        give = Hand if is_asked_for(one.user, one.id) else Deliver
        puts.append(Put(give(key=f"digest/{one.id}", user=one.user, digest=one.id), later.get(one.user, 0)))
    await queue.put(db, puts, now_ms)
    return frozenset(made.user for made in fresh)
