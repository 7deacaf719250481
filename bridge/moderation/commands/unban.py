"""The command `unban`: lifts decisions and what they did to the rooms; never undoes a ban made by somebody's hand."""

from bridge.arguments import Rest, Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import decision, enforce, react, store
from bridge.moderation.model import Sanction
from bridge.roles import Role
from bridge.words import Text, words


@command(where=STAFF, role=Role.MODERATOR, examples=("unban @eve:example.org", "unban evil.example"))
async def unban(ctx: Context, who: Target, reason: Rest = Rest("")) -> Reply:
    """Lift a ban, in every room where it was our doing.

    Who is still meant by another ban, of a server for instance, stays banned under that one.
    """
    standing = await store.standing(ctx.db)
    gone = [each for each in standing if (each.entity, each.target) == (who.entity, who.pattern)]
    ids = [each.id for each in gone] or await store.half_lifted(ctx.db, who.entity, who.pattern)
    if not ids:
        raise UsageError(_nothing_to_lift(who, [each for each in standing if enforce.hits(each, who.pattern)]))
    entry = await decision.write_down(ctx, "unban", who, str(reason))
    await store.lift(ctx.db, ids, entry)
    left = [each for each in standing if each not in gone]
    undo, keep = enforce.lifted(await store.our_bans(ctx.db, ids), ids, left, str(entry))
    for ban in keep:
        await store.record_ban(ctx.db, ban)
    wanted = react.put(ctx.scene, undo, entry)
    if who.entity == "server":
        wanted += await react.set_acls(ctx.scene, left, str(entry), entry)
    if wanted:
        return Reply(done=False)
    await decision.nothing_to_do(ctx, entry)
    return Reply(
        words(
            "The ban of %(who)s is lifted. It had banned nobody in any room.", who=react.shown(who.entity, who.pattern)
        )
    )


def _nothing_to_lift(who: Target, others: list[Sanction]) -> Text:
    name = react.shown(who.entity, who.pattern)
    if others:
        other = react.shown(others[0].entity, others[0].target)
        return words(
            "There is no ban of %(who)s itself, but one of %(other)s. That is the one to lift.", who=name, other=other
        )
    return words("There is no ban of %(who)s to lift.", who=name)
