"""The command `member expire`: gives a membership its last day; never takes anybody out itself."""

from typing import Literal

from bridge.arguments import Day, Duration, User
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import terms_change, terms_told
from bridge.rooms.term import NEVER, last_day
from bridge.wall import local_date
from bridge.words import words


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="member expire",
    examples=("member expire @eve:example.org 2026-03-01", "member expire @eve:example.org 30d"),
)
async def member_expire(ctx: Context, person: User, until: Day | Duration | Literal["never"]) -> Reply:
    """Let a membership end on a day, after some time, or never.

    The day itself is still a member's, by their own clock. They are reminded before, can read for a few days after it, and are then taken out of
    every room. `member renew` brings them back, with all that they had.
    """
    await terms_told.refuse_strangers(ctx, person.id)
    zone, now_ms = await terms_change.zone_of(ctx.scene, person.id), ctx.scene.now_ms
    if until == NEVER:
        last = None
    elif isinstance(until, Duration):
        last = last_day(now_ms, zone, until.ms)
    else:
        last = until.date if isinstance(until, Day) else None
    today = local_date(now_ms, zone)
    if last is not None and last < today:
        raise UsageError(
            words("That day is over. To let it end with this day, write %(today)s.", today={"command": f"member expire {person.id} {today}"})
        )  # fmt: skip
    return await terms_told.given(ctx, "member expire", person.id, last)
