"""Every kind of content in a shared thread, from the raw event to the common room, on a real database, with a homeserver of a few lines."""

from typing import Any

import pytest
from databases import on_a_file, on_both
from sharing import ANN, BEN, COMMON, ME, SLEEP, World

from bridge.events import AnyEvent, Message
from bridge.matrix import translate
from bridge.store.db import Database

pytestmark = on_a_file

TALL = {"mimetype": "image/png", "w": 2, "h": 3, "size": 7}
POLL = "org.matrix.msc3381.poll.start"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


def raw(world: World, kind: str, content: dict[str, Any], sender: str = ANN) -> AnyEvent:
    """An event of any type, as the sync loop would tell it."""
    event = world.server.add(SLEEP, sender, kind, content)
    found = translate.event(
        {"event_id": event, "sender": sender, "origin_server_ts": world.tick(), "type": kind, "content": content}, SLEEP
    )
    assert found is not None
    return found


def poll(question: str, *answers: str) -> dict[str, Any]:
    name = "org.matrix.msc1767.text"
    asked = {"question": {name: question}, "answers": [{"id": str(n), name: one} for n, one in enumerate(answers)]}
    return {POLL: asked, name: question}


def in_thread(root: Message) -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": "m.thread", "event_id": root.id, "is_falling_back": True}}


def copies(world: World) -> list[dict[str, Any]]:
    """The newest content of each copy in the common room, without mark, relation and HTML."""
    events = world.server.events.items()
    found = []
    for event, held in events:
        if held["room"] == COMMON and held["sender"] == ME and not held["redacted"] and not held["edits"]:
            edits = [one for _, one in events if one["edits"] == event and not one["redacted"]]
            content = edits[-1]["content"]["m.new_content"] if edits else held["content"]
            dropped = {"org.hearth.key", "m.relates_to", "format", "formatted_body", "m.mentions"}
            found.append({name: value for name, value in content.items() if name not in dropped})
    return found


@on_both
async def test_a_poll_with_the_tag_in_its_question_is_shared_as_a_list_and_its_edit_follows(world: World) -> None:
    asked = raw(world, POLL, poll("Tea or coffee? #common", "Tea", "Coffee for @room"))
    await world.does(asked)
    (copy,) = copies(world)
    assert (
        copy["body"]
        == "Ann in #sleep:\n📊 Tea or coffee? #common\n• Tea\n• Coffee for @\u200broom\n(Votes are given in #sleep.)"
    )
    relation = {"rel_type": "m.replace", "event_id": asked.id}
    await world.does(raw(world, POLL, {"m.new_content": poll("Tea? #common", "Yes"), "m.relates_to": relation}))
    assert [copy["body"] for copy in copies(world)] == [
        "Ann in #sleep:\n📊 Tea? #common\n• Yes\n(Votes are given in #sleep.)"
    ]
    await world.does(world.take(asked.id))
    assert copies(world) == []


@pytest.mark.parametrize(
    ("kind", "content", "copy"),
    [
        (
            "m.room.message",
            {"msgtype": "m.image", "body": "cat.png", "url": "mxc://one.test/cat", "info": {**TALL, "odd": SLEEP}},
            {"msgtype": "m.image", "body": "Ann in #sleep", "filename": "cat.png", "url": "mxc://one.test/cat", "info": TALL},
        ),
        (
            "m.room.message",
            {"msgtype": "m.file", "body": "read this", "filename": "a.pdf", "url": "mxc://one.test/pdf"},
            {"msgtype": "m.file", "body": "Ann in #sleep:\nread this", "filename": "a.pdf", "url": "mxc://one.test/pdf", "info": {}},
        ),
        (
            "m.sticker",
            {"body": "a wave", "url": "mxc://one.test/wave", "info": TALL},
            {"msgtype": "m.image", "body": "Ann in #sleep", "filename": "a wave", "url": "mxc://one.test/wave", "info": TALL},
        ),
        (
            "m.room.message",
            {"msgtype": "m.emote", "body": "waves"},
            {"msgtype": "m.text", "body": "Ann in #sleep:\n* waves"},
        ),
        (
            "m.room.message",
            {"msgtype": "m.location", "body": "x", "geo_uri": "geo:1.5,2"},
            {"msgtype": "m.text", "body": "Ann in #sleep:\n📍 1.50000, 2.00000\nhttps://www.openstreetmap.org/?mlat=1.50000&mlon=2.00000"},
        ),
        (
            "org.example.riddle",
            {"m.text": [{"body": "guess @room"}]},
            {"msgtype": "m.text", "body": "Ann in #sleep:\n(something that cannot be shown here: org.example.riddle)\nguess @\u200broom"},
        ),
    ],
)  # fmt: skip
async def test_each_kind_of_content_follows_in_its_thread(
    world: World, kind: str, content: dict[str, Any], copy: dict[str, Any]
) -> None:
    root = world.say(ANN, "look #common")
    await world.does(root, raw(world, kind, {**content, **in_thread(root)}))
    shown = copies(world)[1:]
    assert shown == [copy]
    assert SLEEP not in str(world.server.held(COMMON))


async def test_a_spoken_message_stays_one(world: World) -> None:
    root = world.say(ANN, "listen #common")
    wave = {"duration": 900, "waveform": [1, 2]}
    spoken = {
        "msgtype": "m.audio", "body": "Voice message", "url": "mxc://one.test/v", "info": {"duration": 900},
        "org.matrix.msc1767.audio": wave, "org.matrix.msc3245.voice": {},
    }  # fmt: skip
    await world.does(root, raw(world, "m.room.message", {**spoken, **in_thread(root)}))
    copy = copies(world)[1]
    assert copy["org.matrix.msc1767.audio"] == wave
    assert copy["org.matrix.msc3245.voice"] == {}
    assert copy["body"] == "Ann in #sleep"


async def test_an_older_clients_quotation_stays_behind_and_the_partner_is_kept(world: World) -> None:
    root = world.say(ANN, "root #common")
    first = world.say(ANN, "first", thread=root.id)
    quoted = f"> <{BEN}> a secret\n> more\n\nmine"
    html = "<mx-reply><blockquote>a secret</blockquote></mx-reply>mine"
    answer = {
        "msgtype": "m.text", "body": quoted, "format": "org.matrix.custom.html", "formatted_body": html,
        "m.relates_to": {"m.in_reply_to": {"event_id": first.id}},
    }  # fmt: skip
    await world.does(root, first, raw(world, "m.room.message", answer))
    copy = world.copy_of("mine")
    assert world.server.shown(COMMON)[copy] == "Ann in #sleep:\nmine"
    assert "secret" not in world.server.held(COMMON)
    relation = world.server.events[copy]["content"]["m.relates_to"]
    assert relation["is_falling_back"] is False
    assert relation["m.in_reply_to"]["event_id"] == world.copy_of("first")
