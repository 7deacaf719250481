"""A digest's words: whatever people write and whatever they are called, it stays the same few lines, and nothing of theirs works as markup."""

import json
import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.digest.letter import MOST_BYTES, Letter, Line, content
from bridge.digest.model import Item, Reason
from bridge.events import MemberChanged
from bridge.names import NameBook
from bridge.store.rooms import Room

ANN, BEN, DORA = "@ann:one.test", "@ben:two.test", "@dora:one.test"
ROOMS = {
    room: Room(room=room, key=f"circle/{tag}", kind="circle", tag=tag, encrypted=False, history="shared", made_ms=1)
    for room, tag in (("!sleep", "sleep"), ("!work", "work"))
}
NOW_MS = 1_768_204_800_000


class Names:
    def __init__(self, *names: str) -> None:
        self.names = dict(zip((BEN, DORA), names, strict=False))

    def of(self, user: str) -> str:
        return self.names.get(user, user[1:].partition(":")[0].title())

    def find(self, _name: str) -> Sequence[str]:
        return []


class Strict(HTMLParser):
    """Tags as they are nested; anything that is closed without being open, or left open, is a mistake."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.hrefs: list[str | None] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "br":
            return
        self.open.append(tag)
        assert {name for name, _ in attrs} <= {"href"}
        self.hrefs += [value for _, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def said(text: str, **more: object) -> dict[str, object]:
    return {"msgtype": "m.text", "body": text, **more}


def line(
    kind: str, author: str = BEN, text: str = "words", event: str = "$a", target: str = "", **more: object
) -> Line:
    reason = Reason(kind, target)  # type: ignore[arg-type] - the kinds of these tests are those of the model
    return Line(Item(event, "!sleep", (reason,)), author, said(text, **more))


def letter(*lines: Line, more: int = 0, **given: object) -> Letter:
    return Letter(lines, more, NOW_MS, "Europe/Berlin", ROOMS, **given)  # type: ignore[arg-type]


ANY = st.text(st.characters(codec="utf-8"), max_size=400) | st.lists(
    st.sampled_from(
        [
            "**",
            "_",
            "`",
            "<b>",
            "</p>",
            "](https://evil.test)",
            "[",
            "\n",
            "\n\n2. ",
            "- ",
            "> ",
            "# ",
            "&lt;",
            "<mx-reply>",
            "\u202e",
            "a",
            " ",
            "🛑",
            "%(who)s",
            "{{ x }}",
        ]
    ),
    max_size=60,
).map("".join)


@given(text=ANY, name=ANY, other=ANY)
@settings(max_examples=150)
def test_any_text_of_anybody_leaves_the_letter_as_it_is(text: str, name: str, other: str) -> None:
    def shape(text: str, *names: str) -> tuple[list[str], int]:
        letter_ = letter(line("reply", text=text or "x"), line("tag", DORA, text or "x", "$b", "night"), more=2)
        made = content(letter_, "en", Names(*names), "k")
        html = Strict(made["formatted_body"])
        assert all(href is not None and href.startswith("https://matrix.to/#/") for href in html.hrefs)
        assert made["m.mentions"] == {}
        assert not any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in made["body"].replace("\n", ""))
        assert "\u202e" not in made["body"]
        assert len(json.dumps(made, ensure_ascii=False).encode()) <= MOST_BYTES
        return html.tags, made["body"].count("\n")

    visible = any(unicodedata.category(letter)[0] in "LNPS" for letter in text)
    named = [
        each if any(unicodedata.category(letter)[0] in "LNPS" for letter in each) else "x" for each in (name, other)
    ]
    if visible:
        assert shape(text, *named) == shape("plain words", "Ben", "Dora")
    else:
        shape(text, name, other)


def first(language: str, *lines: Line, more: int = 0) -> str:
    return str(content(letter(*lines, more=more), language, Names("Ben", "Dora"), "k")["body"]).splitlines()[0]


@pytest.mark.parametrize(
    ("language", "lines", "more", "expected"),
    [
        ("en", [line("reply"), line("mention", DORA, event="$b")], 0, "Answers to you: Ben · You are mentioned by: Dora"),
        ("en", [line("reply"), line("circle", DORA, event="$b")], 4, "Answers to you: Ben · 5 more conversations"),
        ("ru", [line("reply"), line("circle", DORA, event="$b")], 0, "Вам ответили: Ben · ещё 1 разговор"),
        ("ru", [line("reply"), line("circle", DORA, event="$b")], 1, "Вам ответили: Ben · ещё 2 разговора"),
        ("ru", [line("reply"), line("circle", DORA, event="$b")], 4, "Вам ответили: Ben · ещё 5 разговоров"),
        ("ru", [line("reply"), line("circle", DORA, event="$b")], 20, "Вам ответили: Ben · ещё 21 разговор"),
        ("de", [line("person"), line("person", DORA, event="$b")], 0, "Neu für dich: Ben (#sleep), Dora (#sleep)"),
        ("de", [line("person"), line("person", "", event="$b")], 1, "Neu für dich: Ben (#sleep), Jemand (#sleep) · 1 weiteres Gespräch"),
        ("en", [line("reply", f"@p{n}:x", event=f"$p{n}") for n in range(5)], 0, "Answers to you: P0, P1, P2, and others"),
    ],
)  # fmt: skip
def test_the_first_line_says_what_matters(language: str, lines: list[Line], more: int, expected: str) -> None:
    assert first(language, *lines, more=more) == expected


def test_numbers_stay_when_others_disappear() -> None:
    one, two = line("tag", event="$a", target="night"), line("tag", DORA, event="$b", target="night")
    numbers = {one.item: 1, two.item: 2}
    body = content(letter(two, numbers=numbers), "en", Names(), "k")["body"]
    assert "\n2. Dora in #sleep" in body
    assert "\n1. " not in body


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ("N" * 60_000, "N" * 79 + "…"),
        ("\U0001f33b" * 60_000, "\U0001f33b" * 79 + "…"),
        ("\u200b" * 60_000, "ben"),
        ("\u200d\u00ad", "ben"),
        ("\u3164\u2800", "ben"),
        ("  Be\nn\u202e ", "Be n"),
        ("@room", "@room"),
    ],
)
def test_whatever_somebody_is_called_everybody_else_gets_their_digest(called: str, shown: str) -> None:
    names = NameBook()
    names.learn({BEN: called})
    names.hear([MemberChanged("$m", "!sleep", DORA, 1, user=DORA, membership="join", display_name=called)])
    lines = [line("reply", event="$a"), line("mention", DORA, event="$b"), line("person", event="$c", target=BEN)]
    made = content(letter(*lines, via=("one.test",)), "ru", names, "k")
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= MOST_BYTES
    other = "dora" if shown == "ben" else shown
    assert made["body"].splitlines()[0] == f"Вам ответили: {shown} · Вас упомянули: {other} · ещё 1 разговор"
    assert names.find(called) == ([] if shown == "ben" else [BEN, DORA])


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("\u200b" * 1_000 + "hello", " in #sleep: “hello”"),
        ("\u200b" * 60_000 + "hello", " wrote in #sleep."),
        ("\u200d", " wrote in #sleep."),
        ("\u3164 \u2800", " wrote in #sleep."),
        ("\U0001f33b", " in #sleep: “\U0001f33b”"),
        ("a" * 60_000, " in #sleep: “" + "a" * 139 + "…”"),
    ],
)
def test_of_what_nobody_can_see_nothing_is_quoted(text: str, quoted: str) -> None:
    made = content(letter(line("reply", text=text)), "en", Names("Ben"), "k")
    assert f"\n1. Ben{quoted}\n" in made["body"]
