import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.dress import MOST_BYTES, dress, edit, thread_relation
from bridge.text import Rendered

HEADING = Rendered("Ann in #sleep:", "<strong>Ann</strong> in #sleep:")
PLACEHOLDER = Rendered("(something)", "(something)")
ROOM = "!circle0123456789abcdefghij:a.test"
EVENT = "$Xh2Ej0123456789abcdefghijklmnopqrstuvwxyz_-"


class Names:
    def of(self, user: str) -> str:
        return {"@ben:b.test": "Ben"}.get(user, user[1:].partition(":")[0])

    def find(self, name: str) -> list[str]:
        return []


def dressed(content: dict[str, Any], kind: str = "m.room.message") -> dict[str, Any]:
    return dress(kind, content, heading=HEADING, placeholder=PLACEHOLDER, names=Names())


def text(body: str, html: str | None = None, **more: Any) -> dict[str, Any]:
    formatted = {} if html is None else {"format": "org.matrix.custom.html", "formatted_body": html}
    return {"msgtype": "m.text", "body": body, **formatted, **more}


def test_the_author_and_the_circle_stand_above_the_words() -> None:
    assert dressed(text("good night\n<3 & so on")) == {
        "msgtype": "m.text",
        "body": "Ann in #sleep:\ngood night\n<3 & so on",
        "format": "org.matrix.custom.html",
        "formatted_body": "<strong>Ann</strong> in #sleep: <br>good night<br>&lt;3 &amp; so on",
        "m.mentions": {},
    }


def test_the_authors_html_is_kept_and_cleaned() -> None:
    made = dressed(text("x", "<b>dear</b> <script>bad()</script><a href='https://example.org/'>site</a>"))
    assert made["formatted_body"].endswith('<b>dear</b> <a href="https://example.org/">site</a>')


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<a href="https://matrix.to/#/@ben:b.test">Benny</a>: hi', "<strong>Benny</strong>: hi"),
        ('<a href="https://matrix.to/#/@ben:b.test">@ben:b.test</a>: hi', "<strong>Ben</strong>: hi"),
        ('<a href="https://matrix.to/#/%40ben%3Ab.test">@ben:b.test</a>', "<strong>Ben</strong>"),
        (f'<a href="https://matrix.to/#/{ROOM}/{EVENT}?via=a.test">look here</a>', "look here"),
        (f'<a href="https://matrix.to/#/{ROOM}">https://matrix.to/#/{ROOM}</a>', "…"),
        ("hello @room and @Room", "hello @\u200broom and @\u200bRoom"),
        (f"<em>{ROOM}</em> &amp; {EVENT} &lt;", "<em>…</em> &amp; … &lt;"),
        ("<mx-reply><blockquote>a secret</blockquote></mx-reply>mine", "mine"),
    ],
)
def test_html_calls_on_nobody_and_leads_to_no_room(html: str, shown: str) -> None:
    assert dressed(text("x", html))["formatted_body"] == f"<strong>Ann</strong> in #sleep: <br>{shown}"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("@ben:b.test: hi", "Ben: hi"),
        ("@room help", "@\u200broom help"),
        (f"see https://matrix.to/#/{ROOM}/{EVENT}?via=a.test or {ROOM}", "see … or …"),
        ("see https://matrix.to/#/@ben:b.test", "see Ben"),
        ("see matrix:u/ben:b.test now", "see Ben now"),
        ("mail ann@example.org at 12:30 costs $5 !wow", "mail ann@example.org at 12:30 costs $5 !wow"),
    ],
)
def test_plain_text_calls_on_nobody_and_leads_to_no_room(body: str, shown: str) -> None:
    made = dressed(text(body))
    assert made["body"] == f"Ann in #sleep:\n{shown}"
    assert made["m.mentions"] == {}


def test_what_an_older_client_quotes_of_somebody_else_does_not_travel() -> None:
    answer = text("> <@ben:b.test> a secret\n> more\n\nmine", **{"m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}})
    assert dressed(answer)["body"] == "Ann in #sleep:\nmine"


def test_mentions_marks_and_relations_of_the_original_do_not_travel() -> None:
    made = dressed(
        text("x", **{"m.mentions": {"room": True, "user_ids": ["@ben:b.test"]}, "m.relates_to": {"a": 1}, "odd": ROOM})
    )
    assert set(made) == {"msgtype", "body", "format", "formatted_body", "m.mentions"}
    assert made["m.mentions"] == {}


def test_an_action_reads_as_one() -> None:
    assert dressed({"msgtype": "m.emote", "body": "waves"})["body"] == "Ann in #sleep:\n* waves"


def test_a_picture_keeps_its_file_and_gets_the_heading_as_caption() -> None:
    info = {"w": 1, "h": 2, "mimetype": "image/png", "secret": ROOM}
    made = dressed({"msgtype": "m.image", "body": "cat.png", "url": "mxc://a.test/1", "info": info})
    assert made["url"] == "mxc://a.test/1"
    assert made["filename"] == "cat.png"
    assert made["body"] == "Ann in #sleep:"
    assert made["info"] == {"w": 1, "h": 2, "mimetype": "image/png"}


def test_a_caption_follows_the_heading() -> None:
    made = dressed(
        {"msgtype": "m.file", "body": "read @room", "filename": "a.pdf", "file": {"url": "mxc://a.test/1", "key": {}}}
    )
    assert made["body"] == "Ann in #sleep:\nread @\u200broom"
    assert made["filename"] == "a.pdf"
    assert made["file"] == {"url": "mxc://a.test/1", "key": {}}


def test_a_voice_message_stays_one() -> None:
    made = dressed({"msgtype": "m.audio", "body": "v", "url": "mxc://a.test/1", "org.matrix.msc3245.voice": {}})
    assert made["org.matrix.msc3245.voice"] == {}


def test_a_sticker_becomes_a_picture() -> None:
    made = dressed({"body": "cat", "url": "mxc://a.test/1", "info": {}}, "m.sticker")
    assert (made["msgtype"], made["url"]) == ("m.image", "mxc://a.test/1")


@pytest.mark.parametrize(
    "content",
    [
        {"msgtype": "m.location", "body": "here", "geo_uri": "geo:1,2"},
        {"msgtype": "m.image", "body": "no file"},
        {"msgtype": "m.image", "body": "x", "url": "https://evil.test/1"},
        {"body": "x"},
    ],
)
def test_what_cannot_be_shown_is_said_to_be_there(content: dict[str, Any]) -> None:
    assert dressed(content)["body"] == "Ann in #sleep:\n(something)"


def test_an_edit_stands_in_the_place_of_the_copy() -> None:
    made = dressed(text("new"))
    changed = edit("$copy", made)
    assert changed["m.new_content"] == made
    assert changed["m.relates_to"] == {"rel_type": "m.replace", "event_id": "$copy"}
    assert changed["body"] == "* Ann in #sleep:\nnew"
    assert changed["m.mentions"] == {}


def test_a_genuine_reply_keeps_its_partner_and_a_fallback_is_none() -> None:
    assert thread_relation("$r", partner="$p", before="$b") == {
        "rel_type": "m.thread", "event_id": "$r", "is_falling_back": False, "m.in_reply_to": {"event_id": "$p"},
    }  # fmt: skip
    assert thread_relation("$r", partner=None, before="$b")["is_falling_back"] is True
    assert thread_relation("$r", partner=None, before=None)["m.in_reply_to"] == {"event_id": "$r"}


@pytest.mark.parametrize("size", [20_000, 44_000, 60_000])
@pytest.mark.parametrize("unit", ["a", "ё", '"\n', "<b>", "&"])
def test_a_long_message_stays_small_enough_to_be_sent(size: int, unit: str) -> None:
    made = dressed(text(unit * (size // len(unit.encode()))))
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= MOST_BYTES
    assert made["body"].startswith("Ann in #sleep:\n" + unit * 10)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)  # fmt: skip
KEYS = ["msgtype", "body", "format", "formatted_body", "url", "file", "info", "filename", "m.relates_to", "m.mentions"]
ODD = st.dictionaries(st.sampled_from(KEYS), JSON | st.sampled_from(["m.text", "m.image", "mxc://a/b", "org.matrix.custom.html", "\ud800"]))  # fmt: skip


@given(ODD, st.sampled_from(["m.room.message", "m.sticker"]))
def test_no_content_is_too_strange(content: dict[str, Any], kind: str) -> None:
    made = dressed(content, kind)
    assert made["m.mentions"] == {}
    assert made["body"].startswith("Ann in #sleep:")
