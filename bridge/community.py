"""The community as it is wanted: the file, and over it what people decided by command since; pure. Never knows a database.

What a command decided is a `Setting`: one field of one room, as a value that the configuration's schema can check. The newest of a field counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from bridge.config import Circle, Community, Config, Section
from bridge.tags import fold

S = TypeVar("S", bound=Section)

MADE, ARCHIVED = "made", "archived"
"""Fields that say whether a room is wanted at all: a circle made by command, and a room that is no longer used."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of one room, as a command decided it. `key` is the room's (space, common, circle/sleep), `value` is plain JSON; None takes the decision back."""

    key: str
    field: str
    value: Any


def circle_key(circle: Circle) -> str:
    """The name of this circle's room for ever, whatever its tag is by now."""
    return f"circle/{fold(circle.was or circle.tag)}"


def circle_by_key(config: Config, key: str) -> Circle | None:
    """The circle whose room has this key, or None."""
    return next((circle for circle in config.community.circles if circle_key(circle) == key), None)


def overlaid(config: Config, settings: Sequence[Setting]) -> Config:
    """The configuration with these settings over it, oldest first. What no longer fits the schema is left out, never an error."""
    if not settings:
        return config
    decided: dict[str, dict[str, Any]] = {}
    for each in settings:
        decided.setdefault(each.key, {})[each.field] = each.value
    decided = {key: {f: v for f, v in fields.items() if v is not None} for key, fields in decided.items()}
    old = config.community
    changed: dict[str, Any] = {}
    for name in ("space", "common", "staff"):
        changed[name] = _with(getattr(old, name), decided.get(name, {}))
    circles = [_with(circle, decided.get(circle_key(circle), {})) for circle in old.circles]
    known = {circle_key(circle) for circle in old.circles}
    for key, fields in decided.items():
        if key.startswith("circle/") and key not in known and MADE in fields:
            made = _made(key, fields)
            circles += [made] if made else []
    used = [circle for circle in circles if ARCHIVED not in decided.get(circle_key(circle), {})]
    community: Community = old.model_copy(update={**changed, "circles": tuple(used)})
    return config.model_copy(update={"community": community})


def archived(settings: Sequence[Setting]) -> frozenset[str]:
    """The keys of the rooms that were archived by command."""
    newest = {each.key: each.value for each in settings if each.field == ARCHIVED}
    return frozenset(key for key, value in newest.items() if value)


def _with(section: S, fields: Mapping[str, Any]) -> S:
    """The section with these fields; those that the schema refuses (or does not know any more) are left out one by one."""
    for name, value in fields.items():
        if name not in type(section).model_fields:
            continue
        try:
            section = type(section).model_validate({**section.model_dump(), name: value})
        except ValidationError:
            continue
    return section


def _made(key: str, fields: Mapping[str, Any]) -> Circle | None:
    """A circle that only commands know: `made` holds what it began with."""
    first = fields[MADE]
    try:
        circle = Circle.model_validate({**first, "was": key.partition("/")[2]})
    except (ValidationError, TypeError):
        return None
    return _with(circle, fields)
