"""The command `room replace`: has a room go on in a new one; never does it itself."""

from typing import Literal

from bridge.arguments import RoomRef
from bridge.commands import STAFF, command
from bridge.config_types import ROOM_VERSIONS
from bridge.context import Context, Reply
from bridge.effects import Put, ReplaceRoom
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.store import ledger, people
from bridge.words import lines, words, words_n


@command(where=STAFF, role=Role.MODERATOR, examples=("room replace #sleep", "room replace #sleep 12 now"))
async def room_replace(
    ctx: Context, room: RoomRef, version: int | None = None, sure: Literal["now"] | None = None
) -> Reply:
    """Replace a room by a new one, of a newer version (an upgrade).

    The new room gets the old one's name, address, place in the space, powers, bans and settings. What was said stays in the old room, where it can
    still be read and taken back. People come along by themselves or are invited. It cannot be undone, so say “now” when you are sure.
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
    if sure is None:
        given = f" {version}" if version is not None else ""
        there = len(await people.members(ctx.db, room.room)) - 1
        return Reply(
            lines(
                words_n(
                    "This closes %(room)s, where %(count)s person is, and opens a new room in its place.",
                    "This closes %(room)s, where %(count)s people are, and opens a new room in its place.",
                    max(there, 0),
                    room={"room": room.room, "name": room.key},
                ),
                words("What was said stays in the old one, and everybody has to go over. It cannot be undone."),
                words(
                    "If you are sure, write %(command)s.", command={"command": f"room replace {room.key}{given} now"}
                ),
            )
        )
    entry = await ledger.write(
        ctx.db, ctx.sender, "replace", room.key, None, None, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
    effect = ReplaceRoom(
        key=f"replace/{room.room}/{entry}",
        room=room.room,
        by=ctx.sender,
        version=wanted,
        creators=tuple(owner for owner in ctx.config.community.owners if owner != ctx.scene.me),
        cause=entry,
    )
    return Reply(puts=(Put(effect),), done=False)
