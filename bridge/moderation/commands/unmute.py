"""The command `unmute`: lifts mutes; never changes anybody's power itself."""

from functools import partial

from bridge.arguments import Rest, Target
from bridge.commands import CIRCLE, STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import orders
from bridge.moderation.model import MUTE
from bridge.roles import Role


@command(
    where=STAFF | CIRCLE,
    role=Role.CURATOR,
    examples=("unmute @eve:example.org",),
    confirmed=partial(orders.go_on_lifting, command="unmute"),
)
async def unmute(ctx: Context, who: Target, reason: Rest = Rest("")) -> Reply:
    """Let someone write again; written in a circle, lift what holds in that circle alone."""
    return await orders.lift(ctx, "unmute", (MUTE,), who, str(reason))
