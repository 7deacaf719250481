"""The command `mute`; never decides what a digest holds."""

from bridge.arguments import Circle, Tag, Thread, User
from bridge.commands import DIRECT, command
from bridge.context import Context
from bridge.digest import following, make, store
from bridge.words import Text, words


@command(where=DIRECT, examples=("mute #sleep", "mute @anna:example.org", "mute @anna:example.org #sleep", "mute 3"))
async def mute(ctx: Context, who: int | User | Circle | Thread | Tag, tag: Tag | None = None) -> Text:
    """Hear nothing of a person, a tag, a circle or a thread in your digest.

    It beats everything that you follow, and nobody else notices. A tag takes along all threads that begin with it. A number
    is that of a conversation in your newest digest. In the rooms you see everything as
    before; to see nothing of somebody there, ignore them in your app.
    """
    reason = await following.wanted(ctx, who, tag)
    new = await store.follow(ctx.db, ctx.sender, reason, ctx.scene.now_ms, "mute")
    (what,) = await following.in_words(ctx, [reason])
    await make.anew(ctx.db, ctx.sender, ctx.config, ctx.scene.now_ms)
    if not new:
        return words("You mute %(what)s already.", what=what)
    return words("You now hear nothing of %(what)s in your digest.", what=what)
