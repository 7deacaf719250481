"""The command `circles rename`: decides how a circle is called; never touches its room."""

from bridge.arguments import Circle, Rest
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles
from bridge.store import rooms
from bridge.tags import fold
from bridge.words import words


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="circles rename",
    examples=("circles rename #sleep #night", "circles rename #sleep Quiet nights"),
)
async def rename(ctx: Context, circle: Circle, tag_or_name: Rest) -> Reply:
    """Give a circle another tag, or another name, or both.

    What begins with `#` is the new tag, all else the new name. The old address goes on leading there, and whoever follows the circle goes on
    following it.
    """
    room, now = circles.meant(ctx, circle)
    first, _, rest = str(tag_or_name).strip().partition(" ")
    tag = fold(first[1:]) if first.startswith("#") else None
    title = (rest if tag is not None else str(tag_or_name)).strip()
    if tag is not None:
        circles.tag_free(ctx.scene, tag, but=room.key)
        if not title and fold(now.name) == fold(circles.title_of(now.tag)):
            title = circles.title_of(tag)
    if len(title) > 100:
        raise UsageError(words("A name has at most 100 letters. Please choose a shorter one."))
    cause = await circles.write_down(ctx, "circles rename", room.key)
    if title:
        await circles.decide(ctx, cause, room.key, name=title)
    if tag is not None and tag != fold(now.tag):
        used = await circles.used_words(ctx.scene)
        await circles.decide(ctx, cause, room.key, tag=tag)
        if now.alias is None or now.alias.startswith(now.tag):  # an address that was chosen for itself stays
            mine = {now.was or now.tag, now.tag, now.alias or now.tag}
            word = circles.free_word(tag, used - mine)
            await circles.decide(ctx, cause, room.key, alias=word)
        await rooms.retag(ctx.db, {room.key: tag})
    return Reply(done=False)
