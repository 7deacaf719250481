"""The command `member show`: what is known of one person; never a word of theirs, never a change."""

from bridge.arguments import User
from bridge.commands import STAFF, command
from bridge.context import Context
from bridge.roles import Role
from bridge.rooms import terms_words
from bridge.rooms.expiry import There
from bridge.rooms.term import ENDED, GRACE, Term
from bridge.store import authority, rooms, terms
from bridge.tags import fold
from bridge.words import Text, lines, words


@command(where=STAFF, role=Role.MODERATOR, name="member show", examples=("member show @eve:example.org",))
async def member_show(ctx: Context, person: User) -> Text:
    """Show what I know of a member: role, rooms, and until when their membership lasts."""
    there = await terms.there(ctx.db, person.id)
    term = await terms.get(ctx.db, person.id)
    parts = [await _role(ctx, person.id), *await _rooms(ctx, there)]
    if ctx.config.membership is not None or term is not None:
        parts.append(_term(term))
    return lines(*parts)


async def _role(ctx: Context, user: str) -> Text:
    role = await authority.role_of(ctx.db, ctx.config, user)
    who = {"user": user, "with_id": True}
    if role is Role.OWNER:
        return words("%(who)s is an owner.", who=who)
    if role is Role.MODERATOR:
        return words("%(who)s is a moderator.", who=who)
    if role is Role.CURATOR:
        tags = [fold(circle.tag) for circle in ctx.say.led_by(user)]
        return words("%(who)s is a curator: %(circles)s.", who=who, circles={"list": [f"#{tag}" for tag in tags]})
    if role is Role.MEMBER:
        return words("%(who)s is a member.", who=who)
    return words("%(who)s is not in the community.", who=who)


async def _rooms(ctx: Context, there: tuple[There, ...]) -> list[Text]:
    named = {room.room: room for room in await rooms.all_rooms(ctx.db)}

    def listed(membership: str) -> dict[str, object]:
        found = [named[one.room] for one in there if one.membership == membership]
        return {"list": [{"room": each.room, "alias": each.alias, "name": each.alias or each.key} for each in found]}

    parts = []
    if any(one.membership == "join" for one in there):
        parts.append(words("In: %(rooms)s", rooms=listed("join")))
    if any(one.membership == "invite" for one in there):
        parts.append(words("Invited to: %(rooms)s", rooms=listed("invite")))
    if any(one.membership == "ban" for one in there):
        parts.append(words("Banned from: %(rooms)s", rooms=listed("ban")))
    return parts


def _term(term: Term | None) -> Text:
    if term is None or term.until is None:
        return words("Their membership has no end.")
    until = terms_words.day(term.until)
    if term.stage == ENDED:
        return words("Their membership ended on %(day)s.", day=until)
    if term.stage == GRACE:
        return words("Their membership lasted until %(day)s; for a few days they can still read.", day=until)
    return words("Their membership lasts until %(day)s.", day=until)
