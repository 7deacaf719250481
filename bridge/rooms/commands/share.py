"""The command `share`: somebody wants a thread to be heard by all; never shares what its author did not agree to."""

from bridge.arguments import Thread
from bridge.commands import CIRCLE, DIRECT, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.rooms import ask
from bridge.words import words


@command(where=DIRECT | CIRCLE, examples=("share https://matrix.to/#/!room/$event",))
async def share(ctx: Context, thread: Thread | None = None) -> Reply:
    """Share a thread with everybody, or have its author asked whether it may be.

    Write it as an answer in the thread, or give the link to any of its messages. A thread of yours is shared at once; for another one I ask
    the person who began it, privately. 🔗 as a reaction on a message does the same.
    """
    about = thread.event if thread else ctx.event.thread or ctx.event.reply_to
    if about is None:
        raise UsageError(
            words(
                "Which thread? Write %(command)s as an answer in it, or give its link.",
                command={"command": "share", "prefix": "!"},
            )
        )
    return Reply(await ask.wish(ctx.scene, ctx.sender, about, ctx.event.id))
