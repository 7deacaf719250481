"""The command `appeal`: asks that somebody else looks again at what was decided; never decides it."""

from bridge.arguments import Rest
from bridge.commands import DIRECT, command
from bridge.context import Context
from bridge.moderation import appeals, reporters
from bridge.roles import Role
from bridge.words import Text


@command(where=DIRECT, role=Role.STRANGER, examples=("appeal I only quoted somebody",))
async def appeal(ctx: Context, reason: Rest = Rest("")) -> Text:
    """Ask that somebody else looks again at what was decided about you: once for each decision.

    What you write behind it is shown to them. Written again, it means what was decided before that.
    """
    return await appeals.take(ctx.scene, ctx.sender, reporters.place(ctx.event, reason))
