"""The command `digest pause`; never ends anything for good, and never makes a digest."""

from bridge.arguments import Day, Duration, Weekday
from bridge.commands import command
from bridge.context import Context
from bridge.digest import rhythm
from bridge.errors import UsageError
from bridge.store import people
from bridge.wall import local_date, next_weekday
from bridge.words import Text, words


@command(name="digest pause", examples=("digest pause 2 weeks", "digest pause until Monday", "digest pause 2026-08-15"))
async def digest_pause(ctx: Context, until: Day | Duration | Weekday) -> Text:
    """Get no digest for some time, or until a day.

    The first one after it comes at your usual hour, on that day or the next one that is yours, and covers what happened meanwhile, at most a month.
    `digest daily` or `digest weekly` ends a pause.
    """
    person = await people.get(ctx.db, ctx.sender)
    if person.digest == "off":
        raise UsageError(words("Your digest is off already."))
    zone, now_ms = rhythm.zone_of(person, ctx.config), ctx.scene.now_ms
    today = local_date(now_ms, zone)
    if isinstance(until, Weekday):
        day = next_weekday(today, until)
    else:
        day = local_date(now_ms + until.ms, zone) if isinstance(until, Duration) else until.date
    if day <= today:
        raise UsageError(
            words("A pause lasts until tomorrow at least: %(example)s.", example={"command": "digest pause 2 weeks"})
        )
    await people.change(ctx.db, ctx.sender, digest_pause=day)
    next_ms, _ = await rhythm.plan(ctx.scene, ctx.sender)
    return words(
        "No digests until then. The next one: %(next)s. %(daily)s ends the pause.",
        next={"time_ms": next_ms, "zone": zone}, daily={"command": f"digest {person.digest}"},
    )  # fmt: skip
