"""The command `report`: tells staff of a message or a person; never decides what is done about it, and never tells anybody who gave it."""

from typing import Literal

from bridge.arguments import Rest, Thread, User
from bridge.commands import DIRECT, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.moderation import reporters, reports
from bridge.moderation.reports import About, Grade
from bridge.store import people
from bridge.words import words


@command(
    where=DIRECT,
    examples=("report https://matrix.to/#/!room/$event harm they mock people", "report @eve:example.org"),
)
async def report(
    ctx: Context, what: Thread | User, urgent: Literal["danger", "harm"] | None = None, reason: Rest = Rest("")
) -> Reply:
    """Tell those who look after this place of a message, by its link, or of a person.

    They do not hear from whom it comes, only what you write behind it; you will hear what comes of it. `danger` says that somebody may be in danger
    of their life, `harm` that somebody is being hurt.
    """
    about = await _meant(ctx, what)
    if about.user == ctx.scene.me:
        raise UsageError(words("That was me. If I do something wrong, please write to a moderator: they can put it right."))  # fmt: skip
    grade: Grade = "crisis" if urgent == "danger" else urgent or "other"
    case = await reports.take(
        ctx.scene, ctx.sender, about, grade, cause=ctx.event.id, words_at=reporters.place(ctx.event, reason)
    )
    return Reply(reports.LOOKED_AT if case is None else None)


async def _meant(ctx: Context, what: Thread | User) -> About:
    if isinstance(what, Thread):
        about = await reports.seen_by(ctx.scene, ctx.sender, what.event)
        if about is None or (what.room is not None and about.room != what.room and what.room in {one.room for one in ctx.rooms}):  # fmt: skip
            raise UsageError(
                words(
                    "I know of no such message in a room that you are in. Please give me a link to it, from the menu of the message; or tell me the name of the person."
                )
            )
        return about
    if what.id != ctx.scene.me and not await people.memberships_of(ctx.db, what.id):
        raise UsageError(
            words(
                "%(who)s was never in one of our rooms, as far as I know. Please look at the name again.",
                who={"code": what.id},
            )
        )
    return About(what.id)
