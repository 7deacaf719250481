"""The command `rules`; never asks anybody to accept them."""

from typing import Literal

from bridge.commands import command
from bridge.context import Context
from bridge.rooms import questions
from bridge.rooms.accepting import accept
from bridge.rooms.onboarding import version
from bridge.store import onboarding, people
from bridge.words import Text, lines, words


@command(examples=("rules", "rules yes"))
async def rules(ctx: Context, answer: Literal["yes"] | None = None) -> Text:
    """Show what holds here for everybody, or accept it with yes."""
    which = version(ctx.config.community.rules)
    if which is None:
        return words("Nothing is written down here. Be kind to each other, that goes a long way.")
    if answer is not None:
        await accept(ctx.scene, ctx.sender, ctx.event.id)
        return words("Thank you. You have accepted what holds here for everybody.")
    shown = lines(words("What holds here for everybody:"), questions.rules(ctx.config, ctx.language))
    known = await onboarding.get(ctx.db, ctx.sender)
    if known is None:
        return shown
    if known.rules_accepted is None:
        return lines(shown, words("Write %(yes)s to accept this.", yes={"command": "rules yes"}))
    zone = (await people.get(ctx.db, ctx.sender)).zone or ctx.config.zone
    when = {"time_ms": known.accepted_ms or 0, "zone": zone}
    if known.rules_accepted != which:
        changed = words("You accepted an earlier version (%(when)s). Write %(yes)s if this one is fine, too.", when=when, yes={"command": "rules yes"})  # fmt: skip
        return lines(shown, changed)
    return lines(shown, words("You accepted this: %(when)s.", when=when))
