"""Whether Hearth still has in a room what it needs there, and who could give it back; pure. Never asks a homeserver, never says anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.power import Powers

NEEDED = (
    "ban",
    "kick",
    "redact",
    "invite",
    "send:m.room.message",
    "state:m.room.power_levels",
    "state:m.room.join_rules",
    "state:m.room.server_acl",
    "state:m.room.canonical_alias",
)
"""What Hearth does in every room of the community."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A room as far as it matters here. `membership` is our own there, None when we may not even ask.

    `tombstone` is the content of the event that closed the room, None without one, and `closed_by` who sent it.
    """

    membership: str | None
    powers: Powers
    tombstone: Mapping[str, Any] | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class Footing:
    """How we stand in a room.

    `fine`; `weak`: we have `level` and need `needed`, and `helpers` could give it; `out`: not in it; `banned`; `closed`: replaced by nothing;
    `replaced`: by the room `replacement`.
    """

    about: Literal["fine", "weak", "out", "banned", "closed", "replaced"]
    level: int = 0
    needed: int = 0
    helpers: tuple[str, ...] = ()
    replacement: str | None = None

    @property
    def told(self) -> str:
        """By this two footings are the same to whoever is told of them."""
        return f"weak {self.level} {self.needed}" if self.about == "weak" else self.about


def footing(ground: Ground, me: str) -> Footing:
    """How we (`me`) stand in a room."""
    if ground.membership != "join":
        return Footing("banned" if ground.membership == "ban" else "out")
    if ground.tombstone is not None:
        into = ground.tombstone.get("replacement_room")
        if isinstance(into, str) and into.startswith("!"):
            return Footing("replaced", replacement=into)
        return Footing("closed")
    powers = ground.powers
    needed = max(powers.required(action) for action in NEEDED)
    if powers.level(me) >= needed:
        return Footing("fine")
    users = (powers.levels or {}).get("users")
    candidates = {*powers.creators, *(users if isinstance(users, dict) else ())} - {me}
    able = (user for user in candidates if powers.level(user) >= needed)
    helpers = sorted(able, key=lambda user: (-powers.level(user), user))
    return Footing("weak", int(powers.level(me)), needed, tuple(helpers))
