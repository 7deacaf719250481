"""What was said once appears as a thread in each chosen circle; answers stay there, and the sender sees them at one place."""

from world import World, on_a_file

pytestmark = on_a_file


async def announced(world: World, where: str = "all", who: str = "mod", room: str = "#staff") -> str:
    """A message in a room, announced; its event id."""
    event = await world.say(room, who, "We meet on **Friday**.")
    answer = {"m.relates_to": {"m.in_reply_to": {"event_id": event}}}
    await world.say(room, who, f"!announce {where}", **answer)
    await world.settle()
    return event


async def test_an_announcement_appears_in_every_circle_and_pings_nobody(world: World) -> None:
    await announced(world)
    for circle in ("#sleep", "#garden"):
        (seen,) = world.from_hearth(circle)
        assert seen.body == "Mod to the circles:\nWe meet on **Friday**."
        assert seen.content["m.mentions"] == {}
    assert world.from_hearth("#common") == []


async def test_a_circle_can_be_chosen_and_the_own_one_is_left_out(world: World) -> None:
    await announced(world, "#garden")
    assert len(world.from_hearth("#garden")) == 1
    assert world.from_hearth("#sleep") == []
    await announced(world, "all", who="ann", room="#sleep")
    assert len(world.from_hearth("#garden")) == 2
    assert [seen for seen in world.from_hearth("#sleep") if "Friday" in seen.body] == []


async def test_edits_follow_and_a_redaction_takes_it_back(world: World) -> None:
    event = await announced(world)
    await world.edit("#staff", "mod", event, "We meet on Saturday.")
    await world.settle()
    assert [seen.body for seen in world.from_hearth("#sleep")] == ["Mod to the circles:\nWe meet on Saturday."]
    await world.redact("#staff", "mod", event)
    await world.settle()
    assert world.from_hearth("#sleep") == []
    assert world.from_hearth("#garden") == []


async def test_answers_stay_in_their_circle_and_the_sender_sees_them_counted(world: World) -> None:
    await announced(world)
    (copy,) = world.from_hearth("#sleep")
    await world.answer("#sleep", "ben", copy.event_id, "I will come")
    await world.answer("#sleep", "eve", copy.event_id, "So will I")
    await world.settle()
    assert world.from_hearth("#common") == []
    assert len(world.from_hearth("#garden")) == 1
    (told,) = await world.ask("mod", "announced")
    assert "has 2 answers" in told
    assert "#sleep: 2 answers" in told
    assert "#garden: 0 answers" in told
    assert copy.event_id in told


async def test_only_the_author_announces_and_only_a_message_that_is_there(world: World) -> None:
    event = await world.say("#staff", "olga", "Mine")
    answer = {"m.relates_to": {"m.in_reply_to": {"event_id": event}}}
    command = await world.say("#staff", "mod", "!announce all", **answer)
    await world.settle()
    assert "not yours" in world.answer_to("#staff", command).body
    assert "Write your message first" in (await world.order("mod", "!announce all")).body
    assert world.from_hearth("#sleep") == []


async def test_a_member_cannot_announce(world: World) -> None:
    await announced(world, who="ben", room="#sleep")
    assert world.from_hearth("#garden") == []


async def test_hearing_it_all_again_says_nothing_twice(world: World) -> None:
    await announced(world)
    await world.replay()
    assert [request for request in world.changes() if "/send/" in request.path] == []


async def circles_more(world: World, number: int) -> None:
    """So many further circles, without people."""
    await world.stop()
    data = world.config.model_dump(mode="json", exclude_unset=True)
    data["matrix"]["access_token"] = world.config.matrix.access_token.get_secret_value()  # type: ignore[union-attr]
    data["community"]["circles"] += [
        {"tag": f"more{each}", "name": f"More {each}", "encrypted": False} for each in range(number)
    ]
    await world.build(data)
    await world.start()
    await world.settle()


async def test_more_than_ten_circles_are_asked_about_first(world: World) -> None:
    await circles_more(world, 9)
    event = await announced(world)
    (asked,) = [seen for seen in world.from_hearth("#staff") if "would appear in 11 circles" in seen.body]
    assert world.from_hearth("#sleep") == []
    await world.react("#staff", "olga", asked.event_id, "👍")  # it is not hers
    await world.settle()
    assert world.from_hearth("#sleep") == []
    await world.react("#staff", "mod", asked.event_id, "👍")
    await world.settle()
    assert len(world.from_hearth("#sleep")) == len(world.from_hearth("#garden")) == 1
    assert "appears in 11 circles" in world.from_hearth("#staff")[-1].body
    await world.redact("#staff", "mod", event)
    await world.settle()
    assert world.from_hearth("#sleep") == []


async def test_what_was_taken_away_meanwhile_is_not_announced(world: World) -> None:
    await circles_more(world, 9)
    event = await announced(world)
    (asked,) = [seen for seen in world.from_hearth("#staff") if "would appear in 11 circles" in seen.body]
    await world.redact("#staff", "mod", event)
    await world.react("#staff", "mod", asked.event_id, "👍")
    await world.settle()
    assert "not there any more" in world.from_hearth("#staff")[-1].body
    assert world.from_hearth("#sleep") == []


async def test_a_curator_announces_from_the_own_circle_only(world: World) -> None:
    await world.member("ann").join(world.rooms["#garden"])
    await world.settle()
    await announced(world, "#sleep", who="ann", room="#garden")
    assert world.from_hearth("#sleep") == []
    await announced(world, "#garden", who="ann", room="#sleep")
    assert len([seen for seen in world.from_hearth("#garden") if "Friday" in seen.body]) == 1
