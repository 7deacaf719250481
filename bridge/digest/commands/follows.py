"""The command `follows`; never changes anything."""

from typing import Any

from bridge.commands import command
from bridge.context import Context
from bridge.digest import following, rhythm, store
from bridge.digest.model import Follow, Wish
from bridge.words import Text, lines, words, words_n


@command(examples=("follows",))
async def follows(ctx: Context) -> Text:
    """See what you follow, with numbers for `unfollow`, what it brought you last week, and what you mute, with numbers for `unmute`."""
    mine = await _wishes(ctx, "follow")
    quiet, blocked = await _wishes(ctx, "mute"), await _wishes(ctx, "block")
    brought = await store.brought(ctx.db, ctx.sender, ctx.scene.now_ms - 7 * rhythm.DAY_MS)
    found: list[Text] = []
    if mine:
        shown = await following.in_words(ctx, [one.reason for one in mine])
        found.append(words("You follow:"))
        for number, (one, what) in enumerate(zip(mine, shown, strict=True), start=1):
            found.append(_line(number, what, brought.get(one.reason, 0) if brought is not None else None))
    else:
        found.append(words("You follow nothing yet. Try %(example)s.", example={"command": "follow #sleep"}))
    if quiet:
        hidden = await following.in_words(ctx, [one.reason for one in quiet])
        found.append(words("You mute:"))
        found += [words("- %(number)s: %(what)s", number=number, what=what) for number, what in enumerate(hidden, 1)]
    if blocked:
        people = await following.in_words(ctx, [one.reason for one in blocked])
        found.append(words("You block, so neither of you hears of the other: %(people)s", people={"list": people}))
    return lines(*found)


async def _wishes(ctx: Context, wish: Wish) -> tuple[Follow, ...]:
    return (await store.follows_of(ctx.db, [ctx.sender], wish)).get(ctx.sender, ())


def _line(number: int, what: Any, brought: int | None) -> Text:
    """`brought`: how many conversations it brought last week; None: there was no digest."""
    if brought is None:
        return words("- %(number)s: %(what)s", number=number, what=what)
    if not brought:
        return words("- %(number)s: %(what)s (nothing last week)", number=number, what=what)
    return words_n(
        "- %(number)s: %(what)s (%(count)s conversation last week)",
        "- %(number)s: %(what)s (%(count)s conversations last week)",
        brought,
        number=number,
        what=what,
    )
