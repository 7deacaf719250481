"""The command `adopt`: takes what a room has by hand for what is wanted; never changes the room."""

from typing import Literal

from bridge.arguments import RoomRef
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.roles import Role
from bridge.store import ledger, settings


@command(where=STAFF, role=Role.MODERATOR, examples=("adopt #sleep topic",))
async def adopt(
    ctx: Context,
    room: RoomRef,
    field: Literal[
        "name", "topic", "alias", "avatar", "entry", "history", "encrypted", "servers", "retention_days", "curators"
    ],
) -> Reply:
    """Keep what was changed by hand in a room, so that it is not put right again.

    Powers and the pinned welcome have no field that a room's own value could be: they are put right, or changed in the configuration.
    """
    cause = await ledger.write(
        ctx.db, ctx.sender, "adopt", room.key, field, None, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
    await settings.ask(ctx.db, "adopt", [room.key, field], cause, ctx.scene.now_ms)
    return Reply(done=False)
