"""The commands `rules lists` and `rules about`: what is watched, and what it says of somebody; never changes anything."""

from bridge.arguments import Outside, Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import following
from bridge.moderation.book import means
from bridge.moderation.judge import ASKED, HELD, LIVE, ON, REFUSED, SHOWN
from bridge.moderation.react import shown
from bridge.roles import Role
from bridge.store import people, policies
from bridge.store.policies import Known, List
from bridge.words import Text, lines, words, words_n

MOST_SHOWN = 20

_STANCES = {
    "act": words("I act by it"),
    "ask": words("I ask you first"),
    "show": words("I only show it"),
}
_STATES = {
    ON: words("followed"),
    ASKED: words("I would ask you first"),
    HELD: words("waits for your word"),
    SHOWN: words("only shown"),
    REFUSED: words("an exception was made"),
}


@command(where=STAFF, role=Role.MODERATOR, name="rules lists", examples=("rules lists",))
async def rules_lists(ctx: Context) -> Reply:
    """Show which lists of bans are watched, what they hold, and whether ours is published."""
    zone = (await people.get(ctx.db, ctx.sender)).zone or ctx.config.zone
    found = await policies.lists(ctx.db)
    if not found:
        how = words("%(command)s begins to.", command={"command": "rules watch #bans:example.org"})
        return Reply(lines(words("I watch no list, and publish none."), how))
    parts = [part for each in found for part in [await _line(ctx, each, zone)]]
    return Reply(lines(words("Lists of bans:"), *parts))


async def _line(ctx: Context, each: List, zone: str) -> Text:
    parts: list[object] = [each.place]
    if each.publishes:
        parts.append(words("our bans stand there") if each.publishes == "plain" else words("our bans stand there as hashes"))  # fmt: skip
    if each.stance:
        counted = await policies.counted(ctx.db, each.id)
        rules = sum(number for (state, _), number in counted.items() if state in LIVE)
        held = sum(number for (state, _), number in counted.items() if state == HELD)
        parts += [_STANCES[each.stance], words_n("%(count)s rule", "%(count)s rules", rules)]
        if held:
            parts.append(words_n("%(count)s waits for your word", "%(count)s wait for your word", held))
        number = await policies.people_banned(ctx.db, each.id)
        parts.append(words_n("%(count)s person banned here by it", "%(count)s people banned here by it", number))
        if each.read_ms is not None:
            parts.append(words("read %(when)s", when={"time_ms": each.read_ms, "zone": zone}))
    if each.trouble:
        parts.append(words("cannot be read: %(code)s", code={"code": each.trouble}))
    return words("- %(what)s", what={"list": parts, "between": " · "})


@command(where=STAFF, role=Role.MODERATOR, name="rules about", examples=("rules about @eve:example.org",))
async def rules_about(ctx: Context, who: Target | Outside) -> Reply:
    """Show what the watched lists say of somebody, of a server, or of a room elsewhere."""
    if isinstance(who, Outside):
        name: dict[str, object] = {"code": who.target}
        found = await ctx.scene.watched.naming(ctx.db, {who.target}, LIVE)
    else:
        name = shown(who.entity, who.pattern)
        probe = who.pattern if who.entity == "user" else f"@:{who.pattern}"
        found = await ctx.scene.watched.meaning(ctx.db, probe, LIVE)
        if who.entity == "server":
            found = tuple(each for each in found if each.rule.entity == "server" and means(each.rule, probe))
    if not found:
        return Reply(words("The lists that I watch say nothing of %(who)s.", who=name))
    places = {each.id: each.place for each in await policies.lists(ctx.db)}
    parts = [_said(each, places.get(each.list, {"code": "?"})) for each in found[:MOST_SHOWN]]
    head = words_n("%(count)s rule means %(who)s.", "%(count)s rules mean %(who)s.", len(found), who=name)
    return Reply(lines(head, *parts))


def _said(each: Known, place: dict[str, object]) -> Text:
    parts = [place, *(part for part in following.parts(each.rule) if part), _STATES[each.state]]
    return words("- %(what)s", what={"list": parts, "between": " · "})
