"""Finds a command's arguments in a line, each by its type; never knows a command, a clock or a database."""

import re
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Literal

from bridge.arguments import (
    Aim,
    Choice,
    Circle,
    Day,
    Directory,
    Duration,
    Hours,
    Kind,
    Lang,
    LocalTime,
    OtherCircle,
    Outside,
    Place,
    Rest,
    RoomRef,
    Tag,
    Target,
    Thread,
    User,
    Weekday,
    Zone,
)
from bridge.errors import UsageError
from bridge.grammar import Line
from bridge.tags import fold
from bridge.times import (
    read_clock,
    read_date,
    read_duration,
    read_hours,
    read_language,
    read_weekday,
    read_zone,
)
from bridge.words import words


class Sureness(IntEnum):
    """How plain a reading is. In a union the plainest wins: `sleep` is a circle of that name before it is any tag."""

    PLAIN = 0
    KNOWN = 1
    LOOSE = 2


Found = tuple[object, int]
"""A value, and the number of the first word behind it."""

Reader = Callable[[Line, int, int, Sureness, Directory], Found | None]

MOST_WORDS = 6
"""A name has no more words than this."""

_USER_ID = re.compile(r"@[^:\s]*:[^\s:*?]+(?::\d+)?")
_USER_GLOB = re.compile(r"@?[^:\s@]*[*?][^:\s@]*:\S+|@[^:\s]*:\S*[*?]\S*")
_SERVER = re.compile(
    r"(?=.{1,255}$)(?:[\w*?-]+(?:\.[\w*?-]+)+|\[[0-9a-fA-F:.]+\]|[\w*?-]+(?=:\d))(?::\d{1,5})?", re.ASCII
)
_TAG = re.compile(r"#([^\W\d_][^\s#@:/,.;!?()<>\"“”„«»*]{0,63})[,.;:!?]?")
_OUTSIDE = re.compile(r"#[^\s:]{1,200}:\S{1,100}|!\S{1,254}")
_EVENT_ID = re.compile(r"\$\S{1,254}")
_MOST_ID_BYTES = 255


def _plain(text: str) -> str:
    return text.rstrip(",;")


def _user(line: Line, at: int, stop: int, sure: Sureness, directory: Directory) -> Found | None:
    word = line.words[at]
    if sure is Sureness.PLAIN:
        given = word.link.target if word.link else _plain(word.text)
        fits = _USER_ID.fullmatch(given) and len(given.encode()) <= _MOST_ID_BYTES
        return (User(given), at + 1) if fits else None
    if sure is Sureness.KNOWN and directory.names is not None:
        for to in range(min(stop, at + MOST_WORDS), at, -1):
            name = line.joined(at, to)
            people = directory.names.find(name) or directory.names.find(_plain(name).removeprefix("@"))
            if len(people) > 1:
                raise UsageError(
                    words(
                        "Several people are called %(name)s: %(people)s. Tell me the id of the one you mean, please.",
                        name=name,
                        people={"list": [{"code": user} for user in people[:10]]},
                    )
                )
            if people:
                return User(people[0]), to
    return None


def _target(line: Line, at: int, stop: int, sure: Sureness, directory: Directory) -> Found | None:
    word = line.words[at]
    person = _user(line, at, stop, sure, directory)
    if person is not None:
        user, to = person
        return (Target("user", user.id), to) if isinstance(user, User) else None
    if sure is not Sureness.PLAIN or word.link:
        return None
    given = _plain(word.text)
    entity: Literal["user", "server"] | None = None
    if _USER_GLOB.fullmatch(given):
        entity, given = "user", given if given.startswith("@") else f"@{given}"
    elif _SERVER.fullmatch(given):
        entity, given = "server", given.lower()
    if entity is None or len(given.encode()) > _MOST_ID_BYTES:
        return None
    if not re.search(r"[^\W_]", given):
        raise UsageError(words("%(given)s would mean everybody. Please be more exact.", given={"code": given}))
    return Target(entity, given), at + 1


def _aim(line: Line, at: int, stop: int, sure: Sureness, directory: Directory) -> Found | None:
    """Somebody and a time, in either order; the time may be missing."""
    span = _span(line, at, stop)
    if span is not None:
        ms, to = span
        found = _target(line, to, stop, sure, directory) if to < stop else None
    else:
        ms, found = None, _target(line, at, stop, sure, directory)
    if found is None:
        return None
    who, behind = found
    if not isinstance(who, Target):
        return None
    if ms is None and (span := _span(line, behind, len(line.words))):
        ms, behind = span
    return Aim(who.entity, who.pattern, ms), behind


def _span(line: Line, at: int, stop: int) -> tuple[int, int] | None:
    """A span of time in words from `at` on, in milliseconds, and the number of the word behind it."""
    for to in range(min(stop, at + MOST_WORDS), at, -1):
        ms = None if any(word.link for word in line.words[at:to]) else read_duration(_plain(line.joined(at, to)))
        if ms is not None:
            return ms, to
    return None


def _called(place: Place, text: str, sure: Sureness) -> bool:
    wanted = text.casefold()
    local = (place.alias or "").partition(":")[0]
    if sure is Sureness.PLAIN:
        tag = bool(place.tag) and _is_tag(text) and fold(text[1:]) == place.tag
        return text == place.room or wanted == (place.alias or "").casefold() != "" or tag
    spellings = {place.key.casefold(), (place.name or "").casefold(), local.casefold(), local[1:].casefold()}
    return bool(wanted) and (wanted in spellings or (bool(place.tag) and fold(text) == place.tag))


def _place(line: Line, at: int, stop: int, sure: Sureness, places: Sequence[Place]) -> tuple[Place, int] | None:
    word = line.words[at]
    if sure is Sureness.LOOSE or (word.link and word.link.event):
        return None
    widest = at + 1 if sure is Sureness.PLAIN else min(stop, at + MOST_WORDS)
    for to in range(widest, at, -1):
        given = word.link.target if word.link else _plain(line.joined(at, to))
        found = [place for place in places if _called(place, given, sure)]
        if len(found) > 1:
            ids = {"list": [{"code": place.alias or place.room} for place in found]}
            raise UsageError(
                words(
                    "Several rooms are called %(name)s: %(rooms)s. Tell me the address of the one you mean, please.",
                    name=given,
                    rooms=ids,
                )
            )
        if found:
            return found[0], to
    return None


def _room(line: Line, at: int, stop: int, sure: Sureness, directory: Directory) -> Found | None:
    found = _place(line, at, stop, sure, directory.places)
    return found and (RoomRef(found[0].room, found[0].key, found[0].kind, found[0].tag), found[1])


def _outside(line: Line, at: int, _stop: int, sure: Sureness, _directory: Directory) -> Found | None:
    """A room by link, address or id; it need not be one of ours."""
    word = line.words[at]
    if sure is not Sureness.PLAIN:
        return None
    if word.link is not None:
        fits = word.link.target[:1] in ("#", "!") and word.link.event is None
        return (Outside(word.link.target, word.link.via), at + 1) if fits else None
    return (Outside(_plain(word.text)), at + 1) if _OUTSIDE.fullmatch(word.text) else None


def _circle(line: Line, at: int, stop: int, sure: Sureness, directory: Directory) -> Found | None:
    circles = [place for place in directory.places if place.kind == "circle" and place.tag]
    found = _place(line, at, stop, sure, circles)
    return found and (Circle(found[0].room, found[0].tag or ""), found[1])


def _other_circle(line: Line, at: int, stop: int, sure: Sureness, directory: Directory) -> Found | None:
    found = None if directory.in_circle else _circle(line, at, stop, sure, directory)
    return (OtherCircle(found[0].room, found[0].tag), found[1]) if found and isinstance(found[0], Circle) else None


def _is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def _tag(line: Line, at: int, _stop: int, sure: Sureness, _directory: Directory) -> Found | None:
    word = line.words[at]
    if word.link or sure is Sureness.KNOWN:
        return None
    match = _TAG.fullmatch(word.text if sure is Sureness.PLAIN else f"#{word.text}")
    return (Tag(fold(match[1])), at + 1) if match else None


def _thread(line: Line, at: int, _stop: int, sure: Sureness, directory: Directory) -> Found | None:
    word = line.words[at]
    if sure is not Sureness.PLAIN:
        return None
    if word.link is None:
        return (Thread(_plain(word.text)), at + 1) if _EVENT_ID.fullmatch(word.text) else None
    if word.link.event is None:
        return None
    rooms = {place.alias: place.room for place in directory.places if place.alias}
    target = rooms.get(word.link.target, word.link.target)
    return Thread(word.link.event, target if target.startswith("!") else None), at + 1


def _spoken(read: Callable[[str], object | None], most_words: int) -> Reader:
    """A reader of something that may have several words, such as `2 hours`: the longest reading wins."""

    def reader(line: Line, at: int, stop: int, sure: Sureness, _directory: Directory) -> Found | None:
        if sure is not Sureness.PLAIN or line.words[at].link:
            return None
        for to in range(min(stop, at + most_words), at, -1):
            value = read(_plain(line.joined(at, to)))
            if value is not None:
                return value, to
        return None

    return reader


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _word(line: Line, at: int, _stop: int, sure: Sureness, _directory: Directory) -> Found | None:
    return (line.words[at].text, at + 1) if sure is Sureness.LOOSE else None


def _rest(line: Line, at: int, _stop: int, sure: Sureness, _directory: Directory) -> Found | None:
    return (Rest(line.rest(at)), len(line.words)) if sure is Sureness.LOOSE else None


def _made(make: Callable[..., object], read: Callable[[str], object | None]) -> Callable[[str], object | None]:
    def reader(text: str) -> object | None:
        value = read(text)
        return None if value is None else make(value)

    return reader


_READERS: Mapping[type, Reader] = {
    User: _user,
    Target: _target,
    Aim: _aim,
    RoomRef: _room,
    Outside: _outside,
    Circle: _circle,
    OtherCircle: _other_circle,
    Tag: _tag,
    Thread: _thread,
    Duration: _spoken(_made(Duration, read_duration), 6),
    Day: _spoken(_made(Day, read_date), 5),
    LocalTime: _spoken(_made(LocalTime, read_clock), 4),
    Hours: _spoken(_made(lambda both: Hours(*both), read_hours), 8),
    Weekday: _spoken(_made(Weekday, read_weekday), 2),
    Zone: _spoken(_made(Zone, read_zone), 4),
    Lang: _spoken(_made(Lang, read_language), 1),
    int: _spoken(_whole, 1),
    str: _word,
    Rest: _rest,
}

KINDS = frozenset(_READERS)
"""The types that a command's parameter may have."""


def _chosen(choice: Choice, line: Line, at: int, sure: Sureness, directory: Directory) -> Found | None:
    if sure is not Sureness.PLAIN:
        return None
    given = _plain(line.words[at].text).casefold()
    english = given if given in choice.spelt else directory.choices.get(given)
    return (choice.values[choice.spelt.index(english)], at + 1) if english in choice.spelt else None


def find(
    kinds: Sequence[Kind],
    line: Line,
    at: int,
    stop: int,
    directory: Directory,
    sureness: Sequence[Sureness] = tuple(Sureness),
) -> Found | None:
    """The value of the first of these kinds that fits the words from `at` on, plainest readings first; looks at no word from `stop` on.

    UsageError when a name means several people or rooms.
    """
    for sure in sureness:
        for kind in kinds:
            if isinstance(kind, Choice):
                found = _chosen(kind, line, at, sure, directory)
            else:
                found = _READERS[kind](line, at, stop, sure, directory)
            if found is not None:
                return found
    return None
