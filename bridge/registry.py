"""Gathers the commands of all areas by importing their modules; never knows what a command does."""

import importlib
import pkgutil
from functools import cache
from types import MappingProxyType

from bridge.catalogues import spellings
from bridge.commands import DIRECT, Book, Command

AREAS = ("bridge.rooms.commands", "bridge.digest.commands", "bridge.moderation.commands")
"""Where commands live. Being there is registering."""


def load(*packages: str) -> Book:
    """All commands in the modules of these packages (the areas', when none is given), frozen.

    ValueError when two have the same name in the same place: a mistake that stops the start.
    """
    found: dict[str, Command] = {}
    private: dict[str, Command] = {}
    for package in packages or AREAS:
        for module in _modules(package):
            for value in vars(importlib.import_module(module)).values():
                if not isinstance(value, Command) or value.run.__module__ != module:
                    continue
                _add(found, private, value)
    return Book(MappingProxyType(dict(sorted(found.items()))), spellings(found, "command"), MappingProxyType(private))


def _add(found: dict[str, Command], private: dict[str, Command], new: Command) -> None:
    """Put a command where it belongs: one that is for direct rooms alone may share its name with one that is not for them."""
    known = found.setdefault(new.name, new)
    if known is new:
        return
    mine, other = (new, known) if new.where == DIRECT else (known, new)
    if mine.where != DIRECT or other.where & DIRECT or private.setdefault(new.name, mine) is not mine:
        raise ValueError(f"two commands are called “{new.name}”")
    found[new.name] = other


def _modules(package: str) -> list[str]:
    home = importlib.import_module(package)
    return sorted(f"{package}.{item.name}" for item in pkgutil.iter_modules(home.__path__))


@cache
def book() -> Book:
    """The commands of all areas, read once."""
    return load()
