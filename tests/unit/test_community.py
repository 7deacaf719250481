"""The configuration with what commands decided over it."""

from typing import Any

import pytest

from bridge.community import Setting, archived, circle_by_key, circle_key, overlaid
from bridge.config import Config

CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "http://a.test", "user_id": "@hearth:a.test"},
        "community": {
            "space": {"name": "Home"},
            "common": {"name": "Common room"},
            "staff": {"name": "Staff"},
            "circles": [{"name": "Sleep", "tag": "sleep", "topic": "Bad nights"}, {"name": "Work", "tag": "work"}],
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


def test_an_archived_circle_is_wanted_no_more_until_it_is_taken_back() -> None:
    gone = ("circle/sleep", "archived", True)
    assert [circle.tag for circle in after(gone).community.circles] == ["work"]
    assert archived([Setting(*gone)]) == {"circle/sleep"}
    assert len(after(gone, ("circle/sleep", "archived", None)).community.circles) == 2
    assert not archived([Setting(*gone), Setting("circle/sleep", "archived", None)])


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
