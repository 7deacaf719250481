"""The orders that moderators give about people: a measure for a time or for good, and its lifting. Writes decisions and wishes, never acts.

What a command does that has to be confirmed first is the same function that goes on with it afterwards, with the rights that hold by then.
"""

from collections.abc import Sequence
from typing import Any, Literal

from bridge import confirm
from bridge.arguments import Aim, Target
from bridge.context import Context, Reply, language_of
from bridge.effects import Put, Tell
from bridge.errors import UsageError
from bridge.globs import is_glob, matches, server_matches
from bridge.moderation import asking, decision, enforce, following, measures, react, ruled, store, told, whom
from bridge.moderation.judge import REFUSED
from bridge.moderation.model import BAN, KICK, MUTE, NOTE, WARN, Sanction
from bridge.store import people, policies
from bridge.words import Text, lines, words, words_n

MOST_NAMED = 10


async def give(ctx: Context, kind: str, who: Aim, reason: str, *, gap_ms: int | None = None) -> Reply:
    """Take this measure against somebody, or ask first where many are concerned. The command is called like the kind.

    UsageError when it would hit our own people, or nobody where somebody has to be there.
    """
    args: dict[str, Any] = {
        "entity": who.entity,
        "pattern": who.pattern,
        "ms": who.ms,
        "reason": reason,
        "gap_ms": gap_ms,
    }
    if kind != NOTE:
        await whom.refuse_our_own(ctx, who)
    if kind in measures.IN_ROOMS:
        whom.refuse_unclear(ctx, reason)
    if kind in (WARN, MUTE) or (kind == KICK and who.ms is None):
        hit = await whom.somebody_here(ctx, who)
    else:
        hit = await whom.here(ctx, who)
    if kind in measures.IN_ROOMS:
        question = await asking.first(ctx, kind, args, _preview(kind, who, len(hit)), len(hit))
        if question is not None:
            return question
    return await go_on(ctx, kind, **args)


async def go_on(
    ctx: Context,
    kind: str,
    *,
    entity: Literal["user", "server"],
    pattern: str,
    ms: int | None,
    reason: str,
    gap_ms: int | None = None,
) -> Reply:
    """Take the measure; what came of it in the rooms is told when that is known."""
    who, scene = Target(entity, pattern), ctx.scene
    if kind != NOTE:
        await whom.refuse_our_own(ctx, who)
    entry = await decision.write_down(ctx, kind, who, reason)
    until_ms = None if ms is None else scene.now_ms + ms
    taken = await measures.take(
        scene, kind, entity, pattern, reason or None, entry, scope=whom.scope_of(ctx), until_ms=until_ms, gap_ms=gap_ms
    )
    if kind in (WARN, MUTE, KICK, BAN):
        await _tell_them(ctx, taken.sanction, entry)
    if taken.wanted:
        return Reply(done=False)
    await decision.nothing_to_do(ctx, entry)
    return Reply(lines(_nothing_now(taken), *await told.until(scene, ctx.sender, taken.sanction)))


async def _tell_them(ctx: Context, sanction: Sanction, entry: int) -> None:
    """Whom it is about hears it in private, and not from whom; of many nobody is written to. Nobody who is sent away is written to for the first time."""
    hit = await whom.here(ctx, Target("server" if sanction.entity == "server" else "user", sanction.target))
    if len(hit) > confirm.MANY:
        return
    where = {"room": ctx.circle.room, "alias": ctx.circle.alias, "name": f"#{ctx.circle.tag}"} if ctx.circle else None
    for user in hit:
        if sanction.kind in (KICK, BAN) and (await people.get(ctx.db, user)).direct_room is None:
            continue
        parts = _heard(sanction, where)
        if sanction.kind != WARN:
            if sanction.reason:
                parts.append(words("Why: %(reason)s", reason=sanction.reason))
            parts += await told.until(ctx.scene, user, sanction)
        parts.append(words("If you think that this is a mistake, %(appeal)s lets somebody else look at it.", appeal={"command": "appeal"}))  # fmt: skip
        language = await language_of(ctx.scene, user)
        tell = Tell(key=f"measure/{entry}/{user}", user=user, text=lines(*parts), language=language)
        ctx.scene.puts.append(Put(tell))


def _heard(sanction: Sanction, where: dict[str, Any] | None) -> list[Text]:
    match sanction.kind:
        case "warn":
            return [words("A word from those who look after this place: %(reason)s", reason=sanction.reason or "")]
        case "mute" if where:
            return [words("For now you can read in %(room)s, and not write.", room=where)]
        case "mute":
            return [words("For now you can read in our rooms, and not write.")]
        case "ban":
            return [words("You were banned from our rooms.")]
        case _:
            return [words("You were removed from our rooms.")]


def _preview(kind: str, who: Target, number: int) -> Text:
    name = react.shown(who.entity, who.pattern)
    match kind:
        case "ban":
            return words_n("%(who)s means %(count)s person who is here now; they would be banned from every room.", "%(who)s means %(count)s people who are here now; they would be banned from every room.", number, who=name)  # fmt: skip
        case "mute":
            return words_n("%(who)s means %(count)s person who is here now; they could only read.", "%(who)s means %(count)s people who are here now; they could only read.", number, who=name)  # fmt: skip
        case _:
            return words_n("%(who)s means %(count)s person who is here now; they would be removed from every room.", "%(who)s means %(count)s people who are here now; they would be removed from every room.", number, who=name)  # fmt: skip


def _nothing_now(taken: measures.Taken) -> Text:
    name = react.shown(taken.sanction.entity, taken.sanction.target)
    match taken.sanction.kind:
        case "note":
            return words("Noted about %(who)s. Only staff can read it, with %(command)s.", who=name, command={"command": f"sanctions {taken.sanction.target}"})  # fmt: skip
        case "warn":
            return words("%(who)s hears it in private.", who=name)
        case "ban" if not taken.new:
            return words("%(who)s is banned already, in every room.", who=name)
        case "ban":
            return words("Written down. It hits nobody who is here now; whoever comes will be banned at once.")
        case "kick":
            return words("Written down. It hits nobody who is here now; whoever comes will be removed at once.")
        case "mute":
            return words("Written down. It hits nobody who is here now; whoever comes can only read.")
        case _:
            return words("It is so from now on.")


# --- lifting -------------------------------------------------------------------------------------------------------------------------


async def lift(ctx: Context, command: str, kinds: Sequence[str], who: Target, reason: str) -> Reply:
    """Lift every standing sanction of these kinds that means somebody, also one of a glob or a server; what is more than was named is shown first."""
    whom.refuse_unclear(ctx, reason)
    exact, others = await _meant(ctx, kinds, who)
    found = (*exact, *others)
    listed = await ruled.every(ctx.scene, who.entity, who.pattern) if BAN in kinds and not who.glob else ()
    if not found and not listed:
        half = await store.half_lifted(ctx.db, who.entity, who.pattern) if BAN in kinds else []
        if not half:
            raise UsageError(_nothing_to_lift(command, who))
        return await go_on_lifting(ctx, command, ids=half, pattern=who.pattern, reason=reason)
    ids = [each.id for each in found]
    number = len({each.user for each in await store.our_bans(ctx.db, ids)})
    number = max(number, len({each.user for each in await store.our_mutes(ctx.db) if each.sanction in ids}))
    args: dict[str, Any] = {"ids": ids, "pattern": who.pattern, "reason": reason, "rules": [each.id for each in listed]}
    of_lists = await ruled.shown(ctx.scene, listed)
    effect = lines(
        words("What means %(who)s and would be lifted:", who=react.shown(who.entity, who.pattern)),
        *(words("- %(what)s", what=shown(each)) for each in found[:MOST_NAMED] if not each.rule),
        *of_lists[:MOST_NAMED],
        words_n("%(count)s person would be free of it.", "%(count)s people would be free of it.", number),
        *_only_them(who, others),
    )
    wider = any(not each.rule for each in others) or any(each.rule.target != who.pattern for each in listed)
    question = await asking.first(ctx, command, args, effect, number, always=wider)
    return question or await go_on_lifting(ctx, command, **args)


def _only_them(who: Target, others: Sequence[Sanction]) -> list[Text]:
    """Where a decision about many would be lifted for one: how only that one is let go."""
    many = any(not enforce.is_one(each) and each.entity == "user" for each in others)
    whole = any(each.entity == "server" and each.kind == BAN for each in others)  # nobody of that server can be spared
    if who.entity == "server" or who.glob or whole or not many:
        return []
    return [words("%(command)s frees them alone.", command={"command": f"spare {who.pattern}"})]


async def _meant(ctx: Context, kinds: Sequence[str], who: Target) -> tuple[tuple[Sanction, ...], tuple[Sanction, ...]]:
    """The standing sanctions of exactly this target, and those beside them that mean it or are meant by it."""
    scope = whom.scope_of(ctx)
    standing = [each for each in await store.standing(ctx.db, *kinds) if not scope or each.scope == scope]
    exact = [each for each in standing if (each.entity, each.target) == (who.entity, who.pattern)]
    others = [each for each in standing if each not in exact and concerns(each, who)]
    return tuple(exact), tuple(others)


def concerns(sanction: Sanction, who: Target) -> bool:
    """Whether a sanction means this person or this whole server, also by a pattern; of a pattern, whether it is against somebody who fits it."""
    if who.glob:
        fits = server_matches if who.entity == "server" else matches
        return sanction.entity == who.entity and not is_glob(sanction.target) and fits(who.pattern, sanction.target)
    if who.entity == "server":
        whole = sanction.target.removeprefix("@*:")
        return (sanction.entity == "server" or whole != sanction.target) and server_matches(whole, who.pattern)
    return enforce.hits(sanction, who.pattern)


async def go_on_lifting(
    ctx: Context, command: str, *, ids: Sequence[int], pattern: str, reason: str, rules: Sequence[int] = ()
) -> Reply:
    """Lift these sanctions, and follow these rules of watched lists no more; what came of it in the rooms is told when that is known."""
    found = [sanction for each in ids if (sanction := await store.by_id(ctx.db, each)) is not None]
    target = Target("user" if pattern.startswith("@") else "server", pattern)
    entry = await decision.write_down(ctx, command, target, reason)
    await policies.become(ctx.db, {*rules, *(each.rule for each in found if each.rule)}, REFUSED)
    wanted = await measures.lift(ctx.scene, found, entry)
    await following.servers_changed(ctx.scene)
    if wanted:
        return Reply(done=False)
    await decision.nothing_to_do(ctx, entry)
    name = react.shown(target.entity, pattern)
    if command == "unban" and not rules:
        return Reply(words("The ban of %(who)s is lifted. It had banned nobody in any room.", who=name))
    return Reply(words("That is lifted for %(who)s.", who=name))


def _nothing_to_lift(command: str, who: Target) -> Text:
    name = react.shown(who.entity, who.pattern)
    if command == "unban":
        return words("There is no ban of %(who)s to lift.", who=name)
    return words("There is nothing to lift for %(who)s.", who=name)


_CALLED = {
    "note": words("note"), "warn": words("warning"), "slow": words("slow mode"), "mute": words("mute"), "kick": words("removal"),
    "ban": words("ban"), "lock": words("lock"), "invites": words("invites off"),
}  # fmt: skip


def called(kind: str) -> Text:
    """What a kind of sanction is called."""
    return _CALLED[kind]


def shown(sanction: Sanction) -> dict[str, Any]:
    """A sanction in a few words, as a value for a text: its kind and whom it means."""
    who = react.shown(sanction.entity, sanction.target)
    return {"list": [called(sanction.kind), who], "between": " · "}
