"""The command `unmute`; never changes what others mute."""

from bridge.arguments import Circle, Tag, Thread, User
from bridge.commands import DIRECT, command
from bridge.context import Context
from bridge.digest import following, store
from bridge.words import Text, words


@command(where=DIRECT, examples=("unmute #sleep", "unmute @anna:example.org", "unmute 2"))
async def unmute(ctx: Context, who: int | User | Circle | Thread | Tag, tag: Tag | None = None) -> Text:
    """Hear again of something that you mute. What you follow of it holds again.

    Give it as you did when you muted it, or by its number in the list that `follows` shows.
    """
    reason = await following.listed(ctx, who, "mute") if isinstance(who, int) else await following.given(ctx, who, tag)
    (what,) = await following.in_words(ctx, [reason])
    if await store.unfollow(ctx.db, ctx.sender, reason, "mute"):
        return words("You no longer mute %(what)s.", what=what)
    return words(
        "You do not mute %(what)s. %(follows)s shows what you mute.", what=what, follows={"command": "follows"}
    )
