"""Whether words of one room may stand in another, as the configuration and the rooms are now; never who wants it."""

from bridge.community import circle_by_key
from bridge.config import Config
from bridge.rooms import share
from bridge.store.rooms import Room


def may_leave(config: Config, source: Room, target: Room) -> bool:
    """Whether words of one room may be carried into the other as both are now, and as the circle's own rule is."""
    return rule_of(config, source) != "never" and share.may_leave(
        source_encrypted=source.encrypted,
        target_encrypted=target.encrypted,
        encrypted_to_open=config.community.encrypted_to_open,
    )


def rule_of(config: Config, room: Room) -> str:
    """What a circle's rule about sharing is: ask, authors or never. Other rooms have none: ask."""
    circle = circle_by_key(config, room.key)
    return circle.sharing if circle else "ask"
