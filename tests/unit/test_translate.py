"""Raw events of homeservers, sane and insane, into ours."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import tags
from bridge.events import (
    COPY_MARK,
    Content,
    Edited,
    Invited,
    MemberChanged,
    Message,
    Reacted,
    Receipt,
    Redacted,
    StateChanged,
    Undecryptable,
)
from bridge.matrix import translate

ROOM, ANN, BOT = "!room", "@ann:a.test", "@bot:a.test"


def raw(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"event_id": "$e", "sender": ANN, "origin_server_ts": 1000, "type": kind, "content": content, **more}


def text(body: str = "hello", **more: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body, **more}


def message(content: Any, **more: Any) -> Message:
    found = translate.event(raw("m.room.message", content, **more), ROOM)
    assert isinstance(found, Message)
    return found


@pytest.mark.parametrize(
    "msgtype", ["m.text", "m.notice", "m.emote", "m.image", "m.file", "m.audio", "m.video", "m.location", "org.x.poll"]
)
def test_every_kind_of_message(msgtype: str) -> None:
    content = {"msgtype": msgtype, "body": "b", "url": "mxc://a.test/x"}
    assert message(content) == Message("$e", ROOM, ANN, 1000, Content(msgtype, "b", raw=content))


def test_a_sticker_is_a_message() -> None:
    found = translate.event(raw("m.sticker", {"body": "cat", "url": "mxc://a.test/x"}), ROOM)
    assert isinstance(found, Message)
    assert (found.content.msgtype, found.content.body) == ("m.sticker", "cat")


QUESTION, ANSWERS = "Tea? #sleep", ["Yes", "No"]
POLLS = {
    "m.poll.start": {
        "m.poll": {"question": {"m.text": [{"body": QUESTION}]}, "answers": [{"m.text": [{"body": one}]} for one in ANSWERS]},
    },
    "org.matrix.msc3381.poll.start": {
        "org.matrix.msc3381.poll.start": {
            "question": {"org.matrix.msc1767.text": QUESTION}, "answers": [{"org.matrix.msc1767.text": one} for one in ANSWERS],
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", POLLS)
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_poll_is_a_message_with_its_question_and_answers_and_its_tags_count(kind: str, encrypted: bool) -> None:
    found = translate.event(raw(kind, POLLS[kind]), ROOM, encrypted=encrypted)
    assert isinstance(found, Message)
    assert (found.content.msgtype, found.content.body) == ("m.poll", "Tea? #sleep\n- Yes\n- No")
    assert tags.find(found.content) == {"sleep"}


def test_an_edited_poll_is_an_edit() -> None:
    relation = {"rel_type": "m.replace", "event_id": "$p"}
    new = {"m.new_content": POLLS["m.poll.start"], "m.relates_to": relation}
    found = translate.event(raw("m.poll.start", new), ROOM)
    assert isinstance(found, Edited)
    assert (found.target, found.content.body) == ("$p", "Tea? #sleep\n- Yes\n- No")


@pytest.mark.parametrize("kind", ["m.poll.response", "m.poll.end", "org.matrix.msc3381.poll.end", "m.call.invite"])
def test_votes_and_calls_are_nobodys_words(kind: str) -> None:
    about = {"m.relates_to": {"rel_type": "m.reference", "event_id": "$p"}}
    text_for_old_clients = {"org.matrix.msc1767.text": "Ended poll"} if kind != "m.call.invite" else {}
    assert translate.event(raw(kind, {**about, **text_for_old_clients}), ROOM) is None


@pytest.mark.parametrize(
    ("kind", "content", "msgtype"),
    [
        ("m.message", {"m.text": [{"mimetype": "text/html", "body": "<b>hi</b>"}, {"body": "hi"}]}, "m.text"),
        ("org.example.odd", {"org.matrix.msc1767.text": "hi"}, "org.example.odd"),
        ("m.voice", {"m.file": {"url": "mxc://a.test/1"}, "m.text": [{"body": "hi"}]}, "m.audio"),
    ],
)
def test_an_event_of_another_type_that_has_a_text_is_a_message(
    kind: str, content: dict[str, Any], msgtype: str
) -> None:
    found = translate.event(raw(kind, content), ROOM)
    assert isinstance(found, Message)
    assert (found.content.msgtype, found.content.body) == (msgtype, "hi")
    assert found.content.formatted_body == ("<b>hi</b>" if kind == "m.message" else None)


def test_html_counts_only_in_its_format() -> None:
    assert message(text(formatted_body="<b>x</b>")).content.formatted_body is None
    assert (
        message(text(formatted_body="<b>x</b>", format="org.matrix.custom.html")).content.formatted_body == "<b>x</b>"
    )
    assert message(text(formatted_body=1, format="org.matrix.custom.html")).content.formatted_body is None


def test_mentions_and_our_mark() -> None:
    found = message(text(**{"m.mentions": {"user_ids": [ANN, "nobody", 5, BOT], "room": True}, COPY_MARK: "h1"}))
    assert found.content.mentions == {ANN, BOT}
    assert found.content.mentions_room
    assert found.marked
    plain = message(text())
    assert (plain.marked, plain.encrypted, plain.content.mentions, plain.content.mentions_room) == (
        False,
        False,
        frozenset(),
        False,
    )


def test_a_thread_s_fallback_is_not_a_reply_and_a_reply_within_a_thread_is() -> None:
    thread = {"rel_type": "m.thread", "event_id": "$root", "m.in_reply_to": {"event_id": "$last"}}
    fallback = message(text(**{"m.relates_to": {**thread, "is_falling_back": True}}))
    assert (fallback.thread, fallback.reply_to) == ("$root", None)
    genuine = message(text(**{"m.relates_to": {**thread, "is_falling_back": False}}))
    assert (genuine.thread, genuine.reply_to) == ("$root", "$last")
    unsaid = message(text(**{"m.relates_to": thread}))
    assert (unsaid.thread, unsaid.reply_to) == ("$root", "$last")


def test_a_reply_is_without_the_words_that_it_quotes() -> None:
    body = "> <@ben:b.test> secret\n> more\n\nmine\n> my own quote"
    html = "<mx-reply><blockquote>secret</blockquote></mx-reply>mine"
    content = text(
        body,
        format="org.matrix.custom.html",
        formatted_body=html,
        **{"m.relates_to": {"m.in_reply_to": {"event_id": "$r"}}},
    )
    found = message(content)
    assert found.reply_to == "$r"
    assert found.content.body == "mine\n> my own quote"
    assert found.content.formatted_body == "mine"
    assert message({**content, "m.relates_to": {}}).content.body == body


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("> * <@ben:b> waves\n\nhi", "hi"),
        ("> <@ben:b> only", ""),
        ("> not a sender\n\nhi", "> not a sender\n\nhi"),
        ("hi\n> <@ben:b> x", "hi\n> <@ben:b> x"),
        ("> <@ben:b> x\n\n\nhi", "\nhi"),
    ],
)
def test_only_the_fallback_is_taken_away(body: str, left: str) -> None:
    assert translate.without_quote(body) == left


def test_an_edit_holds_its_new_content() -> None:
    content = text(
        "* new", **{"m.new_content": text("new"), "m.relates_to": {"rel_type": "m.replace", "event_id": "$old"}}
    )
    found = translate.event(raw("m.room.message", content), ROOM)
    assert found == Edited("$e", ROOM, ANN, 1000, "$old", Content("m.text", "new", raw=text("new")))
    assert translate.event(raw("m.room.message", {**content, "m.new_content": "x"}), ROOM) is None
    of_nothing = {**content, "m.relates_to": {"rel_type": "m.replace"}}  # clients show it as a message
    said = translate.event(raw("m.room.message", of_nothing), ROOM)
    assert isinstance(said, Message)
    assert said.content.body == "* new"


def test_a_reaction() -> None:
    relation = {"rel_type": "m.annotation", "event_id": "$t", "key": "👍"}
    found = translate.event(raw("m.reaction", {"m.relates_to": relation}), ROOM)
    assert found == Reacted("$e", ROOM, ANN, 1000, "$t", "👍")
    for broken in ({}, {**relation, "key": ""}, {**relation, "event_id": 5}, {**relation, "rel_type": "m.thread"}):
        assert translate.event(raw("m.reaction", {"m.relates_to": broken}), ROOM) is None


def test_a_redaction_names_its_target_in_either_place() -> None:
    expected = Redacted("$e", ROOM, ANN, 1000, "$t", "spam")
    assert translate.event(raw("m.room.redaction", {"redacts": "$t", "reason": "spam"}), ROOM) == expected
    assert translate.event(raw("m.room.redaction", {"reason": "spam"}, redacts="$t"), ROOM) == expected
    assert translate.event(raw("m.room.redaction", {}), ROOM) is None


def test_what_is_redacted_already_says_nothing() -> None:
    for kind in ("m.room.message", "m.reaction", "m.room.encrypted", "m.sticker"):
        gone = raw(kind, {}, unsigned={"redacted_because": {"event_id": "$r"}})
        assert translate.event(gone, ROOM) is None
        assert translate.event({**gone, "content": text()}, ROOM) is None


def test_a_member_s_change_and_what_was_before() -> None:
    content = {"membership": "leave", "displayname": "Ann", "reason": "bye", "is_direct": True}
    found = translate.event(
        raw("m.room.member", content, state_key="@ben:b", unsigned={"prev_content": {"membership": "join"}}), ROOM
    )
    assert found == MemberChanged(
        "$e",
        ROOM,
        ANN,
        1000,
        user="@ben:b",
        membership="leave",
        was="join",
        display_name="Ann",
        reason="bye",
        is_direct=True,
    )
    plain = translate.event(raw("m.room.member", {"membership": "join"}, state_key=ANN), ROOM)
    assert plain == MemberChanged("$e", ROOM, ANN, 1000, user=ANN, membership="join")
    assert translate.event(raw("m.room.member", {"membership": "king"}, state_key=ANN), ROOM) is None
    assert translate.event(raw("m.room.member", {}, state_key=ANN), ROOM) is None


def test_other_state_is_passed_on() -> None:
    found = translate.event(raw("m.room.name", {"name": "x"}, state_key=""), ROOM)
    assert found == StateChanged("$e", ROOM, ANN, 1000, "m.room.name", "", {"name": "x"})
    assert translate.event(raw("m.room.name", {"name": "x"}, state_key=None), ROOM) is None


def test_what_cannot_be_decrypted_has_an_id_of_its_own() -> None:
    found = translate.event(raw("m.room.encrypted", {"session_id": "s", "ciphertext": "c"}), ROOM)
    assert found == Undecryptable("$e" + translate.UNDECRYPTED, ROOM, ANN, 1000, "s", "$e")


def test_an_encrypted_event_can_only_say_something() -> None:
    said = translate.event(raw("m.room.message", text()), ROOM, encrypted=True)
    assert isinstance(said, Message)
    assert said.encrypted
    for kind, more in (
        ("m.room.redaction", {}), ("m.room.member", {"state_key": ANN}), ("m.room.name", {"state_key": ""}), ("m.room.encrypted", {}),
    ):  # fmt: skip
        assert translate.event(raw(kind, {"redacts": "$t", "membership": "ban"}, **more), ROOM, encrypted=True) is None


def test_an_invite_from_stripped_state() -> None:
    state = [
        "nonsense",
        {"type": "m.room.encryption", "state_key": "", "sender": ANN, "content": {"algorithm": "x"}},
        {
            "type": "m.room.member",
            "state_key": BOT,
            "sender": ANN,
            "content": {"membership": "invite", "is_direct": True},
        },
    ]
    found = translate.invite(state, ROOM, BOT, 7, "s1")
    assert found == Invited(f"invite/{ROOM}/{ANN}/s1", ROOM, ANN, 7, is_direct=True, encrypted=True)
    assert translate.invite(state, ROOM, BOT, 8, "s1").id == found.id  # type: ignore[union-attr]
    assert translate.invite(state, ROOM, BOT, 7, "s2").id != found.id  # type: ignore[union-attr]
    assert translate.invite(state, ROOM, ANN, 7, "s1") is None
    assert translate.invite(None, ROOM, BOT, 7, "s1") is None


def test_of_several_edits_the_latest_by_the_same_author_holds() -> None:
    original = raw("m.room.message", text())

    def edit(name: str, at_ms: int, **more: Any) -> dict[str, Any]:
        return {
            **raw("m.room.message", {"m.new_content": text(name)}),
            "event_id": name,
            "origin_server_ts": at_ms,
            **more,
        }

    edits = [
        edit("$1", 5), edit("$3", 9), edit("$2", 9), edit("$eve", 99, sender="@eve:b"), edit("$state", 99, state_key=""),
        edit("$gone", 99, unsigned={"redacted_because": {}, "x": 1}) | {"content": {}}, edit("$kind", 99, type="m.sticker"), None,
    ]  # fmt: skip
    newest = translate.newest_edit(original, edits)
    assert newest
    assert newest["event_id"] == "$3"
    assert translate.newest_edit(original, None) is None


def test_a_time_that_is_none_is_the_beginning() -> None:
    for nonsense in (None, "1", -5, True, 2**70, 1.5):
        assert message(text(), origin_server_ts=nonsense).at_ms == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)
NAMES = [
    "m.relates_to", "m.new_content", "m.mentions", "msgtype", "body", "formatted_body", "format", "membership", "redacts", "session_id",
    "displayname", "rel_type", "event_id", "key", "m.in_reply_to", "user_ids", COPY_MARK,
]  # fmt: skip
VALUES = (
    st.sampled_from(["m.replace", "m.thread", "m.annotation", "$t", ANN, "m.text", "join", "> <@a:b> x\n\ny"]) | JSON
)
NEAR = st.recursive(VALUES, lambda inner: st.dictionaries(st.sampled_from(NAMES), inner, max_size=6), max_leaves=20)
KINDS = st.sampled_from(
    [
        "m.room.message",
        "m.sticker",
        "m.reaction",
        "m.room.redaction",
        "m.room.member",
        "m.room.encrypted",
        "m.room.name",
    ]
)


@settings(max_examples=400)
@given(
    JSON | NEAR,
    KINDS | JSON,
    NEAR,
    st.dictionaries(st.sampled_from(["state_key", "unsigned", "redacts"]), NEAR),
    st.booleans(),
)
def test_no_json_however_strange_makes_it_fail(
    whole: Any, kind: Any, content: Any, more: dict[str, Any], encrypted: bool
) -> None:
    translate.event(whole, ROOM, encrypted=encrypted)
    translate.event(
        {"event_id": "$e", "sender": ANN, "type": kind, "content": content, **more}, ROOM, encrypted=encrypted
    )
    translate.event({"event_id": content, "sender": content, "type": kind, "content": content}, ROOM)
    translate.invite(
        [whole, content, {"type": "m.room.member", "state_key": BOT, "content": content}], ROOM, BOT, 0, ""
    )
    translate.newest_edit(raw("m.room.message", text()), [whole, content])
    for response in (whole, {"rooms": content}, {"rooms": {"join": {"!r": content, "x": content}}}):
        for _, held in translate.rooms(response, "join"):
            translate.raw_events(held, "timeline")


def test_receipts_are_the_public_ones_of_others() -> None:
    good = {"@ann:a.test": {"ts": 5}, "@ben:a.test": {"ts": 6, "thread_id": "main"}, BOT: {"ts": 7}}
    content = {
        "$e": {"m.read": good, "m.read.private": {"@eve:a.test": {"ts": 8}}},
        "$f": {"m.read": {"@ann:a.test": {"ts": 9, "thread_id": "$e"}}},
    }
    found = list(
        translate.receipts([{"type": "m.typing", "content": {}}, {"type": "m.receipt", "content": content}], ROOM, BOT)
    )
    assert found == [
        Receipt(ROOM, "@ann:a.test", "$e", "", 5),
        Receipt(ROOM, "@ben:a.test", "$e", "main", 6),
        Receipt(ROOM, "@ann:a.test", "$f", "$e", 9),
    ]


@pytest.mark.parametrize(
    "content",
    [None, [], {"$e": 1}, {"$e": {"m.read": []}}, {"e": {"m.read": {"@a:b": {}}}}, {"$e": {"m.read": {"a": {}}}},
     {"$e": {"m.read": {"@a:b": {"thread_id": 5}}}}],
)  # fmt: skip
def test_receipts_that_make_no_sense_are_left_out(content: Any) -> None:
    assert list(translate.receipts([{"type": "m.receipt", "content": content}], ROOM, BOT)) == []
