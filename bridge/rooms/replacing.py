"""A room goes on in a new one: by our command, or because somebody replaced it and we follow. Writes wishes and what they rest on, never acts.

It may be killed at any point. That the room is replaced stands in the database as soon as we know the new one; what has to follow stands in `due`
until all of it is done, and is looked up anew each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.context import later_answer
from bridge.effects import Effect, Invite, Put, ReplaceRoom, Say
from bridge.events import AnyEvent, Invited, MemberChanged
from bridge.rooms import replace
from bridge.rooms.apply import read_room
from bridge.rooms.footing import Ground, footing
from bridge.rooms.plan import powers_of
from bridge.rooms.tell import address
from bridge.scene import Reader, Scene, Settler, State
from bridge.store import due, journal, ledger, people, queue, replaced, rooms
from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.words import Text, lines, words, words_n

FINISH = "replaced"
"""The kind of occasion under which a replaced room (subject) waits for all that has to follow; its slot is the ledger row."""

AWAITED = "awaited"
"""... under which a successor (subject) waits that we could not enter yet; its slot is the key of the effect."""

UNFINISHED = "replaced weakly"
"""... under which a replaced room (subject) waits until we have in its successor the power for what is left; its slot is that of FINISH."""

SPACES = ("space", "district")


def follow_key(room: str, successor: str) -> str:
    """The key of the effect by which we follow somebody who replaced a room."""
    return f"follow/{room}/{successor}"


async def follow(scene: Scene, room: Room, successor: str, by: str) -> None:
    """Somebody replaced a room of ours: go along, if it really is its successor. What was refused before is tried again."""
    key = follow_key(room.room, successor)
    await queue.retry(scene.db, key)
    via = by.partition(":")[2] or None
    scene.puts.append(Put(ReplaceRoom(key=key, room=room.room, by=by, follow=successor, via=via)))


async def react(scene: Scene, event: AnyEvent) -> None:
    """An invitation to a successor that we could not enter."""
    if isinstance(event, Invited):
        awaited = await due.get(scene.db, AWAITED, event.room)
        if awaited:
            await due.remove(scene.db, AWAITED, event.room)
            await queue.retry(scene.db, awaited.slot)


async def settled(scene: Scene, effect: ReplaceRoom, state: State, result: str | None) -> None:
    """The new room is there, and we are in it: from now on it is the one of that key. Or it could not be, and people hear why."""
    old = await rooms.by_id(scene.db, effect.room)
    if old is None or old.replaced_by is not None:
        return
    if state == "done" and result is not None and await rooms.by_id(scene.db, result) is None:
        cause = effect.cause
        if cause is None:
            cause = await ledger.write(
                scene.db, effect.by, "replace", old.key, None, None, old.room, None, scene.now_ms
            )
        await replaced.move(scene.db, old, result, scene.now_ms)
        await due.set_next(scene.db, FINISH, old.room, scene.now_ms, str(cause))
    elif state == "dead":
        row = await queue.get(scene.db, effect.key)
        error = (row.error if row else None) or "?"
        if effect.follow is not None:
            await due.set_next(scene.db, AWAITED, effect.follow, scene.now_ms, effect.key)
        await _say_refused(scene, effect, old, error)


async def _say_refused(scene: Scene, effect: ReplaceRoom, old: Room, error: str) -> None:
    if effect.cause is not None:
        entry = await ledger.get(scene.db, effect.cause)
        await ledger.settle(scene.db, effect.cause, {"done": 0, "refused": {old.room: error}}, scene.now_ms)
        if entry and entry.event and entry.room:
            text = refused(old, error, effect.version)
            scene.puts += await later_answer(scene, entry.event, entry.room, entry.actor, text, done=False)
        return
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None:
        text = words(
            "%(who)s replaced %(room)s by another room, %(new)s, and I cannot follow: it does not let me in, or does not say that it came from there. If it is right, invite me to it; I come by myself. Until then %(room)s is closed.",
            who={"user": effect.by, "with_id": True},
            room=address(old),
            new={"code": effect.follow},
        )
        scene.puts.append(
            Put(Say(key=f"{effect.key}/refused", room=staff.room, text=text, language=scene.config.language))
        )


def refused(old: Room, error: str, version: str | None) -> Text:
    """Why a room could not be replaced, and what can be done."""
    where = address(old)
    if error == "M_FORBIDDEN":
        return words(
            "I could not replace %(room)s: I lack the power for it. In rooms of version 12 only those who made the room can, and people with 150; in older ones it mostly takes 100. Whoever has it can replace the room in their own client, and I go along; or they give me the power, and you write the same again.",
            room=where,
        )
    if error == "M_UNSUPPORTED_ROOM_VERSION":
        return words(
            "I could not replace %(room)s: the homeserver cannot make rooms of version %(version)s.",
            room=where,
            version=version or "?",
        )
    return words(
        "I could not replace %(room)s: the homeserver refused it (%(code)s).", room=where, code={"code": error}
    )


async def resume(scene: Scene, room: Room) -> None:
    """We have in this room what we need: what could not be done when it took another's place is done now."""
    for old in await rooms.former(scene.db, room.room):
        left = await due.get(scene.db, UNFINISHED, old.room)
        if left:
            await due.remove(scene.db, UNFINISHED, old.room)
            await due.set_next(scene.db, FINISH, old.room, scene.now_ms, left.slot)


# --- what follows --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What was read about a replaced room: the case, and everybody's membership in the new one."""

    case: replace.Replaced
    members: tuple[MemberChanged, ...]


async def find(read: Reader, ours: Sequence[Room], old: Room, me: str) -> Found | None:
    """Read all that matters for what follows; None when the new room cannot be read. `ours` are all rooms of ours. Raises Refused or Unavailable."""
    assert old.replaced_by is not None  # noqa: S101 - the caller asks only about replaced rooms
    by_id = {room.room: room for room in ours}
    new_row = by_id[old.replaced_by]
    before, _ = await read_room(read, new_row.key, old.room, me)
    after, members = await read_room(read, new_row.key, old.replaced_by, me)
    if not after.here:
        return None
    spaces = [room for room in ours if room.replaced_by is None and room.kind in SPACES and room.room != after.room]
    above = [after] if replace.is_space(after) else []
    above += [(await read_room(read, room.key, room.room, me))[0] for room in spaces]
    below = []
    if replace.is_space(after):
        children = [state_key for kind, state_key in (*before.state, *after.state) if kind == "m.space.child"]
        for child in dict.fromkeys(children):
            row = by_id.get(child)
            if (
                row is not None
                and row.replaced_by is None
                and await read.state_content(child, "m.space.parent", old.room)
            ):
                below.append(child)
    addresses = tuple(await read.local_aliases(old.room)) if before.here else ()
    case = replace.Replaced(before, after, old.alias, addresses, tuple(above), tuple(below))
    return Found(case, tuple(members))


async def go_on(scene: Scene, old: Room, found: Found) -> tuple[str, ...]:
    """Put what follows; the keys of the steps that have to be done before the new room can be put right in detail. Invitations take their time and are not among them."""
    for change in found.members:
        if await people.membership(scene.db, change.room, change.user) is None:
            await journal.remember(scene.db, change, frozenset(), scene.now_ms)
    wanted = replace.steps(found.case, me=scene.me, server=scene.me.partition(":")[2])
    puts = [Put(effect) for effect in (*wanted, *_notice(scene, old, found))]
    scene.puts += puts
    return tuple(put.effect.key for put in puts if not isinstance(put.effect, Invite))


def _notice(scene: Scene, old: Room, found: Found) -> tuple[Effect, ...]:
    """One word in the old room, for everybody there; a space is no place for words."""
    if old.kind in SPACES:
        return ()
    new = found.case.new.room
    server = scene.me.partition(":")[2]
    text = words(
        "This room goes on in a new one: %(room)s. Please come along. What was said here stays here, and you can still take back what you wrote.",
        room={"room": new, "alias": old.alias, "name": old.alias, "via": [server]},
    )
    return (Say(key=f"replaced/{old.room}/told", room=old.room, text=text, language=scene.config.language),)


async def waits(db: Connection, keys: Sequence[str]) -> bool:
    """Whether one of these rows is still to be done."""
    for key in keys:
        row = await queue.get(db, key)
        if row is not None and row.state == "due":
            return True
    return False


async def finish(scene: Scene, row: due.Due, old: Room, found: Found, refusals: Sequence[str]) -> None:
    """All is done: write it down, and tell whoever asked for it, or staff. `refusals` are error codes of steps that were refused."""
    await due.settled(scene.db, row)
    if footing(Ground("join", powers_of(found.case.new)), scene.me).about == "weak":
        await due.set_next(scene.db, UNFINISHED, old.room, scene.now_ms, row.slot)
    entry = await ledger.get(scene.db, int(row.slot))
    if entry is None or entry.outcome is not None:
        return
    outcome = {"new": old.replaced_by, "version": found.case.new.version, "refused": list(refusals)}
    await ledger.settle(scene.db, entry.id, outcome, scene.now_ms)
    text = _answer(scene, entry, old, found, refusals)
    if entry.event and entry.room:
        scene.puts += await later_answer(scene, entry.event, entry.room, entry.actor, text, done=not refusals)
        return
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None:
        key = f"replaced/{old.room}/followed"
        scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


def _answer(scene: Scene, entry: ledger.Entry, old: Room, found: Found, refusals: Sequence[str]) -> Text:
    case, where = found.case, address(old)
    there = sum(now == "join" and user != scene.me for user, now in case.old.members.items())
    called = sum(now == "invite" for now in case.new.members.values())
    called = max(called, len(replace.invited(case, scene.me)))
    parts = [
        words("%(room)s goes on in a new room, of version %(version)s.", room=where, version=case.new.version)
        if entry.event
        else words(
            "%(who)s replaced %(room)s by a new room, of version %(version)s. I went along.",
            who={"user": entry.actor, "with_id": True},
            room=where,
            version=case.new.version,
        ),
        words_n(
            "%(count)s person was in the old one. Whoever is in the space can come by themselves; %(called)s were invited.",
            "%(count)s people were in the old one. Whoever is in the space can come by themselves; %(called)s were invited.",
            there,
            called=called,
        ),
    ]
    elsewhere = replace.left_elsewhere(case, scene.me.partition(":")[2])
    if elsewhere:
        parts.append(
            words(
                "These addresses are on other servers and still lead to the old room; only people there can move them: %(aliases)s",
                aliases={"list": [{"code": alias} for alias in elsewhere]},
            )
        )
    if refusals:
        parts.append(
            words(
                "Not everything could be done: the homeserver refused some of it (%(codes)s). %(check)s on Hearth's machine says more.",
                codes={"list": [{"code": error} for error in refusals]},
                check={"code": "hearth check"},
            )
        )
    return lines(*parts)


SETTLERS: dict[type[Effect], Settler] = {ReplaceRoom: settled}
