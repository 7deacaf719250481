"""What becomes of sanctions once Matrix has answered: recorded, and told in one answer. Never sends anything itself."""

from collections.abc import Mapping
from dataclasses import replace

from bridge import locks
from bridge.access import with_others
from bridge.context import later_answer
from bridge.effects import Ban, Effect, Kick, Mute, Redact, SetLock, SetServerAcl, SetState, Unban, load
from bridge.globs import server_of
from bridge.moderation import enforce, react, retry, ruled, store, told
from bridge.moderation.ends import ENDED
from bridge.moderation.model import INVITES, LOCK, OurBan
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.store import due, ledger, queue, shut_out, sweeps
from bridge.store.rooms import by_id
from bridge.words import in_a_room

LEVELS = "m.room.power_levels"


async def fill_lock(desk: Desk, effect: SetLock) -> SetState | None:
    """The power levels with the lock that stands at this moment, or without one; None when it is so already."""
    async with desk.reading() as db:
        room = await by_id(db, effect.room)
        shut = locks.shut(await store.standing(db, LOCK, INVITES))
    held = await desk.read.state_content(effect.room, LEVELS)
    if room is None or held is None:
        return None
    usual = locks.usual(desk.config, room.key)
    content = locks.with_locks(held, usual, writing=shut.writing(room.key), inviting=shut.inviting(room.key))
    return None if content is held else SetState(key=effect.key, room=effect.room, type=LEVELS, content=content)


async def fill_acl(desk: Desk, effect: SetServerAcl) -> SetServerAcl:
    """The list of servers as it was decided, and beside it whom somebody's hand denied in that room: what we did not do we do not undo."""
    held = await desk.read.state_content(effect.room, effect.type)
    told = (held or {}).get("deny")
    there = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    others = set(there) - set(effect.content["deny"])
    if others:
        async with desk.reading() as db:
            others -= await shut_out.ours(db, others)
    if not others:
        return effect
    return replace(effect, content=with_others(effect.content, sorted(others), server_of(desk.me)))


async def _banned(scene: Scene, effect: Ban, state: State, _result: str | None) -> None:
    """The ban stands in that room, and is ours to lift. After the last one of a server's people the server is shut out there."""
    ours = (
        OurBan(effect.room, effect.user, effect.sanction) if state == "done" and effect.sanction is not None else None
    )
    if ours and await store.record_ban(scene.db, ours):
        await _undo(scene, effect, ours.sanction)
    if effect.then is None or await queue.due_in_lane(scene.db, effect.lane, effect.then):
        return
    standing = await store.standing(scene.db)
    if any(each.entity == "server" and each.id == effect.sanction for each in standing):
        intent = effect.then
        if await sweeps.waiting(scene.db) or await queue.due_of_kinds(scene.db, (Redact.__name__,), effect.lane):
            await due.set_next(scene.db, react.SERVER_LIST, effect.room, scene.now_ms + react.ACL_AFTER_MS, str(intent))
            return
        await react.set_acls(scene, standing, str(intent), intent, wait_ms=react.ACL_AFTER_MS, only=effect.room)


async def _undo(scene: Scene, effect: Ban, sanction: int) -> None:
    """It was lifted while this ban was still on its way: it is lifted in this room, too, unless something else asks for it."""
    lifted = await store.by_id(scene.db, sanction)
    made = await ruled.still(scene, {effect.user}, lifted.cause if lifted else 0)
    undo, keep = enforce.lifted(
        [OurBan(effect.room, effect.user, sanction)], [sanction], await store.standing(scene.db), f"late/{effect.key}"
    )
    for ban in keep:
        await store.record_ban(scene.db, ban)
    react.put(scene, undo, None)
    if made:
        await react.enforce_all(scene, made)


async def _unbanned(scene: Scene, effect: Unban, state: State, _result: str | None) -> None:
    """The ban is lifted in that room."""
    if state == "done":
        await store.forget_ban(scene.db, effect.room, effect.user)


async def tell_outcome(scene: Scene, entry: ledger.Entry) -> None:
    """Everything that a decision asked for is settled: write the outcome into the ledger and answer the moderator, once for each try."""
    rows = await queue.of_intent(scene.db, entry.id)
    dead = [
        (load(row.kind, row.key, row.payload), row.error or "") for row in rows if row.state == "dead" and row.payload
    ]
    acts = Ban | Unban | SetServerAcl | Kick | Mute | SetLock | Redact
    missed = {effect.room: error for effect, error in dead if isinstance(effect, acts)}
    tries = int((entry.outcome or {}).get("tries", 1)) + 1 if entry.outcome is not None else 1
    outcome = {"done": sum(row.state != "dead" for row in rows), "refused": missed}
    await ledger.settle(scene.db, entry.id, outcome if tries == 1 else {**outcome, "tries": tries}, scene.now_ms)
    listed = (entry.rule or "").startswith("list ")
    if entry.actor == scene.me and entry.action != ENDED and not (listed and missed):
        return
    failed = len(dead)
    places = len({row.lane.partition(":")[2] for row in rows})
    done = told.Done(rooms=places, acts=len(rows), failed=failed, missed=missed)
    text = await told.answer(scene, entry, done)
    if entry.event and entry.room:
        prompt = f"{retry.KIND}{entry.id}" if missed else None
        again = tries if tries > 1 else 0
        scene.puts += await later_answer(
            scene, entry.event, entry.room, entry.actor, text, done=not missed, again=again, prompt=prompt
        )
        await told.last_progress(scene, entry.id, len(rows))
    elif entry.action == ENDED or listed:
        await told.tell_staff(
            scene, f"ended/{entry.id}/{tries}", in_a_room(text), retry.KIND + str(entry.id) if missed else None
        )


FILLERS: Mapping[type[Effect], Filler] = {SetLock: fill_lock, SetServerAcl: fill_acl}
SETTLERS: Mapping[type[Effect], Settler] = {Ban: _banned, Unban: _unbanned}

INTENT_DONE = dict.fromkeys((*told.ACTIONS, ENDED), tell_outcome)
"""By the ledger's action: what happens when the last effect of a decision is settled."""
