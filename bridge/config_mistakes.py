"""What is wrong with a configuration, in plain words with a cure; never the wrong value itself, which could be a secret."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bridge.config import Config
from bridge.config_types import known_zones
from bridge.globs import server_matches, server_of
from bridge.rooms.model import local_alias
from bridge.tags import fold

Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: the file (or variable) and line (0: none) where it stands, the setting, what is wrong and what to do."""

    where: str
    line: int
    path: str
    what: str

    def __str__(self) -> str:
        """`file:line: path: what is wrong; what to do`."""
        place = f"{self.where}:{self.line}" if self.line else self.where
        return ": ".join(part for part in (place, self.path, self.what) if part)


def spell(loc: Loc) -> str:
    """The place of a setting as people write it: `community.circles[1].tag`, where [1] is the first."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def field_at(loc: Loc) -> Any:
    """The type that the schema has at this place: a model for a section, else whatever it is; None for an unknown place."""
    here: Any = Config
    for part in loc:
        here = without_none(here)
        if isinstance(part, int):
            here = get_args(here)[0] if get_origin(here) is tuple else None
        elif isinstance(here, type) and issubclass(here, BaseModel) and part in here.model_fields:
            here = here.model_fields[part].annotation
        else:
            return None
    return without_none(here)


def without_none(annotation: Any) -> Any:
    """The annotation without `| None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation


def from_schema(error: ValidationError) -> Iterator[tuple[Loc, str]]:
    """Every mistake that the schema found: its place and our words for it."""
    for found in error.errors(include_url=False):
        loc = found["loc"]
        yield loc, _say(found["type"], loc, found.get("ctx", {}), found["msg"], found.get("input"))


def _say(kind: str, loc: Loc, more: Mapping[str, Any], message: str, value: Any) -> str:
    match kind:
        case "missing":
            return "is missing; add it"
        case "extra_forbidden":
            known = getattr(field_at(loc[:-1]), "model_fields", {})
            hint = nearest(str(loc[-1]), known)
            return f"unknown key; did you mean {hint!r}?" if hint else f"unknown key; known here: {', '.join(known)}"
        case "value_error":
            told = message.removeprefix("Value error, ")
            zone = nearest(str(value), known_zones()) if "time zone" in told else None
            return f"unknown time zone; did you mean {zone!r}?" if zone else told
        case "literal_error":
            allowed = str(more["expected"])
            hint = nearest(str(value), [word.strip("'") for word in allowed.replace(" or ", ", ").split(", ")])
            return f"must be {allowed}{f'; did you mean {hint!r}?' if hint else ''}"
        case "string_too_short":
            return "is empty; write something"
        case "string_too_long":
            return f"is too long; at most {more['max_length']} characters"
        case "greater_than_equal" | "less_than_equal":
            return f"must be {'at least' if kind[0] == 'g' else 'at most'} {more['ge' if kind[0] == 'g' else 'le']}"
    return f"must be {_expected(kind)}"


def _expected(kind: str) -> str:
    match kind.partition("_")[0]:
        case "bool":
            return "yes or no"
        case "int":
            return "a whole number"
        case "tuple":
            return "a list: one entry a line, each beginning with '- '"
        case "model":
            return "a section: its keys in the lines below, indented"
        case "path":
            return "a path"
        case "date":
            return "a date, such as 2026-03-01"
    return "text"


def contradictions(data: Mapping[str, Any], *, sign_in: bool) -> Iterator[tuple[Loc, str]]:
    """What no single setting shows: things that do not go together. `data` is raw and may be wrong in any other way.

    With `sign_in` there must be exactly one way to sign in.
    """
    matrix, community = _section(data, "matrix"), _section(data, "community")
    yield from _sign_in(matrix, required=sign_in)
    webhook = _section(_section(data, "membership"), "webhook")
    if webhook and sign_in and not webhook.get("secret") and not webhook.get("secret_file"):
        yield ("membership", "webhook"), "there is no secret to know the sender by; add secret_file"
    yield from _people(matrix.get("user_id"), community)
    yield from _rooms(matrix.get("user_id"), community)


def _sign_in(matrix: Mapping[str, Any], *, required: bool) -> Iterator[tuple[Loc, str]]:
    ways = [
        name
        for name, keys in {
            "access_token": ("access_token", "access_token_file"),
            "password": ("password", "password_file"),
            "application_service": ("application_service",),
        }.items()
        if any(key in matrix for key in keys)
    ]
    if required and not ways and matrix:
        yield (
            ("matrix",),
            "there is nothing to sign in with; add access_token_file, password_file or application_service",
        )
    if len(ways) > 1 and ways != ["access_token", "password"]:  # beside a token, the password is for signing the device
        yield ("matrix",), f"{' and '.join(ways)} are both given; keep one way to sign in"
    service, user = _section(matrix, "application_service"), matrix.get("user_id")
    sender = service.get("sender_localpart")
    if sender and isinstance(user, str) and user[1:].partition(":")[0] == sender:
        yield (
            ("matrix", "application_service", "sender_localpart"),
            "is the bot itself, which could not read along then; leave it out",
        )


def _people(me: Any, community: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    lists: list[tuple[Loc, Any]] = [(("community", name), community) for name in ("owners", "moderators")]
    for loc, room in all_rooms(community):
        lists += [((*loc, name), room) for name in ("curators", "substitutes", "members") if name in room]
    for loc, holder in lists:
        seen: set[str] = set()
        for number, person in enumerate(_entries(holder, str(loc[-1]))):
            if not isinstance(person, str):
                continue
            if person == me:
                yield (*loc, number), "is Hearth's own account; remove it here"
            elif person in seen:
                yield (*loc, number), "stands twice in this list; remove one"
            seen.add(person)


def all_rooms(community: Mapping[str, Any]) -> Iterator[tuple[Loc, Mapping[str, Any]]]:
    """Every section that is about one room, with its place, in the order of the file's schema. `community` is raw."""
    for name in ("space", "common", "staff"):
        yield ("community", name), _section(community, name)
    for family in ("circles", "archived", "rooms", "archived_rooms"):
        for number, room in enumerate(_entries(community, family)):
            if isinstance(room, Mapping):
                yield ("community", family, number), room


def _rooms(me: Any, community: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    space = _section(community, "space")
    if str(space.get("encrypted", "no")).lower() in ("true", "yes", "on", "1"):
        yield (
            ("community", "space", "encrypted"),
            "a space holds no messages, so it cannot be encrypted; leave this out",
        )
    for name in ("welcome", "retention_days"):
        if space.get(name):
            yield ("community", "space", name), "a space holds no messages; say this of its rooms, or leave it out"
    rooms: list[tuple[Loc, Mapping[str, Any]]] = []
    known: dict[str, Loc] = {}
    share = community.get("share_tag", "common")
    for loc, room in all_rooms(community):
        family = str(loc[1]).removeprefix("archived_")  # a room keeps its key when it is archived
        name = {"circles": "tag", "rooms": "key"}.get(family, "")
        word = room.get(name)
        if isinstance(word, str):
            key = f"{family}/{fold(word)}"
            if key in known:
                yield (*loc, name), f"{spell(known[key])} has this {name} too; give each {family[:-1]} its own"
                continue
            if name == "tag" and isinstance(share, str) and fold(word) == fold(share):
                yield (*loc, name), "is also the share_tag; choose another for one of the two"
            known[key] = loc
        rooms.append((loc, room))
        yield from _servers(me, loc, room, community)
    yield from _beginnings(rooms)
    yield from _addresses(rooms)


def _beginnings(rooms: Iterable[tuple[Loc, Mapping[str, Any]]]) -> Iterator[tuple[Loc, str]]:
    """A circle's room is known by its first tag, so no two circles may have begun with the same one."""
    first: dict[str, Loc] = {}
    for loc, circle in rooms:
        began = circle.get("was") or circle.get("tag")
        if isinstance(began, str) and (other := first.setdefault(fold(began), loc)) != loc:
            place = "was" if circle.get("was") else "tag"
            yield (*loc, place), f"{spell(other)} began with this tag; give this one a 'was' that no other has"


def _servers(me: Any, loc: Loc, room: Mapping[str, Any], community: Mapping[str, Any]) -> Iterator[tuple[Loc, str]]:
    """Who is named for a room can be in it: our own server, and those of its people."""
    servers = [each for each in _entries(room, "servers") if isinstance(each, str)]
    if not servers:
        return
    if isinstance(me, str) and not _of_these(servers, me):
        yield (*loc, "servers"), "our own server is missing, which would shut Hearth out; add it"
        servers.append(server_of(me))
    staff = [(name, community) for name in ("owners", "moderators")]
    for place, holder in (*staff, *((name, room) for name in ("curators", "substitutes", "members"))):
        for number, person in enumerate(_entries(holder, place)):
            if isinstance(person, str) and ":" in person and not _of_these(servers, person):
                if holder is room:
                    yield (*loc, place, number), "is of a server that may not take part here; add it to the servers"
                else:
                    yield (*loc, "servers"), f"the server of {spell(('community', place, number))} is missing; add it"


def _of_these(servers: Iterable[str], user: str) -> bool:
    return any(server_matches(each, server_of(user)) for each in servers)


def _addresses(rooms: Iterable[tuple[Loc, Mapping[str, Any]]]) -> Iterator[tuple[Loc, str]]:
    """Every room has an address, and no two the same one."""
    taken: dict[str, Loc] = {}
    for loc, room in rooms:
        alias, tag, name = room.get("alias"), room.get("tag"), room.get("name")
        if not isinstance(name, str):
            continue
        local = local_alias(
            alias if isinstance(alias, str) else None, fold(tag) if isinstance(tag, str) else None, name
        )
        first = taken.setdefault(local.casefold(), loc)
        if first != loc and alias:
            yield (*loc, "alias"), f"{spell(first)} has this address too; give each room its own"
        elif first != loc:
            yield loc, f"has the same address as {spell(first)}, '{local}'; give one of them an alias of its own"


def _section(data: Any, name: str) -> Mapping[str, Any]:
    value = data.get(name) if isinstance(data, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _entries(data: Any, name: str) -> list[Any]:
    value = data.get(name) if isinstance(data, Mapping) else None
    return value if isinstance(value, list) else []
