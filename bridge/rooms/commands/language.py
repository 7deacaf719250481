"""The command `language`; never translates anything itself."""

from bridge.arguments import Lang
from bridge.commands import command
from bridge.context import Context
from bridge.store import people
from bridge.words import Text, words


@command(examples=("language de", "language русский"))
async def language(ctx: Context, language: Lang | None = None) -> Text:
    """Choose the language in which I write to you."""
    if language is None:
        return words("I write to you in: %(language)s.", language={"lang": ctx.language})
    await people.change(ctx.db, ctx.sender, language=language.code)
    return words("From now on I write to you in: %(language)s.", language={"lang": language.code})
