"""A moderator's decision in the ledger, before the act and after it; never acts, and never says what is to be done."""

from bridge.arguments import Target
from bridge.context import Context
from bridge.scene import Scene
from bridge.store import ledger


async def write_down(ctx: Context, action: str, who: Target | str, reason: str) -> int:
    """The command's row in the ledger, written before anything is done: its id. An empty reason is none; `who` may be a room's key."""
    return await ledger.write(
        ctx.db,
        actor=ctx.sender,
        action=action,
        target=who if isinstance(who, str) else who.pattern,
        reason=reason or None,
        rule=None,
        room=ctx.event.room,
        event=ctx.event.id,
        now_ms=ctx.scene.now_ms,
    )


async def settled(scene: Scene, entry: int) -> None:
    """The decision asks nothing of any room, so its row is settled at once."""
    await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)


async def nothing_to_do(ctx: Context, entry: int) -> None:
    """The same for a command."""
    await settled(ctx.scene, entry)
