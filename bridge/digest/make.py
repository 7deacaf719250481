"""Makes digests for some people and writes them down together with the wish to deliver them; never decides whose turn it is, never sends."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bridge.config import Config
from bridge.digest import store
from bridge.digest.compose import Board, board, compose
from bridge.digest.model import Member
from bridge.effects import Deliver, Put
from bridge.store import failures, happened, queue
from bridge.store.db import Connection

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """One person for whom a digest is to be made: its id, and the `seq` after which it begins."""

    user: str
    digest: str
    since_seq: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whose digests are made and on their way, and for whom making one crashed. For everybody else there was nothing new."""

    made: frozenset[str]
    crashed: frozenset[str]


async def make(db: Connection, turns: Sequence[Turn], until_seq: int, config: Config, now_ms: int) -> Outcome:
    """Choose what these people's digests hold, up to `until_seq`; write them down and put their delivery into the outbox.

    A digest whose id is there already is not made again. One person's crash is recorded and costs the others nothing.
    """
    if not turns:
        return Outcome(frozenset(), frozenset())
    users = [turn.user for turn in turns]
    follows = await store.follows_of(db, users)
    spans = await happened.spans_of(db, users)
    since_seq = min(turn.since_seq for turn in turns)
    posts, copies = await happened.happened(
        db, users, since_seq=since_seq, until_seq=until_seq, me=config.matrix.user_id
    )
    what = board(posts, await happened.places(db) if posts else (), copies)
    found: list[store.Made] = []
    crashed: set[str] = set()
    for turn in turns:
        member = Member(turn.user, follows.get(turn.user, ()), spans.get(turn.user, ()))
        try:
            made = _one(turn, member, what, until_seq, most_items=config.digest.most_items, now_ms=now_ms)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others want their digests
            crashed.add(turn.user)
            where = await failures.record(db, None, None, error, now_ms)
            log.error("digest set aside", where=where, error=type(error).__name__)  # noqa: TRY400 - a traceback can quote words
        else:
            found += [made] if made else []
    new = await store.add(db, found)
    puts = [Put(Deliver(key=f"digest/{made.id}", user=made.user, digest=made.id)) for made in found if made.id in new]
    await queue.put(db, puts, now_ms)
    return Outcome(frozenset(made.user for made in found if made.id in new), frozenset(crashed))


def _one(turn: Turn, member: Member, what: Board, until_seq: int, *, most_items: int, now_ms: int) -> store.Made | None:
    digest = compose(member, what, since_seq=turn.since_seq, until_seq=until_seq, now_ms=now_ms, most_items=most_items)
    return store.Made(turn.digest, turn.user, turn.since_seq, until_seq, now_ms, digest) if digest else None
