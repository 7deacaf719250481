"""Whether a command has to be confirmed before it is carried out, and by whom; never carries it out."""

from collections.abc import Mapping
from typing import Any

from bridge import confirm
from bridge.context import Context, Reply
from bridge.store import people, rooms
from bridge.words import Text

SEVERAL = 25
"""What concerns more people than this takes a second moderator."""


async def first(
    ctx: Context,
    command: str,
    args: Mapping[str, Any],
    effect: Text,
    number: int,
    *,
    always: bool = False,
    two: bool = True,
) -> Reply | None:
    """The question, if there has to be one: where more than `confirm.MANY` people are concerned, or `always` since nobody can undo it.

    For more than SEVERAL people another moderator has to say yes, unless there is none, or `two` is false because it can be undone at once.
    """
    if not always and number <= confirm.MANY:
        return None
    other = two and number > SEVERAL and await _others(ctx)
    return await confirm.ask(ctx, command, args, effect, another=bool(other))


async def _others(ctx: Context) -> int:
    """How many people besides this one could say yes: whoever is in the staff room."""
    staff = await rooms.by_key(ctx.db, "staff")
    inside = await people.members(ctx.db, staff.room) if staff else ()
    return len({*inside} - {ctx.scene.me, ctx.sender})
