"""The commands `room archive` and `room restore`: decide whether a further room is used; never delete anything and never remove anybody."""

from typing import Any

from bridge import confirm
from bridge.arguments import RoomRef
from bridge.commands import STAFF, command
from bridge.community import ARCHIVED, MADE, room_key
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles
from bridge.rooms.tell import address
from bridge.store import rooms
from bridge.store.rooms import Room
from bridge.words import words, words_n


def _as_it_was(room: Room) -> dict[str, Any]:
    """What the configuration would say of a room that it does not name any more, as far as that is known. Who could enter it is not: so only who is invited."""
    name = room.key.partition("/")[2]
    alias = (room.alias or "").removeprefix("#").partition(":")[0]
    made: dict[str, Any] = {"name": circles.title_of(name), "encrypted": room.encrypted, "entry": "invited"}
    if room.history in ("shared", "invited", "joined"):
        made["history"] = room.history
    return {**made, **({"alias": alias} if alias else {})}


async def _archive(ctx: Context, key: str) -> Reply:
    room = await rooms.by_key(ctx.db, key)
    if room is None or key in map(room_key, ctx.config.community.archived_rooms):
        raise UsageError(words("That room is archived already."))
    cause = await circles.write_down(ctx, "room archive", key)
    vanished = {} if key in map(room_key, ctx.config.community.rooms) else {MADE: _as_it_was(room)}
    await circles.decide(ctx, cause, key, **vanished, **{ARCHIVED: True})
    return Reply(done=False)


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="room archive",
    examples=("room archive room/library",),
    confirmed=_archive,
)
async def archive(ctx: Context, room: RoomRef) -> Reply:
    """Put a further room that is no longer used aside, also one that the configuration does not name any more.

    It can still be read, but only moderators can write there, and the space does not show it any more. Nobody is removed and nothing is deleted.
    """
    if room.kind == "circle":
        instead = {"command": f"circles archive #{room.tag}" if room.tag else "circles archive"}
        raise UsageError(words("That is a circle: %(instead)s does it.", instead=instead))
    if room.kind != "room":
        raise UsageError(words("The community cannot do without that room, so it cannot be archived."))
    number = len(await circles.crew(ctx.scene, room.room))
    if number > confirm.MANY:
        effect = words_n(
            "%(room)s would become read only for %(count)s person, and leave the space.",
            "%(room)s would become read only for %(count)s people, and leave the space.",
            number,
            room=address(circles.room_of(ctx, room.room)),
        )
        return await confirm.ask(ctx, "room archive", {"key": room.key}, effect)
    return await _archive(ctx, room.key)


@command(where=STAFF, role=Role.MODERATOR, name="room restore", examples=("room restore room/library",))
async def restore(ctx: Context, room: RoomRef) -> Reply:
    """Use an archived further room again."""
    if room.key not in map(room_key, ctx.config.community.archived_rooms):
        raise UsageError(words("That is no archived room, so there is nothing to restore."))
    cause = await circles.write_down(ctx, "room restore", room.key)
    await circles.decide(ctx, cause, room.key, **{ARCHIVED: False})
    return Reply(done=False)
