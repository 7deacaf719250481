"""Writes the example configuration from the schema, every key with its description; never reads a configuration."""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bridge.config import Config
from bridge.config_mistakes import without_none

_WIDTH = 110
_HEAD = """\
Hearth's configuration. `hearth check --config FILE` explains every mistake in it.

A key behind a '#' without a blank is left out, and shows its default: remove the '#' to change it. Paths count \
from the directory of this file. Every key can also come from the environment (HEARTH_MATRIX__USER_ID for user_id \
below matrix) or, under systemd, from a credential (matrix__user_id): the environment wins, then the credential, \
then this file."""


def example() -> str:
    """The text of `config.example.yaml`: complete, and valid but for the secrets that it names."""
    head = [line for paragraph in _HEAD.splitlines() for line in _comment(paragraph, "")]
    return "\n".join([*head, "", *_section(Config, {}, "", off="#")]).rstrip() + "\n"


def _section(model: type[BaseModel], given: dict[str, Any], indent: str, off: str) -> Iterator[str]:
    """The lines of one section. `given` are values that its holder's example chose; `off` goes before keys that can stay out."""
    for name, field in model.model_fields.items():
        if field.exclude:  # stands in a file of its own
            continue
        yield from _comment(field.description or "", indent)
        yield from _field(name, field, given.get(name), indent, off)
        if not indent:
            yield ""


def _field(name: str, field: FieldInfo, given: Any, indent: str, off: str) -> Iterator[str]:
    """One key: a section, a list of sections, or a plain value, which is left out unless the example needs it."""
    kind = without_none(field.annotation)
    shown = given if given is not None else next(iter(field.examples or ()), None)
    if _is_section(kind) and field.default is None:
        yield f"{indent}{off}{name}:"
        yield from (f"{indent}{off}{line[len(indent) :]}" for line in _section(kind, {}, indent + "  ", off=""))
    elif _is_section(kind):
        yield f"{indent}{name}:"
        yield from _section(kind, shown or {}, indent + "  ", off)
    elif get_origin(kind) is tuple and _is_section(get_args(kind)[0]):
        yield f"{indent}{name}:" if shown else f"{indent}{off}{name}: []"
        for entry in shown or ():
            yield f"{indent}  -"
            yield from _section(get_args(kind)[0], entry, indent + "    ", off)
    else:
        out = "" if field.is_required() or shown is not None else off
        yield f"{indent}{out}{name}: {_value(shown if shown is not None else field.default)}".rstrip()


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _comment(text: str, indent: str) -> Iterator[str]:
    yield from (f"{indent}# {line}".rstrip() for line in textwrap.wrap(text, _WIDTH - len(indent)) or [""])


def _value(value: Any) -> str:
    """A value as YAML. JSON's quotes are YAML's too."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple() | list():
            return f"[{', '.join(_value(item) for item in value)}]"
        case Path():
            return str(value)
        case str() if value and value[0].isalpha() and not set(value) & set("#'\"{}[],&*") and ": " not in value:
            return value
    return json.dumps(value, ensure_ascii=False)
