"""That something was said, where, by whom and with which tags; never what was said, and never anything of a room that is not ours.

Edits and redactions may come before what they are about. They wait, and the end is the same in whatever order things arrive.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from bridge.events import AnyEvent, Edited, MemberChanged, Message, Reacted, Redacted
from bridge.store import attention, versions
from bridge.store.db import Connection
from bridge.store.rooms import Room, room_of
from bridge.store.tables import (
    Text,
    cases,
    copies,
    digest_items,
    digests,
    early,
    greetings,
    ledger,
    memberships,
    moves,
    people,
    post_tags,
    posts,
    rooms,
    sanctions,
    shares,
    shut_out,
    terms,
)
from bridge.store.upsert import insert_for, insert_into


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message of a room of ours. `seq` is the order in which we heard of it, `seen_ms` when; `at_ms` its sender's word, never above that.

    `thread` is the root's event id, None in the main timeline; `edited` the newest edit of its author; `tags` those of the newest text, folded.
    """

    seq: int
    event: str
    room: str
    author: str
    at_ms: int
    seen_ms: int
    thread: str | None
    reply_to: str | None
    edited: str | None
    edited_ms: int | None
    redacted: bool
    tags: frozenset[str]
    automatic: bool = False
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What we learn of an event while we write it down, so that nobody has to ask again.

    `news`: False for a membership in a room of ours that was known. `ours`: it is a message that is new, in a room of ours. `ordinary`: and nothing
    that we know of hangs on it: it has no tag and answers nothing, nothing came before it that is about it, and nobody new waits there for a word. Or
    somebody went, or was banned, in a room of ours other than the space, and nothing hangs on that: nothing of theirs stands elsewhere or in their digests, they are
    on no way into a circle, nobody decides about them, their membership has no end, and the room is nobody's direct one.
    `slowed`: it is a message that is new, and somebody somewhere has to write slowly, or a server's ban has ended
    lately. `liked`: the message on which a reaction came or went by it. `here`: the room of ours in which a membership changed, or is said again.
    """

    news: bool = True
    ours: bool = False
    ordinary: bool = False
    slowed: bool = False
    liked: str | None = None
    here: Room | None = None


async def remember(db: Connection, event: AnyEvent, tags: frozenset[str], now_ms: int) -> Heard:
    """Write down what this event says about messages and memberships, if it is of a room of ours. `tags` are those of its text, folded.

    Remembering a message twice is remembering it once.
    """
    if isinstance(event, Message):
        return await _message(db, event, tags, now_ms)
    if isinstance(event, Edited):
        await _edit(db, event, tags, now_ms)
    elif isinstance(event, Redacted):
        return Heard(liked=await _redaction(db, event, now_ms))
    elif isinstance(event, Reacted):
        return Heard(liked=event.target if await attention.react(db, event) else None)
    elif isinstance(event, MemberChanged):
        return await _membership(db, event, now_ms)
    return Heard()


async def post(db: Connection, event_id: str) -> Post | None:
    """What we know of a message, redacted ones included; None when it is not of a room of ours or we never heard of it."""
    row = (await db.execute(select(posts).where(posts.c.event == event_id))).mappings().one_or_none()
    if row is None:
        return None
    tags = await db.scalars(select(post_tags.c.tag).where(post_tags.c.event == event_id))
    return Post(**row, tags=frozenset(tags))


async def prune_early(db: Connection, before_ms: int) -> int:
    """Forget edits and redactions whose target has not come since then (UTC ms): most are about reactions. Returns how many."""
    return (await db.execute(delete(early).where(early.c.seen_ms < before_ms))).rowcount


_GONE = ("leave", "ban")
_LATELY_MS = 7 * 24 * 60 * 60 * 1000
POST = ("event", "room", "author", "at_ms", "seen_ms", "thread", "reply_to", "automatic", "copied")
_PROGRAM = "m.notice"
"""What programs say is of this kind (client-server API, "m.notice"): it answers nobody."""


def _ours(room: str) -> ColumnElement[bool]:
    return exists().where(rooms.c.room == room)


async def _message(db: Connection, event: Message, tags: frozenset[str], now_ms: int) -> Heard:
    row = {
        "event": event.id, "room": event.room, "author": event.sender, "at_ms": min(event.at_ms, now_ms),
        "seen_ms": now_ms, "thread": event.thread, "reply_to": event.reply_to,
        "automatic": event.content.msgtype == _PROGRAM, "copied": event.marked,
    }  # fmt: skip
    written = (await db.execute(_insert_post(db.dialect.name), row)).one_or_none()
    if written is None:
        return Heard()
    await versions.add_tags(db, event.id, tags)
    await attention.mention(db, event.id, event.content.mentions)
    if written.waiting:
        await _what_came_early(db, event)
    alone = not tags and event.thread is None and event.reply_to is None
    return Heard(ours=True, ordinary=alone and not (written.waiting or written.concerned), slowed=written.slowed)


@cache
def _insert_post(dialect: str) -> Executable:
    """A post of a room of ours that is not there yet; gives whether anything has been waiting for it, and whether anything else we know is about it."""
    given = [bindparam(name, type_=posts.c[name].type) for name in POST]
    event, room = bindparam("event", type_=Text), bindparam("room", type_=Text)
    values = select(*given).where(exists().where(rooms.c.room == room))
    answers, here = posts.alias("answers"), rooms.alias("here")
    unmet = select(greetings.c.user).join(here, here.c.key == greetings.c.circle)
    waiting = exists().where(early.c.target == event)
    concerned = or_(
        exists().where(answers.c.thread == event),
        exists().where(answers.c.reply_to == event),
        exists().where(shares.c.root == event),
        unmet.where(here.c.room == room, greetings.c.greeted_ms.is_(None)).exists(),
    )
    statement = insert_for(dialect, posts).from_select(POST, values).on_conflict_do_nothing()
    slow = exists().where(sanctions.c.kind == "slow", sanctions.c.lifted_by.is_(None))
    lately = bindparam("seen_ms", type_=posts.c.seen_ms.type) - _LATELY_MS
    # A column has no table before it here: what two tables have needs a query of its own.
    lifted = select(ledger.c.id).where(ledger.c.at_ms > lately)
    ended = exists().where(sanctions.c.kind == "ban", sanctions.c.entity == "server", sanctions.c.lifted_by.in_(lifted))
    let_in = exists().where(shut_out.c.to_ms > lately)
    slowed = or_(slow, ended, let_in)
    return statement.returning(waiting.label("waiting"), concerned.label("concerned"), slowed.label("slowed"))


async def _what_came_early(db: Connection, event: Message) -> None:
    taken = delete(early).where(early.c.target == event.id).returning(*early.columns)
    came = [row for row in await db.execute(taken) if row.room == event.room]
    edits = [row for row in came if row.kind == "edit" and row.sender == event.sender]
    for edit in edits:
        await versions.add(db, event.id, edit.event, edit.at_ms, json.loads(edit.tags))
    if any(row.kind == "redaction" for row in came):
        await _empty(db, event.id, event.room)


async def _edit(db: Connection, event: Edited, tags: frozenset[str], now_ms: int) -> None:
    known = select(posts.c.author, posts.c.room, posts.c.redacted).where(posts.c.event == event.target)
    target = (await db.execute(known)).one_or_none()
    if target is None:
        await _wait_for_target(db, event, "edit", tags, now_ms)
    elif (target.author, target.room) == (event.sender, event.room) and not target.redacted:
        await versions.add(db, event.target, event.id, event.at_ms, tags)
        if await db.scalar(select(posts.c.edited).where(posts.c.event == event.target)) == event.id:
            await attention.mention(db, event.target, event.content.mentions, again=True)


async def _redaction(db: Connection, event: Redacted, now_ms: int) -> str | None:
    """The message on which this took back a reaction, if that is what it did."""
    if await versions.redact(db, event.target, event.room) or await _empty(db, event.target, event.room):
        return None
    liked = await attention.unreact(db, event.target, event.room)
    if liked is None:
        await _wait_for_target(db, event, "redaction", (), now_ms)
    return liked


async def _empty(db: Connection, target: str, room: str) -> bool:
    statement = update(posts).where(posts.c.event == target, posts.c.room == room).values(redacted=true())
    found = (await db.execute(statement.returning(posts.c.seq))).one_or_none()
    if found:
        await versions.forget(db, target)
        await versions.replace_tags(db, target, ())
        await attention.forget(db, target)
    return found is not None


async def _wait_for_target(
    db: Connection, event: Edited | Redacted, kind: str, tags: Iterable[str], now_ms: int
) -> None:
    row = {
        "target": event.target, "event": event.id, "kind": kind, "sender": event.sender, "room": event.room,
        "at_ms": event.at_ms, "tags": json.dumps(sorted(tags), ensure_ascii=False), "seen_ms": now_ms,
    }  # fmt: skip
    values = select(*(literal(value, early.c[name].type) for name, value in row.items())).where(_ours(event.room))
    await db.execute(insert_into(db, early).from_select(list(row), values).on_conflict_do_nothing())


async def know_members(db: Connection, room: str, seen: Sequence[MemberChanged], now_ms: int) -> int:
    """Write down who is what in a room of ours, all at once, as the room itself shows it; how many of these are news. Five statements, however many people.

    `seen` has each person once. A room that is not ours stays unknown.
    """
    if not await db.scalar(select(_ours(room))):
        return 0
    current = select(memberships.c.id, memberships.c.user, memberships.c.membership, memberships.c.since_ms)
    rows = await db.execute(current.where(memberships.c.room == room, memberships.c.until_ms.is_(None)))
    known = {row.user: row for row in rows}
    news = [each for each in seen if each.user not in known or known[each.user].membership != each.membership]
    newest: int = (await db.execute(select(func.coalesce(func.max(posts.c.seq), 0)))).scalar_one()
    ends, begins = [], []
    for each in news:
        since_ms = min(each.at_ms, now_ms)
        if row := known.get(each.user):
            since_ms = max(since_ms, row.since_ms)
            ends.append({"row": row.id, "ended_ms": since_ms})
        begins.append({"room": room, "user": each.user, "membership": each.membership, "since_ms": since_ms, "since_seq": newest})  # fmt: skip
    if ends:
        ended = update(memberships).where(memberships.c.id == bindparam("row"))
        await db.execute(ended.values(until_ms=bindparam("ended_ms"), until_seq=newest), ends)
    if begins:
        await db.execute(insert(memberships), begins)
    return len(news)


async def _membership(db: Connection, event: MemberChanged, now_ms: int) -> Heard:
    place = {"here": event.room, "who": event.user}
    row = (await db.execute(_now_so(), place)).one_or_none()
    if row is None:
        return Heard()
    heard = Heard(here=room_of(row), ordinary=event.membership in _GONE and not row.concerned)
    if row.membership == event.membership:
        return replace(heard, news=False)
    since_ms = min(event.at_ms, now_ms)
    if event.membership in ("join", "invite"):
        # Not before what was said here last: a server that dates its people's coming back would let them read what only comes late.
        since_ms = max(since_ms, row.last_ms or since_ms)
    if row.id is not None:
        since_ms = max(since_ms, row.since_ms)
        await db.execute(_end_membership(), {"row": row.id, "at_ms": since_ms})
    await db.execute(_begin_membership(), {**place, "so": event.membership, "at_ms": since_ms})
    return heard


@cache
def _now_so() -> Executable:
    """What somebody is in a room of ours, if they were ever heard of there; and whether anything hangs on their staying or going."""
    here, who = bindparam("here", type_=Text), bindparam("who", type_=Text)
    now_so = and_(memberships.c.room == rooms.c.room, memberships.c.user == who, memberships.c.until_ms.is_(None))
    concerned = or_(
        rooms.c.key == "space",
        exists().where(people.c.direct_room == here),
        exists().where(shares.c.author == who, shares.c.live),
        exists().where(copies.c.author == who, or_(copies.c.live, copies.c.copy.is_not(None))),
        exists().where(moves.c.user == who, moves.c.ended_ms.is_(None)),
        exists().where(cases.c.subject == who, cases.c.state == "open"),
        exists().where(terms.c.user == who),
        exists().where(digests.c.user == who, digest_items.c.digest == digests.c.id, digest_items.c.room == here),
    )
    last = select(posts.c.at_ms).where(posts.c.room == here).order_by(posts.c.seq.desc()).limit(1).scalar_subquery()
    now = (memberships.c.id, memberships.c.membership, memberships.c.since_ms)
    query = select(rooms, *now, concerned.label("concerned"), last.label("last_ms"))
    return query.select_from(rooms.outerjoin(memberships, now_so)).where(rooms.c.room == here)


@cache
def _end_membership() -> Executable:
    ended = update(memberships).where(memberships.c.id == bindparam("row", type_=memberships.c.id.type))
    return ended.values(until_ms=bindparam("at_ms", type_=memberships.c.until_ms.type), until_seq=_newest_post())


@cache
def _begin_membership() -> Executable:
    given = {"room": "here", "user": "who", "membership": "so", "since_ms": "at_ms"}
    values: dict[str, Any] = {name: bindparam(value, type_=memberships.c[name].type) for name, value in given.items()}
    return insert(memberships).values(**values, since_seq=_newest_post())


def _newest_post() -> Any:
    return select(func.coalesce(func.max(posts.c.seq), 0)).scalar_subquery()
