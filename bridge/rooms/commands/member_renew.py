"""The command `member renew`: a membership goes on; never invites anybody itself."""

from bridge.arguments import Day, Duration, User
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import terms_change, terms_told
from bridge.rooms.term import last_day
from bridge.store import terms
from bridge.times import DAY_MS
from bridge.wall import local_date
from bridge.words import words


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="member renew",
    examples=("member renew @eve:example.org 1y", "member renew @eve:example.org 2027-03-01"),
)
async def member_renew(ctx: Context, person: User, until: Day | Duration | None = None) -> Reply:
    """Let a membership go on: to a day, or for some time from its present end. Without either, for as long as the last time.

    Somebody whose membership has ended gets one invitation to the space, and after that their circles one by one. A ban still holds.
    """
    await terms_told.refuse_strangers(ctx, person.id)
    before = await terms.get(ctx.db, person.id)
    zone, now_ms = await terms_change.zone_of(ctx.scene, person.id), ctx.scene.now_ms
    if before is not None and before.until is None and until is None:
        return Reply(words("Their membership has no end, so there is nothing to renew."))
    if isinstance(until, Day):
        last = until.date
    else:
        days = before.days if before else None
        if until is None and days is None:
            raise UsageError(
                words("For how long? Write for example %(example)s.", example={"command": f"member renew {person.id} 365d"})
            )  # fmt: skip
        span_ms = until.ms if until is not None else (days or 0) * DAY_MS
        last = last_day(now_ms, zone, span_ms, before.until if before else None)
    if last < local_date(now_ms, zone):
        raise UsageError(words("That day is over. Please name one that is still to come."))
    return await terms_told.given(ctx, "member renew", person.id, last)
