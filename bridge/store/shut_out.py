"""Which servers followed rules shut out, since when and until when; never writes into a room.

A rule becomes a sanction only once it means somebody here; the server that it names is shut out from the first moment.
"""

from collections.abc import Collection

from sqlalchemy import delete, insert, select, update

from bridge.globs import host_of
from bridge.store.db import Connection
from bridge.store.tables import policy_rules, sanctions, shut_out

_AT_ONCE = 500
"""A database takes only so many values in one query."""


async def keep_up(db: Connection, servers: Collection[str], now_ms: int) -> bool:
    """From now on (UTC ms) these are shut out, as names or globs, and no others; whether that is news."""
    before = frozenset(await db.scalars(select(shut_out.c.server).where(shut_out.c.to_ms.is_(None))))
    now = frozenset(servers)
    free, new = sorted(before - now), sorted(now - before)
    for at in range(0, len(free), _AT_ONCE):
        which = (shut_out.c.server.in_(free[at : at + _AT_ONCE]), shut_out.c.to_ms.is_(None))
        await db.execute(update(shut_out).where(*which).values(to_ms=now_ms))
    if new:
        since = dict.fromkeys(new, now_ms)
        same = select(shut_out.c.server).where(shut_out.c.from_ms == now_ms)
        since |= dict.fromkeys(since.keys() & frozenset(await db.scalars(same)), now_ms + 1)
        await db.execute(insert(shut_out), [{"server": each, "from_ms": at_ms} for each, at_ms in since.items()])
    return bool(free or new)


async def ended(db: Connection, since_ms: int) -> tuple[tuple[str, int, int], ...]:
    """Those that came to an end since then, each with its beginning and end (UTC ms), in their order."""
    query = select(shut_out.c.server, shut_out.c.from_ms, shut_out.c.to_ms).where(shut_out.c.to_ms > since_ms)
    return tuple((row.server, row.from_ms, row.to_ms) for row in await db.execute(query.order_by(shut_out.c.to_ms)))


async def ours(db: Connection, among: Collection[str]) -> frozenset[str]:
    """Which of these servers, as names or globs, were ever shut out by a decision here, or by a rule that we still know of: there may be a hundred thousand."""
    found: set[str] = set()
    asked = sorted(among)
    for at in range(0, len(asked), _AT_ONCE):
        some = asked[at : at + _AT_ONCE]
        decided = select(sanctions.c.target).where(sanctions.c.entity == "server", sanctions.c.target.in_(some))
        listed = select(policy_rules.c.target).where(policy_rules.c.entity == "server", policy_rules.c.target.in_(some))
        kept = select(shut_out.c.server).where(shut_out.c.server.in_(some))
        found.update(await db.scalars(decided.union(listed, kept)))
    ported = select(sanctions.c.target).where(sanctions.c.entity == "server", sanctions.c.target.contains(":"))
    named = {host_of(target) for target in await db.scalars(ported)}  # a list of servers holds no ports
    return frozenset({*found, *(named & frozenset(asked))})


async def prune(db: Connection, before_ms: int) -> None:
    """Forget those that ended before that moment (UTC ms)."""
    await db.execute(delete(shut_out).where(shut_out.c.to_ms < before_ms))
