"""The commands `rules watch`, `rules unwatch` and `rules import`: whose lists are watched; never reads one, and never acts."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bridge.arguments import Outside, RoomRef
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.effects import Leave, Put
from bridge.errors import UsageError
from bridge.moderation import asking, decision, listening, lists
from bridge.moderation.judge import ASKED, HELD, NEW, ON, SHOWN
from bridge.moderation.policies import Stance
from bridge.roles import Role
from bridge.store import due, ledger, policies, rooms
from bridge.store.policies import List
from bridge.words import Text, lines, words, words_n


async def _watch(ctx: Context, target: str, via: tuple[str, ...], stance: str) -> Reply:
    if await rooms.by_id(ctx.db, target) or any(room.alias == target for room in ctx.rooms):
        raise UsageError(words("That is a room of ours, and no list."))
    known = await policies.named(ctx.db, target)
    cause = await decision.write_down(ctx, "rules watch", known.address if known else target, stance)
    await decision.nothing_to_do(ctx, cause)
    place = known.place if known else {"code": target}
    if await listening.watch(ctx.scene, target, via, stance, cause):
        return Reply(
            lines(words("I go and read %(list)s, and tell you here what it says.", list=place), _means(stance))
        )
    if known is not None and known.stance != stance:
        await _turn(ctx, known, stance)
    if known is not None and known.trouble:
        await policies.change(ctx.db, known.id, next_ms=ctx.scene.now_ms, tries=known.tries + 1, trouble=lists.AGAIN)
        return Reply(lines(words("I try at once to read %(list)s again.", list=place), _means(stance)))
    return Reply(lines(words("I watch %(list)s.", list=place), _means(stance)))


async def _turn(ctx: Context, known: List, stance: str) -> None:
    """Do something else with the rules of a list from now on. What is followed already stays so, unless they are only to be shown."""
    await policies.change(ctx.db, known.id, stance=stance)
    again = (NEW, ASKED, HELD, SHOWN, *((ON,) if stance == Stance.SHOW else ()))
    if stance == Stance.ASK:
        met = await policies.followed(ctx.db)
        unmet = [each.id for each in await policies.of_list(ctx.db, known.id, ON) if each.id not in met]
        await policies.become(ctx.db, unmet, NEW)
    await policies.become_all(ctx.db, known.id, again, NEW)
    now = await policies.get(ctx.db, known.id)
    if now is not None:
        await lists.judge_new(ctx.scene, now)


def _means(stance: str) -> Text:
    match stance:
        case Stance.ACT:
            return words("I follow its rules by myself. Those that mean us, our server or many people at once wait for your word.")  # fmt: skip
        case Stance.ASK:
            return words("When a rule of it means somebody who is here or comes, I ask you first.")
        case _:
            return words("I do nothing by it. %(command)s tells what it says of somebody.", command={"command": "rules about @name:server"})  # fmt: skip


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="rules watch",
    examples=("rules watch #bans:example.org", "rules watch #bans:example.org act"),
)
async def rules_watch(ctx: Context, list: Outside, stance: Literal["act", "ask", "show"] = "ask") -> Reply:  # noqa: A002 - what people read in the usage
    """Watch a list of bans that another community keeps: act by it, ask first, or only show it.

    Without a word I ask you first. The same command changes what I do with a list that is watched already.
    """
    return await _watch(ctx, list.target, list.via, stance)


async def go_on_unwatching(ctx: Context, *, id: int) -> Reply:  # noqa: A002 - the column's name
    """Stop following a list; what nothing else asks for is lifted."""
    watched = await policies.get(ctx.db, id)
    if watched is None or not watched.stance:
        raise UsageError(words("That list is not watched."))
    cause = await decision.write_down(ctx, "rules unwatch", watched.address, "")
    await lists.stop(ctx.scene, watched)
    if watched.room and not watched.publishes:
        key = f"policy/leave/{watched.room}/{cause}"
        ctx.scene.puts.append(Put(Leave(key=key, room=watched.room)))
    await decision.nothing_to_do(ctx, cause)
    return Reply(
        words("I do not watch %(list)s any more. Whom only this list had banned is free again.", list=watched.place)
    )


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="rules unwatch",
    examples=("rules unwatch #bans:example.org",),
    confirmed=go_on_unwatching,
)
async def rules_unwatch(ctx: Context, list: Outside) -> Reply:  # noqa: A002 - what people read in the usage
    """Watch a list no more, and lift what only that list asked for."""
    watched = await policies.named(ctx.db, list.target)
    if watched is None or not watched.stance:
        raise UsageError(
            words("That list is not watched. %(command)s shows which are.", command={"command": "rules lists"})
        )
    number = await policies.people_banned(ctx.db, watched.id)
    effect = words_n("%(list)s has %(count)s person banned here; who is meant by nothing else would be free.", "%(list)s has %(count)s people banned here; who is meant by nothing else would be free.", number, list=watched.place)  # fmt: skip
    args: Mapping[str, Any] = {"id": watched.id}
    question = await asking.first(ctx, "rules unwatch", args, effect, number)
    return question or await go_on_unwatching(ctx, **args)


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="rules import",
    examples=("rules import", "rules import #bans:example.org #more:example.net"),
)
async def rules_import(ctx: Context, list: tuple[Outside | RoomRef, ...] = ()) -> Reply:  # noqa: A002 - what people read in the usage
    """Watch the lists that a Mjolnir, Draupnir or Meowlnir watched before me.

    Of Mjolnir and Draupnir that stands in their account, if it is mine now; of Meowlnir in its room, if that is our staff room or one that you name.
    Or name the lists themselves: links, addresses, as many as you like. I act by them as those did.
    """
    outside = [each for each in list if isinstance(each, Outside)]
    if outside:
        return Reply(await _several(ctx, outside))
    staff = await rooms.by_key(ctx.db, "staff")
    named = next((each.room for each in list if isinstance(each, RoomRef)), staff.room if staff else ctx.event.room)
    cause = await decision.write_down(ctx, "rules import", "lists", "")
    await due.set_next(ctx.db, listening.IMPORT, named, ctx.scene.now_ms, str(cause))
    return Reply(words("I look for what they watched, and tell you here."))


async def _several(ctx: Context, outside: Sequence[Outside]) -> Text:
    cause = await decision.write_down(ctx, "rules import", "lists", "")
    number = 0
    for each in outside:
        number += await listening.watch(ctx.scene, each.target, each.via, Stance.ACT.value, cause)
    await ledger.settle(ctx.db, cause, {"done": number}, ctx.scene.now_ms)
    return words_n("I go and read %(count)s list that was not watched yet.", "I go and read %(count)s lists that were not watched yet.", number)  # fmt: skip
