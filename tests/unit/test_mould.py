"""Words that are put together from shapes worked out before look just like words that are read as Markdown from beginning to end."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import markup
from bridge import text as text_module
from bridge.locale.extract import extracted
from bridge.text import Rendered, link, render
from bridge.words import Text, lines, words

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
SENTENCES = sorted({str(one) for message in extracted() if message.id and message.context is None
                    for one in (message.id if isinstance(message.id, tuple) else (message.id,))})  # fmt: skip
SHAPES = [
    "- %(a)s", "- %(a)s\n  %(b)s %(c)s", "- **%(a)s**: `x`\n- %(b)s", "1. %(a)s\n2. %(b)s", "**%(a)s**", "- - %(a)s", "> %(a)s\n> %(b)s",
    "%(a)s\n%(b)s", "  %(a)s", "- %(a)s\n  - %(b)s", "# %(a)s", "```\ncode *x*\n```", "---", "a\n\nb\n\n- %(a)s\n\n  %(b)s",
]  # fmt: skip


class Names:
    def of(self, user: str) -> str:
        return user[1:].partition(":")[0]

    def find(self, name: str) -> Sequence[str]:
        return ["@a:x", "@b:x"] if name.startswith("*") else []


@contextmanager
def read_as_markdown() -> Iterator[None]:
    """Every value is put into the Markdown with its marks taken away, and the whole is read then."""

    def code(_page: object, text: str) -> str:
        plain = markup.shown(text)
        fence = "`" * (max((len(run) for run in re.findall(r"`+", plain)), default=0) + 1)
        inner = f" {plain} " if plain.startswith("`") or plain.endswith("`") else plain
        return f"{fence}{inner or ' '}{fence}"

    with pytest.MonkeyPatch.context() as patched:
        page = text_module._Page
        patched.setattr(
            page, "shown", lambda _page, text: text_module._Markdown(_MARKS.sub(r"\\\1", markup.shown(text)))
        )
        patched.setattr(page, "code", lambda page, text: text_module._Markdown(code(page, text)))
        patched.setattr(page, "address", lambda _page, *where: text_module._Markdown(f"<{link(*where)}>"))
        patched.setattr(page, "rendered", lambda _page, markdown: Rendered(*markup.convert(markdown)))
        yield


nasty = st.text(alphabet="*_`[](){}<>!#&\\|~:/.@-+ \n\t01axи\u202e\u200b\ue000\ue001\xa0", min_size=1, max_size=20)
# A value at the edge of marks of ours: read as Markdown, they would not work beside a mark of its own.
value = st.builds("x{}x".format, nasty)
values: st.SearchStrategy[Any] = st.one_of(
    value,
    st.integers(0, 999),
    st.builds(lambda name: {"user": f"@x{name}x:one.test"}, nasty),
    st.builds(lambda name: {"user": f"@x{name}x:one.test", "with_id": True}, nasty),
    st.builds(lambda name: {"room": "!r:one", "name": name, "via": ["a", "b"]}, value),
    st.builds(lambda name: {"room": "!r", "alias": "#сон:one", "name": name}, value),
    st.builds(lambda name: {"event": "$e/x", "room": "!r", "name": name, "via": ["a"]}, value),
    st.builds(lambda text: {"code": text}, nasty),
    st.builds(lambda one, other: {"list": [one, {"code": other}, words("%(it)s", it=one)]}, value, nasty),
)
places = st.lists(values, min_size=12, max_size=12)
parts = st.lists(st.tuples(st.sampled_from(SENTENCES) | st.sampled_from(SHAPES), places), min_size=1, max_size=6)


def said(given: list[tuple[str, list[Any]]]) -> Text:
    found = []
    for source, those in given:
        names = dict.fromkeys(re.findall(r"%\((\w+)\)s", source))
        found.append(Text(source, dict(zip(names, those, strict=False))))
    return lines(*found)


@settings(max_examples=150)
@given(parts, st.sampled_from(["en", "ru", "de"]))
def test_a_shape_that_is_filled_looks_like_the_whole_that_is_read(
    given: list[tuple[str, list[Any]]], language: str
) -> None:
    text = said(given)
    filled = render(text, language, Names())
    with read_as_markdown():
        whole = render(text, language, Names())
    assert filled.body == whole.body
    assert filled.formatted_body == whole.formatted_body


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Ann", "Ann"), ("Ann Lee", "Ann Lee"), ("", ""), (" ", ""), (" Ann", "Ann"), ("Ann ", "Ann"), ("Ann  Lee", "Ann Lee"),
        ("Ann\u00a0Lee", "Ann Lee"), ("Ann\u202eLee", "Ann Lee"), ("Ann\n\tLee", "Ann Lee"), ("\u200bAnn", "Ann"),
    ],
)  # fmt: skip
def test_of_a_name_one_line_is_seen(name: str, seen: str) -> None:
    assert markup.shown(name) == seen
