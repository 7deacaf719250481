"""What a protection is: one small file with its settings and one pure function over an event; never runs one and never knows a database.

Being in `protections/` is registering. Each has a place in a fixed order; the first that has something removed is the last that is asked.
"""

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import Field, create_model, field_validator

from bridge.events import AnyEvent
from bridge.moderation.model import Facts, Finding
from bridge.section import Section

HOME = "bridge.moderation.protections"
LAST = 90
"""The place of a protection that does not say its own."""

Acts = Annotated[tuple[Literal["warn", "redact", "mute", "hold", "case"], ...], Field(max_length=5)]
"""What a protection does when it finds something."""


class Common(Section):
    """What every protection can be told."""

    enabled: bool = Field(True, description="Is it looked at?")
    dry: bool = Field(False, description="Only count what it would do, and do nothing.")
    rooms: dict[str, bool | dict[str, Any]] = Field(
        {},
        description="Where it is otherwise, by the room's key: {common: no, circle/sleep: yes}; or with settings of its own: {common: {limit: 5}}.",
    )

    @field_validator("rooms")
    @classmethod
    def _are_settings(cls, rooms: dict[str, bool | dict[str, Any]]) -> dict[str, bool | dict[str, Any]]:
        for key, here in rooms.items():
            if isinstance(here, dict):
                if unfit := sorted({"rooms", "dry", "file", "guide"} & here.keys()):
                    raise ValueError(f"{key}: {unfit[0]} holds everywhere alike")
                cls.model_validate(here)
        return rooms

    def holds(self, key: str) -> bool:
        """Whether it is looked at in the room with this key."""
        here = self.rooms.get(key, self.enabled)
        return here if isinstance(here, bool) else bool(here.get("enabled", self.enabled))

    def at(self, key: str) -> Self:
        """What it is told in the room with this key."""
        here = self.rooms.get(key)
        if not isinstance(here, dict):
            return self
        told = self.model_validate(here)
        return self.model_copy(update={name: getattr(told, name) for name in here})


class Trust(Section):
    """What holds for all protections."""

    trusted_days: int = Field(
        7, ge=0, le=3650, description="Who has been here for so many days, and wrote so much, is no newcomer any more."
    )
    trusted_posts: int = Field(20, ge=0, le=10_000, description="How many messages that takes.")
    mute_minutes: int = Field(
        60, ge=1, le=10_080, description="For so long somebody can only read whom a protection mutes."
    )
    hold_hours: int = Field(
        24,
        ge=1,
        le=168,
        description="Whom a protection holds can write again after so long, also when nobody of staff has looked.",
    )
    most_a_minute: int = Field(
        20,
        ge=1,
        le=10_000,
        description="A protection that acts more often than this within a minute pauses itself and calls staff.",
    )


@dataclass(frozen=True, slots=True)
class Protection:
    """One protection. `help` is its docstring's first line: English, not yet in a language. `looks_at` are kinds of event.

    `everybody`: staff is not exempt. `pauses`: it stops by itself when it acts too often.
    """

    name: str
    run: Callable[[Any, Any, Facts], Finding | None]
    settings: type[Common]
    looks_at: tuple[type, ...]
    help: str
    place: int
    everybody: bool
    pauses: bool

    def __call__(self, event: AnyEvent, settings: Common, facts: Facts) -> Finding | None:
        """Look at one event."""
        return self.run(event, settings, facts)


def protection(
    settings: type[Common], *, place: int = LAST, everybody: bool = False, pauses: bool = True
) -> Callable[[Callable[[Any, Any, Facts], Finding | None]], Protection]:
    """Make a Protection of a pure function of an event, its settings and the facts. Its docstring's first line is its help.

    TypeError when the docstring is missing: a mistake that stops the start.
    """

    def decorate(function: Callable[[Any, Any, Facts], Finding | None]) -> Protection:
        text = inspect.getdoc(function)
        if not text:
            raise TypeError(f"{function.__qualname__}: a protection needs a docstring, it is its help")
        first = next(iter(inspect.signature(function).parameters))
        hint = typing.get_type_hints(function)[first]
        kinds = typing.get_args(hint) or (hint,)
        help_line = " ".join(text.split("\n\n")[0].split())
        return Protection(function.__name__, function, settings, kinds, help_line, place, everybody, pauses)

    return decorate


@cache
def protections() -> Mapping[str, Protection]:
    """All protections by their names, in their fixed order. ValueError when two have one name, or a file does not hold the one it is called by."""
    home = importlib.import_module(HOME)
    found: dict[str, Protection] = {}
    for item in sorted(each.name for each in pkgutil.iter_modules(home.__path__)):
        held = getattr(importlib.import_module(f"{HOME}.{item}"), item, None)
        if not isinstance(held, Protection) or held.name != item:
            raise ValueError(f"{HOME}.{item} holds no protection of that name")
        found[item] = held
    return MappingProxyType(dict(sorted(found.items(), key=lambda one: (one[1].place, one[0]))))


@cache
def section() -> type[Trust]:
    """The part of the configuration that holds the settings of all protections."""
    fields: dict[str, Any] = {
        name: (one.settings, Field(one.settings(), description=one.help)) for name, one in protections().items()
    }
    made: type[Trust] = create_model("Protections", __base__=Trust, __doc__=Trust.__doc__, **fields)
    return made
