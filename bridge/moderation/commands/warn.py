"""The command `warn`: writes a decision and what is told to the person; never touches a room."""

from bridge.arguments import Aim, Rest
from bridge.commands import CIRCLE, STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import orders
from bridge.moderation.model import WARN
from bridge.roles import Role
from bridge.words import words


@command(
    where=STAFF | CIRCLE, role=Role.CURATOR, examples=("warn @eve:example.org please let others finish",),
)  # fmt: skip
async def warn(ctx: Context, who: Aim, reason: Rest = Rest("")) -> Reply:
    """Tell someone in private what should be different; it stands in their history, with a time for so long.

    They do not hear from whom it comes.
    """
    if not str(reason).strip():
        raise UsageError(words("What is it about? Write it behind the name, please: they hear nothing else."))
    if who.entity == "server" or who.glob:
        raise UsageError(words("A warning is for one person. Please name them."))
    return await orders.give(ctx, WARN, who, str(reason))
