"""YAML with the line of every value; never guesses types: each plain word is text until the schema says otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from bridge.config_mistakes import Loc


class NotYaml(Exception):  # noqa: N818 - reads as what happened
    """The text cannot be read as YAML: `line` from 1 (0: unknown), and `what` to do, without a word of the text."""

    def __init__(self, what: str, line: int = 0) -> None:
        """Say what is wrong and where."""
        super().__init__(what)
        self.what = what
        self.line = line


@dataclass(slots=True)
class Parsed:
    """What a text says: raw values (str, list, dict) without the keys that were left empty, the line of each, and repeated keys."""

    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Loc, int] = field(default_factory=dict)
    doubles: list[tuple[Loc, int]] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """Knows only nothing (`~`, `null`) and merging (`<<`): `18:30` is no number here, and `no` is no falsehood."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012 - PyYAML's own way


for _tag, _letters in (("null", "~nN"), ("merge", "<")):
    _full = f"tag:yaml.org,2002:{_tag}"
    _regex = next(r for tag, r in yaml.SafeLoader.yaml_implicit_resolvers[_letters[0]] if tag == _full)
    _Loader.add_implicit_resolver(_full, _regex, [*_letters, *([""] if _tag == "null" else [])])


def parse(text: str) -> Parsed:
    """The values of a file with their lines. An empty file is an empty section. Raises NotYaml."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = parse_value(text)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from None
    except yaml.YAMLError:
        raise NotYaml("holds characters that no text has; save it as plain text") from None
    parsed = Parsed()
    if node is None or data is None:
        return parsed
    if not isinstance(data, dict):
        raise NotYaml("this is not a configuration; it begins with a line like `matrix:`", 1)
    parsed.data = _without_nothing(data)
    parsed.lines[()] = 1
    for loc, line in _walk(node, ()):
        if loc in parsed.lines:
            parsed.doubles.append((loc, line))
        else:
            parsed.lines[loc] = line
    return parsed


def parse_value(text: str) -> Any:
    """One value, e.g. a list in brackets. Raises NotYaml."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with fewer types
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from None


def _not_yaml(error: yaml.MarkedYAMLError) -> NotYaml:
    mark = error.problem_mark or error.context_mark
    return NotYaml(_explain(error.problem or "", error.context or ""), mark.line + 1 if mark else 0)


def _explain(problem: str, context: str) -> str:
    """What a person can do about it."""
    if "\\t" in problem:
        return "there is a tab; indent with spaces"
    if "mapping values are not allowed" in problem:
        return "there is a ':' where none can be; put a text that holds ': ' in quotes, or look at the indentation"
    if "cannot start any token" in problem:
        return "a value cannot begin with this character; put it in quotes, or close the quotes above"
    if "end of stream" in problem or "quoted scalar" in context:
        return "something that was opened above is not closed; look for a missing quote or bracket"
    if "expected <block end>" in problem or "expected ',' or" in problem:
        return "this does not fit with the lines above; things of one kind begin in the same column, and brackets are closed"
    if "could not find expected ':'" in problem:
        return "a ':' is missing in this line or the one before"
    if "but found another document" in problem:
        return "a second document begins here; remove the line '---'"
    return "this is not valid YAML; look at the indentation, quotes and colons in this line and the one before"


def _walk(node: yaml.Node, loc: Loc) -> Iterator[tuple[Loc, int]]:
    """Every value below a node, in the order of the text: its place in the configuration and its line, from 1."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*loc, str(key.value))
            yield here, key.start_mark.line + 1
            yield from _walk(value, here)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*loc, number), item.start_mark.line + 1
            yield from _walk(item, (*loc, number))


def _without_nothing(value: Any) -> Any:
    """The same without keys that were left empty: an empty key means the default."""
    if isinstance(value, dict):
        return {str(key): _without_nothing(item) for key, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value
