import re
from collections.abc import Sequence
from dataclasses import asdict
from html.parser import HTMLParser

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import text as text_module
from bridge.effects import Say, dump, load
from bridge.markup import clean_html, convert
from bridge.text import Rendered, link, render, template
from bridge.words import Text, in_a_room, lines, words, words_n


class Names:
    def __init__(self, **names: str) -> None:
        self.names = {f"@{local}:one.test": name for local, name in names.items()}

    def of(self, user: str) -> str:
        return self.names.get(user, user[1:].partition(":")[0])

    def find(self, name: str) -> Sequence[str]:
        return sorted(user for user in self.names if self.names[user] == name)


NOBODY = Names()


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.hrefs: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.hrefs += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def show(text: Text, language: str = "en", names: Names = NOBODY) -> Rendered:
    return render(text, language, names)


def test_marks_become_html_and_leave_no_trace_in_the_body() -> None:
    shown = show(words("**Bold** and *slanted*, %(code)s, [a page](https://one.test/a).", code={"code": "x `y`"}))
    assert shown.body == "Bold and slanted, x `y`, a page (https://one.test/a)."
    assert shown.formatted_body == (
        '<strong>Bold</strong> and <em>slanted</em>, <code>x `y`</code>, <a href="https://one.test/a">a page</a>.'
    )


def test_people_and_rooms_are_pills_and_messages_are_links() -> None:
    shown = show(
        words(
            "%(who)s in %(room)s: %(event)s",
            who={"user": "@ann:one.test"},
            room={"room": "!r:one.test", "name": "#sleep", "via": ["one.test", "two.test"]},
            event={"event": "$e_/x", "room": "!r", "name": "the thread"},
        ),
        names=Names(ann="Ann"),
    )
    address = "https://matrix.to/#/!r/$e_%2Fx"
    assert shown.body == f"Ann in #sleep: the thread: {address}"
    assert Tags(shown.formatted_body).hrefs == [
        "https://matrix.to/#/@ann:one.test", "https://matrix.to/#/!r:one.test?via=one.test&via=two.test", address,
    ]  # fmt: skip


def test_two_people_of_one_name_are_told_apart() -> None:
    shown = show(words("%(who)s", who={"user": "@a:one.test"}), names=Names(a="Ann", b="Ann"))
    assert shown.body == "Ann (@a:one.test)"
    assert "Ann</a> (" in shown.formatted_body  # a client shows a pill of its own in the link's place


def test_who_is_meant_is_certain_where_it_has_to_be() -> None:
    shown = show(words("%(who)s", who={"user": "@a:one.test", "with_id": True}), names=Names(a="A*n*n"))
    assert shown.body == "A*n*n (@a:one.test)"
    assert shown.formatted_body == "<strong>A*n*n</strong> (<code>@a:one.test</code>)"


def test_a_room_is_reached_by_its_alias_from_everywhere() -> None:
    shown = show(words("%(room)s", room={"room": "!r", "alias": "#сон:one.test", "name": "#sleep"}))
    assert shown.body == "#sleep"
    assert Tags(shown.formatted_body).hrefs == ["https://matrix.to/#/%23%D1%81%D0%BE%D0%BD:one.test"]


def test_the_address_of_a_message_does_not_cut_a_sentence_in_two() -> None:
    event = {"event": "$e", "room": "!r", "name": "a thread"}
    shown = show(
        lines(
            words("You follow:"), words("- %(event)s in %(room)s.", event=event, room={"room": "!r", "name": "#sleep"})
        )
    )
    assert shown.body == "You follow:\n- a thread in #sleep.\n  https://matrix.to/#/!r/$e"


def test_a_command_is_shown_as_the_reader_writes_it_and_with_its_mark_in_rooms() -> None:
    text = words(
        "Write %(command)s or %(list)s.",
        command={"command": "consent yes"},
        list={"list": [{"command": ["help", " x"]}]},
    )
    assert show(text).body == "Write consent yes or help x."
    assert show(text, "de").body == "Write einwilligung ja or hilfe x."
    nested = lines(words("%(inner)s", inner=asdict(text)), text)
    again = load("Say", "k", dump(Say(key="k", room="!r", text=in_a_room(nested), language="en")))
    assert isinstance(again, Say)
    assert show(again.text).body == "\n\n".join(["Write !consent yes or !help x."] * 2)
    assert show(nested).body == "\n\n".join(["Write consent yes or help x."] * 2)


def test_somebody_without_a_visible_name_is_shown_by_id() -> None:
    assert show(words("%(who)s!", who={"user": "@a:one.test"}), names=Names(a="\u202e\u200b ")).body == "@a:one.test!"


def test_lists_stay_together_and_other_parts_are_paragraphs() -> None:
    shown = show(lines(words("You follow:"), words("- %(a)s", a="#a"), words("- %(b)s", b="b"), words("That is all.")))
    assert shown.body == "You follow:\n- #a\n- b\n\nThat is all."
    assert shown.formatted_body.count("<ul>") == 1
    assert "<li>#a</li>" in shown.formatted_body


@pytest.mark.parametrize(
    ("value", "english", "russian", "german"),
    [
        ({"duration_ms": 90_000_000}, "1 day 1 hour", "1 день 1 час", "1 Tag 1 Stunde"),
        ({"duration_ms": 0}, "0 seconds", "0 секунд", "0 Sekunden"),
        ({"weekday": 0}, "Monday", "понедельник", "Montag"),
        ({"lang": "de"}, "German", "немецкий", "Deutsch"),
        ({"minute": 485}, "08:05", "08:05", "08:05"),
        (
            {"time_ms": 1_767_340_800_000, "zone": "Europe/Berlin"},
            "Fri, Jan 2, 09:00",
            "пт, 2 янв., 09:00",
            "Fr., 2. Jan., 09:00",
        ),
        ({"list": [1, {"code": "b"}, "*c*"]}, "1, b, *c*", "1, b, *c*", "1, b, *c*"),
        ({"code": ["follow ", words("%(x)s", x="<b>")]}, "follow <b>", "follow <b>", "follow <b>"),
    ],
)
def test_values_are_shown_in_the_readers_language(value: object, english: str, russian: str, german: str) -> None:
    shown = [show(words("%(value)s", value=value), language).body for language in ("en", "ru", "de")]
    assert shown == [english, russian, german]


def test_a_percent_sign_is_written_twice_and_a_missing_value_is_a_mistake() -> None:
    assert show(words("100%% of %(what)s", what="it")).body == "100% of it"
    with pytest.raises(KeyError):
        show(words("%(nothing)s"))
    with pytest.raises(KeyError):
        show(words("%(odd)s", odd={"odd": 1}))


def test_plural_forms() -> None:
    shown = [show(words_n("%(count)s room", "%(count)s rooms", count)).body for count in (0, 1, 2)]
    assert shown == ["0 rooms", "1 room", "2 rooms"]


def test_a_text_that_was_stored_is_shown_like_the_one_that_was_not() -> None:
    text = lines(
        words("%(inner)s", inner=words("%(who)s", who={"user": "@a:one.test"})),
        words("- %(x)s", x={"list": [words("y")]}),
    )
    said = Say(key="k", room="!r", text=text, language="en")
    stored = load("Say", "k", dump(said))
    assert isinstance(stored, Say)
    assert show(stored.text) == show(text)
    assert show(Text.load(asdict(text))) == show(text)


HOSTILE = st.text(max_size=40) | st.text(alphabet="*_`[](){}<>!#&\\|~:/.@-+ \n\t01axscript\u202e\u200b", max_size=60)


@settings(deadline=None)
@given(HOSTILE)
def test_no_name_and_no_reason_can_do_anything(value: str) -> None:
    text = words(
        "Hello **%(who)s**, %(value)s and %(code)s in %(room)s.",
        who={"user": "@eve:one.test"}, value=value, code={"code": value}, room={"room": "!r:one.test", "name": value},
    )  # fmt: skip
    shown = show(text, names=Names(eve=value))
    tags = Tags(shown.formatted_body)
    assert set(tags.seen) <= {"p", "strong", "a", "code"}
    assert tags.hrefs == ["https://matrix.to/#/@eve:one.test", "https://matrix.to/#/!r:one.test"]
    plain = " ".join(
        re.sub("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]", " ", value).split()
    )
    assert f", {plain} and " in shown.body
    assert "\n" not in shown.body


@settings(deadline=None)
@given(HOSTILE)
def test_the_body_says_what_the_html_says(value: str) -> None:
    shown = show(words("%(value)s", value=f"x{value}x"))
    assert Tags(shown.formatted_body).text.split() == shown.body.split()


def test_links_hold_nothing_that_could_end_them() -> None:
    assert link("@a)<b>:one.test") == "https://matrix.to/#/@a%29%3Cb%3E:one.test"
    assert (
        link("#room:one.test", "$e", ("a", "b", "c", "d"))
        == "https://matrix.to/#/%23room:one.test/$e?via=a&via=b&via=c"
    )


def test_only_the_html_that_matrix_allows_is_left() -> None:
    html = (
        '<p onclick="x()">a<script>b</script><mx-reply>c</mx-reply><img src="https://x/y.png"><img src="mxc://x/y" onerror="z">'
        '<a href="javascript:x">d</a><a href="mxc://x/y">e</a><code class="language-py evil">f</code><font color="red">g</font></p>'
    )
    assert clean_html(html) == ('<p>a<img><img src="mxc://x/y"><a>d</a><a>e</a><code class="language-py">f</code>g</p>')


def test_bombs_are_not_even_looked_at() -> None:
    assert clean_html("<div>" * 101) == ""
    assert clean_html("<div></p>" * 101) == ""
    assert clean_html("<b>x</b>" * 101) == "<b>x</b>" * 101
    assert clean_html("x" * 65_537) == ""
    assert len(convert("*a_" * 40_000)[0]) <= 65_536


def test_the_body_of_longer_texts_stands_alone() -> None:
    body, html = convert(
        "# Title\n\n> quoted\n> twice\n\n1. one\n2. two\n   - inner\n\n---\n\n```\ncode *x*\n```\n\n<b>no html</b>"
    )
    assert body == "Title\n\n> quoted\n> twice\n1. one\n2. two\n  - inner\n\n—\n\ncode *x*\n\n<b>no html</b>"
    assert "<b>" not in html


@pytest.fixture
def templates(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found: dict[str, str] = {}
    monkeypatch.setattr(text_module._environment(), "loader", jinja2.DictLoader(found))
    text_module._environment().cache.clear()
    return found


def test_templates_take_the_same_values_and_escape_all_others(templates: dict[str, str]) -> None:
    templates["a.md"] = (
        "**{{ who }}** {{ reason }}\n\n{% for item in items %}\n- {{ item }}\n{% endfor %}\n\n"
        "{% trans who=who, n=2 %}Hello {{ who }}, %{{ n }}{% endtrans +%}\n\n"
        "{% trans count=items | length %}one{% pluralize %}{{ count }} things{% endtrans %}\n"
    )
    shown = template(
        "a.md", "en", Names(a="*A*"), who={"user": "@a:one.test"}, reason="[x](y)", items=["<b>", words("%(n)s", n=1)]
    )
    assert shown.body == "*A* [x](y)\n- <b>\n- 1\n\nHello *A*, %2\n\n2 things"
    assert set(Tags(shown.formatted_body).seen) == {"p", "strong", "a", "ul", "li"}


def test_a_template_never_leaves_anything_out(templates: dict[str, str]) -> None:
    templates["a.md"] = "{{ nothing }}"
    with pytest.raises(jinja2.UndefinedError):
        template("a.md", "en", NOBODY)
