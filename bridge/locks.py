"""Which rooms are locked and what their powers are then; pure. Never the staff room, and never a space, where nobody writes anyway.

What a room has without a lock is not remembered here: it is what the configuration and the commands want of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.community import circle_key, everything
from bridge.config import Circle, Config
from bridge.config_types import BOT, CURATOR, MODERATOR
from bridge.moderation.model import EVERY_ROOM, INVITES, LOCK, Sanction

LOCKED_WRITE, LOCKED_INVITE = CURATOR, BOT
"""Who still writes in a locked room, and who still invites where invites are off."""

_NEVER = ("staff", "space")


@dataclass(frozen=True, slots=True)
class Shut:
    """Rooms by their key (`*`: all) in which nobody writes, and in which nobody invites."""

    locked: frozenset[str] = frozenset()
    uninviting: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.locked or self.uninviting)

    def writing(self, key: str) -> bool:
        """Whether nobody but curators and staff may write in the room with this key."""
        return can_be_locked(key) and not self.locked.isdisjoint({key, EVERY_ROOM})

    def inviting(self, key: str) -> bool:
        """Whether nobody but Hearth and the owners may invite there. It may be about the space, too."""
        return key != "staff" and not self.uninviting.isdisjoint({key, EVERY_ROOM})


def can_be_locked(key: str) -> bool:
    """Whether the room with this key can be locked at all."""
    return key not in _NEVER and not key.startswith("district/")


def shut(sanctions: Iterable[Sanction]) -> Shut:
    """What these sanctions come to; those that are no locks are passed over."""
    found = tuple(sanctions)
    return Shut(
        frozenset(each.target for each in found if each.kind == LOCK),
        frozenset(each.target for each in found if each.kind == INVITES),
    )


def usual(config: Config, key: str) -> tuple[int, int]:
    """The power that writing and that inviting takes in the room with this key, without a lock, by the configuration that holds now."""
    if key in {circle_key(circle) for circle in config.community.archived}:
        return MODERATOR, CURATOR
    room = everything(config).get("space" if key.startswith("district/") else key)
    power = room.power if room else {}
    guarded = MODERATOR if not isinstance(room, Circle) and CURATOR in power.values() else CURATOR
    writers = CURATOR if key == "space" or key.startswith("district/") else 0
    return power.get("write", writers), power.get("invite", guarded)


def with_locks(
    levels: Mapping[str, Any], usual: tuple[int, int], *, writing: bool, inviting: bool
) -> Mapping[str, Any]:
    """The power levels of a room with its lock, or without one (spec: `m.room.power_levels`); the same when it is so already.

    In a locked room everybody can still take back what they said.
    """
    write, invite = usual
    events = levels.get("events")
    events = dict(events) if isinstance(events, Mapping) else {}
    if writing:
        write = max(write, LOCKED_WRITE)
        events.setdefault("m.room.redaction", 0)
    elif write == 0 and levels.get("events_default", 0) != 0 and events.get("m.room.redaction") == 0:
        del events["m.room.redaction"]
    wanted = {
        **levels,
        "events_default": write,
        "invite": max(invite, LOCKED_INVITE) if inviting else invite,
        "events": events,
    }
    return levels if _same(levels, wanted) else wanted


def _same(levels: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    defaults: Mapping[str, Any] = {"events_default": 0, "invite": 0, "events": {}}
    return all(levels.get(name, defaults[name]) == wanted[name] for name in defaults)
