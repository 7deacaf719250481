"""The command `name`: by which name somebody is known in this community; never speaks of anybody else's."""

from typing import Literal, cast

from bridge.arguments import Rest
from bridge.commands import command
from bridge.context import Context
from bridge.errors import UsageError
from bridge.rooms import naming
from bridge.words import Text, words


@command(examples=("name Cleo", "name off"))
async def name(ctx: Context, new_name: Literal["off"] | Rest | None = None) -> Text:
    """Choose the name by which I call you wherever I name you, or none with off.

    I use it in shared threads, digests and answers. What people see in the rooms themselves is the name in your Matrix profile.
    """
    if new_name is None:
        return words("You are known here as %(who)s.", who={"user": ctx.sender})
    if new_name == "off":
        await naming.drop(ctx.scene, ctx.sender, ctx.event.id)
        return words("From now on I use the name in your Matrix profile again.")
    wrong = await naming.claim(ctx.scene, ctx.event, cast("str", new_name))
    if wrong is not None:
        raise UsageError(wrong)
    return words("Good. From now on I call you that, wherever I name you.")
