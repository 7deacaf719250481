"""Who has which say in the community now; pure. One place: what the configuration names somebody counts only as long as their membership lasts.

`leaders` in bridge/community.py is who is *named*, for what should be so in the rooms; whoever asks who may do something, who is told, or who is spared
asks here.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from bridge.community import leaders
from bridge.config import Circle, Config
from bridge.tags import fold


class Role(IntEnum):
    """Who somebody is to this community; each includes the ones before."""

    STRANGER = 0
    MEMBER = 1
    CURATOR = 2
    MODERATOR = 3
    OWNER = 4


@dataclass(frozen=True, slots=True)
class Authority:
    """Who has a say now: by the configuration, by being in the staff room (`in_staff`), and without whose membership has `ended`. Owners' never does."""

    config: Config
    in_staff: Collection[str] = frozenset()
    ended: Collection[str] = frozenset()

    @property
    def moderators(self) -> tuple[str, ...]:
        """The moderators whom the configuration names, in its order."""
        return tuple(user for user in self.config.community.moderators if user not in self.ended)

    @property
    def staff(self) -> frozenset[str]:
        """The owners, the moderators, and whoever else is in the staff room."""
        here = (user for user in self.in_staff if user not in self.ended)
        return frozenset((*self.config.community.owners, *self.moderators, *here))

    def leads(self, circle: Circle) -> tuple[str, ...]:
        """Who looks after this circle: its curators, and whoever stands in for one."""
        return tuple(user for user in leaders(circle) if user not in self.ended)

    def led(self, circle: Circle) -> Circle:
        """The circle as it is looked after now."""
        return circle.model_copy(update={"curators": self.leads(circle), "substitutes": ()})

    def led_by(self, user: str) -> tuple[Circle, ...]:
        """The circles that somebody looks after, in the configuration's order."""
        return tuple(circle for circle in self.config.community.circles if user in self.leads(circle))

    def curates(self, user: str, tag: str) -> bool:
        """Whether this user looks after the circle with this tag (compared as tags are)."""
        return any(fold(circle.tag) == fold(tag) for circle in self.led_by(user))

    def role(self, user: str, *, in_community: bool, circle: str | None = None) -> Role:
        """The highest role of a user; whose membership has ended has none.

        `in_community`: joined in any room of ours. `circle` is the tag of the circle where the question comes up: a curator's powers end there, so a
        curator of another one is a member. Without it a curator of any circle is one.
        """
        if user in self.config.community.owners:
            return Role.OWNER
        if user in self.ended:
            return Role.STRANGER
        if user in self.staff:
            return Role.MODERATOR
        if self.led_by(user) if circle is None else self.curates(user, circle):
            return Role.CURATOR
        return Role.MEMBER if in_community else Role.STRANGER
