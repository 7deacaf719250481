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
"""Fields that say whether a room is wanted at all: a circle made by command, and one that is no longer used (true) or is used again (false)."""


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


def circle_by_tag(config: Config, tag: str) -> Circle | None:
    """The circle with this tag (compared as tags are), or None."""
    return next((circle for circle in config.community.circles if fold(circle.tag) == fold(tag)), None)


def leaders(circle: Circle) -> tuple[str, ...]:
    """Who looks after this circle now: its curators, and whoever stands in for one."""
    return tuple(dict.fromkeys((*circle.curators, *circle.substitutes)))


def most(circle: Circle, config: Config) -> int:
    """How many people this circle holds well."""
    return circle.size or config.community.circle_size


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
    file = (*old.circles, *old.archived)
    circles = [_with(circle, decided.get(circle_key(circle), {})) for circle in file]
    known = {circle_key(circle) for circle in file}
    for key, fields in decided.items():
        if key.startswith("circle/") and key not in known and MADE in fields:
            made = _made(key, fields)
            circles += [made] if made else []
    unused = {circle_key(circle): True for circle in old.archived}
    unused |= {key: bool(fields[ARCHIVED]) for key, fields in decided.items() if ARCHIVED in fields}
    changed["circles"] = tuple(circle for circle in circles if not unused.get(circle_key(circle)))
    changed["archived"] = tuple(circle for circle in circles if unused.get(circle_key(circle)))
    community: Community = old.model_copy(update=changed)
    return config.model_copy(update={"community": community})


def _with(section: S, fields: Mapping[str, Any]) -> S:
    """The section with these fields; those that the schema refuses (or does not know any more) are left out one by one."""
    for name, value in fields.items():
        if name not in type(section).model_fields:
            continue
        try:
            first = {"was": section.was or section.tag} if isinstance(section, Circle) and name == "tag" else {}
            section = type(section).model_validate({**section.model_dump(), **first, name: value})
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
