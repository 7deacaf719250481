"""A hold goes along with whom it holds, into rooms that they enter later. Writes sanctions, never acts."""

from collections.abc import Sequence

from bridge.moderation import enforce, store
from bridge.moderation.model import MUTE, Sanction
from bridge.scene import Scene
from bridge.store import ledger, rooms

_NO_PLACE = ("staff", "space", "district")
_PROTECT, _KEPT = "protect", "refuse held/"
"""What the ledger calls it that a protection holds somebody, and that staff left it so."""


async def also_here(scene: Scene, who: str, room_id: str, standing: Sequence[Sanction]) -> bool:
    """If a protection holds somebody who comes into this room, they only read here, too, until the same moment. `standing` are sanctions that mean them."""
    mine = [one for one in standing if one.kind == MUTE and enforce.is_one(one) and one.target == who and one.scope]
    room = await rooms.by_id(scene.db, room_id) if mine else None
    if room is None or room.kind in _NO_PLACE or room.key in {one.scope for one in mine}:
        return False
    for one in mine:
        cause = await ledger.get(scene.db, one.cause)
        if cause is not None and (cause.action == _PROTECT or cause.action.startswith(_KEPT)):
            await store.add(
                scene.db, "user", who, one.reason, one.cause, kind=MUTE, scope=room.key, until_ms=one.until_ms
            )
            return True
    return False
