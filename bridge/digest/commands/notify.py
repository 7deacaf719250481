"""The command `notify`: whether somebody is told at once who calls on them; never tells them."""

from typing import Literal

from bridge.commands import command
from bridge.context import Context
from bridge.digest.calls import wants
from bridge.store import people
from bridge.words import Text, lines, words


@command(examples=("notify", "notify on", "notify off"))
async def notify(ctx: Context, how: Literal["on", "off"] | None = None) -> Text:
    """Be told at once when somebody answers or mentions you, or only in your digest.

    What you read in the room meanwhile is not told, several at a time are one message, and in your quiet hours and in a pause nothing comes. Without a word
    from you it is on as long as digests come.
    """
    if how is not None:
        await people.change(ctx.db, ctx.sender, notify=how == "on")
    person = await people.get(ctx.db, ctx.sender)
    on = person.digest != "off" if person.notify is None else person.notify
    if not on:
        return words("Who answers or mentions you stands in your digest. %(on)s: I tell you at once.", on={"command": "notify on"})  # fmt: skip
    said = words("I tell you at once when somebody answers or mentions you. %(off)s: only in your digest.", off={"command": "notify off"})  # fmt: skip
    paused = words("You made a pause; until it ends nothing comes.")
    return said if wants(person, ctx.config, ctx.scene.now_ms) else lines(said, paused)
