"""The command `unheard`: who in one's circles may need somebody; never shows a word, and to staff outside of a circle no person."""

from bridge.arguments import Circle
from bridge.commands import ANYWHERE, command
from bridge.context import Context
from bridge.digest import watched
from bridge.digest.watched import Watch
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.words import Text, lines, words


@command(where=ANYWHERE, role=Role.CURATOR, examples=("unheard", "unheard #sleep"))
async def unheard(ctx: Context, circle: Circle | None = None) -> Text:
    """See whom nobody has answered, who is new and silent, who was not seen for two weeks, and where it has gone quiet.

    Of your own circles you are shown who and where; in the staff room, and of circles that you do not look after, only numbers, and none of fewer than five people.
    """
    in_staff = ctx.room is not None and ctx.room.kind == "staff"
    mine = await watched.watch_of(ctx.db, ctx.say, ctx.sender, only_counted=in_staff)
    only = circle.room if circle is not None else ctx.circle.room if ctx.circle is not None else None
    if only is not None:
        mine = Watch(
            ctx.sender,
            tuple(room for room in mine.named if room.room == only),
            tuple(room for room in mine.counted if room.room == only),
        )
    if not (mine.named or mine.counted):
        raise UsageError(words("You can ask this about a circle that you look after."))
    via = (ctx.scene.me.partition(":")[2],)
    found = await watched.told(ctx.db, mine, ctx.config, ctx.scene.now_ms, via=via)
    if found is None:
        return words("Nobody waits for an answer as far as I can see, and nobody has gone missing.")
    return lines(words("**What may need you**"), found)
