"""What the commands about memberships have in common: whom they are for, the ledger, and the answer; never decides a day."""

from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.rooms import terms_change, terms_words
from bridge.rooms.term import NEVER
from bridge.store import ledger, terms
from bridge.words import words


def refuse_without_ends(ctx: Context) -> None:
    """UsageError where memberships have no end."""
    if ctx.config.membership is None:
        raise UsageError(
            words(
                "Memberships have no end here. An owner can change that by the section %(section)s in the configuration.",
                section={"code": "membership"},
            )
        )


async def refuse_strangers(ctx: Context, user: str) -> None:
    """UsageError where memberships have no end, and for somebody who was never here."""
    refuse_without_ends(ctx)
    if user == ctx.scene.me or (await terms.get(ctx.db, user) is None and not await terms.there(ctx.db, user)):
        raise UsageError(words("%(who)s was never in the community.", who={"user": user, "with_id": True}))


async def given(ctx: Context, action: str, user: str, last: str | None) -> Reply:
    """Staff gave this membership its last day (None: no end): written down, carried out, and answered."""
    cause = await ledger.write(
        ctx.db,
        actor=ctx.sender,
        action=action,
        target=user,
        reason=None,
        rule=None,
        room=ctx.event.room,
        event=ctx.event.id,
        now_ms=ctx.scene.now_ms,
    )
    await terms_change.give(ctx.scene, user, last, cause=cause, granted=last or NEVER)
    await ledger.settle(ctx.db, cause, {"until": last}, ctx.scene.now_ms)
    who = {"user": user, "with_id": True}
    if last is None:
        return Reply(words("The membership of %(who)s has no end from now on.", who=who))
    return Reply(words("The membership of %(who)s lasts until %(day)s, that day included.", who=who, day=terms_words.day(last)))  # fmt: skip
