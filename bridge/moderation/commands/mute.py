"""The command `mute`: writes a decision and what it asks of the rooms; never changes anybody's power itself."""

from functools import partial

from bridge.arguments import Aim, Rest
from bridge.commands import CIRCLE, STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import orders
from bridge.moderation.model import MUTE
from bridge.roles import Role


@command(
    where=STAFF | CIRCLE,
    role=Role.CURATOR,
    examples=("mute @eve:example.org 2h please calm down",),
    confirmed=partial(orders.go_on, kind=MUTE),
)
async def mute(ctx: Context, who: Aim, reason: Rest = Rest("")) -> Reply:
    """Let someone only read, for a time or until it is lifted.

    In the staff room it means every room, those made later too; written in a circle it means that circle. They hear of it in private.
    """
    return await orders.give(ctx, MUTE, who, str(reason))
