"""Tells the people of a room, before anything happens, that the owner lets words of it reach further than the room itself. Writes wishes, never acts.

Nothing goes further until they were told: what they were told of stands in `rooms.told`, and is written when the notice can be seen. When the owner
takes it back, what had gone too far is withdrawn; should it be allowed again, they are told again.
"""

from collections.abc import Iterable

from bridge.effects import Effect, Put, Say
from bridge.rooms import reach, share_rule, shares
from bridge.rooms.reach import ANY_SERVER, OPEN
from bridge.rooms.share_back import bring_back
from bridge.scene import Scene, Settler, State
from bridge.store import queue, rooms
from bridge.store import reaching as store
from bridge.store.rooms import Room
from bridge.words import Text, lines, words

KEY = "reach/"
SOURCES = ("circle", "common", "staff")
"""Words of these are carried: threads, answers, announcements."""

HOUR_MS = 60 * 60 * 1000

PATIENCE_MS = 72 * 60 * 60 * 1000
"""A thread whose room could not be told for so long is shared only when somebody wishes it once more."""


async def look(scene: Scene) -> None:
    """Tell what has to be told; forget what is no longer allowed."""
    ours = await rooms.in_use(scene.db)
    community = scene.config.community
    if not (community.encrypted_to_open or community.beyond_servers or any(room.told for room in ours)):
        return
    targets = {share_rule.place(scene.config, room): room for room in ours if room.kind in ("circle", "common")}
    for room in (each for each in ours if each.kind in SOURCES):
        ways = [share_rule.steps(scene.config, room, target) for target in targets.values()]
        permit = {"out_of_encryption": community.encrypted_to_open, "beyond_servers": community.beyond_servers}
        allowed = frozenset(step for way in ways if reach.permitted(way, **permit) == way for step in way)
        told = frozenset(room.told.split())
        if told - allowed:
            await rooms.update(scene.db, room.room, told=_stored(told & allowed), told_ms=scene.now_ms)
            await _withdraw(scene, room)
        elif allowed - told:
            key = await _next_try(scene, f"{KEY}{room.room}/{_stored(allowed - told)}/{room.told_ms or 0}")
            text = notice(allowed - told)
            scene.puts.append(Put(Say(key=key, room=room.room, text=text, language=scene.config.language)))


async def _next_try(scene: Scene, key: str) -> str:
    """The key of a notice; where that was refused, one that is new every hour."""
    wish = await queue.get(scene.db, key)
    return f"{key}-{scene.now_ms // HOUR_MS}" if wish is not None and wish.state == "dead" else key


def first_try(key: str) -> str:
    """The key that a notice had when it was tried for the first time."""
    before, _, told = key.rpartition("/")
    return f"{before}/{told.partition('-')[0]}"


async def sweep(scene: Scene) -> None:
    """What stands where it may not stand any more, for whatever reason, is withdrawn; and nothing waits for ever."""
    await store.stop_awaiting(scene.db, scene.now_ms - PATIENCE_MS)
    for room in await store.sharing(scene.db):
        await _withdraw(scene, room)


async def said(scene: Scene, effect: Say, state: State, _result: str | None) -> None:
    """The notice can be seen: from now on words may go so far, and what has been waiting for that is shared."""
    if state != "done" or not effect.key.startswith(KEY):
        return
    room = await rooms.by_id(scene.db, effect.room)
    if room is None:
        return
    steps = effect.key.removeprefix(f"{KEY}{effect.room}/").rpartition("/")[0].split()
    told = _stored({*room.told.split(), *steps})
    await rooms.update(scene.db, room.room, told=told, told_ms=scene.now_ms)
    for root in await store.take_awaiting(scene.db, room.room):
        await shares.refresh(scene, root, room.room, effect.key)


async def _withdraw(scene: Scene, room: Room) -> None:
    for root, target in await store.shared_from(scene.db, room.room):
        there = await rooms.by_id(scene.db, target)
        source = await rooms.by_id(scene.db, room.room)
        if there is not None and source is not None and not share_rule.may_leave(scene.config, source, there):
            await shares.refresh(scene, root, room.room, f"reach/{scene.now_ms}")
    for root, home in await store.answered_from(scene.db, room.room):
        there = await rooms.by_id(scene.db, home)
        if there is not None and not share_rule.may_leave(scene.config, room, there):
            await bring_back(scene, root, f"reach/{scene.now_ms}", room)


def notice(steps: Iterable[str]) -> Text:
    """What the people of a room are told."""
    found = sorted(steps)
    parts = [
        words("Please note: whoever looks after this community has decided how far threads of this room may reach.")
    ]
    if OPEN in found:
        parts.append(
            words(
                "When the author of a thread shares it, it can from now on also stand in rooms that are not encrypted: the servers of their members can read it there."
            )
        )
    servers = [each for each in found if each != OPEN]
    if ANY_SERVER in servers:
        parts.append(
            words(
                "When the author of a thread shares it, people of any server can from now on read it there, also of those that are not admitted here."
            )
        )
    elif servers:
        parts.append(
            words(
                "When the author of a thread shares it, people of these servers, which are not admitted here, can from now on read it there: %(servers)s.",
                servers={"list": [{"code": each} for each in servers]},
            )
        )
    parts.append(words("What nobody shares stays here, as before. If you have doubts, please talk to a moderator."))
    return lines(*parts)


def _stored(steps: Iterable[str]) -> str:
    return " ".join(sorted(steps))


SETTLERS: dict[type[Effect], Settler] = {Say: said}
