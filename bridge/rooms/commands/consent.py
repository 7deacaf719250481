"""The command `consent`: whether somebody's replies may travel with a shared thread; never speaks of anybody else's answer."""

from typing import Literal

from bridge.commands import ANYWHERE, command
from bridge.context import Context, Reply
from bridge.rooms import share_told, shares
from bridge.store import people, rooms
from bridge.words import lines, words


@command(where=ANYWHERE, examples=("consent", "consent yes", "consent no"))
async def consent(ctx: Context, answer: Literal["yes", "no"] | None = None) -> Reply:
    """Say whether your replies may travel when their thread is shared.

    It holds for every shared thread. With yes, what you already said in threads that are shared now is added; with no, it is taken back.
    """
    if answer is not None:
        await shares.consent(ctx.scene, ctx.sender, answer == "yes", ctx.event.id)
        return Reply(share_told.heard_you(answer == "yes"))
    given = (await people.get(ctx.db, ctx.sender)).consent
    if given is None:
        now = words(
            "You have not said yet whether your replies may travel with a shared thread; until then they stay in the circle."
        )
    elif given:
        now = words("Your replies travel with a thread when its author shares it.")
    else:
        now = words("Your replies stay in the circle when a thread is shared.")
    how = words("Write %(yes)s or %(no)s to change it.", yes={"command": "consent yes"}, no={"command": "consent no"})
    common = await rooms.by_key(ctx.db, "common")
    return Reply(lines(now, await share_told.audience(ctx.scene, common), how) if common else lines(now, how))
