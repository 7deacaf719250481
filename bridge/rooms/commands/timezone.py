"""The command `timezone`; never sends anything at a time."""

from bridge.arguments import Zone
from bridge.commands import command
from bridge.context import Context
from bridge.store import due, people
from bridge.words import Text, words


@command(examples=("timezone Europe/Berlin", "timezone Berlin"))
async def timezone(ctx: Context, zone: Zone | None = None) -> Text:
    """Tell me your time zone, so that things come at the right hour."""
    if zone is None:
        person = await people.get(ctx.db, ctx.sender)
        name = person.zone or ctx.config.zone
        now = {"time_ms": ctx.scene.now_ms, "zone": name}
        return words("Your time zone is %(zone)s; there it is %(now)s now.", zone={"code": name}, now=now)
    await people.change(ctx.db, ctx.sender, zone=zone.name)
    await due.look_again(ctx.db, ctx.sender, ctx.scene.now_ms)
    now = {"time_ms": ctx.scene.now_ms, "zone": zone.name}
    return words("Your time zone is now %(zone)s; there it is %(now)s.", zone={"code": zone.name}, now=now)
