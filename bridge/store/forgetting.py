"""All that is known of a person, table by table: what is erased when they ask for that, and what stays and why. Never decides when, and never acts.

A message stays known as one that is there and says nothing: its author is replaced by a number that means nobody. Else the threads of others would fall
apart.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, delete, func, insert, literal, or_, select, true, update
from sqlalchemy import Text as AnyText

from bridge.store.db import Connection
from bridge.store.tables import (
    announcements,
    code_uses,
    community_names,
    confirmations,
    copies,
    copy_edits,
    digest_items,
    digests,
    due,
    early,
    failures,
    follows,
    forgettings,
    greetings,
    memberships,
    mentions,
    moves,
    offers,
    onboarding,
    outbox,
    people,
    post_tags,
    posts,
    prompts,
    reactions,
    reads,
    repeats,
    reports,
    rooms,
    share_requests,
    shares,
    split_answers,
    versions,
)

KEPT: Mapping[str, str] = {
    "ledger": "what was decided about whom, by whom and why; and that they asked to be forgotten",
    "sanctions": "a ban that stands is none of theirs to end; and that one of many does not mean them",
    "bans": "in which rooms a ban stands",
    "policy_lists": "which lists are watched; nobody's id but in their addresses",
    "policy_rules": "what other communities say of somebody in public lists that staff watches",
    "published": "that a ban which stands is written in our own list",
    "cases": "what staff decides, and has decided",
    "apart": "keeps two people apart, whatever one of them wishes",
    "named": "which role the configuration gives somebody",
    "settings": "which role somebody was given by staff",
    "terms": "until when a membership lasts: else it could be prolonged by being forgotten",
    "mutes": "in which rooms somebody may only read for now",
    "sweeps": "whose messages a moderator has redacted",
    "silences": "goes with the membership",
    "payers": "whose payment it is, as long as payments are kept",
    "notices": "payments, as they were told of",
    "belongs": "which circle is whose goes with the membership",
    "codes": "who made a code can take it back; it ends by itself",
    "tries": "wrong codes within an hour: else they could be tried without end",
    "strangers": "a chat that is left after a day",
    "forgettings": "removed by the last step itself",
}
"""Tables in which their id may still stand afterwards, and why."""

NOBODY: frozenset[str] = frozenset(
    {
        "cursors", "claims", "post_tags", "uploads", "welcomes", "rooms", "struck", "copy_edits", "digest_items", "splits",
        "crowded", "echoes", "guards", "rehearsals", "summaries", "bundles", "versions", "histories",
        "awaiting_notice", "shut_out",
    }
)  # fmt: skip
"""Tables in which nobody's id ever stands."""

PARTLY: Mapping[str, str] = {
    "people": "the direct room, without which nobody could answer them",
    "memberships": "in which rooms they are now; a ban",
    "onboarding": "that they are to accept the rules before they share anything",
    "moves": "that they are on their way into a circle",
    "outbox": "that they were let in or out, until that is forgotten as all that is done",
    "follows": "that somebody else does not want to hear of them",
    "due": "when a membership or a role ends",
}
"""Tables from which `erase` takes what is theirs but for this."""

ERASED: frozenset[str] = frozenset(
    {
        "failures", "posts", "early", "community_names", "greetings", "prompts", "code_uses", "shares", "share_requests",
        "copies", "announcements", "mentions", "offers", "reactions", "reads", "repeats", "reports", "digests", "confirmations", "split_answers",
    }
)  # fmt: skip
"""Tables from which `erase` takes all that is theirs."""

_KEPT_DUE = ("term", "assign", "substitute")
"""Kinds of occasions that go with the membership and the role."""

_MODERATION = (
    "Ban",
    "Unban",
    "Kick",
    "Expel",
    "Invite",
    "SetVoice",
    "Mute",
    "SetRank",
    "SetLock",
    "SetState",
    "Join",
    "KeepName",
)
"""Wishes about their place in our rooms; they are forgotten in time, as all that is done."""

_SPREADS = ("Copy", "EditCopy", "WithdrawCopy", "Unsay", "Redact")
_CORRECTED_FOR_MS = 14 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """One person on their way to be forgotten; as in the table. `places` is how many copies stood in which room."""

    user: str
    room: str
    messages: bool
    stage: str
    until_seq: int
    done_seq: int
    places: Mapping[str, int]
    language: str
    cause: int


@dataclass(frozen=True, slots=True)
class Known:
    """How much is known of somebody: copies that can be seen, threads that are shared, messages in our rooms, follows, followers, digests."""

    copies: int
    threads: int
    messages: int
    follows: int
    followers: int
    digests: int


# --- on the way ----------------------------------------------------------------------------------------------------------------------


async def known(db: Connection, user: str) -> Known:
    """How much that would be now."""
    counted = [
        select(func.count()).select_from(copies).where(copies.c.author == user, copies.c.copy.is_not(None)),
        select(func.count()).select_from(shares).where(shares.c.author == user, shares.c.live),
        select(func.count()).select_from(posts).where(posts.c.author == user, posts.c.redacted.is_(False)),
        select(func.count()).select_from(follows).where(follows.c.user == user),
        select(func.count()).select_from(follows).where(_follows_them(user)),
        select(func.count()).select_from(digests).where(digests.c.user == user),
    ]
    return Known(*[int(await db.scalar(query) or 0) for query in counted])


async def begin(db: Connection, user: str, room: str, *, messages: bool, language: str, cause: int) -> None:
    """Write down that somebody is to be forgotten."""
    standing = (
        select(copies.c.room, func.count().label("number"))
        .where(copies.c.author == user, copies.c.copy.is_not(None))
        .group_by(copies.c.room)
    )
    places = {row.room: row.number for row in await db.execute(standing)}
    newest = await db.scalar(select(func.coalesce(func.max(posts.c.seq), 0)))
    row = {
        "user": user, "room": room, "messages": messages, "stage": "copies", "until_seq": newest, "done_seq": 0,
        "places": json.dumps(places, sort_keys=True), "language": language, "cause": cause,
    }  # fmt: skip
    await db.execute(insert(forgettings).values(row))


async def open_ones(db: Connection) -> tuple[Forgetting, ...]:
    """Everybody on their way, oldest first."""
    rows = (await db.execute(select(forgettings).order_by(forgettings.c.cause))).mappings()
    return tuple(Forgetting(**{**row, "places": json.loads(row["places"])}) for row in rows)


async def move_on(db: Connection, user: str, stage: str, done_seq: int | None = None) -> None:
    """The next stage, or the next page of the same one."""
    values = {"stage": stage} if done_seq is None else {"stage": stage, "done_seq": done_seq}
    await db.execute(update(forgettings).where(forgettings.c.user == user).values(**values))


async def under_way(db: Connection, user: str) -> bool:
    """Whether anything may still come of copies of what somebody wrote: made, edited, taken back, emptied."""
    sources = set(await db.scalars(select(copies.c.source).where(copies.c.author == user)))
    waiting = select(outbox.c.key, outbox.c.payload).where(outbox.c.state == "due", outbox.c.kind.in_(_SPREADS))
    for row in await db.execute(waiting):
        held = json.loads(row.payload or "{}")
        if held.get("source") in sources or (row.key.startswith("share/") and sources & set(row.key.split("/"))):
            return True
    return False


async def still_standing(db: Connection, user: str) -> int:
    """How many copies of what they wrote can still be seen."""
    query = select(func.count()).select_from(copies).where(copies.c.author == user, copies.c.copy.is_not(None))
    return int(await db.scalar(query) or 0)


async def page(db: Connection, one: Forgetting, limit: int) -> tuple[tuple[int, str, str, bool], ...]:
    """Their next messages that are not empty: (seq, event, room, whether there was an edit), in the order in which we heard of them."""
    query = (
        select(posts.c.seq, posts.c.event, posts.c.room, posts.c.edited)
        .where(posts.c.author == one.user, posts.c.seq > one.done_seq, posts.c.seq <= one.until_seq)
        .where(posts.c.redacted.is_(False))
        .order_by(posts.c.seq)
        .limit(limit)
    )
    return tuple((row.seq, row.event, row.room, row.edited is not None) for row in await db.execute(query))


async def emptied(db: Connection, cause: int) -> dict[str, tuple[int, int]]:
    """By room: how many messages were emptied because of this ledger row, and how many could not be."""
    query = (
        select(outbox.c.lane, outbox.c.state, func.count().label("number"))
        .where(outbox.c.intent == cause, outbox.c.kind == "Redact", outbox.c.key.like("%/message"))
        .group_by(outbox.c.lane, outbox.c.state)
    )
    found: dict[str, tuple[int, int]] = {}
    for row in await db.execute(query):
        room = row.lane.partition(":")[2]
        done, dead = found.get(room, (0, 0))
        found[room] = (done, dead + row.number) if row.state == "dead" else (done + row.number, dead)
    return found


async def quoted_in(db: Connection, user: str, now_ms: int) -> tuple[tuple[str, str], ...]:
    """The delivered digests of others that hold a message of theirs, itself or as a copy: (digest, whose)."""
    theirs = select(posts.c.event).where(posts.c.author == user)
    carried = select(copies.c.copy).where(copies.c.author == user, copies.c.copy.is_not(None))
    query = (
        select(digests.c.id, digests.c.user)
        .join(digest_items, digest_items.c.digest == digests.c.id)
        .where(or_(digest_items.c.event.in_(theirs), digest_items.c.event.in_(carried)))
        .where(digests.c.user != user, digests.c.made_ms >= now_ms - _CORRECTED_FOR_MS)
        .distinct()
        .order_by(digests.c.id)
    )
    return tuple((row.id, row.user) for row in await db.execute(query))


# --- the end -------------------------------------------------------------------------------------------------------------------------


async def erase(db: Connection, user: str) -> dict[str, int]:
    """Erase what is known of somebody, in all tables but the outbox (`take_wishes`) at once; how much that was, by table.

    They can go on as a member: where they are now, and the direct room in which they are answered, is known as before.
    """
    done: dict[str, int] = {}

    async def gone(table: Table, *where: ColumnElement[bool]) -> None:
        done[table.name] = (await db.execute(delete(table).where(*where))).rowcount

    theirs = select(posts.c.event).where(posts.c.author == user)
    carried = select(copies.c.source).where(copies.c.author == user)
    await gone(copy_edits, copy_edits.c.source.in_(carried))
    await gone(copies, copies.c.author == user)
    await gone(shares, shares.c.author == user)
    await gone(announcements, announcements.c.author == user)
    await gone(post_tags, post_tags.c.event.in_(theirs))
    await gone(versions, versions.c.target.in_(theirs))
    await gone(mentions, or_(mentions.c.user == user, mentions.c.event.in_(theirs)))
    nobody = literal("nobody/", AnyText()) + posts.c.seq.cast(AnyText())
    author = (
        update(posts).where(posts.c.author == user).values(author=nobody, redacted=true(), edited=None, edited_ms=None)
    )
    done["posts"] = (await db.execute(author)).rowcount
    await gone(early, early.c.sender == user)
    await gone(share_requests, share_requests.c.author == user)
    await gone(offers, or_(offers.c.author == user, offers.c.asked_by == user))
    asked = update(share_requests).where(share_requests.c.asked_by == user)
    await db.execute(asked.values(asked_by=share_requests.c.author))
    await gone(follows, or_(follows.c.user == user, _follows_them(user)))
    await gone(digest_items, digest_items.c.digest.in_(select(digests.c.id).where(digests.c.user == user)))
    await gone(digests, digests.c.user == user)
    for table in (community_names, greetings, prompts, code_uses, split_answers, reactions, reads, repeats, reports):
        await gone(table, table.c.user == user)
    await gone(moves, moves.c.user == user, moves.c.ended_ms.is_not(None))
    asked_about = confirmations.c.args.contains(user, autoescape=True)
    args = await db.execute(select(confirmations.c.id, confirmations.c.args).where(asked_about))
    about = [row.id for row in args if _mentions(row.args, user)]
    await gone(confirmations, or_(confirmations.c.actor == user, confirmations.c.id.in_(about)))
    await _forget_choices(db, user)
    await _forget_places(db, user, done)
    for subject, kind in (await db.execute(select(due.c.subject, due.c.kind))).all():
        if kind not in _KEPT_DUE and _mentions(subject, user):
            await db.execute(delete(due).where(due.c.subject == subject, due.c.kind == kind))
    failed = (await db.execute(select(failures.c.id, failures.c.outbox_key))).all()
    mine = [row.id for row in failed if row.outbox_key and _mentions(row.outbox_key, user)]
    await gone(failures, failures.c.id.in_(mine))
    await gone(forgettings, forgettings.c.user == user)
    return done


def _follows_them(user: str) -> ColumnElement[bool]:
    person = follows.c.kind.in_(("person", "person_tag"))
    return and_(person, follows.c.target == user, follows.c.wish == "follow")


async def _forget_choices(db: Connection, user: str) -> None:
    """Only the direct room stays: without it nobody could answer them. Who was asked to accept the rules is asked again before they share anything."""
    kept = (await db.execute(select(people).where(people.c.user == user))).mappings().one_or_none()
    await db.execute(delete(people).where(people.c.user == user))
    if kept is not None and kept["direct_room"] is not None:
        stays = {name: kept[name] for name in ("user", "direct_room", "direct_encrypted")}
        await db.execute(insert(people).values(stays))
    nothing = {"state": "done", "step": "follows", "began_ms": 0, "offer": None, "rules_asked": None}
    again = update(onboarding).where(onboarding.c.user == user)
    await db.execute(again.values(**nothing, rules_accepted=None, accepted_ms=None))


async def _forget_places(db: Connection, user: str, done: dict[str, int]) -> None:
    """Where they were earlier is forgotten; where they are now is the room's own state, and a ban stays one.

    Who is on their way out of the rooms, because they left the space, is known until they are.
    """
    current = and_(memberships.c.user == user, memberships.c.until_ms.is_(None))
    here = {
        row.kind: row.membership
        for row in await db.execute(
            select(rooms.c.kind, memberships.c.membership)
            .join(rooms, rooms.c.room == memberships.c.room)
            .where(current)
        )
    }
    inside = {"join", "invite", "knock"} & set(here.values())
    if inside and here.get("space") != "join":
        return
    gone = [delete(memberships).where(memberships.c.user == user, memberships.c.until_ms.is_not(None))]
    if not inside:
        gone.append(delete(memberships).where(current, memberships.c.membership != "ban"))
    done["memberships"] = 0
    for statement in gone:
        done["memberships"] += (await db.execute(statement)).rowcount


async def take_wishes(db: Connection, user: str) -> bool:
    """Take what speaks to or of somebody out of the outbox, also what is done; True when some of it is being sent, and nothing can be taken yet."""
    # What is still to be said to others stays theirs to hear, and is erased once it is said.
    about = or_(outbox.c.key.contains(user, autoescape=True), outbox.c.payload.contains(user, autoescape=True))
    query = select(outbox.c.id, outbox.c.key, outbox.c.payload, outbox.c.state, outbox.c.first_tried_ms).where(
        about, outbox.c.kind.not_in(_MODERATION), or_(outbox.c.state != "due", outbox.c.kind != "Say")
    )
    found = [row for row in await db.execute(query) if _mentions(row.key, user) or _mentions(row.payload or "", user)]
    if any(row.state == "due" and row.first_tried_ms is not None for row in found):
        return True
    for at in range(0, len(found), 500):
        await db.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in found[at : at + 500]])))
    return False


def _mentions(text: str, user: str) -> bool:
    """Whether this id stands there, and not only one that begins or ends with it."""
    return re.search(rf"(?<![\w.=+-]){re.escape(user)}(?![\w.:-])", text) is not None


def decided() -> Collection[str]:
    """The tables of which it is said here what becomes of somebody's id in them."""
    return {*KEPT, *PARTLY, *NOBODY, *ERASED}
