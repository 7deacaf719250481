"""Laws of planning: what is right stays untouched, every plan leads to the goal, also when it is cut off anywhere."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config
from bridge.rooms.contents import create_request, mark
from bridge.rooms.model import Actual, ActualRoom, Create, Desired, InvitePerson, Note, SetContent
from bridge.rooms.plan import after, desired, forecast, notes, plan
from bridge.rooms.tell import explain, line

ME = "@hearth:a.test"
PEOPLE = [f"@{name}:{server}.test" for name in ("ann", "ben", "cleo") for server in "ab"]
TYPES = [
    "m.room.name", "m.room.topic", "m.room.join_rules", "m.room.guest_access", "m.room.history_visibility",
    "m.room.canonical_alias", "m.room.encryption", "m.room.power_levels", "m.space.parent", "m.space.child", "org.example",
]  # fmt: skip


def goal_of(community: Mapping[str, Any]) -> Desired:
    matrix = {"homeserver": "http://a.test", "user_id": ME}
    return desired(Config.model_validate({"matrix": matrix, "community": community}), ME)


people = st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True)
settings = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["One", "Two"]),
        "encrypted": st.booleans(),
        "history": st.sampled_from(["shared", "joined"]),
    },
    optional={"topic": st.sampled_from(["", "a", "b"]), "alias": st.sampled_from(["x", "y"])},
)


@st.composite
def goals(draw: st.DrawFn) -> Desired:
    tags = draw(st.lists(st.sampled_from(["sleep", "Тревога", "food"]), max_size=3, unique=True))
    circles = [{**draw(settings), "tag": tag, "curators": draw(people), "members": draw(people)} for tag in tags]
    for number, circle in enumerate(circles):
        circle.pop("alias", None)
        circle["name"] = f"Circle {number}"
        circle["substitutes"], circle["former"] = draw(people), draw(people)
    used = draw(st.integers(0, len(circles)))
    rooms = {name: {**draw(settings), "alias": name} for name in ("space", "common", "staff")}
    version = draw(st.sampled_from([None, "10", "12"]))
    return goal_of(
        {
            **rooms,
            "circles": circles[:used],
            "archived": circles[used:],
            "owners": draw(people),
            "moderators": draw(people),
            "room_version": version,
        }
    )


power = st.dictionaries(st.sampled_from(PEOPLE), st.integers(-10, 160), max_size=4)
contents = st.dictionaries(
    st.sampled_from(["name", "topic", "join_rule", "guest_access", "history_visibility", "alias", "via", "ban", "x", "events"]),
    st.one_of(st.text(max_size=3), st.integers(), st.lists(st.text(max_size=2), max_size=2), st.dictionaries(st.text(max_size=2), st.integers())),
    max_size=3,
)  # fmt: skip


@st.composite
def drifted(draw: st.DrawFn, goal: Desired) -> Actual:
    """Rooms as another version of the file and many hands left them."""
    actual = built(draw(goals()), Actual({}, draw(st.sampled_from(["10", "12"]))))
    rooms = dict(actual.rooms)
    for key in draw(st.lists(st.sampled_from(sorted(rooms)), unique=True)):
        room, state = rooms[key], dict(rooms[key].state)
        for kind in draw(st.lists(st.sampled_from(TYPES), max_size=3)):
            state[kind, {"m.space.parent": "!space", "m.space.child": "!common"}.get(kind, "")] = draw(contents)
        if draw(st.booleans()):
            levels = dict(state.get(("m.room.power_levels", ""), {}))
            mine = {} if room.version == "12" else {ME: draw(st.sampled_from([0, 50, 100]))}
            creators = {user: 0 for user in room.creators if room.version == "12"}
            users = {user: level for user, level in draw(power).items() if user not in creators}
            state["m.room.power_levels", ""] = {**levels, "users": {**users, **mine}}
        members = {
            **room.members,
            **draw(st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(["join", "leave", "ban"]), max_size=3)),
        }
        rooms[key] = replace(room, state=state, members=members, here=draw(st.sampled_from([True, True, True, False])))
    missing = draw(st.lists(st.sampled_from(sorted(rooms)), unique=True))
    lost = {key: rooms.pop(key) for key in missing if draw(st.booleans()) and rooms[key].here}
    for key in missing:
        rooms.pop(key, None)
    aliases = draw(
        st.dictionaries(
            st.sampled_from([room.alias for room in goal.rooms]), st.sampled_from(["!else", "!common"]), max_size=2
        )
    )
    return Actual(rooms, actual.version, aliases, lost)


def built(goal: Desired, actual: Actual) -> Actual:
    for change in forecast(goal, actual):
        actual = after(goal, actual, change)
    return actual


@given(goals(), st.sampled_from(["10", "12"]))
def test_what_was_built_needs_nothing(goal: Desired, version: str) -> None:
    actual = built(goal, Actual({}, version))
    assert set(actual.rooms) == {room.key for room in goal.rooms if not room.archived}
    assert plan(goal, actual) == ()
    assert not notes(goal, actual)


@given(st.data(), goals())
def test_every_drift_is_put_right_and_then_nothing_is_left(data: st.DataObject, goal: Desired) -> None:
    actual = built(goal, data.draw(drifted(goal)))
    assert plan(goal, actual) == ()


@given(st.data(), goals())
def test_a_plan_that_is_cut_off_anywhere_is_taken_up_again(data: st.DataObject, goal: Desired) -> None:
    start = data.draw(drifted(goal))
    end, actual = built(goal, start), start
    while changes := plan(goal, actual):
        for change in changes[: data.draw(st.integers(1, len(changes)))]:
            actual = after(goal, actual, change)
    assert actual == end


@given(st.data(), goals())
def test_only_ours_is_touched_and_nobody_is_pressed(data: st.DataObject, goal: Desired) -> None:
    start = data.draw(drifted(goal))
    keys = {room.key for room in goal.rooms}
    for change in forecast(goal, start):
        assert line(change)
        if isinstance(change, Create):
            assert change.room.key not in start.rooms
            assert not change.room.archived
            assert change.room.alias not in start.aliases
        if isinstance(change, SetContent):
            assert change.key in keys
            assert change.type != "org.example"
            assert change.key not in start.rooms or start.rooms[change.key].here
        if isinstance(change, InvitePerson):
            assert change.key in ("space", "staff")
            known = start.rooms.get(change.key) or start.lost.get(change.key)
            assert known is None or change.user not in known.members
            assert change.user != ME
    for note in notes(goal, start):
        assert explain(note).source


@given(goals(), st.sampled_from(["10", "12"]))
def test_the_space_is_made_first_and_one_request_makes_a_room(goal: Desired, version: str) -> None:
    first, *_ = plan(goal, Actual({}, version))
    assert isinstance(first, Create)
    assert first.room.kind == "space"
    for room in (room for room in goal.rooms if not room.archived):
        request = create_request(goal, room, goal.version or version, "!space")
        levels = request["power_level_content_override"]
        endless = (goal.version or version) == "12"
        assert request["creation_content"].get("additional_creators", []) == (sorted(goal.owners) if endless else [])
        assert not endless or not {ME, *goal.owners} & set(levels["users"])
        assert endless or levels["users"][ME] == 100
        kinds = {event["type"]: event["content"] for event in request["initial_state"]}
        assert ("m.room.encryption" in kinds) == room.encrypted
        assert kinds["m.room.join_rules"]["join_rule"] == (
            "restricted" if room.kind in ("common", "circle") else "invite"
        )
        assert levels["events_default"] == (50 if room.kind == "space" else 0)
        assert (levels["invite"], levels["ban"]) == (50, 50)


def test_a_room_of_an_unknown_shape_is_survived() -> None:
    goal = goal_of({"space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}})
    odd: dict[tuple[str, str], Any] = {
        ("m.room.power_levels", ""): {"users": 3, "events": None},
        ("m.space.child", "!common"): {"via": 4},
    }
    actual = Actual({"space": ActualRoom("space", "!s", "12", frozenset({ME}), odd)}, "12")
    assert plan(goal, built(goal, actual)) == ()


def test_marks_differ_by_room_and_address() -> None:
    goal = goal_of({"space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}})
    assert len({mark(room) for room in (*goal.rooms, replace(goal.rooms[0], alias="#other:a.test"))}) == 4


def test_a_note_without_a_person_is_explained() -> None:
    assert explain(Note("common", "power", level=0)).values["level"] == 0
