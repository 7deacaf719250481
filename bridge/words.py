"""Words for people that are not yet in a language; never the translation itself, which belongs to `text.py`."""

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from bridge.frozen import frozen


@frozen
class Text:
    """Words for people, not yet in a language: an English source string (Markdown) and what goes into its `%(name)s` places.

    A value may be a str or int (escaped when shown), or `{"user": id}`, `{"room": id}`, `{"event": id, "room": id}` (shown as pill or link;
    a user "with_id" by name and id),
    `{"duration_ms": n}`, `{"time_ms": n, "zone": name}`, `{"date": "2026-03-01"}`, `{"code": text}`, `{"command": what to write, in English}` (shown as the reader would write it),
    `{"text": Text as a dict}` (with `"in"` in that language and not in the reader's) or `{"list": [values]}` (joined with commas).
    With `plural` the singular or plural form is chosen by `count`. `more` are further paragraphs or lines, each a Text.
    """

    source: str
    values: Mapping[str, Any] = field(default_factory=dict)
    plural: str | None = None
    count: int = 0
    more: tuple["Text", ...] = ()
    context: str | None = None

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "Text":
        """A Text from the dictionary that `dataclasses.asdict` makes of it."""
        return cls(**{**data, "more": tuple(cls.load(part) for part in data.get("more", ()))})


def words(source: str, /, **values: Any) -> Text:
    """Words without a number. The source string is English Markdown and is what translators see."""
    return Text(source, values)


def words_n(singular: str, plural: str, count: int, /, **values: Any) -> Text:
    """Words whose form depends on `count`, which is also there as `%(count)s`."""
    return Text(singular, {"count": count, **values}, plural, count)


def pgettext(context: str, source: str) -> Text:
    """A word of its own with the context by which translators know it, e.g. `choice`."""
    return Text(source, context=context)


def in_a_room(text: Text) -> Text:
    """The same words for a room where others talk, too: the commands in it begin with `!` there."""
    values = {name: _in_a_room(value) for name, value in text.values.items()}
    return replace(text, values=values, more=tuple(in_a_room(part) for part in text.more))


def _in_a_room(value: Any) -> Any:
    if isinstance(value, Text):
        return in_a_room(value)
    if isinstance(value, list | tuple):
        return [_in_a_room(one) for one in value]
    if isinstance(value, Mapping):
        if "source" in value:
            return in_a_room(Text.load(value))
        changed = {name: _in_a_room(one) for name, one in value.items()}
        return {**changed, "prefix": "!"} if "command" in value else changed
    return value


def lines(*parts: Text) -> Text:
    """Several Texts as one: each begins a new paragraph."""
    first, *rest = parts
    return replace(first, more=(*first.more, *rest))
