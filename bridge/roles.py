"""Who somebody is to the community, from the configuration and where they are joined; never reads either."""

from enum import IntEnum

from bridge.community import leaders
from bridge.config import Config
from bridge.tags import fold


class Role(IntEnum):
    """Who somebody is to this community; each includes the ones before."""

    STRANGER = 0
    MEMBER = 1
    CURATOR = 2
    MODERATOR = 3
    OWNER = 4


def curates(user: str, tag: str, config: Config) -> bool:
    """Whether this user is a curator of the circle with this tag (compared as tags are), or stands in for one."""
    return any(user in leaders(circle) for circle in config.community.circles if fold(circle.tag) == fold(tag))


def role_of(user: str, config: Config, *, in_staff: bool, in_community: bool, circle: str | None = None) -> Role:
    """The highest role of a user.

    `in_staff`: joined in the staff room; `in_community`: joined in any room of ours. `circle` is the tag of the circle where the question comes up:
    a curator's powers end there, so a curator of another one is a member. Without it a curator of any circle is one.
    """
    community = config.community
    if user in community.owners:
        return Role.OWNER
    if in_staff or user in community.moderators:
        return Role.MODERATOR
    tags = [one.tag for one in community.circles] if circle is None else [circle]
    if any(curates(user, tag, config) for tag in tags):
        return Role.CURATOR
    return Role.MEMBER if in_community else Role.STRANGER
