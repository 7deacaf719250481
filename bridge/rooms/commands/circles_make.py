"""The command `circles make`: decides that there shall be a circle; never makes the room itself."""

from bridge.arguments import Rest, Tag, User
from bridge.commands import STAFF, command
from bridge.community import MADE
from bridge.context import Context, Reply
from bridge.roles import Role
from bridge.rooms import circles


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="circles make",
    examples=("circles make #hope", "circles make #hope @ann:example.org Places of hope"),
)
async def make(ctx: Context, tag: Tag, curator: User | None = None, title: Rest = Rest("")) -> Reply:
    """Make a new circle, perhaps with a curator and a name.

    Everybody in the space can enter it. Without a name it is called like its tag.
    """
    if curator is not None:
        await circles.in_community(ctx, curator.id)
    curators = (curator.id,) if curator else ()
    key, made = await circles.new(ctx.scene, tag.tag, str(title).strip() or circles.title_of(tag.tag), curators)
    cause = await circles.write_down(ctx, "circles make", key)
    await circles.decide(ctx, cause, key, **{MADE: made})
    return Reply(done=False)
