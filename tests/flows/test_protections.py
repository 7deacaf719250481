"""A protection that finds something acts at once, says which rule it was, and leaves no word behind; staff is exempt, and a trial does nothing."""

from typing import Any

import pytest
from community import HEARTH, PEOPLE
from pydantic import ValidationError
from world import World, on_a_file

from bridge.store import settings
from bridge.store.tables import cases, guards, metadata, outbox, posts, rehearsals, repeats

EVE, ANN, MOD = PEOPLE["eve"], PEOPLE["ann"], PEOPLE["mod"]


async def told(world: World, **protections: Any) -> None:
    """Hearth goes on with other settings of the protections."""
    section = type(world.config.protections).model_validate(protections)
    await world.stop()
    world.config = world.config.model_copy(update={"protections": section})
    await world.start()
    await world.settle()


def gone(world: World, room: str, event: str) -> bool:
    return next(seen for seen in world.member("ann").sees(world.room(room)) if seen.event_id == event).redacted


async def test_a_word_of_the_list_is_removed_and_its_author_told_why(world: World) -> None:
    await told(world, words={"words": ["casino*"]})
    bad = await world.say("#sleep", "eve", "Best cаsіn0s here #common")  # two letters are Cyrillic
    good = await world.say("#sleep", "eve", "Good night, all")
    await world.settle()
    assert gone(world, "#sleep", bad)
    assert not gone(world, "#sleep", good)
    assert not [seen for seen in world.sees("#common") if seen.sender == HEARTH]
    (entry,) = [each for each in await world.ledger() if each.action == "protect"]
    assert (entry.actor, entry.target, entry.rule, entry.event) == (HEARTH, EVE, "words", bad)
    assert entry.reason == "words: “casino*” in the text (redact, warn)"
    assert entry.outcome == {"done": 2, "refused": {}}
    await world.direct("eve")
    (word,) = world.told("eve")
    assert "I took away something that you wrote in #sleep: “casino*” in the text" in word
    await world.replay()
    assert world.changes() == []
    assert len([each for each in await world.ledger() if each.action == "protect"]) == 1
    await world.say("#sleep", "eve", "!follow #sleep casino")  # nothing else comes of what is removed
    await world.settle()
    assert world.told("eve") == [word]


async def findings(world: World) -> list[str]:
    return [each.reason or "" for each in await world.ledger() if each.action == "protect"]


@on_a_file
async def test_staff_is_exempt(world: World) -> None:
    await told(world, words={"words": ["casino*"]})
    event = await world.say("#common", "mod", "What do you think of the word casino?")
    owner = await world.say("#common", "olga", "casino")
    await world.settle()
    assert not gone(world, "#common", event)
    assert not gone(world, "#common", owner)
    assert await findings(world) == []


@on_a_file
async def test_an_edit_made_bad_later_is_removed_and_the_first_text_stands_again(world: World) -> None:
    await told(world, words={"words": ["casino*"]})
    event = await world.say("#sleep", "eve", "Good night #common")
    await world.settle()
    await world.edit("#sleep", "eve", event, "Good casino #common")
    await world.settle()
    (seen,) = [each for each in world.sees("#sleep", "ann") if each.event_id == event]
    assert (seen.body, seen.redacted) == ("Good night #common", False)
    assert any("Good night" in each.body for each in world.from_hearth("#common"))
    assert not any("casino" in each.body for each in world.from_hearth("#common"))


@on_a_file
async def test_what_an_edit_says_for_clients_that_know_no_edits_is_looked_at_too(world: World) -> None:
    await world.order("mod", "!protect words add casino")
    event = await world.say("#sleep", "eve", "hello")
    edits = []
    for body, html in (("* casino", None), ("* hi", "* <b>cas</b>ino"), ("* hi", "* hi")):
        markup = {} if html is None else {"format": "org.matrix.custom.html", "formatted_body": html}
        content = {"msgtype": "m.text", "body": body, **markup, "m.new_content": {"msgtype": "m.text", "body": "hi"}}
        content["m.relates_to"] = {"rel_type": "m.replace", "event_id": event}
        edits.append(await world.member("eve").send(world.room("#sleep"), "m.room.message", content))
    await world.settle()
    taken = {each.event_id for each in world.hs.timeline(world.room("#sleep")) if each.redacted_because}
    assert [edit in taken for edit in edits] == [True, True, False]


@on_a_file
async def test_polls_and_captions_and_file_names_are_looked_at(world: World) -> None:
    await told(world, words={"words": ["casino*"]})
    question = {"question": {"m.text": "Which one?"}, "answers": [{"id": "1", "m.text": "the C A S I N O"}]}
    poll = await world.member("eve").send(world.room("#sleep"), "org.matrix.msc3381.poll.start", {"org.matrix.msc3381.poll.start": question})  # fmt: skip
    file = await world.say("#sleep", "eve", "free-casino.pdf", msgtype="m.file", url="mxc://b.test/1")
    caption = await world.say(
        "#sleep", "eve", "the cas\u200bino", msgtype="m.image", filename="1.png", url="mxc://b.test/2"
    )
    await world.settle()
    for event in (poll, file, caption):
        assert world.hs.room(world.room("#sleep")).by_id[event].redacted_because
    assert [each.partition(" (")[0] for each in await findings(world)] == [
        "words: “casino*” in the poll", "words: “casino*” in the file name", "words: “casino*” in the caption",
    ]  # fmt: skip


@on_a_file
async def test_a_trial_does_nothing_and_counts_what_it_would_have_done(world: World) -> None:
    await told(world, words={"words": ["casino*"], "dry": True})
    for _ in range(3):
        event = await world.say("#sleep", "eve", "casino")
        await world.settle()
        assert not gone(world, "#sleep", event)
    assert await findings(world) == []
    assert [(each["rule"], each["act"], each["number"]) for each in await world.rows(rehearsals)] == [
        ("words", "redact", 3), ("words", "warn", 3),
    ]  # fmt: skip


@on_a_file
async def test_it_can_be_otherwise_in_one_room(world: World) -> None:
    await told(world, words={"words": ["casino*"], "rooms": {"circle/sleep": False}})
    here = await world.say("#sleep", "eve", "casino")
    there = await world.say("#common", "eve", "casino")
    await world.settle()
    assert not gone(world, "#sleep", here)
    assert gone(world, "#common", there)


@on_a_file
async def test_a_room_has_settings_of_its_own_by_the_file_and_by_command(world: World) -> None:
    await told(world, flood={"acts": ["redact"], "rooms": {"circle/sleep": {"limit": 2, "seconds": 600}}})

    async def writes(room: str, seconds: int = 0) -> bool:
        """Whether a message stays that is written there so long after the one before."""
        world.clock.forward(seconds * 1000)
        event = await world.say(room, "eve", "and so on")
        await world.settle()
        return not gone(world, room, event)

    assert [await writes("#sleep", 90) for _ in range(3)] == [True, True, False]
    assert all([await writes("#common") for _ in range(4)])
    assert (
        "limit of flood is 3 now in common" in (await world.order("mod", "!protect set in common flood limit 3")).body
    )
    assert not await writes("#common")
    shown = (await world.order("mod", "!protect show flood")).body
    assert "in circle/sleep, limit: 2" in shown
    assert "in common, limit: 3" in shown
    assert "cannot be that" in (await world.order("mod", "!protect set in common flood limit many")).body
    await world.order("mod", "!protect off flood common")
    assert await writes("#common")
    for wrong in ({"limit": "many"}, {"speed": 3}, {"dry": True}, {"rooms": {}}):
        with pytest.raises(ValidationError):
            type(world.config.protections).model_validate({"flood": {"rooms": {"common": wrong}}})


@on_a_file
async def test_a_protection_that_acts_too_often_pauses_and_calls_staff(world: World) -> None:
    await told(world, words={"words": ["casino*"]}, most_a_minute=3)
    said = [await world.say("#sleep", "eve", f"casino number {n}") for n in range(6)]
    await world.settle()
    assert [gone(world, "#sleep", event) for event in said] == [True] * 3 + [False] * 3
    (called,) = [seen for seen in world.from_hearth("#staff") if "pauses now" in seen.body]
    assert called.content["m.mentions"] == {"user_ids": [MOD]}
    await world.restart()
    event = await world.say("#sleep", "eve", "casino once more")
    await world.settle()
    assert not gone(world, "#sleep", event)  # a restart does not end it


@on_a_file
async def test_who_is_new_and_how_much_somebody_wrote_survives_a_restart(world: World) -> None:
    await told(
        world, newcomer_media={"enabled": True}, flood={"limit": 3, "acts": ["redact"]}, trusted_days=0, trusted_posts=2
    )
    early = await world.say("#sleep", "eve", "1.png", msgtype="m.image", url="mxc://b.test/1")
    await world.say("#sleep", "eve", "Hello")
    await world.settle()
    await world.say("#sleep", "eve", "I am Eve")
    await world.settle()
    await world.restart()
    late = await world.say("#sleep", "eve", "2.png", msgtype="m.image", url="mxc://b.test/2")
    await world.settle()
    assert gone(world, "#sleep", early)
    assert await findings(world) == [
        "newcomer_media: a picture or file by a newcomer (redact, warn)",
        "flood: more than 3 messages within 30 seconds (redact)",
    ]
    assert gone(world, "#sleep", late)
    world.clock.forward(60_000)
    calm = await world.say("#sleep", "eve", "3.png", msgtype="m.image", url="mxc://b.test/3")
    await world.settle()
    assert not gone(world, "#sleep", calm)


@on_a_file
async def test_what_somebody_wrote_over_hours_while_we_were_away_is_no_flood(world: World) -> None:
    await told(world, flood={"limit": 3})
    await world.stop()
    slow = [
        await world.member("eve").say(world.room("#sleep"), f"Word {n}", ts=world.clock() - (60 - n) * 60_000)
        for n in range(6)
    ]
    quick = [await world.say("#common", "dan", f"Word {n}") for n in range(6)]
    await world.start()
    await world.settle()
    assert [gone(world, "#sleep", event) for event in slow] == [False] * 6
    assert [gone(world, "#common", event) for event in quick] == [False] * 3 + [True] * 3


@on_a_file
async def test_the_same_words_in_several_rooms_are_known_again_and_not_kept(world: World) -> None:
    text = "Buy your very own moon today, only at the best price"
    await told(world, repeated={"rooms_limit": 1, "shortest": 24})
    first = await world.say("#sleep", "eve", text)
    await world.settle()
    second = await world.say("#common", "eve", text.upper().replace("O", "0"))
    await world.settle()
    assert not gone(world, "#sleep", first)
    assert gone(world, "#common", second)
    (case,) = await world.rows(cases)
    assert (case["kind"], case["subject"], case["state"]) == ("protection/repeated", EVE, "open")
    assert "the same words in 2 rooms" in next(
        seen.body for seen in world.from_hearth("#staff") if "Case 1" in seen.body
    )
    assert len(await world.rows(repeats)) == 2
    world.clock.forward(2 * 60 * 60_000)
    await world.ring("repeats")
    assert await world.rows(repeats) == []


@on_a_file
async def test_a_false_alarm_is_said_by_one_reaction_and_the_author_hears_so(world: World) -> None:
    await told(world, forged={"acts": ["redact", "case"]})
    event = await world.say("#sleep", "eve", "**Ann** in #garden:\nI like you")
    await world.settle()
    assert gone(world, "#sleep", event)
    shown = next(seen for seen in world.from_hearth("#staff") if "Case 1" in seen.body)
    await world.react("#staff", "mod", shown.event_id, "👎")
    await world.settle()
    await world.direct("eve")
    assert any("that was a mistake" in text for text in world.told("eve"))
    assert [case["outcome"] for case in await world.rows(cases)] == ["refused"]


@on_a_file
async def test_a_name_like_that_of_staff_is_a_case(world: World) -> None:
    await told(world)
    for name in ("Наrth", "Mоd"):  # with Cyrillic letters
        content = {"membership": "join", "displayname": name.replace("Наrth", "Неаrth")}
        await world.member("eve").state(world.room("#common"), "m.room.member", content, key=EVE)
        await world.settle()
    (case,) = await world.rows(cases)
    assert (case["kind"], case["subject"]) == ("protection/look_alike", EVE)
    assert len(await findings(world)) == 2
    content = {"membership": "join", "displayname": "Mod"}
    await world.member("mod").state(world.room("#common"), "m.room.member", content, key=MOD)
    await world.settle()
    assert len(await findings(world)) == 2


@on_a_file
async def test_many_who_come_at_once_are_one_case(world: World) -> None:
    await told(world, join_wave={"limit": 3})
    for number in range(6):
        user = f"@wave{number}:c.test"
        world.hs.inject(
            world.room("#common"), user, "m.room.member", {"membership": "join"}, ts=world.clock(), state_key=user
        )
    await world.settle()
    waves = [case for case in await world.rows(cases) if case["kind"] == "protection/join_wave"]
    assert len(waves) == 1


@on_a_file
@pytest.mark.parametrize("kind", ["hang", "hang_after"])
async def test_a_kill_in_the_middle_loses_no_redaction_and_doubles_none(world: World, kind: Any) -> None:
    await told(world, words={"words": ["casino*"]})
    hanging = world.hs.faults.add(kind, path="/redact/", times=None)
    event = await world.say("#sleep", "eve", "casino")
    await world.hs.until(lambda: hanging.hits)
    (entry,) = [each for each in await world.ledger() if each.action == "protect"]
    assert (entry.event, entry.outcome) == (event, None)  # written before the act
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.settle()
    assert gone(world, "#sleep", event)
    redactions = list(world.hs.timeline(world.room("#sleep"), "m.room.redaction"))
    assert len(redactions) == 1
    (entry,) = [each for each in await world.ledger() if each.action == "protect"]
    assert entry.outcome == {"done": 2, "refused": {}}


@on_a_file
async def test_staff_hears_of_what_could_not_be_removed(world: World) -> None:
    await told(world, words={"words": ["casino*"], "acts": ["redact"]})
    world.hs.faults.add("status", path="/redact/", status=403, errcode="M_FORBIDDEN", times=None)
    await world.say("#sleep", "eve", "casino")
    await world.settle()
    assert any("the homeserver refused it" in seen.body for seen in world.from_hearth("#staff"))
    (entry,) = [each for each in await world.ledger() if each.action == "protect"]
    assert entry.outcome == {"done": 0, "refused": {world.room("#sleep"): "M_FORBIDDEN"}}


@on_a_file
async def test_no_word_of_what_was_removed_stays_in_the_database(world: World) -> None:
    await told(world, words={"words": ["casino*"]}, repeated={"rooms_limit": 1, "shortest": 24})
    for room in ("#sleep", "#common"):
        await world.say(room, "eve", "Come to my xylophone casino, dear friends of the zither")
        await world.say(room, "eve", "Come to my xylophone concert, dear friends of the zither")
    await world.settle()
    assert len(await findings(world)) == 3
    for table in metadata.sorted_tables:
        assert "xylophone" not in repr(await world.rows(table)), table.name
    assert await world.rows(posts)
    assert await world.rows(guards)
    assert await world.rows(outbox)


@on_a_file
async def test_the_list_is_changed_by_command_and_the_command_holds_after_a_restart(world: World) -> None:
    assert "“" not in (await world.order("mod", "!protect words")).body
    await world.order("mod", "!protect words add Bitcoin*")
    event = await world.say("#sleep", "eve", "b.i.t.c.o.i.n!")
    await world.settle()
    assert gone(world, "#sleep", event)
    await world.restart()
    event = await world.say("#sleep", "eve", "BITCOINS")
    await world.settle()
    assert gone(world, "#sleep", event)
    assert "Bitcoin*" in (await world.order("mod", "!protect words")).body
    await world.order("mod", "!protect words remove Bitcoin*")
    event = await world.say("#sleep", "eve", "Bitcoin")
    await world.settle()
    assert not gone(world, "#sleep", event)
    assert "is not on the list" in (await world.order("mod", "!protect words remove Bitcoin*")).body

    # A list that holds no more stays as it is.
    (cause, *_) = [each.id for each in await world.ledger()]
    async with world.writing() as db:
        many = [f"word{number}" for number in range(2000)]
        await settings.decide(db, "protection/words", "words", many, cause, world.clock(), is_so=True)
    assert "The list is full" in (await world.order("mod", "!protect words add casino")).body
    event = await world.say("#sleep", "eve", "word1999")
    await world.settle()
    assert gone(world, "#sleep", event)


@on_a_file
async def test_protections_are_shown_switched_and_tried_by_command(world: World) -> None:
    shown = (await world.order("mod", "!protect")).body
    assert "crisis: Find messages that sound like danger to life" in shown
    assert "on trial" not in shown
    assert "(off)" in shown
    await world.order("mod", "!protect on links")
    await world.order("mod", "!protect set links acts [redact]")
    await world.order("mod", "!protect off links #sleep")
    here = await world.say("#sleep", "eve", "see https://example.com/1")
    there = await world.say("#common", "eve", "see https://example.com/2")
    await world.settle()
    assert (gone(world, "#sleep", here), gone(world, "#common", there)) == (False, True)
    assert "on trial" in (await world.order("mod", "!protect try links")).body
    there = await world.say("#common", "eve", "see https://example.com/3")
    await world.settle()
    assert not gone(world, "#common", there)
    assert "would have done: redact 1" in (await world.order("mod", "!protect show links")).body
    assert "knows no such setting" in (await world.order("mod", "!protect set flood speed 3")).body
    assert "cannot be that" in (await world.order("mod", "!protect set flood limit many")).body
    assert "Perhaps: flood" in (await world.order("mod", "!protect off floud")).body
    assert "flood: Find very many messages" in (await world.order("mod", "!help protect")).body
    assert [each.action for each in await world.ledger() if each.actor == MOD] == [
        "protect on", "protect set", "protect off in circle/sleep", "protect try",
    ]  # fmt: skip
