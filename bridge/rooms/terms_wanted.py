"""What should exist by the configuration, with the powers of people at rest whose membership is in its days of grace; never changes anything."""

from bridge.config import Config
from bridge.rooms.expiry import resting
from bridge.rooms.model import Desired
from bridge.rooms.plan import desired
from bridge.rooms.term import ENDED
from bridge.store import terms
from bridge.store.db import Connection


async def wanted(db: Connection, config: Config, me: str) -> Desired:
    """The rooms as they should be now. Nobody whose membership has ended is invited."""
    found = desired(config, me)
    if config.membership is None:
        return found
    return resting(found, await terms.all_silent(db), await terms.users(db, ENDED))
