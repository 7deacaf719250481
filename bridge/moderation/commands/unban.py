"""The command `unban`: lifts decisions and what they did to the rooms; never undoes a ban made by somebody's hand."""

from functools import partial

from bridge.arguments import Rest, Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import orders
from bridge.moderation.model import BAN, KICK
from bridge.roles import Role


@command(
    where=STAFF,
    role=Role.MODERATOR,
    examples=("unban @eve:example.org", "unban evil.example"),
    confirmed=partial(orders.go_on_lifting, command="unban"),
)
async def unban(ctx: Context, who: Target, reason: Rest = Rest("")) -> Reply:
    """Lift every ban that means someone, in every room where it was our doing.

    If that is also one of a pattern or of a server, you see first what would be lifted and for how many people.
    """
    return await orders.lift(ctx, "unban", (BAN, KICK), who, str(reason))
