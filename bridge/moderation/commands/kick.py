"""The command `kick`: writes a decision and what it asks of the rooms; never removes anybody itself."""

from functools import partial

from bridge.arguments import Aim, Rest
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import orders
from bridge.moderation.model import KICK
from bridge.roles import Role


@command(
    where=STAFF,
    role=Role.MODERATOR,
    examples=("kick @eve:example.org", "kick @eve:example.org 1d sleep on it"),
    confirmed=partial(orders.go_on, kind=KICK),
)
async def kick(ctx: Context, who: Aim, reason: Rest = Rest("")) -> Reply:
    """Remove someone from every room; with a time they are kept out for so long.

    Without a time they can come back by the same doors as before.
    """
    return await orders.give(ctx, KICK, who, str(reason))
