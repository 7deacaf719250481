"""Values that are never changed once they are made, and made fast; decides nothing."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

_Value = TypeVar("_Value")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_Value]) -> type[_Value]:
    """A dataclass with slots that nobody changes: the type checker sees to that.

    Where Python sees to it itself, each field takes as long to set as a call of a function, and there are millions of these values.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
