"""The commands `quiet ...`: hours in which nothing comes unasked; never decides what would have come."""

from bridge.arguments import Hours
from bridge.commands import command
from bridge.context import Context
from bridge.digest import rhythm
from bridge.errors import UsageError
from bridge.store import due, people
from bridge.words import Text, lines, words


@command(examples=("quiet 22:00 7:30", "quiet"))
async def quiet(ctx: Context, hours: Hours | None = None) -> Text:
    """See your quiet hours, or choose them: from when until when nothing comes unasked.

    They are hours on your own wall. A digest that would come in them comes when they end. What you ask me is answered at any hour.
    """
    if hours is None:
        return await _told(ctx)
    if hours.since == hours.until:
        raise UsageError(
            words("From when until when? For example: %(example)s.", example={"command": "quiet 22:00 7:30"})
        )
    await people.change(ctx.db, ctx.sender, quiet_from=hours.since, quiet_until=hours.until)
    await due.look_again(ctx.db, ctx.sender, ctx.scene.now_ms)
    return await _told(ctx)


@command(examples=("quiet off",))
async def quiet_off(ctx: Context) -> Text:
    """Have no quiet hours any more."""
    await people.change(ctx.db, ctx.sender, quiet_from=rhythm.NO_HOURS.since, quiet_until=rhythm.NO_HOURS.until)
    await due.look_again(ctx.db, ctx.sender, ctx.scene.now_ms)
    return words("You have no quiet hours now.")


async def _told(ctx: Context) -> Text:
    person = await people.get(ctx.db, ctx.sender)
    hours = rhythm.quiet_of(person)
    example = {"command": "quiet 22:00 7:30"}
    night = rhythm.undisturbed(person, ctx.config)
    if hours is None and night is not None:
        return words(
            "You have chosen no quiet hours: from %(since)s to %(until)s (%(zone)s) I tell you nothing at once. %(example)s chooses other hours, and %(off)s none.",
            since={"minute": night.since}, until={"minute": night.until}, zone=rhythm.zone_of(person, ctx.config),
            example=example, off={"command": "quiet off"},
        )  # fmt: skip
    if hours is None or hours == rhythm.NO_HOURS:
        return words("You have no quiet hours. %(example)s makes some.", example=example)
    said = words(
        "Your quiet hours are from %(since)s to %(until)s (%(zone)s).",
        since={"minute": hours.since}, until={"minute": hours.until}, zone=rhythm.zone_of(person, ctx.config),
    )  # fmt: skip
    if person.digest == "off" or not hours.covers(rhythm.minute_of(person, ctx.config)):
        return said
    return lines(said, words("Your digest comes when they end, at %(until)s.", until={"minute": hours.until}))
