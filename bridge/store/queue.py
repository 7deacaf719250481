"""The outbox as a table: what is wanted and what came of it. Never performs anything, never decides when to try again.

Order is kept within a lane: only its oldest unsettled row can be due. Lanes of one priority take turns, so that a long one does not keep the others waiting.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, bindparam, case, delete, exists, func, literal_column, or_, select, update

from bridge.effects import Put, Say, Tell, dump
from bridge.store.db import Connection
from bridge.store.tables import outbox
from bridge.store.upsert import insert_into

State = Literal["done", "skipped", "dead"]

_WORDS = (Say.__name__, Tell.__name__)
_KEYS_AT_ONCE = 1000
"""A database takes only so many values in one query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One row. `attempts` failed so far; `first_tried_ms` is written before the first try; `error` is a code, `result` an event or room id.

    `payload` is None once it is done or skipped, and of words also once they are dead.
    """

    id: int
    key: str
    kind: str
    payload: str | None
    lane: str
    priority: int
    intent: int | None
    state: str
    attempts: int
    first_tried_ms: int | None
    next_ms: int
    error: str | None
    result: str | None
    made_ms: int
    settled_ms: int | None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one row stands: its kind of effect, its state, the error code of a dead one, when it was settled (UTC ms), how many tries failed."""

    kind: str
    state: str
    error: str | None
    settled_ms: int | None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of the row with this id: `result` is what Matrix gave, `error` a code when it is dead."""

    id: int
    state: State
    result: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Postponed:
    """The row with this id may be tried again at `next_ms`; `failed` is false when it was only held back, `untried` when it has not even been begun."""

    id: int
    next_ms: int
    failed: bool
    untried: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows are in which state."""

    due: int = 0
    done: int = 0
    skipped: int = 0
    dead: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.due + self.done + self.skipped + self.dead


def _due() -> ColumnElement[bool]:
    # A literal, not a parameter: else SQLite could not know that the partial indexes are good for it.
    return outbox.c.state == literal_column("'due'")


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows are still to be done, and how many of these have been tried before."""

    ready: int
    tried: int


async def put(db: Connection, puts: Sequence[Put], now_ms: int) -> int:
    """Write wishes down, in their order; one whose key is there already, in whatever state, is nothing new. Returns how many are new."""
    if not puts:
        return 0
    rows = [
        {
            "key": each.effect.key, "kind": type(each.effect).__name__, "payload": dump(each.effect),
            "lane": each.effect.lane, "priority": each.effect.priority.value, "intent": each.intent,
            "next_ms": each.not_before_ms, "made_ms": now_ms,
        }
        for each in puts
    ]  # fmt: skip
    others = outbox.alias()
    newest = select(func.coalesce(func.max(others.c.id), 0) + 1).scalar_subquery()
    statement = insert_into(db, outbox).values(turn=newest).on_conflict_do_nothing().returning(outbox.c.id)
    return len((await db.execute(statement, rows)).all())


async def due(
    db: Connection,
    now_ms: int,
    limit: int,
    busy_lanes: Collection[str] = (),
    held_kinds: Collection[str] = (),
    priority: int | None = None,
) -> tuple[Wish, ...]:
    """Rows that may be tried now, by priority and then turn: the first of each lane that is neither busy nor waiting for its time.

    A first row of a held kind holds its lane. With a `priority`, only rows of that one.
    """
    earlier = outbox.alias()
    first = ~exists().where(
        earlier.c.state == literal_column("'due'"), earlier.c.lane == outbox.c.lane, earlier.c.id < outbox.c.id
    )
    query = select(outbox).where(_due(), outbox.c.next_ms <= now_ms)
    if busy_lanes:
        query = query.where(outbox.c.lane.not_in(busy_lanes))
    if held_kinds:
        query = query.where(outbox.c.kind.not_in(held_kinds))
    if priority is not None:
        query = query.where(outbox.c.priority == priority)
    query = query.where(first).order_by(outbox.c.priority, outbox.c.turn, outbox.c.id).limit(limit)
    return tuple(Wish(**row) for row in (await db.execute(query)).mappings())


async def next_ms(db: Connection, after_ms: int) -> int | None:
    """The earliest time after `after_ms` (UTC ms) for which some row waits, or None."""
    query = select(func.min(outbox.c.next_ms)).where(_due(), outbox.c.next_ms > after_ms)
    soonest: int | None = await db.scalar(query)
    return soonest


async def mark_tried(db: Connection, ids: Collection[int], now_ms: int) -> None:
    """These are about to be tried. Written before the try: after a crash it says since when the homeserver may know of them."""
    await db.execute(
        update(outbox).where(outbox.c.id.in_(ids), outbox.c.first_tried_ms.is_(None)).values(first_tried_ms=now_ms)
    )


async def settle(db: Connection, outcomes: Sequence[Settled], now_ms: int) -> None:
    """Write down what came of rows. What was wanted is erased, except of the dead: they may be tried again.

    What we wanted to say ourselves never is, and may hold what nobody else should read (an invite code): it is erased in any case.
    """
    for dead in (False, True):
        rows = [
            {"row": each.id, "now_state": each.state, "got": each.result, "code": each.error}
            for each in outcomes
            if (each.state == "dead") is dead
        ]
        if rows:
            values: dict[str, Any] = {
                "state": bindparam("now_state"),
                "result": bindparam("got"),
                "error": bindparam("code"),
            }
            statement = update(outbox).where(outbox.c.id == bindparam("row")).values(**values, settled_ms=now_ms)
            kept = (
                case((or_(*(outbox.c.kind == kind for kind in _WORDS)), None), else_=outbox.c.payload) if dead else None
            )
            await db.execute(statement.values(payload=kept), rows)


async def pass_turn(db: Connection, lanes: Collection[str], priority: int) -> None:
    """In these lanes of one priority something was done: the row that is first there now comes after all that are waiting, in other lanes, by now."""
    others, heads = outbox.alias(), outbox.alias()
    waits: ColumnElement[str] = literal_column("'due'")
    last = (
        select(func.max(others.c.turn)).where(others.c.state == waits, others.c.priority == priority).scalar_subquery()
    )
    first = (
        select(func.min(heads.c.id)).where(heads.c.state == waits, heads.c.lane.in_(list(lanes))).group_by(heads.c.lane)
    )
    await db.execute(update(outbox).where(outbox.c.id.in_(first)).values(turn=last + 1))


async def postpone(db: Connection, rows: Sequence[Postponed]) -> None:
    """Let rows wait."""
    if rows:
        statement = (
            update(outbox)
            .where(outbox.c.id == bindparam("row"))
            .values(next_ms=bindparam("later"), attempts=outbox.c.attempts + bindparam("failed"))
        )
        await db.execute(
            statement, [{"row": each.id, "later": each.next_ms, "failed": int(each.failed)} for each in rows]
        )
    untried = [each.id for each in rows if each.untried]
    if untried:
        await db.execute(update(outbox).where(outbox.c.id.in_(untried)).values(first_tried_ms=None))


async def get(db: Connection, key: str) -> Wish | None:
    """The row with this key, or None."""
    row = (await db.execute(select(outbox).where(outbox.c.key == key))).mappings().one_or_none()
    return Wish(**row) if row else None


async def standing(db: Connection, keys: Sequence[str]) -> dict[str, Standing]:
    """Where the rows with these keys stand; a key without a row is not in it."""
    found: dict[str, Standing] = {}
    columns = (outbox.c.key, outbox.c.kind, outbox.c.state, outbox.c.error, outbox.c.settled_ms, outbox.c.attempts)
    for at in range(0, len(keys), _KEYS_AT_ONCE):
        rows = await db.execute(select(*columns).where(outbox.c.key.in_(keys[at : at + _KEYS_AT_ONCE])))
        found |= {row.key: Standing(row.kind, row.state, row.error, row.settled_ms, row.attempts) for row in rows}
    return found


async def result(db: Connection, key: str) -> str | None:
    """The event or room id that Matrix gave for this key; None while there is none."""
    found: str | None = await db.scalar(select(outbox.c.result).where(outbox.c.key == key))
    return found


async def of_intent(db: Connection, intent: int) -> tuple[Wish, ...]:
    """All rows that follow from this ledger row, in their order."""
    rows = await db.execute(select(outbox).where(outbox.c.intent == intent).order_by(outbox.c.id))
    return tuple(Wish(**row) for row in rows.mappings())


async def still_due(db: Connection, kind: str, lane: str) -> tuple[Wish, ...]:
    """The rows of a kind in a lane that are not settled yet, in their order."""
    query = select(outbox).where(_due(), outbox.c.lane == lane, outbox.c.kind == kind).order_by(outbox.c.id)
    return tuple(Wish(**row) for row in (await db.execute(query)).mappings())


async def due_of_kinds(db: Connection, kinds: Collection[str], lane: str) -> bool:
    """Whether anything of these kinds is not settled yet in a lane."""
    query = select(outbox.c.id).where(_due(), outbox.c.lane == lane, outbox.c.kind.in_(kinds)).limit(1)
    return await db.scalar(query) is not None


async def lately(db: Connection, kind: str, since_ms: int) -> dict[str, int | None]:
    """The keys of this kind that nobody has tried to do yet (None), and of those that were settled since then (UTC ms) when."""
    untried = (_due(), outbox.c.first_tried_ms.is_(None))
    waiting = select(outbox.c.key).where(*untried, outbox.c.kind == kind)
    over = select(outbox.c.key, outbox.c.settled_ms).where(outbox.c.settled_ms >= since_ms, outbox.c.kind == kind)
    found: dict[str, int | None] = {row.key: row.settled_ms for row in await db.execute(over)}
    return found | dict.fromkeys(await db.scalars(waiting))


async def is_known(db: Connection, before: str) -> bool:
    """Whether anything whose key begins with this and a slash is due or was done. What was skipped does not count."""
    found = exists().where(
        outbox.c.key > f"{before}/", outbox.c.key < f"{before}0", outbox.c.state.in_(["due", "done"])
    )
    return bool((await db.execute(select(found))).scalar())


async def pending_of_intent(db: Connection, intent: int) -> bool:
    """Whether any row of this ledger row is still to be done."""
    return await db.scalar(select(outbox.c.id).where(_due(), outbox.c.intent == intent).limit(1)) is not None


async def due_in_lane(db: Connection, lane: str, intent: int) -> bool:
    """Whether anything of this ledger row is still to be done in this lane."""
    query = select(outbox.c.id).where(_due(), outbox.c.lane == lane, outbox.c.intent == intent).limit(1)
    return await db.scalar(query) is not None


async def under_way(db: Connection, before_ms: int) -> tuple[int, ...]:
    """The ledger rows of which something has been waiting to be done since before that moment (UTC ms), in their order."""
    query = select(outbox.c.intent).where(_due(), outbox.c.intent.is_not(None), outbox.c.made_ms < before_ms)
    return tuple(await db.scalars(query.distinct().order_by(outbox.c.intent)))


async def settled_last(db: Connection, intent: int, most: int) -> tuple[int, ...]:
    """When the newest rows of this ledger row were settled (UTC ms), the newest first, at most so many."""
    query = select(outbox.c.settled_ms).where(outbox.c.intent == intent, outbox.c.settled_ms.is_not(None))
    return tuple(await db.scalars(query.order_by(outbox.c.settled_ms.desc()).limit(most)))


async def retry_all(db: Connection, intent: int) -> int:
    """Have all dead rows of this ledger row tried again, at once; how many there were that can be."""
    again = {"state": "due", "attempts": 0, "next_ms": 0, "error": None, "settled_ms": None}
    dead = (outbox.c.intent == intent, outbox.c.state == "dead", outbox.c.payload.is_not(None))
    return (await db.execute(update(outbox).where(*dead).values(again))).rowcount


async def counts(db: Connection, intent: int | None = None) -> Counts:
    """How many rows are in which state: all, or those of one ledger row."""
    query = select(outbox.c.state, func.count().label("number")).group_by(outbox.c.state)
    if intent is not None:
        query = query.where(outbox.c.intent == intent)
    return Counts(**{row.state: row.number for row in await db.execute(query)})


async def waiting(db: Connection, now_ms: int) -> Waiting:
    """How many rows are still to be done, not counting those that are for later by their own wish."""
    tried = outbox.c.first_tried_ms.is_not(None)
    count = func.count().filter
    query = select(count(tried | (outbox.c.next_ms <= now_ms)).label("ready"), count(tried).label("tried"))
    row = (await db.execute(query.where(_due()))).one()
    return Waiting(row.ready, row.tried)


async def dead(db: Connection, limit: int = 100) -> tuple[Wish, ...]:
    """The rows that were refused or are a bug, the newest first."""
    rows = await db.execute(select(outbox).where(outbox.c.state == "dead").order_by(outbox.c.id.desc()).limit(limit))
    return tuple(Wish(**row) for row in rows.mappings())


async def retry(db: Connection, key: str) -> bool:
    """Have a dead row tried again, at once; whether there was one that can be. Wake the outbox afterwards."""
    again = {"state": "due", "attempts": 0, "next_ms": 0, "error": None, "settled_ms": None}
    statement = (
        update(outbox).where(outbox.c.key == key, outbox.c.state == "dead", outbox.c.payload.is_not(None)).values(again)
    )
    return (await db.execute(statement)).rowcount == 1


async def prune(db: Connection, before_ms: int) -> int:
    """Forget what was settled before that moment (UTC ms); returns how many. Their keys could then be put anew.

    The dead go, too: what they wanted is still in them, perhaps with words of a command, and nobody has had them tried again for so long.
    """
    statement = delete(outbox).where(outbox.c.state.in_(("done", "skipped", "dead")), outbox.c.settled_ms < before_ms)
    return (await db.execute(statement)).rowcount
