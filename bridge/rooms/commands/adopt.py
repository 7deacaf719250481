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
        "name",
        "topic",
        "alias",
        "avatar",
        "entry",
        "history",
        "encrypted",
        "servers",
        "retention_days",
        "power",
        "welcome",
        "curators",
        "tag",
    ],
) -> Reply:
    """Keep what was changed by hand in a room, so that it is not put right again.

    Of the powers those are kept that the configuration has a word for, not those of single people. Of a welcome only its removal can be kept. What cannot
    be kept is said, with what to do instead.
    """
    cause = await ledger.write(
        ctx.db, ctx.sender, "adopt", room.key, field, None, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
    await settings.ask(ctx.db, "adopt", [room.key, field], cause, ctx.scene.now_ms)
    return Reply(done=False)
