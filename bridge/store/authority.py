"""Who has which say in the community at this moment, as far as the database knows; never what follows from it."""

from collections.abc import Iterable

from bridge.community import leaders
from bridge.config import Config
from bridge.roles import Authority, Role
from bridge.store import named as named_people
from bridge.store import people, rooms, terms
from bridge.store.db import Connection


async def current(db: Connection, config: Config, *others: str) -> Authority:
    """Who has a say now. Whether a membership has ended is looked up for everybody who is named somewhere, and for these others."""
    staff = await rooms.by_key(db, "staff")
    inside = frozenset(await people.members(db, staff.room)) if staff else frozenset()
    by_hand = inside - {*config.community.owners, *config.community.moderators}
    if by_hand:  # whom the configuration names no more has no say, also while they are still in the staff room
        inside -= await named_people.of_staff(db, by_hand)
    return await _without_ended(db, config, inside, others)


async def named(db: Connection, config: Config) -> Authority:
    """The same without a look into the staff room: of those whom the configuration names, who looks after what now."""
    return await _without_ended(db, config, frozenset(), ())


async def _without_ended(db: Connection, config: Config, inside: frozenset[str], others: Iterable[str]) -> Authority:
    community = config.community
    if config.membership is None:
        return Authority(config, inside)
    asked = {*community.moderators, *inside, *others}.union(*map(leaders, community.circles))
    return Authority(config, inside, await terms.ended_among(db, asked - set(community.owners)))


async def role_of(db: Connection, config: Config, user: str, circle: str | None = None) -> Role:
    """Somebody's highest role now; with the tag of a circle, their highest there."""
    say = await current(db, config, user)
    return say.role(user, in_community=bool(await people.rooms_of(db, user)), circle=circle)


async def has_ended(db: Connection, config: Config, user: str) -> bool:
    """Whether somebody's membership has ended: no code, knock or invitation brings them back, only a renewal does. Owners are never kept out."""
    if config.membership is None or user in config.community.owners:
        return False
    return not await terms.may_enter(db, user)
