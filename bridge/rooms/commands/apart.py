"""The commands `apart` and `apart end`: who is not to be in one circle with whom; never spoken of outside the staff room."""

from bridge.arguments import User
from bridge.commands import STAFF, command
from bridge.community import circle_by_key
from bridge.context import Context
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms.assigning import crowd, pairs
from bridge.store import belongs, ledger
from bridge.words import Text, lines, words


@command(where=STAFF, role=Role.MODERATOR, examples=("apart @ann:example.org @ben:example.org",))
async def apart(ctx: Context, one: User | None = None, other: User | None = None) -> Text:
    """Keep two people out of each other's circles, or see who is kept apart.

    Nobody but staff hears of it. Newcomers are not assigned to such a circle, and you are warned when it happens otherwise.
    """
    if one is None:
        return await _listed(ctx)
    if other is None or other == one:
        raise UsageError(words("Please name two people who are not to be in one circle."))
    who = {"one": {"user": one.id}, "other": {"user": other.id}}
    if {one.id, other.id} in await pairs(ctx.scene):
        return words("%(one)s and %(other)s are kept apart already.", **who)
    entry = await _write_down(ctx, "keep apart", one, other)
    await belongs.keep_apart(ctx.db, one.id, other.id, entry)
    text = words("I keep %(one)s and %(other)s apart from now on. Only this room knows.", **who)
    together = [key for key, inside in (await crowd(ctx.scene)).items() if {one.id, other.id} <= inside]
    if not together:
        return text
    circles = [circle_by_key(ctx.config, key) for key in together]
    tags = {"list": [f"#{circle.tag}" for circle in circles if circle]}
    return lines(text, words("At the moment both are in %(circles)s. I move nobody by myself.", circles=tags))


@command(where=STAFF, role=Role.MODERATOR, name="apart end", examples=("apart end @ann:example.org @ben:example.org",))
async def apart_end(ctx: Context, one: User, other: User) -> Text:
    """Let two people be in one circle again."""
    who = {"one": {"user": one.id}, "other": {"user": other.id}}
    if not await belongs.no_longer_apart(ctx.db, one.id, other.id):
        if {one.id, other.id} in await pairs(ctx.scene):
            raise UsageError(
                words("%(one)s and %(other)s are kept apart by the configuration. An owner can change it there.", **who)
            )
        raise UsageError(words("%(one)s and %(other)s are not kept apart.", **who))
    await _write_down(ctx, "no longer apart", one, other)
    return words("%(one)s and %(other)s may be in one circle again.", **who)


async def _listed(ctx: Context) -> Text:
    found = sorted(tuple(sorted(pair)) for pair in await pairs(ctx.scene) if len(pair) == 2)
    if not found:
        return words("Nobody is kept apart from anybody.")
    parts = [words("- %(one)s and %(other)s", one={"user": one}, other={"user": other}) for one, other in found]
    return lines(words("These are kept apart:"), *parts)


async def _write_down(ctx: Context, action: str, one: User, other: User) -> int:
    entry = await ledger.write(
        ctx.db, ctx.sender, action, one.id, None, other.id, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
    await ledger.settle(ctx.db, entry, {"done": 0}, ctx.scene.now_ms)
    return entry
