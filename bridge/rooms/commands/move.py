"""The command `move`: lets somebody go from one circle into another; never touches a room itself."""

from bridge.arguments import Circle, Rest, User
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles, moves
from bridge.store import belongs, people
from bridge.store.rooms import Room
from bridge.words import Text, lines, words


@command(
    where=STAFF,
    role=Role.MODERATOR,
    examples=("move @ben:example.org #garden", "move @ben:example.org #sleep #garden They asked for it"),
)
async def move(ctx: Context, who: User, circle: Circle, to: Circle | None = None, reason: Rest = Rest("")) -> Reply:
    """Let somebody go from one circle into another.

    They are invited, and told privately why. Only when they are in the new circle do they leave the old one. With one circle, that is where they go.
    """
    await circles.in_community(ctx, who.id)
    target = circles.room_of(ctx, (to or circle).room)
    source = circles.room_of(ctx, circle.room) if to else await _only_circle(ctx, who.id, target)
    person = {"user": who.id, "with_id": True}
    if source is not None and source.room == target.room:
        raise UsageError(words("That is twice the same circle. Where shall %(who)s go?", who=person))
    if source is not None and await people.membership(ctx.db, source.room, who.id) != "join":
        raise UsageError(words("%(who)s is not in %(circle)s.", who=person, circle=circles.name(source)))
    there = await people.membership(ctx.db, target.room, who.id)
    if there == "ban":
        raise UsageError(words("%(who)s is banned from %(circle)s.", who=person, circle=circles.name(target)))
    if there == "join" and source is None:
        raise UsageError(words("%(who)s is in %(circle)s already.", who=person, circle=circles.name(target)))
    if await belongs.apart_from(ctx.db, who.id) & set(await people.members(ctx.db, target.room)):
        raise UsageError(
            words("Somebody is in %(circle)s from whom %(who)s is kept apart.", who=person, circle=circles.name(target))
        )
    cause = await circles.write_down(ctx, "move", who.id, str(reason).strip())
    text = _told(source, target, str(reason).strip())
    await moves.begin(ctx.scene, who.id, source.room if source else None, target.room, cause, text)
    return Reply(_said(who.id, source, target))


async def _only_circle(ctx: Context, user: str, target: Room) -> Room | None:
    """The one circle that this person is in beside the new one; None when they are in no other."""
    mine = set(await people.rooms_of(ctx.db, user))
    found = [room for room in ctx.rooms if room.kind == "circle" and room.tag and room.room in mine and room != target]
    if len(found) > 1:
        names = {"list": [circles.name(room) for room in found]}
        raise UsageError(
            words("%(who)s is in several circles: %(circles)s. From which one?", who={"user": user}, circles=names)
        )
    return found[0] if found else None


def _told(source: Room | None, target: Room, reason: str) -> Text:
    new = circles.name(target)
    why = (words("They say why: %(reason)s", reason=reason),) if reason else ()
    if source is None:
        said = words("The moderators would like to have you in %(new)s. Come in there, please.", new=new)
    else:
        said = words(
            "The moderators think that %(new)s is a better place for you than %(old)s. Come in there, please; only then do you leave %(old)s.",
            new=new,
            old=circles.name(source),
        )
    stay = words("If you would rather stay where you are, tell them. Nothing happens as long as you do not go there.")
    return lines(said, *why, stay)


def _said(user: str, source: Room | None, target: Room) -> Text:
    who = {"user": user, "with_id": True}
    if source is None:
        return words("%(who)s is let into %(new)s, and was told.", who=who, new=circles.name(target))
    return words(
        "%(who)s is let into %(new)s, and was told. Once there, they leave %(old)s.",
        who=who,
        new=circles.name(target),
        old=circles.name(source),
    )
