"""The command `circles merge`: lets the people of one circle into another and archives the first; never removes anybody."""

from bridge import confirm
from bridge.arguments import Circle
from bridge.commands import STAFF, command
from bridge.community import ARCHIVED
from bridge.context import Context, Reply
from bridge.effects import Put, Say
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles, moves
from bridge.store import rooms
from bridge.store.circles import follow_instead
from bridge.store.rooms import Room
from bridge.words import words, words_n


async def _both(ctx: Context, first: str, into: str) -> tuple[Room, Room]:
    found = {room.key: room for room in ctx.rooms if room.tag}
    if first not in found or into not in found:
        raise UsageError(words("That circle is archived already."))
    return found[first], found[into]


async def _merge(ctx: Context, first: str, into: str) -> Reply:
    old, new = await _both(ctx, first, into)
    cause = await circles.write_down(ctx, "circles merge", old.key)
    there = set(await circles.crew(ctx.scene, new.room))
    names = {"old": circles.name(old), "new": circles.name(new)}
    said = words(
        "%(old)s and %(new)s become one circle: it goes on in %(new)s. What was said here can still be read.", **names
    )
    ctx.scene.puts.append(
        Put(Say(key=f"merged/{old.room}/{cause}", room=old.room, text=said, language=ctx.config.language))
    )
    for user in await circles.crew(ctx.scene, old.room):
        if user not in there:
            text = words("%(old)s and %(new)s become one circle. Come into %(new)s, please: it goes on there.", **names)
            await moves.begin(ctx.scene, user, None, new.room, cause, text)
    await follow_instead(ctx.db, old.room, new.room)
    await circles.decide(ctx, cause, old.key, **{ARCHIVED: True})
    await rooms.retag(ctx.db, {old.key: None})
    return Reply(done=False)


@command(
    where=STAFF, role=Role.MODERATOR, name="circles merge", examples=("circles merge #sleep #night",), confirmed=_merge
)
async def merge(ctx: Context, circle: Circle, into: Circle) -> Reply:
    """Make one circle of two.

    The people of the first are let into the second and told; then the first is archived. Nobody is removed from it. Whoever
    follows the first follows the second.
    """
    old, _ = circles.meant(ctx, circle)
    new, _ = circles.meant(ctx, into)
    if old.room == new.room:
        raise UsageError(words("A circle cannot be merged with itself. Name two, please."))
    number = len(set(await circles.crew(ctx.scene, old.room)))
    if number > confirm.MANY:
        effect = words_n(
            "%(count)s person of %(old)s would be let into %(new)s and told, and %(old)s archived.",
            "%(count)s people of %(old)s would be let into %(new)s and told, and %(old)s archived.",
            number,
            old=circles.name(old),
            new=circles.name(new),
        )
        return await confirm.ask(ctx, "circles merge", {"first": old.key, "into": new.key}, effect)
    return await _merge(ctx, old.key, new.key)
