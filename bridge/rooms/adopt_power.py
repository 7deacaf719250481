"""Which powers a room has by hand, as the `power` of the configuration would say them; pure. Never makes a role of a single person's power."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.config_types import BOT, OUR_STATE, POWERS
from bridge.power import Powers
from bridge.rooms.contents import power_levels
from bridge.rooms.model import Desired, DesiredRoom

_NAMES = {place: name for name, place in POWERS.items()}
_USUAL = {"ban": 50, "kick": 50, "redact": 50, "invite": 0, "events_default": 0}
"""What holds where `m.room.power_levels` does not say (spec: m.room.power_levels)."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs from what is wanted: `power` is what the file would say of all that it has words for (None: nothing of that differs).

    `people` are those whose own level differs, `rest` the keys for which the file has no words or which nobody but us may set.
    """

    power: Mapping[str, int] | None
    people: tuple[str, ...]
    rest: tuple[str, ...]


def known_power(levels: Mapping[str, Any], path: tuple[str, ...]) -> int | None:
    """The level that stands at this place of `m.room.power_levels`, if the configuration could say it; else None."""
    name = _NAMES.get(path[-1], path[-1])
    if len(path) == 1:
        level = levels.get(path[0], _USUAL.get(path[0]))
        sayable = path[0] in _USUAL
    else:
        level = _mapping(levels.get(path[0])).get(path[1])
        sayable = path[0] == "events" and path[1] not in OUR_STATE and (name in POWERS or "." in name)
    if not sayable or isinstance(level, bool) or not isinstance(level, int):
        return None
    return level if 0 <= level <= BOT else None


def drift(wanted: Desired, room: DesiredRoom, powers: Powers) -> Drift:
    """How the powers of a room differ from what is wanted. `powers` are those that it has now."""
    now: Mapping[str, Any] = powers.levels or {}
    meant = power_levels(wanted, room, powers)
    kept: dict[str, int] = {}
    rest: list[str] = []
    for path in _differing(now, meant):
        level = known_power(now, path)
        if level is None:
            rest.append(path[-1])
        elif level != known_power(meant, path):
            kept[path[-1]] = level
    said = {name: level for name, level in room.power.items() if POWERS.get(name, name) not in kept}
    said |= {_NAMES.get(place, place): level for place, level in kept.items()}
    here, there = _mapping(now.get("users")), meant["users"]
    people = tuple(sorted(user for user in {**here, **there} if here.get(user) != there.get(user)))
    return Drift(said if kept else None, people, tuple(rest))


def _differing(now: Mapping[str, Any], meant: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The places where the room says something else, but for the people's own levels. What it does not say nobody set by hand."""
    for key, level in meant.items():
        if key not in ("users", "events") and now.get(key) != level and (key in now or key in _USUAL):
            yield (key,)
    there = _mapping(now.get("events"))
    for kind, level in meant["events"].items():
        if kind in there and there[kind] != level:
            yield "events", kind


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
