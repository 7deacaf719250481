"""The command `unfollow`; never changes what others follow."""

from bridge.arguments import Circle, Tag, Thread, User
from bridge.commands import command
from bridge.context import Context
from bridge.digest import following, store
from bridge.words import Text, words


@command(examples=("unfollow #sleep", "unfollow @anna:example.org", "unfollow 2"))
async def unfollow(ctx: Context, who: int | User | Circle | Thread | Tag, tag: Tag | None = None) -> Text:
    """Hear no more of something that you follow.

    Give it as you did when you followed it, or by its number in the list that `follows` shows.
    """
    reason = (
        await following.listed(ctx, who, "follow") if isinstance(who, int) else await following.given(ctx, who, tag)
    )
    (what,) = await following.in_words(ctx, [reason])
    if await store.unfollow(ctx.db, ctx.sender, reason):
        return words("You no longer follow %(what)s.", what=what)
    return words(
        "You do not follow %(what)s. %(follows)s shows what you follow.", what=what, follows={"command": "follows"}
    )
