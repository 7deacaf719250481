"""The command `share again`: lifts what a moderator's removal of a copy decided; never shares what its author does not want shared."""

from bridge.arguments import Thread
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import share_lifted
from bridge.words import words


@command(where=STAFF, role=Role.MODERATOR, examples=("share again https://matrix.to/#/!room/$event",))
async def share_again(ctx: Context, message: Thread) -> Reply:
    """Let something be shared again whose copy a moderator removed.

    Give the link to the removed copy or to the message itself. Its author hears of it. What they still want to be shared appears again at once.
    """
    text = await share_lifted.lift(ctx.scene, message.event, by=ctx.sender, cause=ctx.event.id)
    if text is None:
        raise UsageError(words("Nobody removed a copy of that message, or of the thread that it belongs to."))
    return Reply(text)
