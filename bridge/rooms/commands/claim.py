"""The commands `claim` and `hand over`: who looks after a case; never what follows from a decision."""

from bridge import cases
from bridge.arguments import User
from bridge.commands import DIRECT, STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.kinds import KINDS
from bridge.roles import Role
from bridge.rooms.commands.cases import found
from bridge.words import words


@command(where=STAFF | DIRECT, role=Role.MODERATOR, examples=("claim 3",))
async def claim(ctx: Context, number: int) -> Reply:
    """Say that you look after a case, like 👀 on its message; its time begins anew."""
    await _give(ctx, number, ctx.sender)
    return Reply()


@command(where=STAFF | DIRECT, role=Role.MODERATOR, name="hand over", examples=("hand over 3 @ben:example.org",))
async def hand_over(ctx: Context, number: int, who: User) -> Reply:
    """Ask another moderator to look after a case; they hear so privately."""
    if who.id not in ctx.say.staff or who.id == ctx.scene.me:
        raise UsageError(words("%(who)s is not one of staff, so they cannot look after a case.", who={"user": who.id}))
    await _give(ctx, number, who.id)
    return Reply()


async def _give(ctx: Context, number: int, owner: str) -> None:
    case = await found(ctx, number)
    await cases.claim(ctx.scene, KINDS, case, owner, actor=ctx.sender, event=ctx.event.id, room=ctx.event.room)
