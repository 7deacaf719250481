"""The command `member assign`: who it is that pays under a reference; never opens anything itself."""

from bridge.arguments import User
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import terms_paid, terms_told, terms_words
from bridge.store import ledger, payments
from bridge.words import lines, words


@command(where=STAFF, role=Role.MODERATOR, name="member assign", examples=("member assign cus_8Zr2 @eve:example.org",))
async def member_assign(ctx: Context, payer: str, person: User) -> Reply:
    """Say who it is that pays under a reference.

    All that was ever told under it counts for that person, and so does what comes later.
    """
    await terms_told.refuse_strangers(ctx, person.id)
    if not await payments.of(ctx.db, payer):
        raise UsageError(
            words(
                "Nothing was ever told me under the reference %(payer)s. %(payers)s shows those that wait.",
                payer={"code": payer[:100]},
                payers={"command": "member payers"},
            )
        )
    entry = await ledger.write(
        ctx.db,
        actor=ctx.sender,
        action="member assign",
        target=person.id,
        reason=None,
        rule=f"payer {payer}",
        room=ctx.event.room,
        event=ctx.event.id,
        now_ms=ctx.scene.now_ms,
    )
    paid = await terms_paid.assign(ctx.scene, payer, person.id, ctx.sender)
    await ledger.settle(ctx.db, entry, {"paid until": paid}, ctx.scene.now_ms)
    who = {"user": person.id, "with_id": True}
    said = words("What is paid under %(payer)s counts for %(who)s from now on.", payer={"code": payer}, who=who)
    if paid is None:
        return Reply(said)
    return Reply(lines(said, words("That is paid until %(day)s.", day=terms_words.day(paid))))
