"""The command `room replace`: has a room go on in a new one, once its giver has said yes; never does it itself."""

from bridge import confirm
from bridge.arguments import RoomRef
from bridge.commands import STAFF, command
from bridge.config_types import ROOM_VERSIONS
from bridge.context import Context, Reply
from bridge.effects import Put, ReplaceRoom
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms.tell import address
from bridge.store import ledger, people, rooms
from bridge.words import lines, words, words_n


async def _replace(ctx: Context, key: str, version: str | None) -> Reply:
    room = await rooms.by_key(ctx.db, key)
    if room is None:
        raise UsageError(words("That room is not there any more, so nothing was changed."))
    cause = await ledger.write(
        ctx.db, ctx.sender, "replace", key, None, None, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
    effect = ReplaceRoom(
        key=f"replace/{room.room}/{cause}",
        room=room.room,
        by=ctx.sender,
        version=version,
        creators=tuple(owner for owner in ctx.config.community.owners if owner != ctx.scene.me),
        cause=cause,
    )
    return Reply(puts=(Put(effect),), done=False)


@command(
    where=STAFF, role=Role.MODERATOR, examples=("room replace #sleep", "room replace #sleep 12"), confirmed=_replace
)
async def room_replace(ctx: Context, room: RoomRef, version: int | None = None) -> Reply:
    """Replace a room by a new one, of a newer version (an upgrade).

    The new room gets the old one's name, address, place in the space, powers, bans and settings. What was said stays in the old room, where it can
    still be read and taken back. People come along by themselves or are invited. It cannot be undone, so I ask first.
    """
    wanted = str(version) if version is not None else ctx.config.community.room_version
    if wanted is not None and wanted not in ROOM_VERSIONS:
        raise UsageError(
            words(
                "I cannot make rooms of version %(version)s. It can be one of: %(known)s",
                version=wanted,
                known={"list": list(ROOM_VERSIONS)},
            )
        )
    old = await rooms.by_id(ctx.db, room.room)
    there = len(set(await people.members(ctx.db, room.room)) - {ctx.scene.me})
    effect = lines(
        words_n(
            "This closes %(room)s, where %(count)s person is, and opens a new room in its place.",
            "This closes %(room)s, where %(count)s people are, and opens a new room in its place.",
            there,
            room=address(old) if old else {"code": room.key},
        ),
        words("What was said stays in the old one, and everybody has to go over. It cannot be undone."),
    )
    return await confirm.ask(ctx, "room replace", {"key": room.key, "version": wanted}, effect)
