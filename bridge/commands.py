"""What a command is: name, usage, help and reading, all from one function's signature and docstring; never runs anything and never knows a database."""

import difflib
import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntFlag
from typing import Any

from bridge.arguments import LABELS, Choice, Kind, Rest
from bridge.grammar import Line
from bridge.recognise import KINDS
from bridge.roles import Role
from bridge.words import Text, words


class Where(IntFlag):
    """The kinds of room in which a command may be written."""

    DIRECT = 1
    STAFF = 2
    CIRCLE = 4
    COMMON = 8


DIRECT, STAFF, CIRCLE, COMMON = Where.DIRECT, Where.STAFF, Where.CIRCLE, Where.COMMON
ANYWHERE = DIRECT | STAFF | CIRCLE | COMMON

_PLACES = {
    DIRECT: words("our direct chat"),
    STAFF: words("the staff room"),
    CIRCLE: words("a circle"),
    COMMON: words("the common room"),
}


def places(where: Where) -> dict[str, Any]:
    """The names of these kinds of room, as a value for a Text."""
    return {"list": [text for place, text in _PLACES.items() if place & where]}


SURE = 0.75
"""From so much likeness (0 to 1) on a word is next to surely a misspelt name."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command: the kinds that it can have, and whether it may be absent (`default`) or given several times (`many`)."""

    name: str
    kinds: tuple[Kind, ...]
    required: bool
    default: object = None
    many: bool = False
    spread: bool = False
    """Whether the function takes its values one by one (`*who`) and not as a tuple."""

    @property
    def labels(self) -> tuple[Text, ...]:
        """The words for its kinds, not yet in a language."""
        found: list[Text] = []
        for kind in self.kinds:
            if isinstance(kind, Choice):
                found += [Text(word, context="choice") for word in kind.spelt]
            else:
                found.append(LABELS.get(kind) or Text(self.name.replace("_", " "), context="argument"))
        return tuple(found)

    @property
    def label(self) -> dict[str, Any]:
        """What stands for it in a usage line, as a value for a Text."""
        return {"list": list(self.labels), "between": " | "}


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `help` is the docstring's first line, `explanation` its further paragraphs: English, not yet in a language."""

    name: str
    run: Callable[..., Awaitable[Any]]
    where: Where
    role: Role
    parameters: tuple[Parameter, ...]
    help: str
    explanation: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    public: bool = False
    confirmed: Callable[..., Awaitable[Any]] | None = None
    """What it goes on with after its giver confirmed it: a function of the Context and the arguments that `bridge.confirm` kept."""

    def __call__(self, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Call the function behind it."""
        return self.run(*args, **kwargs)

    @property
    def usage(self) -> dict[str, Any]:
        """The usage line as a value for a Text, the command's name first."""
        parts: list[object] = [self.name]
        for parameter in self.parameters:
            before, after = ("<", ">") if parameter.required else ("[", "]")
            dots = "…" if parameter.many or Rest in parameter.kinds else ""
            parts += [f" {before}", parameter.label, f"{dots}{after}"]
        return {"command": parts}

    def sources(self) -> tuple[tuple[str, str | None], ...]:
        """Every English string of it that has to be translated, with its context."""
        found: list[tuple[str, str | None]] = [(self.name, "command"), (self.help, None)]
        found += [(paragraph, None) for paragraph in self.explanation]
        for parameter in self.parameters:
            found += [(label.source, label.context) for label in parameter.labels]
        return tuple(found)


def command(
    *,
    where: Where = ANYWHERE,
    role: Role = Role.MEMBER,
    name: str | None = None,
    examples: Sequence[str] = (),
    public: bool = False,
    confirmed: Callable[..., Awaitable[Any]] | None = None,
) -> Callable[[Callable[..., Awaitable[Any]]], Command]:
    """Make a Command of an async function whose first parameter is the Context.

    TypeError when the function has no docstring, or a parameter of a kind that cannot be read from a line: a mistake that stops the start.
    """

    def decorate(function: Callable[..., Awaitable[Any]]) -> Command:
        text = inspect.getdoc(function)
        if not text:
            raise TypeError(f"{function.__qualname__}: a command needs a docstring, it is its help")
        first, *more = [" ".join(part.split()) for part in text.split("\n\n")]
        return Command(
            name=name or function.__name__.rstrip("_").replace("_", " "),
            run=function,
            where=where,
            role=role,
            parameters=_parameters(function),
            help=first,
            explanation=tuple(more),
            examples=tuple(examples),
            public=public,
            confirmed=confirmed,
        )

    return decorate


def _parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    hints = typing.get_type_hints(function)
    _context, *items = inspect.signature(function).parameters.values()
    found: list[Parameter] = []
    for item in items:
        hint, spread = hints[item.name], item.kind is inspect.Parameter.VAR_POSITIONAL
        many = spread or typing.get_origin(hint) is tuple
        if typing.get_origin(hint) is tuple:
            hint = typing.get_args(hint)[0]
        kinds = tuple(_kind(part, function) for part in _parts(hint))
        absent = item.default is inspect.Parameter.empty
        found.append(Parameter(item.name, kinds, absent, None if absent else item.default, many, spread))
    for parameter in found[:-1]:
        if parameter.many or Rest in parameter.kinds:
            raise TypeError(f"{function.__qualname__}: only the last parameter can take the rest of a line")
    return tuple(found)


def _parts(hint: Any) -> list[Any]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return [part for part in typing.get_args(hint) if part is not type(None)]
    return [hint]


def _kind(hint: Any, function: Callable[..., Any]) -> Kind:
    if typing.get_origin(hint) is typing.Literal:
        spelt = tuple(str(word) for word in typing.get_args(hint))
        return Choice(spelt, spelt)
    if hint in KINDS:
        return typing.cast("type", hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Choice(tuple(str(member.value) for member in hint), tuple(hint))
    raise TypeError(f"{function.__qualname__}: a parameter of a kind that cannot be read from a line")


@dataclass(frozen=True, slots=True)
class Book:
    """All commands, and every way to call them. `spellings` are translated names, folded, with the English name for each.

    `private` are those that in a direct room stand in the place of a command of the same name that only exists elsewhere.
    """

    commands: Mapping[str, Command]
    spellings: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, Command] = field(default_factory=dict)

    @property
    def every(self) -> tuple[Command, ...]:
        """All of them, by name."""
        return tuple(sorted([*self.commands.values(), *self.private.values()], key=lambda one: (one.name, one.role)))

    def named(self, name: str, *, direct: bool = False) -> Command | None:
        """The command with exactly this name, English or translated; `direct`: as it is meant in a direct room."""
        plain = " ".join(name.casefold().split())
        english = plain if plain in self.commands else self.spellings.get(plain, "")
        return (self.private.get(english) if direct else None) or self.commands.get(english)

    def at(self, line: Line, at: int = 0, *, direct: bool = False) -> tuple[Command, int] | None:
        """The command with the longest name that the words from `at` on begin with, and the number of the word behind it."""
        for to in range(min(len(line.words), at + 4), at, -1):
            found = self.named(line.joined(at, to), direct=direct)
            if found:
                return found, to
        return None

    def beginning(self, word: str, role: Role) -> tuple[str, ...]:
        """The names of commands of several words that begin with this one, as far as this role may use them."""
        plain = word.casefold() + " "
        return tuple(sorted(name for name, one in self.commands.items() if name.startswith(plain) and one.role <= role))

    def near(self, text: str, role: Role, own: Collection[str], cutoff: float = 0.6) -> tuple[str, ...]:
        """Up to three names that are spelt nearly like this text or its first word; best first.

        They are English or `own`, the names in the writer's language; of another language only if there is next to no doubt that it was meant.
        """
        known = {
            spelling: name
            for spelling, name in [*((name, name) for name in self.commands), *self.spellings.items()]
            if name in self.commands and self.commands[name].role <= role
        }
        plain = " ".join(text.casefold().split())[:64]
        scored = sorted(
            (-alike, spelling)
            for wanted in {plain, plain.partition(" ")[0]}
            for spelling in known
            if (alike := difflib.SequenceMatcher(None, spelling, wanted).ratio())
            >= (cutoff if spelling in self.commands or spelling in own else max(cutoff, SURE))
        )
        found: dict[str, str] = {}
        for _, spelling in scored:
            found.setdefault(known[spelling], spelling)
        return tuple(found.values())[:3]
