"""What a room has by hand as a field of the configuration, so that it can become what is wanted; pure. Never decides that it shall."""

from collections.abc import Mapping
from typing import Any

from bridge.config_types import CURATOR, MODERATOR
from bridge.globs import host_of
from bridge.power import CREATOR
from bridge.rooms.adopt_power import known_power
from bridge.rooms.model import Actual, ActualRoom, Desired, DesiredRoom, SetContent
from bridge.rooms.plan import powers_of
from bridge.times import DAY_MS

FIELDS: Mapping[str, tuple[str, str]] = {
    "name": ("m.room.name", "name"),
    "topic": ("m.room.topic", "topic"),
    "alias": ("m.room.canonical_alias", "alias"),
    "avatar": ("m.room.avatar", "url"),
    "entry": ("m.room.join_rules", "join_rule"),
    "history": ("m.room.history_visibility", "history_visibility"),
    "encrypted": ("m.room.encryption", "algorithm"),
    "servers": ("m.room.server_acl", "allow"),
    "retention_days": ("m.room.retention", "max_lifetime"),
    "curators": ("m.room.power_levels", "users"),
    "power": ("m.room.power_levels", "events"),
    "welcome": ("m.room.pinned_events", "pinned"),
}
"""The fields that a room's own value can be taken for: the state event, and its key."""

_ENTRY: Mapping[Any, str] = {
    "restricted": "members",
    "invite": "invited",
    "knock": "knock",
    "knock_restricted": "knock",
    "public": "public",
}
_NARROW = {"space": ("invited", "knock", "public"), "staff": ("invited", "knock")}
"""Where not every way in can be chosen."""


def field_of(change: SetContent, path: tuple[str, ...]) -> str | None:
    """The field whose adoption would make this change needless, where `path` leads to the value that differs; None when there is none."""
    if change.key.startswith("district/"):  # made by themselves, and nothing says how they should be
        return None
    if change.type == "m.room.power_levels":
        if path[0] == "users":
            return "curators" if change.key.startswith("circle/") else None
        return "power" if known_power(change.was, path) is not None else None
    if change.type == "m.room.pinned_events":
        return "welcome" if len(change.content.get("pinned", ())) > len(change.was.get("pinned", ())) else None
    names = (name for name, (kind, key) in FIELDS.items() if kind == change.type and _differs(change, key))
    return next(names, None)


def _differs(change: SetContent, key: str) -> bool:
    return bool(change.was.get(key) != change.content.get(key))


def held(wanted: Desired, room: ActualRoom, field: str) -> Any:
    """What the room has now, as the configuration would say it (plain JSON); None when that cannot be said there."""
    kind, key = FIELDS[field]
    value = room.content(kind).get(key)
    match field:
        case "encrypted":
            return bool(value) or None
        case "topic":
            return value if isinstance(value, str) else ""
        case "alias":
            local, _, server = str(value or "").removeprefix("#").partition(":")
            return local if local and server == wanted.server else None
        case "entry":
            entry = _ENTRY.get(value) if isinstance(value, str) else None
            return entry if room.key not in _NARROW or entry in _NARROW[room.key] else None
        case "avatar":
            return value if isinstance(value, str) and value.startswith("mxc://") else None
        case "servers":
            return _servers(wanted, value)
        case "retention_days":
            days, rest = divmod(value, DAY_MS) if isinstance(value, int) else (0, 0)
            return days if days >= 1 and not rest else None
        case "curators":
            return _curators(wanted, room, value)
        case _:
            return value if isinstance(value, str) and value else None


def _servers(wanted: Desired, allow: Any) -> list[str] | None:
    """Which servers may take part, without our own, which always may; all of them is an empty list. A list that shuts everybody out is nobody's wish."""
    told = [each for each in allow if isinstance(each, str)] if isinstance(allow, list) else []
    if "*" in told:
        return []
    return sorted(set(told) - {wanted.server, host_of(wanted.server)}) or None


def _curators(wanted: Desired, room: ActualRoom, users: Any) -> list[str] | None:
    """Who stands where a curator stands, and is no more than that elsewhere."""
    if not room.key.startswith("circle/"):
        return None
    powers = powers_of(room)
    there = users if isinstance(users, Mapping) else {}
    return sorted(
        user
        for user in there
        if CURATOR <= powers.level(user) < MODERATOR and user not in (wanted.me, *wanted.owners)
        if powers.level(user) < CREATOR
    )


def unwelcome(actual: Actual, room: DesiredRoom) -> str | None:
    """No welcome, where there should be one and somebody took ours from the pins or away; None where it stands, or was never said.

    What people pinned themselves is theirs: nobody's message becomes a setting.
    """
    found = actual.rooms[room.key]
    said = actual.welcomes.get(found.room)
    if not room.welcome or said is None:
        return None
    pins = found.content("m.room.pinned_events").get("pinned")
    return None if isinstance(pins, list) and said.event in pins else ""
