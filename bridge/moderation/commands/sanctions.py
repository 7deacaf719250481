"""The command `sanctions`: shows what stands, and what was decided about somebody; never changes anything."""

from bridge.arguments import Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.moderation import enforce, orders, react, store
from bridge.moderation.model import Sanction
from bridge.roles import Role
from bridge.store import people
from bridge.words import Text, lines, words, words_n

PAGE = 15


@command(where=STAFF, role=Role.MODERATOR, examples=("sanctions", "sanctions @eve:example.org", "sanctions 2"))
async def sanctions(ctx: Context, who: Target | None = None, page: int = 1) -> Reply:
    """Show what stands against whom; with a name, all that was ever decided about that person, and why."""
    zone = (await people.get(ctx.db, ctx.sender)).zone or ctx.config.zone
    if who is None:
        found = [_line(each, zone) for each in reversed(await store.all_standing(ctx.db))]
        head = words_n("%(count)s sanction stands.", "%(count)s sanctions stand.", len(found))
    else:
        mine = await store.of_target(ctx.db, (who.pattern,))
        wider = [
            each
            for each in await store.all_standing(ctx.db)
            if each.target != who.pattern and enforce.hits(each, who.pattern)
        ]
        found = [_line(each, zone) for each in wider if who.entity == "user"]
        found += [_line(each, zone, at_ms, stands=stands) for each, at_ms, stands in mine]
        name = react.shown(who.entity, who.pattern)
        head = words_n(
            "%(count)s decision is about %(who)s.", "%(count)s decisions are about %(who)s.", len(found), who=name
        )
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(page, 1), pages)
    shown = found[(page - 1) * PAGE : page * PAGE]
    more = [words("Page %(page)s of %(pages)s.", page=page, pages=pages)] if pages > 1 else []
    return Reply(lines(head, *shown, *more))


def _line(sanction: Sanction, zone: str, at_ms: int | None = None, *, stands: bool = True) -> Text:
    parts: list[object] = [orders.shown(sanction)]
    if sanction.scope:
        parts.append(words("only in %(room)s", room={"code": sanction.scope}))
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
