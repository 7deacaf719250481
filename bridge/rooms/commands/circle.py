"""The commands `circle topic`, `circle welcome` and `circle size`: a curator decides about the own circle; never touches its room."""

from bridge.arguments import OtherCircle, Rest
from bridge.commands import CIRCLE, DIRECT, STAFF, command
from bridge.community import most
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles
from bridge.words import words

MOST_LETTERS = 1000
HERE = DIRECT | STAFF | CIRCLE


@command(where=HERE, role=Role.CURATOR, name="circle topic", examples=("circle topic Bad nights, good mornings",))
async def topic(ctx: Context, circle: OtherCircle | None = None, text: Rest = Rest("")) -> Reply:
    """Say in one line what your circle is about.

    In the circle itself it need not be named.
    """
    return await _say(ctx, circle, "topic", str(text))


@command(
    where=HERE, role=Role.CURATOR, name="circle welcome", examples=("circle welcome Tell us what brings you here",)
)
async def welcome(ctx: Context, circle: OtherCircle | None = None, text: Rest = Rest("")) -> Reply:
    """Write what newcomers read first in your circle.

    In the circle itself it need not be named.
    """
    return await _say(ctx, circle, "welcome", str(text))


async def _say(ctx: Context, circle: OtherCircle | None, field: str, text: str) -> Reply:
    room, now = circles.meant(ctx, circle)
    said = text.strip()
    if not said:
        raise UsageError(
            words("What should it say? Write it behind %(command)s.", command={"command": f"circle {field}"})
        )
    if len(said) > MOST_LETTERS:
        raise UsageError(words("That is too long: at most %(most)s letters, please.", most=MOST_LETTERS))
    if getattr(now, field, None) == said:
        return Reply(words("It is so already."))
    cause = await circles.write_down(ctx, f"circle {field}", room.key)
    await circles.decide(ctx, cause, room.key, **{field: said})
    return Reply(done=False)


@command(where=HERE, role=Role.CURATOR, name="circle size", examples=("circle size 25",))
async def size(ctx: Context, circle: OtherCircle | None = None, number: int | None = None) -> Reply:
    """See or say how many people your circle holds well.

    When there are more, I propose to make two circles of it; nobody is moved who does not want to be.
    """
    room, now = circles.meant(ctx, circle)
    if number is None:
        people = len(await circles.crew(ctx.scene, room.room))
        return Reply(
            words(
                "%(circle)s holds %(most)s people well; there are %(now)s.",
                circle=circles.name(room),
                most=most(now, ctx.config),
                now=people,
            )
        )
    if not 2 <= number <= 1000:
        raise UsageError(words("Please give a number from 2 to 1000."))
    cause = await circles.write_down(ctx, "circle size", room.key)
    await circles.decide(ctx, cause, room.key, size=number)
    return Reply(done=False)
