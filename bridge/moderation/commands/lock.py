"""The commands `lock`, `unlock` and `invites`: decide that a room is closed for a while; never change a room's powers themselves."""

from typing import Literal

from bridge import locks
from bridge.arguments import Duration, Rest, RoomRef
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import asking, decision, measures, store
from bridge.moderation.model import EVERY_ROOM, INVITES, LOCK
from bridge.roles import Role
from bridge.store import people
from bridge.words import words, words_n


def _key(which: RoomRef | str) -> str:
    return EVERY_ROOM if isinstance(which, str) else which.key


async def _shut(ctx: Context, kind: str, key: str, ms: int | None, reason: str) -> Reply:
    action = LOCK if kind == LOCK else "invites off"
    entry = await decision.write_down(ctx, action, key, reason)
    until_ms = None if ms is None else ctx.scene.now_ms + ms
    taken = await measures.take(ctx.scene, kind, "room", key, reason or None, entry, until_ms=until_ms)
    if taken.wanted:
        return Reply(done=False)
    await decision.nothing_to_do(ctx, entry)
    return Reply(words("It is so from now on."))


async def _locked(ctx: Context, key: str, ms: int | None, reason: str) -> Reply:
    return await _shut(ctx, LOCK, key, ms, reason)


@command(
    where=STAFF,
    role=Role.MODERATOR,
    examples=("lock #sleep 1h", "lock all 30m raid"),
    confirmed=_locked,
)
async def lock(
    ctx: Context, which: RoomRef | Literal["all"], how_long: Duration | None = None, reason: Rest = Rest("")
) -> Reply:
    """Let only curators and moderators write in a room, or in all rooms, for a time or until it is lifted.

    Everybody can go on reading, and take back what they said. Rooms that are made meanwhile are locked, too; the staff room never is.
    """
    key = _key(which)
    if key != EVERY_ROOM and not locks.can_be_locked(key):
        raise UsageError(words("That room cannot be locked."))
    ms = how_long.ms if how_long else None
    args = {"key": key, "ms": ms, "reason": str(reason)}
    if key == EVERY_ROOM:
        inside = {
            user
            for room in ctx.rooms
            if locks.can_be_locked(room.key)
            for user in await people.members(ctx.db, room.room)
        }
        number = len(inside - {ctx.scene.me})
        effect = words_n("%(count)s person could only read, in every room.", "%(count)s people could only read, in every room.", number)  # fmt: skip
        question = await asking.first(ctx, LOCK, args, effect, number, two=False)
        if question is not None:
            return question
    return await _shut(ctx, LOCK, key, ms, str(reason))


async def _open(ctx: Context, kind: str, action: str, key: str, reason: str) -> Reply:
    """Lift the locks of this room; of all rooms, every lock there is."""
    standing = await store.standing(ctx.db, kind)
    found = [each for each in standing if key in (EVERY_ROOM, each.target)]
    if not found:
        if any(each.target == EVERY_ROOM for each in standing):
            raise UsageError(words("All rooms are closed together. `all` in place of the room opens them again."))
        raise UsageError(words("That is open already."))
    entry = await decision.write_down(ctx, action, key, reason)
    if await measures.lift(ctx.scene, found, entry):
        return Reply(done=False)
    await decision.nothing_to_do(ctx, entry)
    return Reply(words("It is so from now on."))


@command(where=STAFF, role=Role.MODERATOR, examples=("unlock #sleep", "unlock all"))
async def unlock(ctx: Context, which: RoomRef | Literal["all"] = "all", reason: Rest = Rest("")) -> Reply:
    """Let everybody write again who could before."""
    return await _open(ctx, LOCK, "unlock", _key(which), str(reason))


@command(where=STAFF, role=Role.MODERATOR, examples=("invites off 1h", "invites off #sleep", "invites on"))
async def invites(
    ctx: Context,
    state: Literal["off", "on"],
    which: RoomRef | Literal["all"] = "all",
    how_long: Duration | None = None,
    reason: Rest = Rest(""),
) -> Reply:
    """Let nobody but the owners and me invite into a room, or into all; or let them again.

    Meanwhile codes let nobody in and stay as they are, and whoever knocks waits. The doors of the rooms stay as they are.
    """
    key = _key(which)
    if state == "on":
        return await _open(ctx, INVITES, "invites on", key, str(reason))
    return await _shut(ctx, INVITES, key, how_long.ms if how_long else None, str(reason))
