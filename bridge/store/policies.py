"""Policy lists and their rules in the database; never decides what becomes of a rule.

Every change of a rule has a number, in the order in which changes are committed: by it `watched.py` keeps up.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, cast, delete, exists, func, insert, literal_column, or_, select, update

from bridge.globs import host_of, server_of
from bridge.moderation.book import means
from bridge.moderation.judge import GONE, NEW, ON
from bridge.moderation.policies import Rule, hashed
from bridge.store.db import Connection
from bridge.store.tables import bans, cursors, policy_lists, policy_rules, published, sanctions
from bridge.store.upsert import insert_into

_AT_ONCE = 1000
"""A database takes only so many values in one query."""

_COUNTER = "policy rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """One list; the columns are explained in the table."""

    id: int
    address: str
    via: str
    room: str | None
    stance: str
    publishes: str
    trouble: str
    tries: int
    next_ms: int | None
    read_ms: int | None
    unusable: int
    hit_ms: int
    hit: int
    cause: int

    @property
    def place(self) -> dict[str, object]:
        """The value for a text that names it."""
        alias = self.address if self.address.startswith("#") else None
        return {"room": self.room or self.address, "alias": alias, "name": self.address}


@dataclass(frozen=True, slots=True)
class Told:
    """A rule as its list tells it: the type and key of its state event, that event's id, and what it says (None: nothing, it is gone)."""

    type: str
    state_key: str
    event: str
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class Known:
    """A rule that we know: its number, its list's, what became of it, and what it says."""

    id: int
    list: int
    state: str
    rule: Rule
    held: int | None = None


def _known(row: Row[Any]) -> Known:
    rule = Rule(row.entity, row.target, row.hash, row.takedown, row.reason)
    return Known(row.id, row.list, row.state, rule, row.held)


# --- lists ---------------------------------------------------------------------------------------------------------------------------


async def lists(db: Connection) -> tuple[List, ...]:
    """All that are watched or published in, in the order in which they were named."""
    used = or_(policy_lists.c.stance != "", policy_lists.c.publishes != "")
    rows = await db.execute(select(policy_lists).where(used).order_by(policy_lists.c.id))
    return tuple(List(**row) for row in rows.mappings())


async def get(db: Connection, id: int) -> List | None:  # noqa: A002 - the column's name
    """The list with this number, used or not."""
    return await _one(db, policy_lists.c.id == id)


async def named(db: Connection, target: str) -> List | None:
    """The list with this room id or address, used or not."""
    return await _one(db, or_(policy_lists.c.address == target, policy_lists.c.room == target))


async def by_room(db: Connection, room: str) -> List | None:
    """The list that is watched, or published in, in this room, or None."""
    found = await _one(db, policy_lists.c.room == room)
    return found if found and (found.stance or found.publishes) else None


async def _one(db: Connection, which: Any) -> List | None:
    row = (await db.execute(select(policy_lists).where(which).order_by(policy_lists.c.id).limit(1))).mappings().first()
    return List(**row) if row else None


async def add(db: Connection, address: str, via: Iterable[str], cause: int, **columns: Any) -> List:
    """A new list. The caller has looked that there is none with this address."""
    values = {"address": address, "via": " ".join(via), "cause": cause, **columns}
    row = (await db.execute(insert(policy_lists).values(values).returning(policy_lists))).mappings().one()
    return List(**row)


async def change(db: Connection, id: int, **columns: Any) -> None:  # noqa: A002 - the column's name
    """Write these columns of a list anew."""
    await db.execute(update(policy_lists).where(policy_lists.c.id == id).values(**columns))


async def waiting(db: Connection, now_ms: int) -> tuple[List, ...]:
    """The lists that are to be entered or read by now (UTC ms)."""
    query = select(policy_lists).where(policy_lists.c.next_ms <= now_ms).order_by(policy_lists.c.next_ms)
    return tuple(List(**row) for row in (await db.execute(query)).mappings())


# --- rules ---------------------------------------------------------------------------------------------------------------------------


async def _next(db: Connection) -> int:
    """The number of the change that is being made. Whoever asks keeps others waiting until it is committed."""
    number = cursors.c.token
    first = insert_into(db, cursors).values({"name": _COUNTER, "token": "0"}).on_conflict_do_nothing()
    await db.execute(first)
    raised = cast(cast(number, policy_rules.c.seq.type) + 1, number.type)
    statement = update(cursors).where(cursors.c.name == _COUNTER).values(token=raised).returning(number)
    return int((await db.execute(statement)).scalar_one())


async def hear(db: Connection, list_id: int, told: Sequence[Told]) -> int:
    """Write down what a list says; returns how many rules came or went. What says the same as before, for another reason perhaps, stays what it was."""
    keys = {(each.type, each.state_key): each for each in told}
    known = await _stored(db, list_id, keys)
    gone: list[int] = []
    new: list[Told] = []
    for key, each in keys.items():
        before = known.get(key)
        if before and each.rule and _same(before[0].rule, each.rule):
            if before[1] != each.event:
                values = {"event": each.event, "reason": each.rule.reason}
                await db.execute(update(policy_rules).where(policy_rules.c.id == before[0].id).values(values))
            continue
        if before:
            gone.append(before[0].id)
        if each.rule:
            new.append(each)
    if gone or new:
        seq = await _next(db)
        await _set(db, gone, seq, GONE)
        rows = [
            {
                "list": list_id, "type": each.type, "state_key": each.state_key, "event": each.event,
                "entity": each.rule.entity, "target": each.rule.target, "hash": each.rule.hash,
                "takedown": each.rule.takedown, "reason": each.rule.reason, "state": NEW, "seq": seq,
            }
            for each in new if each.rule
        ]  # fmt: skip
        if rows:
            await db.execute(insert(policy_rules), rows)
    return len(gone) + len(new)


def _same(one: Rule, other: Rule) -> bool:
    return (one.entity, one.target, one.hash, one.takedown) == (
        other.entity,
        other.target,
        other.hash,
        other.takedown,
    )


async def _stored(
    db: Connection, list_id: int, keys: Collection[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[Known, str]]:
    found = {}
    names, types = sorted({key for _, key in keys}), sorted({kind for kind, _ in keys})
    # Written out, so that SQLite sees that the index of living rules will do.
    living = policy_rules.c.state != literal_column("'gone'")
    query = select(policy_rules).where(policy_rules.c.list == list_id, living, policy_rules.c.type.in_(types))
    for at in range(0, len(names), _AT_ONCE):
        for row in await db.execute(query.where(policy_rules.c.state_key.in_(names[at : at + _AT_ONCE]))):
            found[row.type, row.state_key] = (_known(row), row.event)
    return found


async def keys_since(db: Connection, list_id: int, seq: int) -> frozenset[tuple[str, str]]:
    """The type and state key of every rule of a list that came, went or became something else after that change."""
    query = select(policy_rules.c.type, policy_rules.c.state_key)
    rows = await db.execute(query.where(policy_rules.c.list == list_id, policy_rules.c.seq > seq))
    return frozenset((row.type, row.state_key) for row in rows)


async def live_after(db: Connection, list_id: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """The rules of a list that are not gone, with numbers above `after`, in their order, at most so many."""
    query = select(policy_rules).where(policy_rules.c.list == list_id, policy_rules.c.state != GONE)
    return (await db.execute(query.where(policy_rules.c.id > after).order_by(policy_rules.c.id).limit(limit))).all()


async def new_after(db: Connection, list_id: int, after: int, limit: int) -> tuple[Known, ...]:
    """The same, of those that nobody has judged yet."""
    query = select(policy_rules).where(policy_rules.c.list == list_id, policy_rules.c.state == NEW)
    rows = await db.execute(query.where(policy_rules.c.id > after).order_by(policy_rules.c.id).limit(limit))
    return tuple(_known(row) for row in rows)


async def by_event(db: Connection, list_id: int, event: str) -> Told | None:
    """The rule that this event of the list told, as one that is gone; None when no such rule stands."""
    query = select(policy_rules).where(policy_rules.c.event == event, policy_rules.c.list == list_id)
    row = (await db.execute(query.where(policy_rules.c.state != GONE))).first()
    return Told(row.type, row.state_key, event, None) if row else None


async def of_list(db: Connection, list_id: int, *states: str) -> tuple[Known, ...]:
    """The rules of a list in these states, oldest first."""
    query = select(policy_rules).where(policy_rules.c.list == list_id, policy_rules.c.state.in_(states))
    return tuple(_known(row) for row in await db.execute(query.order_by(policy_rules.c.id)))


async def of_batch(db: Connection, held: int) -> tuple[Known, ...]:
    """The rules that were put before staff together, whatever became of them."""
    query = select(policy_rules).where(policy_rules.c.held == held).order_by(policy_rules.c.id)
    return tuple(_known(row) for row in await db.execute(query))


async def rules(db: Connection, ids: Collection[int]) -> tuple[Known, ...]:
    """The rules with these numbers, oldest first."""
    found: list[Known] = []
    wanted = sorted(ids)
    for at in range(0, len(wanted), _AT_ONCE):
        query = (
            select(policy_rules).where(policy_rules.c.id.in_(wanted[at : at + _AT_ONCE])).order_by(policy_rules.c.id)
        )
        found += [_known(row) for row in await db.execute(query)]
    return tuple(found)


async def become(db: Connection, ids: Collection[int], state: str, held: int | None = None) -> None:
    """From now on these rules are in that state; `held` is the ledger row under which they are put before staff."""
    if ids:
        await _set(db, sorted(ids), await _next(db), state, **({} if held is None else {"held": held}))


async def become_all(db: Connection, list_id: int, states: Collection[str], state: str) -> None:
    """From now on all rules of a list that are in these states are in that one."""
    which = (policy_rules.c.list == list_id, policy_rules.c.state.in_(states))
    await db.execute(update(policy_rules).where(*which).values(state=state, seq=await _next(db)))


async def _set(db: Connection, ids: Sequence[int], seq: int, state: str, **more: Any) -> None:
    for at in range(0, len(ids), _AT_ONCE):
        which = policy_rules.c.id.in_(ids[at : at + _AT_ONCE])
        await db.execute(update(policy_rules).where(which).values(state=state, seq=seq, **more))


async def changed_since(db: Connection, seq: int) -> Sequence[Row[Any]]:
    """The rules that changed after that change, in no order. They are few where somebody keeps up: it is a look at an index."""
    return (await db.execute(select(policy_rules).where(policy_rules.c.seq > seq))).all()


async def page_since(db: Connection, seq: int, after: int, limit: int) -> Sequence[Row[Any]]:
    """The same page by page: those with numbers above `after`, in their order, at most so many."""
    query = select(policy_rules).where(policy_rules.c.seq > seq, policy_rules.c.id > after)
    return (await db.execute(query.order_by(policy_rules.c.id).limit(limit))).all()


async def newest(db: Connection) -> int:
    """The number of the last change."""
    return int(await db.scalar(select(cursors.c.token).where(cursors.c.name == _COUNTER)) or 0)


async def counted(db: Connection, list_id: int) -> Mapping[tuple[str, str], int]:
    """How many rules of a list are in which state and about what (user, server or room)."""
    query = select(policy_rules.c.state, policy_rules.c.entity, func.count().label("number"))
    query = query.where(policy_rules.c.list == list_id).group_by(policy_rules.c.state, policy_rules.c.entity)
    return {(row.state, row.entity): row.number for row in await db.execute(query)}


# --- what is followed ----------------------------------------------------------------------------------------------------------------


async def servers(db: Connection) -> tuple[str, ...]:
    """The servers that followed rules shut out, as names or globs, oldest first. Behind a hash nobody knows a server until somebody comes from it."""
    query = select(policy_rules.c.target).where(policy_rules.c.state == ON, policy_rules.c.entity == "server")
    return tuple(dict.fromkeys(await db.scalars(query.where(policy_rules.c.target != "").order_by(policy_rules.c.id))))


async def is_meant(db: Connection, user: str) -> bool:
    """Whether a followed rule means this person. For a door that is knocked at now and then: all globs are looked at, one by one."""
    server = server_of(user)
    names = {user, server, server.lower(), host_of(server)}
    globs = or_(policy_rules.c.target.contains("*"), policy_rules.c.target.contains("?"))
    exact = or_(policy_rules.c.target.in_(names), policy_rules.c.hash.in_([hashed(name) for name in names]))
    query = select(policy_rules).where(policy_rules.c.state == ON, or_(exact, globs))
    return any(means(_known(row).rule, user) for row in await db.execute(query))


async def followed(db: Connection) -> frozenset[int]:
    """The rules that have become a sanction which stands, by their numbers."""
    which = (sanctions.c.rule != 0, sanctions.c.lifted_by.is_(None))
    return frozenset(await db.scalars(select(sanctions.c.rule).where(*which)))


async def unfounded(db: Connection) -> tuple[int, ...]:
    """The sanctions that stand although the rule that asked for them is not followed any more."""
    still = exists().where(policy_rules.c.id == sanctions.c.rule, policy_rules.c.state == literal_column("'on'"))
    which = (sanctions.c.rule != 0, sanctions.c.lifted_by.is_(None), ~still)
    return tuple(await db.scalars(select(sanctions.c.id).where(*which).order_by(sanctions.c.id)))


async def people_banned(db: Connection, list_id: int) -> int:
    """How many people are banned from a room of ours because of a list."""
    query = select(func.count(bans.c.user.distinct())).join(sanctions, sanctions.c.id == bans.c.sanction)
    query = query.join(policy_rules, policy_rules.c.id == sanctions.c.rule)
    return (await db.scalar(query.where(policy_rules.c.list == list_id, sanctions.c.lifted_by.is_(None)))) or 0


async def prune(db: Connection) -> None:
    """Forget rules that are gone and of which no decision tells. The newest change is kept, so that its number is not given twice."""
    told = exists().where(sanctions.c.rule == policy_rules.c.id)
    await db.execute(delete(policy_rules).where(policy_rules.c.state == GONE, policy_rules.c.held.is_(None), ~told))


# --- what is published ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """A ban of ours in a list of ours: which sanction, which list, and the type and key of its state event."""

    sanction: int
    list: int
    type: str
    state_key: str


async def standing_in_lists(db: Connection) -> tuple[Standing, ...]:
    """What was published and not taken back."""
    rows = await db.execute(select(published).order_by(published.c.list, published.c.sanction))
    return tuple(Standing(row.sanction, row.list, row.type, row.state_key) for row in rows)


async def publish(db: Connection, row: Standing) -> None:
    """It stands there from now on."""
    values = {"sanction": row.sanction, "list": row.list, "type": row.type, "state_key": row.state_key}
    await db.execute(insert_into(db, published).values(values).on_conflict_do_nothing())


async def withdraw(db: Connection, row: Standing) -> None:
    """It does not stand there any more."""
    which: tuple[ColumnElement[bool], ...] = (published.c.sanction == row.sanction, published.c.list == row.list)
    await db.execute(delete(published).where(*which))
