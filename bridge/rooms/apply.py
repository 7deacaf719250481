"""Reads how our rooms are, and turns the steps of a plan into effects; never makes a change itself, that is the outbox's.

Everything here can be cut off at any point and done again: effects have natural keys, and a room that was made
but not written down is found by its address and known by its mark.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bridge.effects import CreateRoom, Effect, Invite, Join, Put, SetAlias, SetState, SetWelcome, Upload
from bridge.errors import Refused
from bridge.events import COPY_MARK, MemberChanged
from bridge.power import powers
from bridge.rooms.contents import create_key, create_request, mark
from bridge.rooms.districts import districted
from bridge.rooms.existing import existing
from bridge.rooms.model import (
    Actual,
    ActualRoom,
    Change,
    Create,
    Desired,
    DesiredRoom,
    EnterRoom,
    InvitePerson,
    Kind,
    PointAlias,
    Remember,
    SayWelcome,
    SetContent,
    UploadFile,
)
from bridge.rooms.plan import around, waits
from bridge.scene import Reader, Scene, Settler, State
from bridge.store import journal, people, rooms
from bridge.store.db import Connection

_AT_ONCE = 4
_UNREADABLE = (403, 404)


@dataclass(frozen=True, slots=True)
class Survey:
    """How things are: the rooms, and every membership in them as the homeserver has it."""

    actual: Actual
    members: tuple[MemberChanged, ...]


async def survey(read: Reader, rows: Sequence[rooms.Room], wanted: Desired, default_version: str) -> Survey:
    """Read all that a plan looks at. `rows` are our rooms as the database knows them; no transaction may be open meanwhile.

    `default_version` is what the homeserver makes when not told otherwise. Raises Unavailable; a room that we may not read is one that we are out of.
    """
    gate = asyncio.Semaphore(_AT_ONCE)
    members: list[MemberChanged] = []

    async def look(key: str, room: str) -> ActualRoom:
        async with gate:
            found, inside = await read_room(read, key, room, wanted.me)
        members.extend(inside)
        return found

    known = {row.key: row.room for row in rows}
    found = {room.key: room for room in await asyncio.gather(*(look(key, room) for key, room in known.items()))}
    aliases: dict[str, str] = {}
    old = await existing(read, wanted, found, look)
    lost: dict[str, ActualRoom] = dict(old.ready)
    for room in districted(wanted, Actual(found, default_version, lost=lost)).rooms:
        if room.key in found and found[room.key].content("m.room.canonical_alias").get("alias") == room.alias:
            continue
        leads_to = await read.resolve_alias(room.alias)
        if leads_to is None:
            continue
        if room.key not in found and room.key not in old.adoptions and await _is_ours(read, leads_to, room):
            lost[room.key] = await look(room.key, leads_to)
        else:
            aliases[room.alias] = leads_to
    actual = Actual(found, default_version, aliases, lost, adoptions=old.adoptions, strangers=old.strangers)
    return Survey(actual, tuple(sorted(members, key=lambda change: change.id)))


async def read_room(read: Reader, key: str, room: str, me: str) -> tuple[ActualRoom, list[MemberChanged]]:
    """How a room is, and every membership in it; a room that we may not read is one that we are out of. Raises Unavailable."""
    try:
        raw = await read.state(room)
    except Refused as error:
        if error.status not in _UNREADABLE:
            raise
        return ActualRoom(key, room, "", frozenset(), {}, here=False), []
    held = powers(raw)
    create = _content(raw, "m.room.create")
    changes = [_membership(event, room) for event in raw if event.get("type") == "m.room.member"]
    memberships = {change.user: change.membership for change in changes}
    rest = [event for event in raw if event.get("type") != "m.room.member"]
    found = ActualRoom(
        key=key,
        room=room,
        version=str(create.get("room_version", "1")),
        creators=held.creators,
        state={(event["type"], event["state_key"]): event.get("content") or {} for event in rest},
        events={(event["type"], event["state_key"]): event["event_id"] for event in rest},
        senders={(event["type"], event["state_key"]): event["sender"] for event in rest},
        members=memberships,
        here=memberships.get(me) == "join",
    )
    return found, changes


def _content(raw: Iterable[Mapping[str, Any]], kind: str) -> Mapping[str, Any]:
    return next((event.get("content") or {} for event in raw if event.get("type") == kind), {})


def _membership(event: Mapping[str, Any], room: str) -> MemberChanged:
    content = event.get("content") or {}
    return MemberChanged(
        id=event["event_id"],
        room=room,
        sender=event["sender"],
        at_ms=event["origin_server_ts"],
        user=event["state_key"],
        membership=str(content.get("membership", "leave")),
    )


async def _is_ours(read: Reader, room: str, wanted: DesiredRoom) -> bool:
    """Whether this is the room that we made for this purpose: its creation event carries our mark, and we can read it."""
    try:
        create = await read.state_content(room, "m.room.create")
    except Refused:
        return False
    return create is not None and create.get(COPY_MARK) == mark(wanted)


def puts(wanted: Desired, actual: Actual, changes: Iterable[Change]) -> tuple[Put, ...]:
    """The effects of those changes that can be made now: before the space exists, only the space can be made.

    Each key names the state event that it puts right, so that drift repaired twice is two rows, and a repeat the same one.
    """
    made = (_effect(wanted, actual, change) for change in changes)
    return tuple(Put(effect) for effect in made if effect)


def _effect(wanted: Desired, actual: Actual, change: Change) -> Effect | None:
    match change:
        case Create(room):
            if waits(wanted, actual, room):
                return None
            request = create_request(wanted, room, around(wanted, actual, room))
            return CreateRoom(key=create_key(room), room_key=room.key, alias=room.alias, request=request)
        case PointAlias(room=room_id, alias=alias):
            return SetAlias(key=f"alias/{room_id}/{alias}", room=room_id, alias=alias)
        case InvitePerson(room=room_id, user=user):
            return Invite(key=f"invite/{room_id}/{user}", room=room_id, user=user)
        case SetContent(room=room_id, type=kind, state_key=state_key, content=content, answers=answers):
            digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
            key = f"state/{room_id}/{kind}/{state_key}/{answers or 'none'}/{digest}"
            return SetState(key=key, room=room_id, type=kind, state_key=state_key, content=content)
        case UploadFile(file=file, sha256=sha256):
            return Upload(key=f"upload/{sha256}", file=file, sha256=sha256)
        case SayWelcome(room=room_id, text=text, digest=digest, was=was):
            revision = was.revision + 1 if was else 1
            key = f"welcome/{room_id}/{revision}/{digest[:16]}"
            edits = was.event or None if was else None
            return SetWelcome(key=key, room=room_id, text=text, digest=digest, revision=revision, edits=edits)
        case EnterRoom(target=target):
            return Join(key=f"adopt/{target}", room=target)
        case Remember():
            return None


async def record(db: Connection, found: Survey, changes: Iterable[Change], now_ms: int) -> None:
    """Write down what the survey showed: rooms that a crash kept us from noting, what changed in known ones, and who is in new ones."""
    for change in changes:
        if isinstance(change, Remember):
            seen = _readable(found.actual.lost[change.wanted.key])
            await _add(db, change.wanted, change.room, now_ms, **seen)
    for row in await rooms.all_rooms(db):
        actual = found.actual.rooms.get(row.key)
        if actual and actual.here:
            await _update(db, row, actual)
    await seed(db, found.members, now_ms)


async def _update(db: Connection, row: rooms.Room, actual: ActualRoom) -> None:
    alias = actual.content("m.room.canonical_alias").get("alias")
    now = {**_readable(actual), "alias": alias if isinstance(alias, str) else row.alias}
    changed = {name: value for name, value in now.items() if getattr(row, name) != value}
    if changed:
        await rooms.update(db, row.room, **changed)


async def seed(db: Connection, members: Iterable[MemberChanged], now_ms: int, *, everywhere: bool = False) -> int:
    """Write down who is in rooms of which we know nothing yet, or `everywhere`; how many memberships that were.

    Everywhere only before the first event was ever handled. Later the events themselves tell it, in their order among the messages: who is written
    down too early would seem to have been there when something was said.
    """
    known = frozenset() if everywhere else await people.rooms_known(db)
    by_room: dict[str, dict[str, MemberChanged]] = {}
    for change in members:
        if change.room not in known:
            by_room.setdefault(change.room, {})[change.user] = change
    return sum([await journal.know_members(db, room, tuple(seen.values()), now_ms) for room, seen in by_room.items()])


def _readable(actual: ActualRoom) -> dict[str, Any]:
    """Encryption and history visibility as the room has them."""
    history = actual.content("m.room.history_visibility").get("history_visibility")
    return {
        "encrypted": bool(actual.content("m.room.encryption").get("algorithm")),
        "history": history if isinstance(history, str) else "shared",
    }


async def _add(db: Connection, wanted: DesiredRoom, room: str, now_ms: int, *, encrypted: bool, history: str) -> None:
    """From now on this room is ours. What is ours already stays what it is."""
    if await rooms.by_id(db, room) or await rooms.by_key(db, wanted.key):
        return
    row = rooms.Room(
        room=room,
        key=wanted.key,
        kind=wanted.kind,
        tag=wanted.tag,
        alias=wanted.alias,
        encrypted=encrypted,
        history=history,
        made_ms=now_ms,
    )
    await rooms.add(db, row)


async def _room_made(scene: Scene, effect: CreateRoom, state: State, result: str | None) -> None:
    """The room exists: from now on it is one of ours. What it is like is read from the request, as the file may have changed since."""
    if state != "done" or result is None:
        return
    initial = {event["type"]: event["content"] for event in effect.request["initial_state"]}
    kind, _, name = effect.room_key.partition("/")
    tag = name if kind == "circle" else None
    wanted = DesiredRoom(effect.room_key, cast("Kind", kind), "", "", effect.alias, tag)
    history = initial["m.room.history_visibility"]["history_visibility"]
    encrypted = "m.room.encryption" in initial
    await _add(scene.db, wanted, result, scene.now_ms, encrypted=encrypted, history=history)


SETTLERS: dict[type[Effect], Settler] = {CreateRoom: _room_made}
"""What to do when an effect of this area is settled."""
