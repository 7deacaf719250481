"""The command `share as`: by what somebody is named on shared messages; never speaks of anybody else's choice."""

from typing import Literal

from bridge.commands import ANYWHERE, command
from bridge.context import Context
from bridge.rooms import attribution
from bridge.store import people
from bridge.words import Text, lines, words


@command(where=ANYWHERE, name="share as", examples=("share as anonymous", "share as name", "share as profile"))
async def share_as(ctx: Context, how: Literal["name", "profile", "anonymous"] | None = None) -> Text:
    """Choose by what you are named when messages of yours are shared.

    name: the one you chose here, or else the one of your Matrix profile; so it is unless you say otherwise. profile: always that of your profile. anonymous:
    no name, only the circle. It holds for what is shared already, too. Announcements always have a name.
    """
    if how is None:
        shown = (await people.get(ctx.db, ctx.sender)).shown
        return lines(_now(shown), words("Write %(command)s to change it.", command={"command": "share as anonymous"}))
    chosen = None if how == "name" else how
    await attribution.choose(ctx.scene, ctx.sender, chosen, ctx.event.id)
    return _now(chosen)


def _now(shown: str | None) -> Text:
    if shown == people.ANONYMOUS:
        return words(
            "What is shared of you appears without your name. In your own circle everybody sees it with your name, as always; people may know you by how you write; and where a message was shared before, the history of that message still shows your name."
        )
    if shown == people.PROFILE:
        return words("What is shared of you appears with the name of your Matrix profile.")
    return words("What is shared of you appears with the name that you have here.")
