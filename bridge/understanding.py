"""Reads a command's arguments from a line, in their order or nearly so; pure. Never knows what a command does, a clock or a database."""

import typing
from collections.abc import Sequence

from bridge.arguments import Directory
from bridge.commands import Command, Parameter
from bridge.complaint import complaint
from bridge.errors import UsageError
from bridge.grammar import Line, Word
from bridge.recognise import Sureness, find
from bridge.words import Text, lines, words

_END = "--"
"""A lone `--` ends a name of several words."""


def arguments(wanted: Command, line: Line, at: int, directory: Directory) -> list[object]:
    """The values of a command's parameters, in order, read from the words from `at` on; `lock 1h #sleep` is read as well as `lock #sleep 1h`.

    UsageError that names the argument and shows the usage when one is missing, cannot be read, or too much was written.
    """
    return _Reading(wanted, line, directory).read(at)


class _Reading:
    """One line on its way through the parameters."""

    def __init__(self, wanted: Command, line: Line, directory: Directory) -> None:
        self.wanted, self.line, self.directory = wanted, line, directory
        self.passed_over: Text | None = None
        self.ahead: dict[str, object] = {}
        """The values of arguments that stood before one that comes first in the usage, by their names."""

    def read(self, at: int) -> list[object]:
        values: list[object] = []
        for number, parameter in enumerate(self.wanted.parameters):
            if parameter.name in self.ahead:
                values.append(self.ahead[parameter.name])
                continue
            later = [one for one in self.wanted.parameters[number + 1 :] if one.name not in self.ahead]
            value, at = self._several(parameter, at) if parameter.many else self._one(parameter, at, later)
            if parameter.spread and isinstance(value, tuple):
                values += value
            else:
                values.append(value)
        if at < len(self.line.words):
            left = {"code": self.line.rest(at)[:100]}
            raise self._mistake(self.passed_over or words("I do not know what to do with %(left)s.", left=left))
        return values

    def _one(self, parameter: Parameter, at: int, later: Sequence[Parameter]) -> tuple[object, int]:
        at = self._behind_end(at)
        if at >= len(self.line.words):
            if parameter.required:
                raise self._mistake(words("Something is missing: %(argument)s.", argument=parameter.label))
            return parameter.default, at
        needed = sum(one.required for one in later)
        found = self._found(parameter, at, max(at + 1, self._end(at) - needed)) or self._behind(parameter, at, later)
        if found is not None:
            return found
        wrong = complaint(parameter.kinds, parameter.label, self.line.words[at].text, self.directory)
        if parameter.required:
            raise self._mistake(wrong)
        if not later:
            raise self._mistake(self.passed_over or wrong)
        self.passed_over = self.passed_over or wrong
        return parameter.default, at

    def _behind(self, parameter: Parameter, at: int, later: Sequence[Parameter]) -> tuple[object, int] | None:
        """The argument where it stands behind later ones (`lock 1h #sleep`), which are kept then; None when it stands nowhere. What may be absent has to be plain."""
        ahead: dict[str, object] = {}
        sureness = tuple(Sureness) if parameter.required else (Sureness.PLAIN,)
        while True:
            stop = self._end(at)
            fits = (
                (one.name, value)
                for one in later
                if not one.many and one.name not in ahead and at < stop
                if (value := self._found(one, at, stop, (Sureness.PLAIN,))) is not None
            )
            name, value = next(fits, ("", None))
            if value is None or value[1] >= stop:
                return None
            ahead[name], at = value
            found = self._found(parameter, at, stop, sureness)
            if found is not None:
                self.ahead |= ahead
                return found

    def _several(self, parameter: Parameter, at: int) -> tuple[object, int]:
        found: list[object] = []
        while (at := self._behind_end(at)) < len(self.line.words):
            value, at = self._one(Parameter(parameter.name, parameter.kinds, required=True), at, ())
            found.append(value)
        if not found and parameter.required:
            raise self._mistake(words("Something is missing: %(argument)s.", argument=parameter.label))
        return tuple(found), at

    def _found(
        self, parameter: Parameter, at: int, stop: int, sureness: Sequence[Sureness] = tuple(Sureness)
    ) -> tuple[object, int] | None:
        try:
            return find(parameter.kinds, self.line, at, stop, self.directory, sureness)
        except UsageError as error:
            raise self._mistake(typing.cast("Text", error.text)) from None

    def _is_end(self, word: Word) -> bool:
        return word.text == _END and not word.quoted

    def _behind_end(self, at: int) -> int:
        while at < len(self.line.words) and self._is_end(self.line.words[at]):
            at += 1
        return at

    def _end(self, at: int) -> int:
        for number in range(at, len(self.line.words)):
            if self._is_end(self.line.words[number]):
                return number
        return len(self.line.words)

    def _mistake(self, text: Text) -> UsageError:
        usage = self.wanted.usage
        if not self.wanted.examples:
            return UsageError(lines(text, words("Write it like this: %(usage)s", usage=usage)))
        example = {"command": self.wanted.examples[0]}
        return UsageError(
            lines(text, words("Write it like this: %(usage)s, for example %(example)s", usage=usage, example=example))
        )
