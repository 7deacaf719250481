"""The command `slow`: writes a decision; what comes too soon is taken away by `bridge.moderation.slow`. Never touches a message itself."""

from typing import Literal

from bridge.arguments import Aim, Duration, Rest, RoomRef
from bridge.commands import CIRCLE, STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import decision, measures, store, told, whom
from bridge.moderation.model import SLOW
from bridge.moderation.react import shown
from bridge.roles import Role
from bridge.words import lines, words

EVERYBODY = "@*"
LEAST_MS, MOST_MS = 5_000, 24 * 60 * 60 * 1000


@command(
    where=STAFF | CIRCLE,
    role=Role.CURATOR,
    examples=(
        "slow @eve:example.org 10m",
        "slow @eve:example.org 10m for 2d",
        "slow #sleep 30s for 2h",
        "slow #sleep off",
    ),
)
async def slow(
    ctx: Context,
    who: Aim | RoomRef,
    gap: Duration | Literal["off"] | None = None,
    word: Literal["for"] | None = None,
    how_long: Duration | None = None,
    reason: Rest = Rest(""),
) -> Reply:
    """Let someone, or everybody in a room, write only every so often; `off` ends it.

    What comes sooner is taken away, and they hear once why. Staff is spared, and curators in their circle. In a circle a curator can do this there.
    """
    del word  # it only makes the line read well
    entity, target, scope = _whom(ctx, who)
    if isinstance(who, Aim):
        await whom.refuse_our_own(ctx, who)
    # `@eve 1m for 1h`: the second time is how long.
    if isinstance(who, Aim) and who.ms is not None and isinstance(gap, Duration):
        gap, how_long = Duration(who.ms), how_long or gap
    if gap == "off":
        return await _off(ctx, entity, target, scope, str(reason))
    gap_ms = gap.ms if isinstance(gap, Duration) else who.ms if isinstance(who, Aim) else None
    if gap_ms is None or not LEAST_MS <= gap_ms <= MOST_MS:
        raise UsageError(words("How long between two messages? From 5 seconds to a day, for example `30s` or `10m`."))
    if entity == "user" and target != EVERYBODY and isinstance(who, Aim):
        await whom.somebody_here(ctx, who)
    entry = await decision.write_down(ctx, SLOW, scope or target if target == EVERYBODY else target, str(reason))
    until_ms = ctx.scene.now_ms + how_long.ms if how_long else None
    taken = await measures.take(
        ctx.scene, SLOW, entity, target, str(reason) or None, entry, scope=scope, until_ms=until_ms, gap_ms=gap_ms
    )
    await decision.nothing_to_do(ctx, entry)
    gap_text = {"duration_ms": gap_ms}
    head = words(
        "From now on there have to be %(gap)s between two messages: %(who)s.", gap=gap_text, who=_named(target, scope)
    )
    return Reply(lines(head, *await told.until(ctx.scene, ctx.sender, taken.sanction)))


def _whom(ctx: Context, who: Aim | RoomRef) -> tuple[str, str, str]:
    """Whom it is about and where it holds: entity, target and scope."""
    if isinstance(who, Aim):
        return who.entity, who.pattern, whom.scope_of(ctx)
    if ctx.circle and ctx.role < Role.MODERATOR and who.key != ctx.circle.key:
        raise UsageError(words("Only whoever looks after that room can do that."))
    return "user", EVERYBODY, who.key


async def _off(ctx: Context, entity: str, target: str, scope: str, reason: str) -> Reply:
    found = [
        each
        for each in await store.standing(ctx.db, SLOW)
        if (each.entity, each.target) == (entity, target)
        and (each.scope == scope or (scope == "" and target != EVERYBODY))
    ]
    if not found:
        raise UsageError(words("Nobody has to write slowly there, so there is nothing to end."))
    entry = await decision.write_down(ctx, "slow off", scope or target if target == EVERYBODY else target, reason)
    await measures.lift(ctx.scene, found, entry)
    await decision.nothing_to_do(ctx, entry)
    return Reply(words("Slow mode is over: %(who)s.", who=_named(target, scope)))


def _named(target: str, scope: str) -> dict[str, object]:
    """Who has to write slowly, and where, as a value for a text."""
    who: object = words("everybody") if target == EVERYBODY else shown("user", target)
    where = [words("in %(room)s", room={"code": scope})] if scope else []
    return {"list": [who, *where], "between": " "}
