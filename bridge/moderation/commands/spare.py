"""The command `spare`: lets decisions about many not mean one person; never lifts them for anybody else."""

from bridge.arguments import Rest, Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import decision, measures, sparing
from bridge.moderation.react import shown
from bridge.roles import Role
from bridge.words import words


@command(where=STAFF, role=Role.MODERATOR, examples=("spare @anna:example.org",))
async def spare(ctx: Context, who: Target, reason: Rest = Rest("")) -> Reply:
    """Let a ban, mute or removal of many (a pattern, or a rule of a list) not mean this one person; it stands for everybody else.

    Somebody whose whole server is shut out cannot be spared, as nothing of theirs could come through.
    """
    if who.glob or who.entity == "server":
        raise UsageError(words("Please name one person. A ban of many is lifted by %(command)s.", command={"command": f"unban {who.pattern}"}))  # fmt: skip
    wide, servers = await sparing.wide(ctx.scene, who.pattern)
    if servers:
        raise UsageError(await sparing.of_server(ctx.scene, who.pattern, servers))
    if not wide:
        raise UsageError(words("No decision about many people means %(who)s.", who=shown("user", who.pattern)))
    entry = await decision.write_down(ctx, sparing.SPARE, who, str(reason))
    if await measures.spare(ctx.scene, wide, who.pattern, entry):
        return Reply(done=False)
    await decision.nothing_to_do(ctx, entry)
    return Reply(sparing.said(who.pattern, wide))
