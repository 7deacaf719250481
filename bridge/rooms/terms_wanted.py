"""What should exist by the configuration, with the powers of people at rest who may only read, and with rooms locked; never changes anything."""

from bridge.config import Config
from bridge.rooms.expiry import resting
from bridge.rooms.locked import locked
from bridge.rooms.model import Desired
from bridge.rooms.plan import desired
from bridge.rooms.term import ENDED
from bridge.store import sanctions, terms, voices
from bridge.store.db import Connection


async def wanted(db: Connection, config: Config, me: str) -> Desired:
    """The rooms as they should be now: nobody whose membership has ended is invited, who is muted is so, and a locked room is locked."""
    counts = config.membership is not None
    rest = await voices.at_rest(db, memberships=counts)
    found = resting(desired(config, me), rest.rests, await terms.users(db, ENDED) if counts else ())
    return locked(found, await sanctions.shut(db))
