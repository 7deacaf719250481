"""Whom a command is about, and whether it may be: what all commands of moderation share. Never decides on a measure, and never acts."""

import re

from bridge.arguments import Target
from bridge.context import Context
from bridge.errors import UsageError
from bridge.globs import matches, server_matches, server_of
from bridge.grammar import read_line
from bridge.moderation import enforce, react, store
from bridge.moderation.model import Sanction
from bridge.roles import Role
from bridge.times import is_like_a_time
from bridge.words import words


def scope_of(ctx: Context) -> str:
    """Where a command holds: written in a circle, in that circle alone (its key); else everywhere."""
    return ctx.circle.key if ctx.circle else ""


async def refuse_our_own(ctx: Context, who: Target) -> None:
    """UsageError when this would hit Hearth, our own server, or somebody of staff; for a curator also a curator of the same circle."""
    ours = await react.protected(ctx.scene)
    if who.entity == "server":
        if server_matches(who.pattern, server_of(ctx.scene.me)):
            raise UsageError(
                words("That would shut out our own server, and Hearth with it. Please name a server that is not ours.")
            )
        # A server's people cannot write any more, whoever they are: nobody can be spared.
        there = sorted(user for user in ours if server_matches(who.pattern, server_of(user)))
        if there:
            raise UsageError(
                words(
                    "%(who)s, who is one of us, comes from a server that this means, so nothing was done. Please name the people of that server one by one, or all of them by %(glob)s.",
                    who={"user": there[0]},
                    glob={"code": f"@*:{who.pattern if who.glob else server_of(there[0])}"},
                )
            )
    elif who.pattern == ctx.scene.me:
        raise UsageError(words("That is me, so nothing was done."))
    elif not who.glob and any(matches(who.pattern, user) for user in ours):
        raise UsageError(
            words(
                "%(who)s is one of us, so nothing was done. An owner can take them off the staff in the configuration first.",
                who={"user": who.pattern},
            )
        )
    circle = ctx.circle
    if circle and circle.tag and ctx.role < Role.MODERATOR:
        if who.entity == "server" or who.glob:
            raise UsageError(words("In your circle you can do that to one person at a time, please."))
        if ctx.say.curates(who.pattern, circle.tag):
            raise UsageError(
                words(
                    "%(who)s looks after this circle, too. Please speak with each other, or ask the moderators.",
                    who={"user": who.pattern},
                )
            )


def refuse_unclear(ctx: Context, reason: str) -> None:
    """UsageError when what would be the reason begins with another name, or with a time that could not be read: one of both was meant otherwise."""
    line = read_line(ctx.event.content.body, ctx.event.content.formatted_body)
    word = next((one for at, one in enumerate(line.words) if line.rest(at) == reason), None)
    if word is None:
        return
    if _PERSON.match(word.link.target if word.link else word.text):
        raise UsageError(words("I do that for one person at a time, please. Or does %(name)s belong to the reason? Then put another word before it.", name={"code": word.text}))  # fmt: skip
    if is_like_a_time(word.text):
        raise UsageError(words("For how long? I cannot read %(given)s: write %(example)s, for example, or nothing for good. If it belongs to the reason, put another word before it.", given={"code": word.text}, example={"code": "30m"}))  # fmt: skip


_PERSON = re.compile(r"@[^\s:]*:\S")


async def here(ctx: Context, who: Target) -> tuple[str, ...]:
    """The people whom this means and who are in a room of ours now (in the circle, where it was written in one), without those whom nothing touches; sorted."""
    probe = Sanction(0, who.entity, who.pattern, None, 0)
    spared, scope = await react.protected(ctx.scene), scope_of(ctx)
    keys = {room.room: room.key for room in ctx.rooms}
    found = {
        each.user
        for each in await store.presences(ctx.db)
        if each.membership in enforce.HERE
        and each.user not in spared
        and scope in ("", keys.get(each.room))
        and enforce.hits(probe, each.user)
    }
    return tuple(sorted(found))


async def somebody_here(ctx: Context, who: Target) -> tuple[str, ...]:
    """The same; UsageError when that is nobody."""
    found = await here(ctx, who)
    if not found:
        name = react.shown(who.entity, who.pattern)
        if ctx.circle:
            raise UsageError(words("%(who)s is not in this circle.", who=name))
        raise UsageError(words("%(who)s is in none of our rooms.", who=name))
    return found
