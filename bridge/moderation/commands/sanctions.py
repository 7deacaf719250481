"""The command `sanctions`: shows what stands, and what was decided about somebody; never changes anything."""

from collections.abc import Iterable, Mapping

from bridge.arguments import Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import orders, react, store
from bridge.moderation.model import Sanction
from bridge.roles import Role
from bridge.store import people, policies
from bridge.words import Text, lines, words, words_n

PAGE = 15


@command(where=STAFF, role=Role.MODERATOR, examples=("sanctions", "sanctions @eve:example.org", "sanctions 2"))
async def sanctions(ctx: Context, who: Target | None = None, page: int = 1) -> Reply:
    """Show what stands against whom; with a name, all that was ever decided about that person, and why."""
    zone = (await people.get(ctx.db, ctx.sender)).zone or ctx.config.zone
    standing = await store.all_standing(ctx.db)
    mine = await store.of_target(ctx.db, (who.pattern,)) if who is not None else ()
    lists = await _lists(ctx, (*standing, *(each for each, _, _ in mine)))
    if who is None:
        found = [_line(each, zone, lists) for each in reversed(standing)]
        head = words_n("%(count)s sanction stands.", "%(count)s sanctions stand.", len(found))
    else:
        wider = [
            each
            for each in standing
            if each.target != who.pattern and (orders.concerns(each, who) or who.pattern in each.spared)
        ]
        found = [_line(each, zone, lists) for each in wider]
        found += [_line(each, zone, lists, at_ms, stands=stands) for each, at_ms, stands in mine]
        name = react.shown(who.entity, who.pattern)
        head = words_n(
            "%(count)s decision is about %(who)s.", "%(count)s decisions are about %(who)s.", len(found), who=name
        )
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    more = [words("Page %(page)s of %(pages)s.", page=page, pages=pages)] if pages > 1 else []
    return Reply(lines(head, *shown, *more))


async def _lists(ctx: Context, sanctions: Iterable[Sanction]) -> Mapping[int, object]:
    """The lists of the rules that asked for these sanctions, by the rules' numbers, as values for a text."""
    rules = await policies.rules(ctx.db, {each.rule for each in sanctions if each.rule})
    places = {
        number: watched.place
        for number in {each.list for each in rules}
        if (watched := await policies.get(ctx.db, number))
    }
    return {each.id: places[each.list] for each in rules}


def _line(
    sanction: Sanction, zone: str, lists: Mapping[int, object], at_ms: int | None = None, *, stands: bool = True
) -> Text:
    parts: list[object] = [orders.shown(sanction)]
    if sanction.rule in lists:
        parts.append(words("by %(list)s", list=lists[sanction.rule]))
    if sanction.scope:
        parts.append(words("only in %(room)s", room={"code": sanction.scope}))
    if sanction.spared:
        parts.append(words("not for %(people)s", people={"list": [{"code": each} for each in sorted(sanction.spared)]}))
    if sanction.gap_ms:
        parts.append({"duration_ms": sanction.gap_ms})
    if at_ms is not None:
        parts.append({"time_ms": at_ms, "zone": zone})
    if sanction.until_ms is not None and stands:
        parts.append(words("until %(when)s", when={"time_ms": sanction.until_ms, "zone": zone}))
    if not stands:
        parts.append(words("over"))
    if sanction.reason:
        parts.append(sanction.reason)
    return words("- %(what)s", what={"list": parts, "between": " · "})
