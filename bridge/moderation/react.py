"""What moderation does when something happens: who is sanctioned meets the sanction on coming in. Writes wishes, never acts."""

from collections.abc import Sequence

from bridge.community import everything, servers_of
from bridge.effects import Effect, Put
from bridge.events import AnyEvent, MemberChanged
from bridge.globs import is_glob, server_of
from bridge.moderation import enforce, store
from bridge.moderation.model import Sanction
from bridge.scene import Scene
from bridge.store import authority, ledger, queue, rooms
from bridge.text import render
from bridge.words import words

ACL_AFTER_MS = 3_000
"""A server's list waits this long after the bans of its people: a server that is shut out can no longer ask for what it needs to understand them."""


async def protected(scene: Scene) -> frozenset[str]:
    """Whom no sanction ever touches: ourselves, the owners, the moderators, and whoever else is in the staff room."""
    return frozenset({scene.me, *(await authority.current(scene.db, scene.config)).staff})


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at everybody who comes into a room of ours, is invited to one, or had a ban of ours lifted by hand there."""
    if isinstance(event, MemberChanged) and event.membership != "ban" and event.user != scene.me:
        sanctions = await store.standing(scene.db)
        if any(enforce.hits(sanction, event.user) for sanction in sanctions):
            await enforce_all(scene, sanctions, only=event.user)
        else:
            await turn_away(scene, only=event.user)


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
    scene: Scene, sanctions: Sequence[Sanction], *, only: str | None = None, intent: int | None = None
) -> int:
    """Put what makes all rooms match the sanctions, for everybody or for one user; returns how many effects that are."""
    ours = [room.room for room in await rooms.all_rooms(scene.db)]
    there = await store.presences(scene.db, None if only is None else (only,))
    hit = sanctions if only is None else [each for each in sanctions if enforce.hits(each, only)]
    wanted = enforce.bans(hit, ours, there, await protected(scene), str(intent or ""))
    return put(scene, wanted, intent)


async def set_acls(scene: Scene, sanctions: Sequence[Sanction], cause: str, intent: int, *, wait_ms: int = 0) -> int:
    """Put the server ACL for every room; returns how many rooms that are."""
    wanted = enforce.acls(sanctions, await _servers(scene), server_of(scene.me), cause)
    return put(scene, wanted, intent, wait_ms=wait_ms)


async def sweep(scene: Scene) -> None:
    """Once more, everybody and every room: after a start, after an outage, every hour. What is so already costs nothing."""
    sanctions = await store.standing(scene.db)
    if sanctions:
        await enforce_all(scene, sanctions)
    await turn_away(scene)


async def room_made(scene: Scene, room: str) -> None:
    """A new room of ours starts with what was decided before it was there."""
    sanctions = await store.standing(scene.db)
    put(scene, enforce.bans(sanctions, [room], (), await protected(scene)))
    if any(each.entity == "server" for each in sanctions):
        allowed = (await _servers(scene)).get(room, ())
        put(scene, enforce.acls(sanctions, {room: allowed}, server_of(scene.me), "made"))


def put(scene: Scene, effects: Sequence[Effect], intent: int | None = None, *, wait_ms: int = 0) -> int:
    """Wish for these, under one ledger row, not before `wait_ms` from now; returns how many they are."""
    scene.puts += [Put(effect, scene.now_ms + wait_ms if wait_ms else 0, intent) for effect in effects]
    return len(effects)


def shown(entity: str, target: str) -> dict[str, object]:
    """The value for a text that names a target: one person by name and id, a glob or a server as it is written."""
    return {"user": target, "with_id": True} if entity == "user" and not is_glob(target) else {"code": target}
