"""The command `ban`: writes a decision and what it asks of the rooms; never bans anybody itself."""

from functools import partial

from bridge.arguments import Aim, Rest
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import orders
from bridge.moderation.model import BAN
from bridge.roles import Role


@command(
    where=STAFF,
    role=Role.MODERATOR,
    examples=("ban @eve:example.org spam", "ban @eve:example.org 7d spam", "ban evil.example spam wave"),
    confirmed=partial(orders.go_on, kind=BAN),
)
async def ban(ctx: Context, who: Aim, reason: Rest = Rest("")) -> Reply:
    """Ban someone, or a whole server, from every room.

    It holds for rooms that are made later, too, and for people of that server who come later. `*` and `?` stand for any letters. With a time it ends by itself.
    """
    return await orders.give(ctx, BAN, who, str(reason))
