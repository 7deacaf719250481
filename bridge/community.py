"""The community as it is wanted: the file, and over it what people decided by command since; pure. Never knows a database.

What a command decided is a `Setting`: one field of one room, as a value that the configuration's schema can check. The newest of a field counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from bridge.config import Circle, Community, Config, FurtherRoom, RoomSettings, Section
from bridge.tags import fold

S = TypeVar("S", bound=Section)

MADE, ARCHIVED = "made", "archived"
"""Fields that say whether a room is wanted at all: a circle made by command, and one that is no longer used (true) or is used again (false)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of one room, as a command decided it. `key` is the room's (space, common, circle/sleep, room/library), `value` is plain JSON; None takes the decision back."""

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


def room_key(room: FurtherRoom) -> str:
    """The name of this further room for ever."""
    return f"room/{room.key}"


def everything(config: Config) -> Mapping[str, RoomSettings]:
    """What the configuration says of each room, by its key; the space first, the circles last."""
    community = config.community
    return {
        "space": community.space,
        "common": community.common,
        "staff": community.staff,
        **{room_key(room): room for room in (*community.archived_rooms, *community.rooms)},
        **{circle_key(circle): circle for circle in (*community.archived, *community.circles)},
    }


def servers_of(settings: Mapping[str, RoomSettings], key: str) -> tuple[str, ...]:
    """The servers whose people may take part in the room with this key; none named: all. A district lets in whom the space lets in.

    `settings` are those of `everything`.
    """
    found = settings.get("space" if key.startswith("district/") else key)
    return found.servers if found else ()


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
    circles = _overlaid_list(file, circle_key, _made_circle, "circle/", decided)
    unused = {circle_key(circle): True for circle in old.archived} | _archived(decided)
    changed["circles"] = tuple(circle for circle in circles if not unused.get(circle_key(circle)))
    changed["archived"] = tuple(circle for circle in circles if unused.get(circle_key(circle)))
    rooms = _overlaid_list((*old.rooms, *old.archived_rooms), room_key, _made_room, "room/", decided)
    unused = {room_key(room): True for room in old.archived_rooms} | _archived(decided)
    changed["rooms"] = tuple(room for room in rooms if not unused.get(room_key(room)))
    changed["archived_rooms"] = tuple(room for room in rooms if unused.get(room_key(room)))
    community: Community = old.model_copy(update=changed)
    return config.model_copy(update={"community": community, "protections": _protections(config.protections, decided)})


PROTECTION = "protection/"
"""How the key of a protection's settings begins."""


def _protections(old: Section, decided: Mapping[str, Mapping[str, Any]]) -> Section:
    """What the protections are told, with what was decided about each."""
    known = type(old).model_fields
    changed = {
        name: _with(getattr(old, name), fields)
        for key, fields in decided.items()
        if key.startswith(PROTECTION) and (name := key.removeprefix(PROTECTION)) in known
    }
    return old.model_copy(update=changed) if changed else old


def _archived(decided: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
    """Of which rooms it was decided whether they are no longer used."""
    return {key: bool(fields[ARCHIVED]) for key, fields in decided.items() if ARCHIVED in fields}


def _overlaid_list(
    held: Sequence[S],
    key_of: Callable[[S], str],
    make: Callable[[str, Any], S | None],
    family: str,
    decided: Mapping[str, Mapping[str, Any]],
) -> tuple[S, ...]:
    """The rooms of one family with what was decided about each, then those that only commands know."""
    result = [_with(each, decided.get(key_of(each), {})) for each in held]
    known = {key_of(each) for each in held}
    for key, fields in decided.items():
        if key.startswith(family) and key not in known and MADE in fields:
            made = make(key.partition("/")[2], fields[MADE])
            result += [_with(made, fields)] if made else []
    return tuple(result)


def _with(section: S, fields: Mapping[str, Any]) -> S:
    """The section with these fields; those that the schema refuses (or does not know any more) are left out one by one."""
    for name, value in fields.items():
        if name not in type(section).model_fields:
            continue
        try:
            first = {"was": section.was or section.tag} if isinstance(section, Circle) and name == "tag" else {}
            given = {each: getattr(section, each) for each in section.model_fields_set}
            section = type(section).model_validate({**given, **first, name: value})
        except ValidationError:
            continue
    return section


def _made_circle(name: str, first: Any) -> Circle | None:
    """A circle that only commands know, as it began."""
    try:
        return Circle.model_validate({**first, "was": name})
    except (ValidationError, TypeError):
        return None


def _made_room(name: str, first: Any) -> FurtherRoom | None:
    """A further room that only commands know, as it began."""
    try:
        return FurtherRoom.model_validate({**first, "key": name})
    except (ValidationError, TypeError):
        return None
