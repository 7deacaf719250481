"""The command `forget me`: asks before it begins; never forgets anything by itself (`rooms.forgetting`)."""

from typing import Literal

from bridge import confirm
from bridge.commands import DIRECT, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import forgetting
from bridge.store import forgetting as store
from bridge.words import Text, words


async def _forget(ctx: Context, messages: bool) -> Reply:
    begun = await forgetting.begin(ctx.scene, ctx.sender, ctx.event.room, ctx.event.id, ctx.language, messages=messages)
    if not begun:
        raise UsageError(_at_it())
    return Reply(done=False)


def _at_it() -> Text:
    return words("I am at it already. When it is done, I tell you here what was done.")


@command(
    where=DIRECT,
    role=Role.STRANGER,
    name="forget me",
    examples=("forget me", "forget me messages"),
    confirmed=_forget,
)
async def forget_me(ctx: Context, what: Literal["messages"] | None = None) -> Reply:
    """Let me forget you: your copies are taken back everywhere, and what I know of you is erased.

    With `messages` what you wrote in the rooms of this community is emptied, too. First I tell you in numbers what that means, and you confirm it. In
    the end you get a list of what was done where. You stay a member.
    """
    if any(one.user == ctx.sender for one in await store.open_ones(ctx.db)):
        raise UsageError(_at_it())
    effect = forgetting.preview(await store.known(ctx.db, ctx.sender), messages=what is not None)
    return await confirm.ask(ctx, "forget me", {"messages": what is not None}, effect)
