"""The commands `circle curators` and `circle handover`: decide who looks after a circle; never touch its room."""

from collections.abc import Sequence
from typing import Literal

from bridge.arguments import OtherCircle, User
from bridge.commands import CIRCLE, DIRECT, STAFF, command
from bridge.community import leaders
from bridge.config import Circle
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles, followup
from bridge.store.rooms import Room
from bridge.words import words

HERE = DIRECT | STAFF | CIRCLE


@command(
    where=HERE,
    role=Role.MODERATOR,
    name="circle curators",
    examples=("circle curators #sleep", "circle curators #sleep add @ann:example.org"),
)
async def curators(
    ctx: Context,
    circle: OtherCircle | None = None,
    change: Literal["add", "remove"] | None = None,
    person: User | None = None,
) -> Reply:
    """Show who looks after a circle, or let somebody do so, or no longer.

    Who no longer does loses the power that they had there for it, and stays in the circle.
    """
    room, now = circles.meant(ctx, circle)
    if change is None:
        people = {"list": [{"user": user} for user in ctx.say.leads(now)]}
        if not ctx.say.leads(now):
            return Reply(words("Nobody looks after %(circle)s.", circle=circles.name(room)))
        return Reply(words("%(circle)s is looked after by %(people)s.", circle=circles.name(room), people=people))
    if person is None:
        raise UsageError(words("Whom do you mean? Name the person at the end, please."))
    who = {"user": person.id, "with_id": True}
    if change == "add":
        await circles.in_community(ctx, person.id)
        if person.id in now.curators:
            raise UsageError(words("%(who)s looks after %(circle)s already.", who=who, circle=circles.name(room)))
        return await _decide(ctx, "circle curators", room, now, (*now.curators, person.id))
    if person.id not in leaders(now):
        raise UsageError(words("%(who)s does not look after %(circle)s.", who=who, circle=circles.name(room)))
    return await _decide(
        ctx, "circle curators", room, now, [user for user in now.curators if user != person.id], gone=person.id
    )


@command(where=HERE, role=Role.CURATOR, name="circle handover", examples=("circle handover @ann:example.org",))
async def handover(ctx: Context, person: User, circle: OtherCircle | None = None) -> Reply:
    """Give your circle into somebody else's hands.

    They look after it instead of you; if you are a moderator and no curator there, instead of all who do so now.
    """
    room, now = circles.meant(ctx, circle)
    await circles.in_community(ctx, person.id)
    if person.id in now.curators:
        raise UsageError(
            words(
                "%(who)s looks after %(circle)s already.",
                who={"user": person.id, "with_id": True},
                circle=circles.name(room),
            )
        )
    left = [user for user in now.curators if user != ctx.sender] if ctx.sender in now.curators else []
    return await _decide(ctx, "circle handover", room, now, (*left, person.id))


async def _decide(
    ctx: Context, action: str, room: Room, now: Circle, curators: Sequence[str], gone: str | None = None
) -> Reply:
    cause = await circles.write_down(ctx, action, room.key)
    substitutes = [user for user in now.substitutes if user != gone and user not in curators]
    before = dict.fromkeys((*now.former, *leaders(now)))
    former = [user for user in before if user not in curators and user not in substitutes]
    await circles.decide(ctx, cause, room.key, curators=list(curators), substitutes=substitutes, former=former)
    for user in curators:
        if user not in leaders(now):
            await followup.welcome_curator(ctx.scene, user, room, cause)
    for user in former:
        if user in leaders(now) and user != ctx.sender:
            thanks = words(
                "You no longer look after %(circle)s; its moderators decided so. Thank you for all that you did there. You are still in it like everybody else.",
                circle=circles.name(room),
            )
            await circles.tell(ctx.scene, user, f"curator/{room.room}/{user}/{cause}", thanks)
    return Reply(done=False)
