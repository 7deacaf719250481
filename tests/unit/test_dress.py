import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.dress import MOST_BYTES, dress, edit, thread_relation
from bridge.rooms.inert import Inert
from bridge.text import Rendered

HEADING = Rendered("Ann in #sleep:", "<strong>Ann</strong> in #sleep:")
PLACEHOLDER = Rendered("(something)", "(something)")
SEALED = {
    "v": "v2",
    "url": "mxc://a.test/1",
    "key": {"kty": "oct", "key_ops": ["encrypt", "decrypt"], "alg": "A256CTR", "k": "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0", "ext": True},
    "iv": "w+sE15fzSc0AAAAAAAAAAA",
    "hashes": {"sha256": "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA"},
}  # fmt: skip
ROOM = "!circle0123456789abcdefghij:a.test"
EVENT = "$Xh2Ej0123456789abcdefghijklmnopqrstuvwxyz_-"


class Names:
    def of(self, user: str) -> str:
        return {"@ben:b.test": "Ben"}.get(user, user[1:].partition(":")[0])

    def find(self, name: str) -> list[str]:
        return []


def dressed(content: dict[str, Any], kind: str = "m.room.message") -> dict[str, Any]:
    return dress(kind, content, heading=HEADING, placeholder=PLACEHOLDER, inert=Inert(Names()))


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
    made = dressed({"msgtype": "m.file", "body": "read @room", "filename": "a.pdf", "file": {**SEALED, "odd": ROOM}})
    assert made["body"] == "Ann in #sleep:\nread @\u200broom"
    assert made["filename"] == "a.pdf"
    assert made["file"] == SEALED


@pytest.mark.parametrize("form", ["org.matrix.msc3245.voice", "m.voice"])
def test_a_voice_message_stays_one_for_every_client(form: str) -> None:
    audio = {"duration": 1200, "waveform": [0, 512, 5000, "x"], "odd": ROOM}
    made = dressed(
        {
            "msgtype": "m.audio", "body": "Voice message", "url": "mxc://a.test/1", form: {},
            "info": {"duration": 1200, "mimetype": "audio/ogg"}, "org.matrix.msc1767.audio": audio,
        }
    )  # fmt: skip
    assert made["org.matrix.msc3245.voice"] == made["m.voice"] == {}
    assert made["org.matrix.msc1767.audio"] == {"duration": 1200, "waveform": [0, 512, 1024]}
    assert (made["msgtype"], made["body"]) == ("m.audio", "Ann in #sleep:")


def test_a_voice_message_in_the_form_of_extensible_events_becomes_one_for_every_client() -> None:
    file = {"url": "mxc://a.test/1", "mimetype": "audio/ogg", "name": "v.ogg", "size": 7}
    content = {"m.text": [{"body": "Voice message"}], "m.file": file, "m.voice": {}, "m.audio_details": {"duration": 9}}
    made = dressed(content, "m.voice")
    assert (made["msgtype"], made["url"], made["filename"]) == ("m.audio", "mxc://a.test/1", "v.ogg")
    assert made["info"] == {"mimetype": "audio/ogg", "size": 7, "duration": 9}
    assert made["m.voice"] == {}


def test_a_file_that_cannot_be_had_is_named_and_its_caption_stays() -> None:
    content = {"msgtype": "m.image", "body": "my cat", "filename": "cat.png", "url": "mxc://a.test/1"}
    made = dress("m.room.message", content, heading=HEADING, placeholder=PLACEHOLDER, inert=Inert(Names()), file=False)
    assert made["msgtype"] == "m.text"
    assert made["body"] == "Ann in #sleep:\n(something)\nmy cat"
    assert "url" not in made


def test_a_picture_keeps_what_it_shows_in_words() -> None:
    picture = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://a.test/1"}
    made = dressed({**picture, "m.alt_text": [{"body": "a cat for @ben:b.test", "odd": ROOM}]})
    assert made["m.alt_text"] == [{"body": "a cat for Ben"}]


def test_a_thumbnail_comes_along_with_nothing_odd() -> None:
    info = {"thumbnail_url": "mxc://a.test/2", "thumbnail_info": {"w": 3, "mimetype": "image/png", "odd": ROOM}}
    made = dressed({"msgtype": "m.video", "body": "v.mp4", "file": SEALED, "info": {**info, "thumbnail_file": SEALED}})
    assert made["info"] == {"thumbnail_file": SEALED, "thumbnail_info": {"w": 3, "mimetype": "image/png"}}
    made = dressed({"msgtype": "m.video", "body": "v.mp4", "url": "mxc://a.test/1", "info": info})
    assert made["info"] == {
        "thumbnail_url": "mxc://a.test/2",
        "thumbnail_info": {"w": 3, "mimetype": "image/png"},
    }


def test_a_sticker_becomes_a_picture() -> None:
    made = dressed({"body": "cat", "url": "mxc://a.test/1", "info": {}}, "m.sticker")
    assert (made["msgtype"], made["url"], made["filename"]) == ("m.image", "mxc://a.test/1", "cat")


UNSTABLE = {
    "org.matrix.msc1767.text": "Tea?\n1. Yes\n2. @room",
    "org.matrix.msc3381.poll.start": {
        "question": {"org.matrix.msc1767.text": "Tea <now>?", "body": "Tea <now>?", "msgtype": "m.text"},
        "kind": "org.matrix.msc3381.poll.disclosed",
        "answers": [{"id": "1", "org.matrix.msc1767.text": "Yes"}, {"id": "2", "org.matrix.msc1767.text": "@room"}],
    },
}
STABLE = {
    "m.text": [{"mimetype": "text/plain", "body": "Tea?"}],
    "m.poll": {
        "question": {"m.text": [{"body": "Tea <now>?"}]},
        "answers": [{"m.id": "1", "m.text": [{"body": "Yes"}]}, {"m.id": "2", "m.text": [{"body": "@room"}]}, {"m.id": "3"}],
    },
}  # fmt: skip


def test_where_one_votes_is_said_below_a_poll_and_nowhere_else() -> None:
    voting = Rendered("(Votes are given in #sleep.)", "(Votes are given in #sleep.)")
    around = {"heading": HEADING, "placeholder": PLACEHOLDER, "inert": Inert(Names()), "voting": voting}
    poll = dress("m.poll.start", STABLE, **around)
    assert poll["body"].endswith("\n(Votes are given in #sleep.)")
    assert poll["formatted_body"].endswith("</ul> <br>(Votes are given in #sleep.)")
    assert "Votes" not in str(dress("m.room.message", {"msgtype": "m.text", "body": "Tea"}, **around))


@pytest.mark.parametrize(("kind", "content"), [("org.matrix.msc3381.poll.start", UNSTABLE), ("m.poll.start", STABLE)])
def test_a_poll_is_its_question_and_its_answers(kind: str, content: dict[str, Any]) -> None:
    made = dressed(content, kind)
    assert made["msgtype"] == "m.text"
    assert made["body"] == "Ann in #sleep:\n📊 Tea <now>?\n• Yes\n• @\u200broom"
    assert made["formatted_body"].endswith(" <br>📊 Tea &lt;now&gt;?<ul><li>Yes</li><li>@\u200broom</li></ul>")


def test_a_place_is_its_description_and_coordinates() -> None:
    place = {"msgtype": "m.location", "body": "x", "geo_uri": "geo:51.5008,0.1247;u=35"}
    made = dressed({**place, "org.matrix.msc3488.location": {"description": "Big Ben"}})
    assert made["body"] == (
        "Ann in #sleep:\n📍 Big Ben 51.50080, 0.12470\nhttps://www.openstreetmap.org/?mlat=51.50080&mlon=0.12470"
    )
    assert "geo_uri" not in made
    odd = dressed({**place, "geo_uri": "geo:500,1"})
    assert odd["body"] == "Ann in #sleep:\n(something)\nx"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"msgtype": "nic.custom.confetti", "body": "hooray @room"}, "(something)\nhooray @\u200broom"),
        ({"msgtype": "m.gallery", "body": ""}, "(something)"),
        ({"msgtype": "m.image", "body": "no file"}, "(something)"),
        ({"msgtype": "m.image", "body": "x", "url": "https://evil.test/1"}, "(something)"),
        ({"msgtype": "m.image", "body": "x", "file": {"url": "mxc://a.test/1"}}, "(something)"),
    ],
)
def test_what_cannot_be_shown_is_said_to_be_there(content: dict[str, Any], said: str) -> None:
    assert dressed(content)["body"] == f"Ann in #sleep:\n{said}"


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
    json.dumps(made, ensure_ascii=False).encode()
