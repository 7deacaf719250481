"""The configuration with what commands decided over it."""

from typing import Any

import pytest

from bridge.community import (
    Setting,
    circle_by_key,
    circle_key,
    everything,
    leaders,
    most,
    overlaid,
    room_key,
    servers_of,
)
from bridge.config import Config

CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "http://a.test", "user_id": "@hearth:a.test"},
        "community": {
            "space": {"name": "Home"},
            "common": {"name": "Common room"},
            "staff": {"name": "Staff"},
            "circles": [{"name": "Sleep", "tag": "sleep", "topic": "Bad nights"}, {"name": "Work", "tag": "work"}],
            "rooms": [{"key": "library", "name": "Library"}],
        },
    }
)


def after(*settings: tuple[str, str, Any]) -> Config:
    return overlaid(CONFIG, [Setting(*each) for each in settings])


def test_without_decisions_the_file_holds() -> None:
    assert overlaid(CONFIG, []) is CONFIG


def test_the_newest_decision_about_a_field_counts_and_other_fields_stay() -> None:
    config = after(("circle/sleep", "topic", "One"), ("circle/sleep", "topic", "Two"), ("common", "topic", "All"))
    sleep = circle_by_key(config, "circle/sleep")
    assert sleep
    assert (sleep.topic, sleep.name) == ("Two", "Sleep")
    assert config.community.common.topic == "All"


def test_none_gives_the_field_back_to_the_file() -> None:
    config = after(("circle/sleep", "topic", "One"), ("circle/sleep", "topic", None))
    sleep = circle_by_key(config, "circle/sleep")
    assert sleep
    assert sleep.topic == "Bad nights"


def test_a_circle_made_by_command_is_one_of_the_circles_and_keeps_its_key_when_its_tag_changes() -> None:
    config = after(("circle/hope", "made", {"name": "Hope", "tag": "hope"}), ("circle/hope", "tag", "light"))
    hope = circle_by_key(config, "circle/hope")
    assert hope
    assert (hope.tag, circle_key(hope)) == ("light", "circle/hope")


def test_a_circle_of_the_file_keeps_its_key_when_a_command_changes_its_tag() -> None:
    config = after(("circle/sleep", "tag", "night"), ("circle/sleep", "topic", "Late"))
    sleep = circle_by_key(config, "circle/sleep")
    assert sleep
    assert (sleep.tag, sleep.topic, circle_key(sleep)) == ("night", "Late", "circle/sleep")
    again = circle_by_key(after(("circle/sleep", "tag", "night"), ("circle/sleep", "tag", "moon")), "circle/sleep")
    assert again
    assert again.tag == "moon"


def test_an_archived_circle_is_none_of_the_circles_until_it_is_taken_back() -> None:
    gone = ("circle/sleep", "archived", True)
    assert [circle.tag for circle in after(gone).community.circles] == ["work"]
    assert [circle.tag for circle in after(gone).community.archived] == ["sleep"]
    for back in (None, False):
        config = after(gone, ("circle/sleep", "archived", back))
        assert len(config.community.circles) == 2
        assert config.community.archived == ()


def test_a_circle_that_the_file_archived_can_be_taken_back_by_command() -> None:
    sleep, work = CONFIG.community.circles
    community = CONFIG.community.model_copy(update={"circles": (work,), "archived": (sleep,)})
    config = overlaid(CONFIG.model_copy(update={"community": community}), [Setting("circle/sleep", "archived", False)])
    assert [circle.tag for circle in config.community.circles] == ["work", "sleep"]
    assert config.community.archived == ()


def test_an_archived_tag_can_be_had_by_another_circle() -> None:
    config = after(("circle/sleep", "archived", True), ("circle/sleep-2", "made", {"name": "New", "tag": "sleep"}))
    assert [(circle.tag, circle_key(circle)) for circle in config.community.circles] == [
        ("work", "circle/work"),
        ("sleep", "circle/sleep-2"),
    ]


def test_who_stands_in_leads_a_circle_too_and_nobody_twice() -> None:
    config = after(("circle/sleep", "curators", ["@a:x", "@b:x"]), ("circle/sleep", "substitutes", ["@b:x", "@c:x"]))
    sleep = circle_by_key(config, "circle/sleep")
    assert sleep
    assert leaders(sleep) == ("@a:x", "@b:x", "@c:x")


def test_a_circle_has_its_own_size_or_the_communitys() -> None:
    config = after(("circle/sleep", "size", 12))
    assert [most(circle, config) for circle in config.community.circles] == [12, 30]


def test_a_further_room_can_be_changed_made_and_archived_by_command() -> None:
    config = after(
        ("room/library", "topic", "Books"),
        ("room/lobby", "made", {"name": "Lobby"}),
        ("room/lobby", "welcome", "Hello"),
    )
    assert [(room_key(room), room.topic, room.welcome) for room in config.community.rooms] == [
        ("room/library", "Books", ""),
        ("room/lobby", "", "Hello"),
    ]
    assert [room.key for room in after(("room/library", "archived", True)).community.rooms] == []
    assert after(("room/lobby", "made", {})).community == CONFIG.community


def test_every_room_has_one_key_and_one_list_of_servers() -> None:
    config = after(("space", "servers", ["a.test", "b.test"]), ("circle/sleep", "servers", ["a.test"]))
    settings = everything(config)
    assert list(settings) == ["space", "common", "staff", "room/library", "circle/sleep", "circle/work"]
    known = {key: servers_of(settings, key) for key in (*settings, "district/3", "elsewhere")}
    assert {key: servers for key, servers in known.items() if servers} == {
        "space": ("a.test", "b.test"), "district/3": ("a.test", "b.test"), "circle/sleep": ("a.test",),
    }  # fmt: skip


@pytest.mark.parametrize(
    "odd",
    [
        ("circle/sleep", "tag", "two words"),
        ("circle/sleep", "nonsense", 1),
        ("circle/new", "made", {"tag": "new"}),
        ("circle/new", "made", "what"),
        ("circle/new", "topic", "of a circle that is not"),
        ("elsewhere", "topic", "x"),
    ],
)
def test_what_does_not_fit_the_schema_is_left_out(odd: tuple[str, str, Any]) -> None:
    assert after(odd).community == CONFIG.community
