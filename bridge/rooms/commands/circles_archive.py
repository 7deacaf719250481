"""The commands `circles archive` and `circles restore`: decide whether a circle is used; never delete anything and never remove anybody."""

from bridge import confirm
from bridge.arguments import Circle, RoomRef, Tag
from bridge.commands import STAFF, command
from bridge.community import ARCHIVED, MADE, circle_by_key, circle_key
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles
from bridge.store import rooms
from bridge.tags import fold
from bridge.words import words, words_n


async def _archive(ctx: Context, key: str) -> Reply:
    room = next((each for each in ctx.rooms if each.key == key), None)
    if room is None or room.tag is None:
        raise UsageError(words("That circle is archived already."))
    cause = await circles.write_down(ctx, "circles archive", key)
    vanished = {} if circle_by_key(ctx.config, key) else {MADE: circles.as_it_was(room)}
    await circles.decide(ctx, cause, key, **vanished, **{ARCHIVED: True})
    await rooms.retag(ctx.db, {key: None})
    return Reply(done=False)


@command(
    where=STAFF, role=Role.MODERATOR, name="circles archive", examples=("circles archive #sleep",), confirmed=_archive
)
async def archive(ctx: Context, circle: Circle) -> Reply:
    """Put a circle that is no longer used aside.

    It can still be read, but only moderators can write there, the space does not show it any more, and its tag is free. Nobody is removed and
    nothing is deleted.
    """
    room = circles.room_of(ctx, circle.room)  # perhaps the file does not name it any more
    number = len(await circles.crew(ctx.scene, room.room))
    if number > confirm.MANY:
        effect = words_n(
            "%(circle)s would become read only for %(count)s person, and leave the space.",
            "%(circle)s would become read only for %(count)s people, and leave the space.",
            number,
            circle=circles.name(room),
        )
        return await confirm.ask(ctx, "circles archive", {"key": room.key}, effect)
    return await _archive(ctx, room.key)


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="circles restore",
    examples=("circles restore sleep", "circles restore sleep #night"),
)
async def restore(ctx: Context, room: RoomRef, tag: Tag | None = None) -> Reply:
    """Use an archived circle again, perhaps with another tag."""
    before = next((each for each in ctx.config.community.archived if circle_key(each) == room.key), None)
    if before is None:
        raise UsageError(words("That is no archived circle, so there is nothing to restore."))
    wanted = tag.tag if tag else fold(before.tag)
    circles.tag_free(ctx.scene, wanted)
    cause = await circles.write_down(ctx, "circles restore", room.key)
    await circles.decide(ctx, cause, room.key, **{ARCHIVED: False})
    if wanted != fold(before.tag):
        # The address stays: what leads to the room goes on leading there.
        await circles.decide(ctx, cause, room.key, tag=wanted, alias=before.alias or fold(before.tag))
    await rooms.retag(ctx.db, {room.key: wanted})
    return Reply(done=False)
