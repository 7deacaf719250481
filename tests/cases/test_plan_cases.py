"""What a plan says in each case of cases/plan: the file's name is the rule."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import Config
from bridge.rooms.forecast import after, forecast
from bridge.rooms.model import Actual, ActualRoom, Desired
from bridge.rooms.plan import desired, notes, plan
from bridge.rooms.tell import line

CASES = sorted((Path(__file__).parent / "plan").glob("*.yaml"))
ME = "@hearth:a.test"
COMMUNITY = {
    "space": {"name": "Home"},
    "common": {"name": "Common room"},
    "staff": {"name": "Staff"},
    "circles": [
        {
            "name": "Sleep",
            "tag": "sleep",
            "topic": "Bad nights",
            "curators": ["@ben:a.test"],
            "members": ["@cleo:b.test"],
        }
    ],
    "owners": ["@ann:a.test"],
    "moderators": ["@mod:b.test"],
}


def wanted(changes: Mapping[str, Any]) -> Desired:
    matrix = {"homeserver": "http://a.test", "user_id": ME}
    return desired(Config.model_validate({"matrix": matrix, "community": {**COMMUNITY, **changes}}), ME)


def built(goal: Desired, actual: Actual) -> Actual:
    for change in forecast(goal, actual):
        actual = after(goal, actual, change)
    assert plan(goal, actual) == ()
    return actual


def given(case: Mapping[str, Any]) -> Actual:
    actual = Actual({}, case.get("version", "12"), files=case.get("files", {}))
    if "built" in case or "built_with" in case:
        actual = built(wanted(case.get("built_with", {})), actual)
    rooms: dict[str, ActualRoom] = dict(actual.rooms)
    for drift in case.get("drift", ()):
        rooms[drift["room"]] = with_state(
            rooms[drift["room"]], drift["type"], drift.get("state_key", ""), drift["content"]
        )
    for drift in case.get("merge", ()):
        room = rooms[drift["room"]]
        rooms[drift["room"]] = with_state(room, drift["type"], "", {**room.content(drift["type"]), **drift["content"]})
    for drift in case.get("levels", ()):
        room = rooms[drift["room"]]
        levels = room.content("m.room.power_levels")
        users = {**levels["users"], drift["user"]: drift["level"]}
        rooms[drift["room"]] = with_state(room, "m.room.power_levels", "", {**levels, "users": users})
    for drift in case.get("members", ()):
        room = rooms[drift["room"]]
        rooms[drift["room"]] = replace(room, members={**room.members, drift["user"]: drift["membership"]})
    for key in case.get("away", ()):
        rooms[key] = replace(rooms[key], here=False)
    lost = {key: rooms.pop(key) for key in case.get("lost", ())}
    aliases, denied = case.get("aliases", {}), tuple(case.get("denied", ()))
    return replace(actual, rooms=rooms, aliases=aliases, lost=lost, denied=denied)


def with_state(room: ActualRoom, kind: str, state_key: str, content: Mapping[str, Any]) -> ActualRoom:
    return replace(room, state={**room.state, (kind, state_key): content})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_plan_is(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    actual, goal = given(case["given"]), wanted(case["given"].get("file", {}))
    steps = forecast(goal, actual)
    told = [
        " ".join(str(part) for part in (f"{note.key}: {note.about}", note.user, note.level) if part is not None)
        for note in notes(goal, actual)
    ]
    assert [line(change) for change in steps] == case["expected"]["changes"]
    assert told == case["expected"].get("notes", [])
    for change in steps:
        actual = after(goal, actual, change)
    assert plan(goal, actual) == ()
