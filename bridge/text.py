"""Words into a language, and into what Matrix shows; never decides what is said or to whom.

Values of others are shown as they are: no mark in a name or a reason works, neither in HTML nor in the plain text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import jinja2
from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_day_names
from babel.units import format_unit

from bridge import markup
from bridge.catalogues import translate
from bridge.frozen import frozen
from bridge.markup import clean_html as clean_html  # noqa: PLC0414 - the one door to what is shown
from bridge.mould import Mould
from bridge.scene import Names
from bridge.words import Text, words

_PLACE = re.compile(r"%(?:\((\w+)\)s|%)")
_UNITS = (("week", 604_800_000), ("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000))
_MOST_SERVERS = 3
MATRIX_TO = "https://matrix.to/#/"
_MOST_ADDRESSES = 4_096
_MOST_SENTENCES = 4_096
_MOST_MOMENTS = 256


@frozen
class Rendered:
    """A message as Matrix wants it: `body` stands alone, `formatted_body` is org.matrix.custom.html."""

    body: str
    formatted_body: str


class _Markdown(str):
    """What a template is given back of ours: it is Markdown already, and no text of somebody else's."""

    __slots__ = ()


def link(target: str, event: str | None = None, via: Sequence[str] = ()) -> str:
    """The matrix.to address of a user, room, alias, or event in a room, which every client opens (Matrix spec, appendices)."""
    path = quote(target, safe="@!:") + (f"/{quote(event, safe='$:')}" if event else "")
    servers = "&".join(f"via={quote(server, safe=':')}" for server in via[:_MOST_SERVERS])
    return f"{MATRIX_TO}{path}" + (f"?{servers}" if servers else "")


@lru_cache(_MOST_ADDRESSES)
def _address(target: str, event: str | None, via: tuple[str, ...]) -> tuple[str, str]:
    where, _, behind = link(target, event, via).removeprefix(MATRIX_TO).partition("/")
    return where, behind


@lru_cache(_MOST_SENTENCES)
def _sentence(
    language: str, source: str, plural: str | None = None, count: int = 0, context: str | None = None
) -> tuple[str, ...]:
    """A source string in a language: what it says, and in every other place the name of a value."""
    first, *rest = _PLACE.split(translate(language, source, plural=plural, count=count, context=context))
    pieces = [first]
    for name, said in zip(rest[::2], rest[1::2], strict=True):
        if name is None:  # a percent sign of its own
            pieces[-1] += f"%{said}"
        else:
            pieces += [name, said]
    return tuple(pieces)


@lru_cache(_MOST_SENTENCES)
def _standing(language: str, source: str, context: str | None) -> str:
    """Words without a place for anything in a language, as Markdown. KeyError when there is one."""
    said, *places = _sentence(language, source, context=context)
    if places:
        raise KeyError(places[0])
    return said


def render(text: Text, language: str, names: Names) -> Rendered:
    """A Text in a language: `names` give people their display names. KeyError when a place of the source has no value."""
    page = _Page(language, names)
    return page.rendered(page.text(text))


@frozen
class _Page:
    """What the values of one message are shown with."""

    language: str
    names: Names
    mould: Mould = field(default_factory=Mould)

    def rendered(self, markdown: str) -> Rendered:
        """The message, from all of its Markdown."""
        return Rendered(*self.mould.convert(markdown))

    def text(self, text: Text) -> str:
        """A Text and all its further parts, as Markdown. Neighbouring list items stay one list."""
        if not text.values and not text.more and text.plural is None:
            return _standing(self.language, text.source, text.context)
        out = self.filled(_sentence(self.language, text.source, text.plural, text.count, text.context), text.values)
        if not text.more:
            return out
        parts = [out, *(self.text(part) for part in text.more)]
        for before, part in pairwise(parts):
            listed = before.rsplit("\n", 1)[-1].startswith("- ") and part.startswith("- ")
            out += ("\n" if listed else "\n\n") + part
        return out

    def filled(self, pieces: Sequence[str], values: Mapping[str, Any]) -> str:
        """A sentence with every place filled, as Markdown."""
        filled = list(pieces)
        filled[1::2] = [self.value(values[name]) for name in filled[1::2]]
        return "".join(filled)

    def shown(self, text: str) -> str:
        """A text of somebody else's as Markdown that shows just that."""
        return self.mould.put(markup.shown(text))

    def code(self, text: str) -> str:
        """A code span that shows this text, whatever it holds."""
        return f"`{self.mould.put(markup.shown(text) or ' ')}`"

    def address(self, target: str, event: str | None = None, via: Sequence[str] = ()) -> str:
        """The address of `link`, in pointed brackets."""
        where, behind = _address(target, event, tuple(via))
        # The slash stays outside of the values: by it an address of a message is told from that of a person.
        return f"<{MATRIX_TO}{self.mould.put(where)}{'/' if event else ''}{self.mould.put(behind)}>"

    def value(self, value: Any) -> str:
        """One value as Markdown that shows just that."""
        # What it is, it is exactly, for nearly all values; whether it is a mapping of some kind takes long to find out.
        kind = type(value)
        if kind is str:
            return self.shown(value)
        if kind is _Markdown:
            return value  # type: ignore[no-any-return]
        if kind is Text:
            return self.text(value)
        if kind is dict or (kind is not int and isinstance(value, Mapping)):
            if "source" in value:
                return self.text(Text.load(value))
            return _TAGS[_tag(tuple(value))](self, value)
        return self.shown(str(value))

    def plain(self, value: Any) -> str:
        """One value as text without marks."""
        alone = replace(self, mould=Mould())
        return alone.rendered(alone.value(value)).body


@cache
def _tag(names: tuple[str, ...]) -> str:
    """Which tag a value with these names has."""
    found = next((tag for tag in _TAGS if tag in names), None)
    if found is None:
        raise KeyError("a value with an unknown tag")
    return found


def _event(page: _Page, value: Mapping[str, Any]) -> str:
    name = page.value(value["name"]) if value.get("name") else page.text(words("the message"))
    return f"[{name}]({page.address(value['room'], value['event'], value.get('via', ()))})"


def _room(page: _Page, value: Mapping[str, Any]) -> str:
    name = page.value(value.get("name") or value["room"])
    # An alias leads there from everywhere; an id of room version 12 names no server that could be asked.
    alias = value.get("alias")
    address = page.address(alias) if alias else page.address(value["room"], None, value.get("via", ()))
    return f"[{name}]({address})"


def _user(page: _Page, value: Mapping[str, Any]) -> str:
    user = str(value["user"])
    called = page.names.of(user)
    name = page.shown(called) or page.shown(user)
    if value.get(
        "with_id"
    ):  # where it has to be certain who is meant: a pill shows a name or an id, as the client likes
        return f"**{name}** ({page.code(user)})"
    pill = f"[{name}]({page.address(user)})"
    # Outside of the link: clients show a pill of their own in its place, with the name alone.
    return f"{pill} ({page.code(user)})" if len(page.names.find(called)) > 1 else pill


def _duration(page: _Page, value: Mapping[str, Any]) -> str:
    left, parts = max(int(value["duration_ms"]), 0), []
    for unit, size_ms in _UNITS:
        count, left = divmod(left, size_ms)
        if count:
            parts.append(format_unit(count, f"duration-{unit}", locale=page.language))
    return page.shown(" ".join(parts[:2]) or format_unit(0, "duration-second", locale=page.language))


def _moment(page: _Page, value: Mapping[str, Any]) -> str:
    return page.shown(_local_time(int(value["time_ms"]), str(value.get("zone") or "UTC"), page.language))


@lru_cache(_MOST_MOMENTS)
def _local_time(time_ms: int, zone: str, language: str) -> str:
    """The same moment stands in the digests of all who live in a zone."""
    moment = datetime.fromtimestamp(time_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    day = format_skeleton("MMMEd", moment, locale=language)
    return f"{day}, {format_time(moment, 'HH:mm', locale=language)}"


def _list(page: _Page, value: Mapping[str, Any]) -> str:
    return markup.escape_between(value.get("between", ", ")).join(page.value(one) for one in value["list"])


def _code(page: _Page, value: Mapping[str, Any]) -> str:
    inner = value["code"]
    parts = inner if isinstance(inner, list | tuple) else [inner]
    return page.code("".join(part if isinstance(part, str) else page.plain(part) for part in parts))


def _command(page: _Page, value: Mapping[str, Any]) -> str:
    inner = value["command"]
    name, *rest = inner if isinstance(inner, list | tuple) else [inner]
    parts = [part if isinstance(part, str) else page.plain(part) for part in rest]
    return page.code(value.get("prefix", "") + "".join([spelt(page.language, name), *parts]))


def spelt(language: str, line: str) -> str:
    """A command as somebody of this language would write it: names of commands and choices are translated, all else stays."""
    given = line.split(" ")
    for length in range(len(given), 0, -1):
        head = " ".join(given[:length])
        for context in ("command", "choice"):
            known = translate(language, head, context=context)
            if known != head:
                return " ".join([known, *([spelt(language, " ".join(given[length:]))] if given[length:] else [])])
    head, blank, tail = line.partition(" ")
    return head + blank + (spelt(language, tail) if tail else "")


_TAGS: Mapping[str, Callable[[_Page, Mapping[str, Any]], str]] = {
    "event": _event,  # before room: it has both
    "user": _user,
    "room": _room,
    "duration_ms": _duration,
    "time_ms": _moment,
    "date": lambda page, value: page.shown(
        format_date(date.fromisoformat(value["date"]), "long", locale=page.language)
    ),
    "minute": lambda _page, value: f"{int(value['minute']) // 60:02}:{int(value['minute']) % 60:02}",
    "weekday": lambda page, value: page.shown(get_day_names("wide", locale=page.language)[int(value["weekday"])]),
    "lang": lambda page, value: page.shown(str(Locale(page.language).languages[value["lang"]])),
    "code": _code,
    "command": _command,
    "text": lambda page, value: replace(page, language=value.get("in", page.language)).value(value["text"]),
    "list": _list,
}


# --- templates -----------------------------------------------------------------------------------------------------------------------


def _source(name: str) -> str | None:
    area, _, file = name.partition("/")
    path = Path(__file__).parent / area / "templates" / file
    return path.read_text(encoding="utf-8") if path.is_file() else None


@jinja2.pass_context
def _shown(context: jinja2.runtime.Context, value: Any) -> str:
    if isinstance(value, jinja2.Undefined):
        return str(value)  # raises: nothing is ever left out by mistake
    page: _Page = context.parent["page"]
    return page.value(value)


@jinja2.pass_context
def _gettext(context: jinja2.runtime.Context, source: str, /, **values: Any) -> str:
    page: _Page = context["page"]
    return _Markdown(page.filled(_sentence(page.language, source), values))


@jinja2.pass_context
def _ngettext(context: jinja2.runtime.Context, one: str, many: str, count: int, /, **values: Any) -> str:
    page: _Page = context["page"]
    return _Markdown(page.filled(_sentence(page.language, one, many, count), {"count": count, "num": count, **values}))


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - what comes out is Markdown, and every value is escaped for it
    )
    made.newstyle_gettext = True  # type: ignore[attr-defined]
    made.policies["ext.i18n.trimmed"] = True
    made.globals.update(gettext=_gettext, _=_gettext, ngettext=_ngettext)
    return made


def template(name: str, language: str, names: Names, **values: Any) -> Rendered:
    """A Markdown template (`digest/letter.md` is `digest/templates/letter.md`) in a language.

    Every value is shown like one of a Text and escaped; an undefined one raises. A line that ends with a tag loses its line break, unless the tag
    ends with `+%}`.
    """
    page = _Page(language, names)
    return page.rendered(_environment().get_template(name).render({**values, "page": page}))
