"""The command `plan`: asks for a look at the rooms; never looks itself, and never changes anything."""

from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.roles import Role
from bridge.store import ledger, settings


@command(where=STAFF, role=Role.MODERATOR, examples=("plan", "plan 2"))
async def plan(ctx: Context, page: int | None = None) -> Reply:
    """Show what would change in the rooms to make them what the configuration says.

    I read the configuration again for it. What was changed by hand in a room is marked, and can be kept.
    """
    cause = await ledger.write(
        ctx.db, ctx.sender, "plan", "rooms", None, None, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
    await settings.ask(ctx.db, "plan", page or 1, cause, ctx.scene.now_ms)
    return Reply(done=False)
