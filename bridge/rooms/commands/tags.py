"""The command `tags`: which tags are in use; never counts what the asker cannot read."""

from bridge.commands import ANYWHERE, command
from bridge.context import Context, Reply
from bridge.store import people
from bridge.store import shares as store
from bridge.tags import fold
from bridge.words import Text, lines, words, words_n

MOST_TAGS = 20


@command(where=ANYWHERE)
async def tags(ctx: Context) -> Reply:
    """Show the tags that are used most in your rooms."""
    here = set(await people.rooms_of(ctx.db, ctx.sender)) & {room.room for room in ctx.rooms}
    counts = await store.tag_counts(ctx.db, sorted(here), MOST_TAGS)
    share = words(
        "Put %(tag)s on a message of yours to share its thread with everybody in the common room.",
        tag=f"#{fold(ctx.config.community.share_tag)}",
    )
    if not counts:
        return Reply(lines(words("There are no tags in your rooms yet. Write one like this: #sleep"), share))
    shown: list[Text] = [
        words_n("- %(tag)s: %(count)s message", "- %(tag)s: %(count)s messages", number, tag=f"#{tag}")
        for tag, number in counts
    ]
    return Reply(lines(words("The tags that are used most in your rooms:"), *shown, share))
