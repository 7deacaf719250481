"""The command `apply`: asks for the rooms to be made what the configuration says; never does it itself."""

from typing import Literal

from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.roles import Role
from bridge.store import ledger, settings


@command(where=STAFF, role=Role.MODERATOR, examples=("apply",))
async def apply(ctx: Context, force: Literal["force"] | None = None) -> Reply:
    """Make the rooms what the configuration says.

    I read the configuration again for it. What would change more than a third of the rooms at once, or could not be undone, needs `force`.
    """
    reason = "force" if force else None
    cause = await ledger.write(
        ctx.db, ctx.sender, "apply", "rooms", reason, None, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
    await settings.ask(ctx.db, "apply", bool(force), cause, ctx.scene.now_ms)
    return Reply(done=False)
