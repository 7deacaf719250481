"""The command `follow`; never decides what a digest holds."""

from bridge.arguments import Circle, Tag, Thread, User
from bridge.commands import command
from bridge.context import Context
from bridge.digest import following, rhythm, store
from bridge.store import people, shares
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
    said = words("You now follow %(what)s.", what=what)
    if not new:
        said = words("You follow %(what)s already, nothing is lost.", what=what)
    elif reason.kind == "tag" and not await _in_use(ctx, reason.target):
        said = lines(
            said, words("Nobody where you are has written this tag yet. If you meant a person, pick them with @.")
        )
    blocked = await store.follows_of(ctx.db, [ctx.sender], "block")
    if any(one.reason.target == reason.target for one in blocked.get(ctx.sender, ())):
        said = lines(said, words("You block %(who)s, though, so neither of you hears of the other. %(unblock)s ends that.", who={"user": reason.target}, unblock={"command": f"unblock {reason.target}"}))  # fmt: skip
    if not (first and new):
        off = rhythm.off_now(await people.get(ctx.db, ctx.sender))
        return lines(said, off) if off is not None else said
    next_ms, zone = await rhythm.begin(ctx.scene, ctx.sender, "daily")
    return lines(said, rhythm.begun(next_ms, zone))


async def _in_use(ctx: Context, tag: str) -> bool:
    """Whether the tag was written, or means a circle, where the sender reads."""
    if any(room.tag == tag for room in ctx.rooms):
        return True
    here = set(await people.rooms_of(ctx.db, ctx.sender)) & {room.room for room in ctx.rooms}
    return await shares.is_used(ctx.db, tag, sorted(here))
