"""The command `substitute`: somebody looks after a circle while its curator is away; never touches its room."""

from datetime import date, timedelta
from typing import Literal

from bridge.arguments import Day, Duration, OtherCircle, User
from bridge.commands import CIRCLE, DIRECT, STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles, followup, substitutes
from bridge.store import people
from bridge.times import DAY_MS
from bridge.wall import instant
from bridge.words import words

LONGEST_MS = 366 * DAY_MS


@command(
    where=DIRECT | STAFF | CIRCLE,
    role=Role.CURATOR,
    examples=("substitute @ben:example.org for 2 weeks", "substitute @ben:example.org until 2026-08-31 #sleep"),
)
async def substitute(
    ctx: Context,
    person: User,
    word: Literal["for", "until"] | None = None,
    how_long: Duration | Day | None = None,
    circle: OtherCircle | None = None,
) -> Reply:
    """Let somebody look after your circle while you are away.

    They can do there what you can, and it ends by itself: after that time, or at the end of that day.
    """
    del word  # it only makes the line read well
    room, now = circles.meant(ctx, circle)
    await circles.in_community(ctx, person.id)
    if how_long is None:
        raise UsageError(words("For how long? Write it behind the name, like `for 2 weeks` or `until 2026-08-31`."))
    if person.id in now.curators:
        raise UsageError(
            words(
                "%(who)s looks after %(circle)s already.",
                who={"user": person.id, "with_id": True},
                circle=circles.name(room),
            )
        )
    end_ms = await _end(ctx, how_long)
    if not ctx.scene.now_ms < end_ms <= ctx.scene.now_ms + LONGEST_MS:
        raise UsageError(words("That day is past, or more than a year away. Please name another one."))
    cause = await circles.write_down(ctx, "substitute", room.key)
    others = [user for user in now.substitutes if user != person.id]
    former = [user for user in now.former if user != person.id]
    await circles.decide(ctx, cause, room.key, substitutes=[*others, person.id], former=former)
    await substitutes.until(ctx.scene, room.key, person.id, end_ms)
    await circles.let_in(ctx.scene, person.id, room.room, str(cause))
    await followup.tell_substitute(ctx.scene, person.id, room, end_ms, cause)
    return Reply(done=False)


async def _end(ctx: Context, given: Duration | Day) -> int:
    """When it ends (UTC ms): a day ends at midnight where the person who says so lives."""
    if isinstance(given, Duration):
        return ctx.scene.now_ms + given.ms
    zone = (await people.get(ctx.db, ctx.sender)).zone or ctx.config.zone
    return instant(date.fromisoformat(given.date) + timedelta(days=1), 0, zone)
