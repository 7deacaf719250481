"""Takes a measure against somebody, and lifts measures again: the sanction and what it asks of the rooms. Writes wishes, never acts.

A command, a protection and the clock all come here; whoever does so has written a row of the ledger before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.moderation import enforce, react, ruled, store
from bridge.moderation.model import BAN, INVITES, KICK, LOCK, MUTE, OurBan, Sanction
from bridge.scene import Scene

IN_ROOMS = (MUTE, KICK, BAN)
"""The kinds that ask something of the rooms at once."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it: the sanction, whether it is a new one, and how many effects follow."""

    sanction: Sanction
    new: bool
    wanted: int


async def take(
    scene: Scene,
    kind: str,
    entity: str,
    target: str,
    reason: str | None,
    cause: int,
    *,
    scope: str = "",
    until_ms: int | None = None,
    gap_ms: int | None = None,
    rule: int = 0,
) -> Taken:
    """Decide on a measure under the ledger row `cause`, and put what it asks of the rooms. `rule` is the rule of a watched list that asks for it.

    One of the same kind that stands already is given this end, reason and gap; its rooms are tried again where they refused before.
    """
    like = [
        each
        for each in await store.standing(scene.db, kind)
        if (each.entity, each.target, each.scope, each.rule) == (entity, target, scope, rule)
        and kind not in ("note", "warn")
    ]
    columns: dict[str, Any] = {"until_ms": until_ms, "gap_ms": gap_ms}
    if like:
        columns["cause"] = cause
        if reason is not None:
            columns["reason"] = reason
        sanction = await store.change(scene.db, like[0].id, **columns)
    else:
        columns["rule"] = rule
        sanction = await store.add(scene.db, entity, target, reason, cause, kind=kind, scope=scope, **columns)
    return Taken(sanction, not like, await _carry_out(scene, sanction, cause))


async def _carry_out(scene: Scene, sanction: Sanction, cause: int) -> int:
    if sanction.kind in (LOCK, INVITES):
        return await react.set_locks(scene, sanction.target, cause)
    if sanction.kind not in IN_ROOMS:
        return 0
    server = sanction.kind == BAN and sanction.entity == "server"
    before = len(scene.puts)
    wanted = await react.enforce_all(scene, [sanction], intent=cause, then=cause if server else None)
    if sanction.kind == KICK and sanction.until_ms is None:  # once, and no longer
        await store.lift(scene.db, [sanction.id], cause)
    if server:  # where somebody has to be banned first, the list follows when that is settled
        busy = {getattr(put.effect, "room", None) for put in scene.puts[before:]}
        standing = await store.standing(scene.db, BAN)
        wanted += await react.shut_out(scene, standing, cause, but=busy)
    return wanted


async def lift(scene: Scene, gone: Sequence[Sanction], cause: int) -> int:
    """Lift these sanctions under the ledger row `cause`, and put what that asks of the rooms; returns how many effects that are.

    What another sanction, or a rule of a watched list, still asks for stays, under that one.
    """
    ids = [each.id for each in gone]
    await store.lift(scene.db, ids, cause)
    wanted = await _free(scene, await store.our_bans(scene.db, ids), ids, cause)
    if any(each.kind == BAN and each.entity == "server" for each in gone):
        wanted += await react.set_acls(scene, await store.standing(scene.db, BAN), str(cause), cause)
    if any(each.kind == MUTE for each in gone):
        wanted += await react.silence(scene, intent=cause)
    for target in dict.fromkeys(each.target for each in gone if each.kind in (LOCK, INVITES)):
        wanted += await react.set_locks(scene, target, cause)
    return wanted


async def spare(scene: Scene, wide: Sequence[Sanction], user: str, cause: int) -> int:
    """From now on these sanctions of many do not mean this person, under the ledger row `cause`; put what that asks of the rooms. How many effects that are."""
    for each in wide:
        await store.spare(scene.db, each, user)
    ids = [each.id for each in wide]
    ours = [each for each in await store.our_bans(scene.db, ids) if each.user == user]
    wanted = await _free(scene, ours, ids, cause)
    if any(each.kind == MUTE for each in wide):
        wanted += await react.silence(scene, only=user, intent=cause)
    return wanted


async def _free(scene: Scene, ours: Sequence[OurBan], ids: Sequence[int], cause: int) -> int:
    """Lift these bans, which were done for these sanctions; what something else asks for stays, under that."""
    made = await ruled.still(scene, {each.user for each in ours}, cause)
    left = await store.standing(scene.db, BAN)
    undo, keep = enforce.lifted(ours, ids, left, str(cause))
    for ban in keep:
        await store.record_ban(scene.db, ban)
    wanted = react.put(scene, undo, cause)
    if made:  # it may hold in more rooms than what is lifted
        wanted += await react.enforce_all(scene, made, intent=cause)
    return wanted
