"""The commands `redact` and `redact thread`: write a decision; `bridge.moderation.sweeping` finds what it means. Never touch a message themselves."""

from typing import Any, Literal

from bridge import confirm
from bridge.arguments import Aim, Duration, Rest, Target, Thread
from bridge.commands import CIRCLE, STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import asking, decision, react, store, whom
from bridge.roles import Role
from bridge.store import journal, sweeps
from bridge.words import words, words_n

MOST = 1000


async def _go_on(
    ctx: Context, kind: str, target: str, scope: str, reason: str, since_ms: int | None = None, most: int | None = None
) -> Reply:
    entry = await decision.write_down(ctx, "redact", target, reason)
    await sweeps.add(ctx.db, sweeps.Sweep(entry, kind, target, scope, since_ms, most))
    return Reply(done=False)


@command(
    where=STAFF | CIRCLE,
    role=Role.CURATOR,
    examples=(
        "redact @eve:example.org 3h spam",
        "redact @eve:example.org last 20",
        "redact bad.example.org 3h",
        "redact https://matrix.to/#/!room/$event",
    ),
    confirmed=_go_on,
)
async def redact(
    ctx: Context,
    what: Thread | Aim,
    word: Literal["last"] | None = None,
    number: int | Duration | None = None,
    reason: Rest = Rest(""),
) -> Reply:
    """Take away a message, or what someone wrote in the last hours, or their last so many messages; nobody can bring it back.

    With a server it means all its people, by the hours. In the staff room it means every room, in a circle that circle. It is looked for in the rooms themselves, edits and encrypted messages too.
    """
    del word  # it only makes the line read well
    if isinstance(what, Thread):
        return await _one(ctx, what, "message", str(reason))
    if isinstance(number, Duration):  # `@eve last 3h`
        what, number = Aim(what.entity, what.pattern, number.ms), None
    await whom.refuse_our_own(ctx, what)
    many = what.glob or what.entity == "server"
    if (what.ms is None) == (number is None) or (many and number is not None):
        raise UsageError(
            words("How much of it? Write a time, like `3h`, or a number, like `last 20`, behind the person.")
        )
    if number is not None and not 0 < number <= MOST:
        raise UsageError(words("Please give a number from 1 to %(most)s.", most=MOST))
    scope = ctx.circle.room if ctx.circle else ""
    since_ms = None if what.ms is None else ctx.scene.now_ms - what.ms
    args: dict[str, Any] = {
        "kind": "user",
        "target": what.pattern,
        "scope": scope,
        "since_ms": since_ms,
        "most": number,
    }
    messages, rooms = await _counted(ctx, what, since_ms, number, scope or None)
    effect = words_n(
        "That takes away %(count)s message of %(who)s that I know of, in %(rooms)s of our rooms, for good.",
        "That takes away %(count)s messages of %(who)s that I know of, in %(rooms)s of our rooms, for good.",
        messages,
        who=react.shown(what.entity, what.pattern),
        rooms=rooms,
    )
    people = len(await whom.here(ctx, what)) if many else 1
    args["reason"] = str(reason)
    return await asking.first(ctx, "redact", args, effect, people, always=True) or await _go_on(ctx, **args)


async def _counted(
    ctx: Context, who: Target, since_ms: int | None, number: int | None, room: str | None
) -> tuple[int, int]:
    if who.glob or who.entity == "server":
        sweep = sweeps.Sweep(0, "user", who.pattern, room or "", since_ms, None)
        found = await sweeps.known(ctx.db, sweep, [each.room for each in ctx.rooms if room in (None, each.room)])
        return sum(each.counts for each in found), len({each.room for each in found})
    if number is not None:
        return await store.wrote_last(ctx.db, who.pattern, number, room)
    return await store.wrote_since(ctx.db, who.pattern, since_ms or 0, room)


@command(
    where=STAFF | CIRCLE,
    role=Role.CURATOR,
    name="redact thread",
    examples=("redact thread https://matrix.to/#/!room/$event",),
    confirmed=_go_on,
)
async def redact_thread(ctx: Context, thread: Thread, reason: Rest = Rest("")) -> Reply:
    """Take away a whole thread, given by a link to any of its messages; nobody can bring it back."""
    return await _one(ctx, thread, "thread", str(reason))


async def _one(ctx: Context, what: Thread, kind: str, reason: str) -> Reply:
    """A message by its link, at once; a thread after a question."""
    post = await journal.post(ctx.db, what.event)
    room = post.room if post else what.room
    ours = {each.room for each in ctx.rooms}
    if room is None or room not in ours or (what.room is not None and what.room in ours and what.room != room):
        raise UsageError(
            words("I know of no such message in our rooms. Please give me a link to it, from the menu of the message.")
        )
    if ctx.circle and ctx.role < Role.MODERATOR and room != ctx.circle.room:
        raise UsageError(words("In your circle you can take away what was written there."))
    target = (post.thread or post.event) if post and kind == "thread" else what.event
    args: dict[str, Any] = {"kind": kind, "target": target, "scope": room, "reason": reason}
    if kind == "message":
        return await _go_on(ctx, **args)
    number = await store.of_thread(ctx.db, target)
    effect = words_n("That takes away %(count)s message that I know of, for good.", "That takes away %(count)s messages that I know of, for good.", number)  # fmt: skip
    return await confirm.ask(ctx, "redact thread", args, effect)
