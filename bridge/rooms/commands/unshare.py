"""The command `unshare`: an author takes a shared thread back; never asks why."""

from bridge.arguments import Thread
from bridge.commands import CIRCLE, COMMON, DIRECT, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import share_told, shares
from bridge.store import answers, rooms
from bridge.store import shares as store
from bridge.words import words


@command(where=DIRECT | CIRCLE | COMMON, examples=("unshare", "unshare https://matrix.to/#/!room/$event"))
async def unshare(ctx: Context, thread: Thread | None = None) -> Reply:
    """Take a thread of yours back from where it was carried.

    Write it as an answer in the thread, or give the link to any of its messages. The tag may stay: the thread is shared again only
    when you write the tag in a new message there, or take the tag away and put it on again.
    """
    about = thread.event if thread else ctx.event.thread or ctx.event.reply_to
    if about is None:
        raise UsageError(
            words(
                "Which thread? Write %(command)s as an answer in it, or give its link.",
                command={"command": "unshare", "prefix": "!"},
            )
        )
    top = await store.top(ctx.db, about)
    if top is not None and top.author == ctx.scene.me:  # written where the copies are
        root = await store.root_of_copy(ctx.db, top.event)
        root = root or await answers.answered(ctx.db, thread.event if thread else ctx.event.id, top.room)
        top = await store.top(ctx.db, root or top.event)
    circle = await rooms.by_id(ctx.db, top.room) if top else None
    if top is None or circle is None or not _may(ctx, top.author, circle.tag):
        raise UsageError(words("I know no thread of yours there. Only the person who began a thread can take it back."))
    if not await shares.take_back(ctx.scene, top.event, top.room, ctx.event.id):
        raise UsageError(
            words("That thread is not shared. It stands in %(circle)s only.", circle=share_told.name(circle))
        )
    return Reply(words("Your thread is being taken back. It stays in %(circle)s.", circle=share_told.name(circle)))


def _may(ctx: Context, author: str, tag: str | None) -> bool:
    return author == ctx.sender or ctx.role >= Role.MODERATOR or (tag is not None and ctx.curates(tag))
