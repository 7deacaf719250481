"""The command `follows`; never changes anything."""

from bridge.commands import command
from bridge.context import Context
from bridge.digest import following, store
from bridge.words import Text, lines, words


@command(examples=("follows",))
async def follows(ctx: Context) -> Text:
    """See what you follow, with numbers for `unfollow`."""
    mine = (await store.follows_of(ctx.db, [ctx.sender])).get(ctx.sender, ())
    if not mine:
        return words("You follow nothing yet. Try %(example)s.", example={"command": "follow #sleep"})
    shown = await following.in_words(ctx, [one.reason for one in mine])
    entries = [words("- %(number)s: %(what)s", number=n, what=what) for n, what in enumerate(shown, start=1)]
    return lines(words("You follow:"), *entries)
