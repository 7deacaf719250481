"""The command `ban`: writes a decision and what it asks of the rooms; never bans anybody itself."""

from bridge.arguments import Rest, Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.globs import matches, server_matches, server_of
from bridge.moderation import decision, react, store
from bridge.roles import Role
from bridge.words import words


@command(where=STAFF, role=Role.MODERATOR, examples=("ban @eve:example.org spam", "ban evil.example spam wave"))
async def ban(ctx: Context, who: Target, reason: Rest = Rest("")) -> Reply:
    """Ban someone, or a whole server, from every room.

    It holds for rooms that are made later, too, and for people of that server who come later. `*` and `?` stand for any letters.
    """
    await _refuse_our_own(ctx, who)
    entry = await decision.write_down(ctx, "ban", who, str(reason))
    standing = await store.standing(ctx.db)
    known = any((each.entity, each.target) == (who.entity, who.pattern) for each in standing)
    if not known:
        standing = (*standing, await store.add(ctx.db, who.entity, who.pattern, str(reason) or None, entry))
    meant = [each for each in standing if (each.entity, each.target) == (who.entity, who.pattern)]
    wanted = await react.enforce_all(ctx.scene, meant, intent=entry)
    if who.entity == "server":
        wait_ms = react.ACL_AFTER_MS if wanted else 0
        wanted += await react.set_acls(ctx.scene, standing, str(entry), entry, wait_ms=wait_ms)
    if wanted:
        return Reply(done=False)
    await decision.nothing_to_do(ctx, entry)
    if known:
        return Reply(words("%(who)s is banned already, in every room.", who=react.shown(who.entity, who.pattern)))
    return Reply(words("Written down. It hits nobody who is here now; whoever comes will be banned at once."))


async def _refuse_our_own(ctx: Context, who: Target) -> None:
    ours = await react.protected(ctx.scene)
    if who.entity == "server":
        if server_matches(who.pattern, server_of(ctx.scene.me)):
            raise UsageError(
                words("That would shut out our own server, and Hearth with it. Please name a server that is not ours.")
            )
        # A server's people cannot write any more, whoever they are: nobody can be spared.
        there = sorted(user for user in ours if server_matches(who.pattern, server_of(user)))
        if there:
            raise UsageError(
                words(
                    "%(who)s, who is one of us, comes from a server that this means, so the ban was not made. Please ban the people of that server one by one, or all of them by %(glob)s.",
                    who={"user": there[0]},
                    glob={"code": f"@*:{who.pattern}"},
                )
            )
    elif not who.glob and any(matches(who.pattern, user) for user in ours):
        raise UsageError(
            words(
                "%(who)s is one of us, so the ban was not made. An owner can take them off the staff in the configuration first.",
                who={"user": who.pattern},
            )
        )
