"""The command `member payers`: payments of which nobody knows whose they are; never shows an amount, because none is known."""

from bridge.commands import STAFF, command
from bridge.context import Context
from bridge.roles import Role
from bridge.rooms.terms_told import refuse_without_ends
from bridge.store import payments
from bridge.words import Text, lines, words

MOST = 50


@command(where=STAFF, role=Role.MODERATOR, name="member payers", examples=("member payers",))
async def member_payers(ctx: Context) -> Text:
    """Show payments of which I do not know whose they are."""
    refuse_without_ends(ctx)
    found = await payments.unknown(ctx.db, MOST)
    if not found:
        return words("There is no payment of which I do not know whose it is.")
    return lines(
        words(
            "Somebody pays under these references: %(payers)s", payers={"list": [{"code": payer} for payer in found]}
        ),
        words("Do you know who? %(assign)s tells me.", assign={"command": f"member assign {found[0]} @name:server"}),
    )
