"""The command `circles split`: lets the people of a circle choose whether to go to a new one; never moves anybody."""

from bridge import confirm
from bridge.arguments import Circle, Rest, Tag
from bridge.commands import STAFF, command
from bridge.community import circle_by_key, leaders
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles, splits
from bridge.words import words, words_n


async def _split(ctx: Context, key: str, tag: str | None, title: str) -> Reply:
    old = circle_by_key(ctx.config, key)
    room = next((each for each in ctx.rooms if each.key == key), None)
    if old is None or room is None:
        raise UsageError(words("That circle is archived already."))
    new, made = await circles.sister(ctx.scene, old, tag, title)
    cause = await circles.write_down(ctx, "circles split", new)
    await splits.begin(ctx.scene, room, new, made, cause)
    return Reply(done=False)


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="circles split",
    examples=("circles split #sleep", "circles split #sleep #night Late sleepers"),
    confirmed=_split,
)
async def split(ctx: Context, circle: Circle, tag: Tag | None = None, title: Rest = Rest("")) -> Reply:
    """Make a second circle beside one that has become large, and ask its people who would like to go there.

    Everybody is asked privately, once. Who says yes is let in, and leaves the first circle once they are there; who says nothing stays. They can
    change their minds for a week. At first the same people look after both.
    """
    room, now = circles.meant(ctx, circle)
    await circles.sister(ctx.scene, now, tag.tag if tag else None, str(title).strip())
    leading = leaders(now)
    asked = sum(user not in leading for user in await circles.crew(ctx.scene, room.room))
    if asked > confirm.MANY:
        effect = words_n(
            "%(count)s person of %(circle)s would be asked whether they would like to go to a second circle.",
            "%(count)s people of %(circle)s would be asked whether they would like to go to a second circle.",
            asked,
            circle=circles.name(room),
        )
        args = {"key": room.key, "tag": tag.tag if tag else None, "title": str(title).strip()}
        return await confirm.ask(ctx, "circles split", args, effect)
    return await _split(ctx, room.key, tag.tag if tag else None, str(title).strip())
