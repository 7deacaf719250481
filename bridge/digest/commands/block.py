"""The commands `block` and `unblock`: two people hear nothing of each other in their digests; never tells the other one."""

from bridge.arguments import User
from bridge.commands import DIRECT, command
from bridge.context import Context
from bridge.digest import correcting, following, store
from bridge.digest.model import Reason
from bridge.words import Text, words


@command(where=DIRECT, examples=("block @eve:example.org",))
async def block(ctx: Context, who: User) -> Text:
    """Hear nothing of somebody in your digest, and let them hear nothing of you in theirs.

    They are not told. It is about digests alone: in the rooms where you both are, you still see each other. If somebody troubles you, please tell a moderator.
    """
    reason = await following.wanted(ctx, who, None)
    person = {"user": reason.target}
    if not await store.follow(ctx.db, ctx.sender, reason, ctx.scene.now_ms, "block"):
        return words("You block %(who)s already.", who=person)
    await correcting.part(ctx.scene, ctx.event, ctx.sender, reason.target)
    return words("From now on neither your digest tells of %(who)s, nor theirs of you.", who=person)


@command(where=DIRECT, examples=("unblock @eve:example.org",))
async def unblock(ctx: Context, who: User) -> Text:
    """Let digests tell you of somebody again, and them of you."""
    person = {"user": who.id}
    if await store.unfollow(ctx.db, ctx.sender, Reason("person", who.id), "block"):
        return words("You no longer block %(who)s.", who=person)
    return words("You do not block %(who)s.", who=person)
