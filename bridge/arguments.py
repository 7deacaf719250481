"""The types that a command's arguments can have; never how they are found in a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, Protocol

from bridge.words import Text


@dataclass(frozen=True, slots=True)
class User:
    """A person, by id."""

    id: str


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a sanction is about: a user id, a server name, or a pattern of either with `*` and `?`."""

    entity: Literal["user", "server"]
    pattern: str

    @property
    def glob(self) -> bool:
        """Whether it is a pattern and not a name."""
        return "*" in self.pattern or "?" in self.pattern


@dataclass(frozen=True, slots=True)
class Aim(Target):
    """Whom a sanction is about and perhaps for how long (`ms`), whichever of both was written first."""

    ms: int | None = None


@dataclass(frozen=True, slots=True)
class RoomRef:
    """A room of the community. `kind` is space, common, staff, circle or room."""

    room: str
    key: str
    kind: str
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """A room that need not be of this community: its id or its address, and servers that know it."""

    target: str
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circle:
    """A circle: its room and its folded tag."""

    room: str
    tag: str


@dataclass(frozen=True, slots=True)
class OtherCircle(Circle):
    """The circle that a command is about where it is not written in one. In a circle it means that circle, and nothing is read."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A hashtag, folded, without `#`."""

    tag: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread by the event id of any of its messages; `room` is None when only the id was given."""

    event: str
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time in milliseconds; above zero, at most ten years."""

    ms: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar, as 2026-03-01; where it begins and ends is a matter of somebody's time zone."""

    date: str


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time on somebody's own wall clock: the minute of the day."""

    minute: int

    def __str__(self) -> str:
        return f"{self.minute // 60:02}:{self.minute % 60:02}"


@dataclass(frozen=True, slots=True)
class Hours:
    """From when until when, as minutes of the day on somebody's own wall clock; past midnight where `until` is the smaller."""

    since: int
    until: int


class Weekday(IntEnum):
    """A day of the week as `datetime.weekday` counts."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone by its IANA name."""

    name: str


@dataclass(frozen=True, slots=True)
class Lang:
    """One of Hearth's languages by its code."""

    code: str


class Rest(str):
    """All that is left of the line, as it was typed."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words; `values` are what the handler gets, in the same order."""

    spelt: tuple[str, ...]
    values: tuple[object, ...]


Kind = type | Choice


class NameBook(Protocol):
    """Who is called what."""

    def find(self, name: str) -> Sequence[str]:
        """The ids of the people with this name, folded for case; sorted."""


@dataclass(frozen=True, slots=True)
class Place:
    """A room of the community with everything by which it may be called."""

    room: str
    key: str
    kind: str
    tag: str | None = None
    alias: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """What a line is read against: rooms, names, and translated choices (folded) with the English word for each."""

    places: Sequence[Place] = ()
    names: NameBook | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    in_circle: bool = False
    """Whether the line was written in a circle."""


def _label(source: str) -> Text:
    return Text(source, context="argument")


LABELS: Mapping[type, Text] = {
    User: _label("person"),
    Target: _label("person or server"),
    Aim: _label("person or server, and how long"),
    RoomRef: _label("room"),
    Outside: _label("link to a room"),
    Circle: _label("circle"),
    OtherCircle: _label("circle"),
    Tag: _label("#tag"),
    Thread: _label("link to a message"),
    Duration: _label("how long"),
    Day: _label("date"),
    LocalTime: _label("time"),
    Hours: _label("from when until when"),
    Weekday: _label("weekday"),
    Zone: _label("time zone"),
    Lang: _label("language"),
    int: _label("number"),
}
"""What stands in a usage line for each type. Words (`str`) and the rest of a line are called by their parameter's name."""
