"""Districts: whatever comes and goes, a circle stays where it is, every circle is shown once, and nothing is overfull."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config
from bridge.rooms.contents import leads
from bridge.rooms.districts import districted
from bridge.rooms.forecast import after, forecast
from bridge.rooms.model import Actual, Desired
from bridge.rooms.plan import desired, plan, waits

ME = "@hearth:a.test"
TAGS = [f"t{letter}" for letter in "abcdefghij"]


def goal_of(tags: list[str], size: int) -> Desired:
    community: dict[str, Any] = {
        "space": {"name": "S"},
        "common": {"name": "C"},
        "staff": {"name": "T"},
        "circles": [{"name": tag, "tag": tag} for tag in tags],
        "district_size": size,
    }
    return desired(
        Config.model_validate({"matrix": {"homeserver": "http://a.test", "user_id": ME}, "community": community}), ME
    )


def built(goal: Desired, actual: Actual) -> Actual:
    for change in forecast(goal, actual):
        actual = after(goal, actual, change)
    assert plan(goal, actual) == ()
    return actual


def homes(goal: Desired, actual: Actual) -> dict[str, list[str]]:
    """By which spaces each wanted circle is shown."""
    spaces = [room for key, room in actual.rooms.items() if key == "space" or key.startswith("district/")]
    circles = [room for room in goal.rooms if room.kind == "circle"]
    return {
        room.key: [space.key for space in spaces if leads(space.content("m.space.child", actual.rooms[room.key].room))]
        for room in circles
    }


lists = st.lists(st.sampled_from(TAGS), unique=True, max_size=10)


@given(st.lists(lists, min_size=1, max_size=5), st.integers(1, 4))
def test_a_circle_in_a_district_stays_there_whatever_comes_and_goes(history: list[list[str]], size: int) -> None:
    actual, before = Actual({}, "12"), dict[str, list[str]]()
    for tags in history:
        goal = goal_of(tags, size)
        actual = built(goal, actual)
        now = homes(goal, actual)
        assert all(len(spaces) == 1 for spaces in now.values())
        for key, spaces in now.items():
            if before.get(key, ["space"]) != ["space"]:
                assert spaces == before[key]
        before |= now
        shown = [key for (key,) in now.values()]
        in_districts = any(key.startswith("district/") for key in actual.rooms)
        assert all(key.startswith("district/") == in_districts for key in shown)
        assert max((shown.count(key) for key in shown), default=0) <= size


def test_what_fits_into_the_space_needs_no_district() -> None:
    goal = goal_of(TAGS[:3], 4)  # and the common room
    assert districted(goal, Actual({}, "12")) is goal
    assert len(districted(goal_of(TAGS[:4], 4), Actual({}, "12")).rooms) == len(goal.rooms) + 2


def test_circles_wait_for_their_district_unless_it_cannot_be_made() -> None:
    goal = goal_of(TAGS[:3], 2)
    nothing = Actual({}, "12")
    assert [waits(goal, nothing, room) for room in goal.rooms][:2] == [False, True]
    space = built(goal_of([], 2), nothing)
    circles = [room for room in districted(goal, space).rooms if room.kind == "circle"]
    assert all(waits(goal, space, room) for room in circles)
    taken = Actual(space.rooms, "12", aliases={"#s-1:a.test": "!elsewhere"})
    assert [waits(goal, taken, room) for room in circles] == [False, False, True]
