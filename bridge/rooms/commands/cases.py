"""The commands `cases`, `accept` and `refuse`: what waits for staff; never what follows from a decision."""

from bridge.cases import decide
from bridge.commands import DIRECT, STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.kinds import KINDS
from bridge.roles import Role
from bridge.store import cases as store
from bridge.store.cases import Case
from bridge.words import Text, lines, words, words_n

MOST_LISTED = 20


@command(where=STAFF | DIRECT, role=Role.MODERATOR)
async def cases(ctx: Context) -> Text:
    """See what waits for a decision by staff, the oldest first.

    What is about somebody of staff is shown in a direct room alone, and never to them.
    """
    waiting = [case for case in await store.waiting(ctx.db) if case.kind in KINDS and may_see(ctx, case)]
    if not waiting:
        return words("Nothing waits for a decision.")
    parts = []
    for case in waiting[:MOST_LISTED]:
        since = {"duration_ms": ctx.scene.now_ms - case.made_ms}
        about = await KINDS[case.kind].about(ctx.scene, case)
        line = words("- %(number)s, for %(since)s: %(about)s", number=case.id, since=since, about=about)
        held = words("%(case)s (%(who)s looks after it)", case=line, who={"user": case.owner}) if case.owner else line
        parts.append(held)
    if len(waiting) > MOST_LISTED:
        parts.append(words_n("- and %(count)s more", "- and %(count)s more", len(waiting) - MOST_LISTED))
    how = words("%(yes)s and a number says yes, %(no)s no.", yes={"command": "accept"}, no={"command": "refuse"})
    return lines(words("These cases wait:"), *parts, how)


@command(where=STAFF | DIRECT, role=Role.MODERATOR, examples=("accept 3",))
async def accept(ctx: Context, number: int) -> Reply:
    """Say yes to a case, like 👍 on its message."""
    return await _decide(ctx, number, yes=True)


@command(where=STAFF | DIRECT, role=Role.MODERATOR, examples=("refuse 3",))
async def refuse(ctx: Context, number: int) -> Reply:
    """Say no to a case, like 👎 on its message."""
    return await _decide(ctx, number, yes=False)


async def _decide(ctx: Context, number: int, *, yes: bool) -> Reply:
    case = await found(ctx, number)
    await decide(ctx.scene, KINDS, case, yes=yes, actor=ctx.sender, event=ctx.event.id, room=ctx.event.room)
    return Reply()


def may_see(ctx: Context, case: Case) -> bool:
    """Whether a case may be shown to whoever asks, where they ask."""
    return not case.hidden or (ctx.direct and case.subject != ctx.sender)


async def found(ctx: Context, number: int) -> Case:
    """The case with this number; UsageError when there is none that may be spoken of here."""
    case = await store.get(ctx.db, number)
    if case is None or not may_see(ctx, case):
        raise UsageError(
            words(
                "There is no case number %(number)s. %(command)s shows what waits.",
                number=number,
                command={"command": "cases"},
            )
        )
    return case
