"""What moderation does when something happens: who is sanctioned meets the sanction on coming in. Writes wishes, never acts."""

from collections.abc import Collection, Sequence

from bridge import locks
from bridge.access import ACL as TYPE
from bridge.access import sparing
from bridge.community import everything, servers_of
from bridge.effects import Effect, Put, SetLock
from bridge.events import AnyEvent, Edited, MemberChanged, Message, Reacted, StateChanged
from bridge.globs import is_glob, server_of
from bridge.moderation import decision, enforce, going_along, late, reports, retry, slow, store
from bridge.moderation.model import BAN, INVITES, KICK, LOCK, MUTE, Sanction
from bridge.scene import Scene
from bridge.store import authority, due, ledger, policies, queue, rooms, sweeps
from bridge.text import render
from bridge.words import words

SERVER_LIST = "server list"
"""The kind of occasion that asks for a room's list of servers to be written anew; its subject is the room. What the ledger calls that, too."""

HOUR_MS = 60 * 60 * 1000
ACL_AFTER_MS = 3_000
"""A server's list waits this long after the bans of its people: a server that is shut out can no longer ask for what it needs to understand them."""


async def protected(scene: Scene) -> frozenset[str]:
    """Whom no sanction ever touches: ourselves, the owners, the moderators, and whoever else is in the staff room."""
    return frozenset({scene.me, *(await authority.current(scene.db, scene.config)).staff})


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at everybody who comes into a room of ours, is invited to one, or had a ban of ours lifted by hand there; at who has to write slowly; at locks."""
    if isinstance(event, MemberChanged) and event.membership != "ban" and event.user != scene.me:
        await _meet(scene, event)
    elif isinstance(event, Message) and scene.slowed and not scene.urgent and event.sender != scene.me:
        await slow.look(scene, event, spared=await protected(scene))
        await late.look(scene, event)
    elif isinstance(event, Edited) and not scene.urgent and event.sender != scene.me:
        await late.look(scene, event)
    elif isinstance(event, Reacted):
        await retry.react(scene, event)
        await reports.react(scene, event)
    elif isinstance(event, StateChanged) and event.type == "m.room.power_levels" and event.sender != scene.me:
        await _opened_by_hand(scene, event)
    elif isinstance(event, StateChanged) and event.type == TYPE and event.sender != scene.me:
        await _let_in_by_hand(scene, event)


async def _meet(scene: Scene, event: MemberChanged) -> None:
    """Somebody comes, is invited, knocks, or had a ban lifted: what was decided about them holds."""
    sanctions = await store.standing(scene.db, BAN, KICK, MUTE)
    if any(enforce.hits(sanction, event.user) for sanction in sanctions):
        if event.membership == "join" and await going_along.also_here(scene, event.user, event.room, sanctions):
            sanctions = await store.standing(scene.db, BAN, KICK, MUTE)
        wanted = await enforce_all(scene, sanctions, only=event.user, intent=scene.met)
        if scene.met is not None and not wanted:
            await decision.settled(scene, scene.met)
    if not any(each.kind == BAN and enforce.hits(each, event.user) for each in sanctions):
        await turn_away(scene, only=event.user)


async def _opened_by_hand(scene: Scene, event: StateChanged) -> None:
    """Somebody changed the powers in a room: a lock of ours holds all the same."""
    room = await rooms.by_id(scene.db, event.room)
    if room is None:
        return
    shut = locks.shut(await store.standing(scene.db, LOCK, INVITES))
    writing, inviting = shut.writing(room.key), shut.inviting(room.key)
    if not (writing or inviting):
        return
    usual = locks.usual(scene.config, room.key)
    if locks.with_locks(event.content, usual, writing=writing, inviting=inviting) is not event.content:
        put(scene, [SetLock(key=f"lock/{room.room}/{event.id}", room=room.room)])


async def _let_in_by_hand(scene: Scene, event: StateChanged) -> None:
    """Somebody wrote a room's list of servers: whom we shut out stays shut out, beside whom they shut out. Once an hour at most: with another bot we don't fight."""
    room = await rooms.by_id(scene.db, event.room)
    ours = await _shut_out_servers(scene, await store.standing(scene.db))
    told = event.content.get("deny")
    theirs = tuple(each for each in told if isinstance(each, str)) if isinstance(told, list) else ()
    if room is None or set(ours) <= set(theirs):
        return
    allowed = (await _servers(scene)).get(event.room, ())
    key = f"hand/{scene.now_ms // HOUR_MS}"
    (wanted,) = enforce.acls((*ours, *theirs), {event.room: allowed}, server_of(scene.me), key)
    if set(wanted.content["deny"]) <= set(theirs) or await queue.get(scene.db, wanted.key) is not None:
        return  # what is left of ours an event could not hold, or would mean our own server
    entry = await ledger.write(
        scene.db, scene.me, SERVER_LIST, room.key, None, f"changed by {event.sender}", None, None, scene.now_ms
    )
    put(scene, [wanted], entry)


async def _shut_out_servers(scene: Scene, sanctions: Sequence[Sanction]) -> tuple[str, ...]:
    """The servers that these sanctions and watched lists shut out, without those from which somebody comes whom nothing touches."""
    named = (*enforce.denied(sanctions), *await policies.servers(scene.db))
    return sparing(named, await protected(scene))


async def shut_out(scene: Scene, sanctions: Sequence[Sanction], cause: int, *, but: Collection[str | None] = ()) -> int:
    """Put the server ACL of every room `but` these; where something is still looked for that is to be redacted, it follows after that. How many rooms are put now."""
    if not await sweeps.waiting(scene.db):
        return await set_acls(scene, sanctions, str(cause), cause, but=but)
    later = [room.room for room in await rooms.all_rooms(scene.db) if room.room not in but]
    await due.set_all(scene.db, SERVER_LIST, later, scene.now_ms, str(cause))
    return 0


async def turn_away(scene: Scene, only: str | None = None) -> None:
    """Put out of each room whose server may not take part there: everybody, or one user."""
    if not any(room.servers for room in everything(scene.config).values()):
        return
    allowed = await _servers(scene)
    there = await store.presences(scene.db, None if only is None else (only,))
    reason = render(
        words("Only people of certain servers can take part in this room."), scene.config.language, scene.names
    )
    for kick in enforce.turned_away(allowed, there, scene.me, reason.body):
        if await queue.get(scene.db, kick.key) is None:
            entry = await ledger.write(
                scene.db, scene.me, "kick", kick.user, None, "servers", kick.room, None, scene.now_ms
            )
            put(scene, [kick], entry)


async def _servers(scene: Scene) -> dict[str, tuple[str, ...]]:
    """The servers that the configuration allows in each room of ours; none named: all. A replaced room goes by the one in its place."""
    settings, ours = everything(scene.config), await rooms.all_rooms(scene.db)
    keys = {room.room: room.key for room in ours}
    return {room.room: servers_of(settings, keys.get(room.replaced_by or "", room.key)) for room in ours}


async def enforce_all(
    scene: Scene,
    sanctions: Sequence[Sanction],
    *,
    only: str | None = None,
    intent: int | None = None,
    then: int | None = None,
) -> int:
    """Put what makes all rooms match these bans, kicks and mutes, for everybody or for one user; returns how many effects that are.

    `then` is the ledger row of a server's ban, whose list of servers follows in each room.
    """
    ours = {room.room: room.key for room in await rooms.all_rooms(scene.db)}
    hit = sanctions if only is None else [each for each in sanctions if enforce.hits(each, only)]
    there = await store.presences(scene.db, None if only is None else (only,))
    spared, cause = await protected(scene), str(intent or "")
    meant = sorted({each.user for each in there if any(enforce.hits(one, each.user) for one in hit)})
    active = await store.last_active(scene.db, meant)
    banning = [each for each in hit if each.kind == BAN]
    wanted = list(enforce.bans(banning, ours, there, spared, cause, active=active, then=then))
    wanted += enforce.kicks([each for each in hit if each.kind == KICK], ours, there, spared, active=active)
    number = put(scene, wanted, intent)
    if any(each.kind == MUTE for each in hit):
        number += await silence(scene, only=only, intent=intent, again={each.id for each in hit})
    return number


async def silence(
    scene: Scene, *, only: str | None = None, intent: int | None = None, again: Collection[int] = ()
) -> int:
    """Put what makes the rooms match all mutes that stand, for everybody or for one user; returns how many effects that are.

    With an `intent` the rooms of the mutes `again` are tried once more, also where it should be so already.
    """
    ours = {room.room: room.key for room in await rooms.all_rooms(scene.db)}
    standing = await store.standing(scene.db, MUTE)
    if only is not None:
        standing = tuple(each for each in standing if enforce.hits(each, only))
    there = await store.presences(scene.db, None if only is None else (only,))
    held, spared = await store.our_mutes(scene.db, only), await protected(scene)
    meant = sorted({each.target for each in standing if enforce.is_one(each)} | {each.user for each in held})
    active = await store.last_active(scene.db, meant)
    muting = enforce.mutes(standing, ours, there, spared, held, cause="", active=active)
    wanted = list(muting.effects)
    if intent is not None and again:
        once_more = [each for each in standing if each.id in again]
        asked = enforce.mutes(once_more, ours, there, spared, (), cause=str(intent), active=active)
        pairs = {(each.room, each.user) for each in asked.silent}
        wanted = [each for each in wanted if (getattr(each, "room", ""), getattr(each, "user", "")) not in pairs]
        wanted += asked.effects
    for mute in muting.silent:
        await store.record_mute(scene.db, mute)
    for mute in muting.free:
        await store.forget_mute(scene.db, mute.room, mute.user)
    return put(scene, wanted, intent)


async def set_acls(
    scene: Scene,
    sanctions: Sequence[Sanction],
    cause: str,
    intent: int | None,
    *,
    wait_ms: int = 0,
    only: str | None = None,
    but: Collection[str | None] = (),
) -> int:
    """Put the server ACL for every room `but` these, or `only` for this one; returns how many rooms that are."""
    allowed = {room: servers for room, servers in (await _servers(scene)).items() if room not in but}
    if only is not None:
        allowed = {only: allowed.get(only, ())}
    wanted = enforce.acls(await _shut_out_servers(scene, sanctions), allowed, server_of(scene.me), cause)
    return put(scene, wanted, intent, wait_ms=wait_ms)


async def set_locks(scene: Scene, target: str, cause: int) -> int:
    """Put what makes a room (by its key; `*`: all) show its locks; returns how many rooms that are."""
    ours = [room for room in await rooms.in_use(scene.db) if target in ("*", room.key) and room.key != "staff"]
    return put(scene, [SetLock(key=f"lock/{room.room}/{cause}", room=room.room) for room in ours], cause)


async def sweep(scene: Scene) -> None:
    """Once more, everybody and every room: after a start, after an outage, every hour. What is so already costs nothing."""
    sanctions = await store.standing(scene.db, BAN, KICK)
    if sanctions:
        await enforce_all(scene, sanctions)
    await silence(scene)
    await turn_away(scene)


async def room_made(scene: Scene, room: str) -> None:
    """A new room of ours starts with what was decided before it was there."""
    made = await rooms.by_id(scene.db, room)
    ours, spared = {room: made.key if made else ""}, await protected(scene)
    standing = await store.standing(scene.db, BAN, MUTE)
    sanctions = [each for each in standing if each.kind == BAN]
    put(scene, enforce.bans(sanctions, ours, (), spared))
    denied = await _shut_out_servers(scene, sanctions)
    if denied:
        allowed = (await _servers(scene)).get(room, ())
        put(scene, enforce.acls(denied, {room: allowed}, server_of(scene.me), "made"))
    muting = enforce.mutes([each for each in standing if each.kind == MUTE], ours, (), spared, ())
    for mute in muting.silent:
        await store.record_mute(scene.db, mute)
    put(scene, muting.effects)


def put(scene: Scene, effects: Sequence[Effect], intent: int | None = None, *, wait_ms: int = 0) -> int:
    """Wish for these, under one ledger row, not before `wait_ms` from now; returns how many they are."""
    scene.puts += [Put(effect, scene.now_ms + wait_ms if wait_ms else 0, intent) for effect in effects]
    return len(effects)


def shown(entity: str, target: str) -> dict[str, object]:
    """The value for a text that names a target: one person by name and id, a glob or a server as it is written."""
    return {"user": target, "with_id": True} if entity == "user" and not is_glob(target) else {"code": target}
