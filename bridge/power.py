"""Who may do what in a room, computed from its raw state; pure. Never asks a homeserver and never trusts a type.

Room version 12 lets the creators outrank everybody for ever; in earlier versions the creator holds 100 only while there
is no `m.room.power_levels` event (spec: "Room Version 12", "m.room.power_levels").
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

CREATOR = math.inf
"""The level of a creator since room version 12: above every number."""

SILENT = -2
"""At or below this somebody was silenced by us: they read and cannot write. A level of -1 is somebody else's doing, by hand in a client."""

_ACTIONS = {"ban": 50, "kick": 50, "redact": 50, "invite": 0}


@dataclass(frozen=True, slots=True)
class Powers:
    """A room's creators and power levels, ready to be asked. Made by `powers`."""

    creators: frozenset[str]
    creators_are_endless: bool
    levels: Mapping[str, Any] | None = field(default=None)
    """The content of `m.room.power_levels`; None when the room has no such event."""

    def level(self, user: str) -> float:
        """The user's level: `CREATOR`, or a whole number."""
        if user in self.creators and self.creators_are_endless:
            return CREATOR
        if self.levels is None:
            return 100 if user in self.creators else 0
        default = _integer(self.levels.get("users_default"), 0)
        return _integer(_mapping(self.levels.get("users")).get(user), default)

    def required(self, action: str) -> int:
        """The level that an action takes: `ban`, `kick`, `redact`, `invite`, `state:<event type>` or `send:<event type>`."""
        if action in _ACTIONS:
            # Without a power_levels event the spec's defaults hold, and they are the same but for state.
            return _integer((self.levels or {}).get(action), _ACTIONS[action])
        family, _, kind = action.partition(":")
        if self.levels is None:
            return 0
        default = (
            _integer(self.levels.get("state_default"), 50)
            if family == "state"
            else _integer(self.levels.get("events_default"), 0)
        )
        return _integer(_mapping(self.levels.get("events")).get(kind), default)

    def can(self, user: str, action: str) -> bool:
        """Whether the user's level is enough for the action (see `required`). Whom it may be done to: see `outranks`."""
        return self.level(user) >= self.required(action)

    def outranks(self, user: str, other: str) -> bool:
        """Whether the user stands above the other: kicks, bans and demotions need this too."""
        return self.level(user) > self.level(other)


def powers(state: Iterable[Any]) -> Powers:
    """The powers in a room, from its current raw state events. Events that make no sense count as absent."""
    creators: set[str] = set()
    endless = False
    levels: Mapping[str, Any] | None = None
    for raw in state:
        held = _mapping(raw)
        if held.get("state_key") != "":
            continue
        content = _mapping(held.get("content"))
        if held.get("type") == "m.room.create":
            endless = has_endless_creators(content.get("room_version"))
            # Version 11 took `creator` out of the content: the sender is the creator.
            more = content.get("additional_creators") if endless else None
            creators = {user for user in [held.get("sender"), *_list(more)] if isinstance(user, str)}
        elif held.get("type") == "m.room.power_levels":
            levels = content
    return Powers(frozenset(creators), endless, levels)


def powers_seen(me: str, levels: Mapping[str, Any], create: Mapping[str, Any]) -> Powers:
    """A room's powers by the contents of its `m.room.power_levels` and `m.room.create` alone, as they can be read one by one.

    Who made the room is not in these. If creators are endless there and `me` has no number, it was `me` (spec, room version 12).
    """
    endless = has_endless_creators(create.get("room_version"))
    more = create.get("additional_creators") if endless else None
    ours = {me} if endless and me not in _mapping(levels.get("users")) else set()
    return Powers(frozenset({*ours, *(more if isinstance(more, list) else ())}), endless, levels)


def has_endless_creators(version: Any) -> bool:
    """Whether in rooms of this version the creators stand above all numbers: from 12 on. A version that is no number is an experiment: no."""
    return isinstance(version, str) and version.isdecimal() and int(version) >= 12


def silenced(level: int) -> int:
    """The level of somebody who may only read, from which the one before can be told: 0 becomes -2, 50 becomes -52; what is below 0 stays."""
    return SILENT - level if level >= 0 else level


def voiced(level: int) -> int:
    """The level from before `silenced`; one that is not our doing stays."""
    return SILENT - level if level <= SILENT else level


def voice_of(powers: Powers, user: str) -> bool:
    """Whether somebody's level lets them do anything but read."""
    return powers.level(user) > SILENT


def with_voice(powers: Powers, user: str, me: str, *, silent: bool) -> Mapping[str, Any] | None:
    """The power levels in which somebody may only read, or may again what they could before; None when it is so already, or not ours to change.

    The level from before stands in the new one, so that nothing has to be remembered (see `silenced`). Above a creator and above an equal we have no power
    (spec: "Authorization rules", `m.room.power_levels`).
    """
    held = powers.levels or {}
    level = powers.level(user)
    if level == CREATOR or not powers.outranks(me, user):
        return None
    wanted = silenced(int(level)) if silent else voiced(int(level))
    if wanted == level:
        return None
    users = {**(held.get("users") or {}), user: wanted}
    if not silent and wanted == held.get("users_default", 0):
        del users[user]
    return {**held, "users": users}


def _integer(value: Any, default: int) -> int:
    """A level as older rooms may hold it: an integer, or a string of one (spec: allowed up to room version 9)."""
    if isinstance(value, bool):
        return default
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value, re.ASCII):
        return int(value)
    return default


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
