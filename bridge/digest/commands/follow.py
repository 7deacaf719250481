"""The command `follow`; never decides what a digest holds."""

from bridge.arguments import Circle, Tag, Thread, User
from bridge.commands import command
from bridge.context import Context
from bridge.digest import following, rhythm, store
from bridge.words import Text, lines, words


@command(examples=("follow #sleep", "follow @anna:example.org", "follow @anna:example.org #sleep"))
async def follow(ctx: Context, who: int | User | Circle | Thread | Tag, tag: Tag | None = None) -> Text:
    """Hear of a person, a tag, a circle or a thread in your digest.

    With a person and a tag you hear of that person only when they use the tag. A thread is given by the link of any message in it,
    or by its number in your newest digest.
    """
    first = await rhythm.never_decided(ctx.scene, ctx.sender)
    reason = await following.wanted(ctx, who, tag)
    new = await store.follow(ctx.db, ctx.sender, reason, ctx.scene.now_ms)
    await store.unfollow(ctx.db, ctx.sender, reason, "mute")  # whoever asks for it wants to hear of it
    (what,) = await following.in_words(ctx, [reason])
    if not new:
        return words("You follow %(what)s already, nothing is lost.", what=what)
    said = words("You now follow %(what)s.", what=what)
    if not first:
        return said
    next_ms, zone = await rhythm.begin(ctx.scene, ctx.sender, "daily")
    return lines(said, rhythm.begun(next_ms, zone))
