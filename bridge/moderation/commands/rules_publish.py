"""The commands `rules publish` and `rules publish off`: our own list of bans, for other communities; never writes into it itself."""

from typing import Literal

from bridge.arguments import Outside
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.effects import CreateList, Put
from bridge.errors import UsageError
from bridge.moderation import decision
from bridge.roles import Role
from bridge.store import policies, rooms
from bridge.words import lines, words

ENTERING = "entering"
"""The trouble of a list that we publish in and are still on the way to."""


@command(
    where=STAFF,
    role=Role.MODERATOR,
    name="rules publish",
    examples=("rules publish", "rules publish hashed", "rules publish #our-bans:example.org"),
)
async def rules_publish(
    ctx: Context,
    list: Outside | None = None,  # noqa: A002 - what people read in the usage
    form: Literal["plain", "hashed"] = "plain",
) -> Reply:
    """Publish our bans as a list that other communities can watch, in a room that I make, or in one that you have already.

    It says whom we banned and not why. Hashed, it says so only to whoever meets the same person; patterns cannot be hidden so.
    """
    ours = next((each for each in await policies.lists(ctx.db) if each.publishes), None)
    if ours is not None and (list is None or list.target in (ours.address, ours.room)):
        if ours.publishes == form:
            raise UsageError(words("Our bans stand in %(list)s already.", list=ours.place))
        cause = await decision.write_down(ctx, "rules publish", ours.address, form)
        await policies.change(ctx.db, ours.id, publishes=form)
        await decision.nothing_to_do(ctx, cause)
        return Reply(words("I write %(list)s anew.", list=ours.place))
    if ours is not None:
        raise UsageError(words("Our bans stand in %(list)s. %(off)s first, please.", list=ours.place, off={"command": "rules publish off"}))  # fmt: skip
    if list is not None:
        return await _into(ctx, list, form)
    return await _make(ctx, form)


async def _into(ctx: Context, list: Outside, form: str) -> Reply:  # noqa: A002 - as above
    if await rooms.by_id(ctx.db, list.target) or any(room.alias == list.target for room in ctx.rooms):
        raise UsageError(words("That is a room of ours, and no list."))
    known = await policies.named(ctx.db, list.target)
    cause = await decision.write_down(ctx, "rules publish", known.address if known else list.target, form)
    await decision.nothing_to_do(ctx, cause)
    columns = {"publishes": form, "trouble": ENTERING, "next_ms": ctx.scene.now_ms}
    if known is None:
        known = await policies.add(ctx.db, list.target, list.via, cause, **columns)
    else:
        await policies.change(ctx.db, known.id, **columns, tries=known.tries + 1)
    what = words("What others wrote there stays, and holds here only if the list is watched, too: %(command)s", command={"command": f"rules watch {known.address} act"})  # fmt: skip
    return Reply(lines(words("I go into %(list)s and write our bans there. I need the power to change settings in it.", list=known.place), what))  # fmt: skip


async def _make(ctx: Context, form: str) -> Reply:
    space = await rooms.by_key(ctx.db, "space")
    name = ctx.config.community.space.name
    local = (space.alias or "#hearth").removeprefix("#").partition(":")[0] if space else "hearth"
    address = f"#{local}-bans:{ctx.scene.me.partition(':')[2]}"
    known = await policies.named(ctx.db, address)
    cause = await decision.write_down(ctx, "rules publish", address, form)
    await decision.nothing_to_do(ctx, cause)
    if known is not None and known.room is not None:
        await policies.change(ctx.db, known.id, publishes=form, trouble="")
        return Reply(words("I write our bans into %(list)s again.", list=known.place))
    if known is None:
        known = await policies.add(ctx.db, address, (), cause, publishes=form)
    else:
        await policies.change(ctx.db, known.id, publishes=form)
    request = {
        "name": f"{name}: bans",
        "preset": "public_chat",
        "creation_content": {"type": "m.policy"},
        "initial_state": [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "world_readable"}}],
        "power_level_content_override": {"events_default": 50, "invite": 0},
    }  # fmt: skip
    key = f"policy/create/{known.id}/{cause}"
    ctx.scene.puts.append(Put(CreateList(key=key, room_key="policies", alias=address, request=request, list=known.id)))
    return Reply(words("I make the room and tell you here when our bans stand in it."))


@command(where=STAFF, role=Role.MODERATOR, name="rules publish off", examples=("rules publish off",))
async def rules_publish_off(ctx: Context) -> Reply:
    """Publish our bans no more, and empty what I wrote there. The room stays."""
    ours = next((each for each in await policies.lists(ctx.db) if each.publishes), None)
    if ours is None:
        raise UsageError(words("Our bans are not published."))
    cause = await decision.write_down(ctx, "rules publish off", ours.address, "")
    await policies.change(ctx.db, ours.id, publishes="")
    await decision.nothing_to_do(ctx, cause)
    return Reply(words("I take our bans out of %(list)s. Who watches it lets these people in again, if nothing else speaks against them.", list=ours.place))  # fmt: skip
