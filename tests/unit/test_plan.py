"""Laws of planning: what is right stays untouched, every plan leads to the goal, also when it is cut off anywhere."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config
from bridge.config_types import OUR_STATE
from bridge.globs import server_matches
from bridge.rooms.contents import create_request, mark
from bridge.rooms.districts import districted
from bridge.rooms.forecast import after, forecast
from bridge.rooms.model import (
    Actual,
    ActualRoom,
    Around,
    Create,
    Desired,
    InvitePerson,
    Note,
    SayWelcome,
    SetContent,
    UploadFile,
)
from bridge.rooms.plan import desired, notes, plan
from bridge.rooms.tell import explain, line

ME = "@hearth:a.test"
PEOPLE = [f"@{name}:{server}.test" for name in ("ann", "ben", "cleo") for server in "ab"]
TYPES = [
    "m.room.name", "m.room.topic", "m.room.join_rules", "m.room.guest_access", "m.room.history_visibility",
    "m.room.canonical_alias", "m.room.encryption", "m.room.power_levels", "m.space.parent", "m.space.child", "org.example",
    "m.room.server_acl", "m.room.retention", "m.room.pinned_events", "m.room.avatar",
]  # fmt: skip


def goal_of(community: Mapping[str, Any]) -> Desired:
    matrix = {"homeserver": "http://a.test", "user_id": ME}
    return desired(Config.model_validate({"matrix": matrix, "community": community}), ME)


people = st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True)
FILES = {"/pictures/one.png": "1" * 64, "/pictures/two.png": "2" * 64}
servers = st.sampled_from([[], ["a.test"], ["a.test", "b.test"], ["*.test"]])
powers = st.dictionaries(
    st.sampled_from(["write", "react", "invite", "ban", "pin", "topic", "m.room.topic", "org.example.x"]),
    st.sampled_from(["everybody", "curators", "moderators", "owners", 7]),
    max_size=3,
)
pictures = st.sampled_from([*FILES, "/pictures/missing.png", "mxc://a.test/abc"])
settings = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["One", "Two"]),
        "encrypted": st.booleans(),
        "history": st.sampled_from(["shared", "joined"]),
    },
    optional={
        "topic": st.sampled_from(["", "a", "b"]),
        "alias": st.sampled_from(["x", "y"]),
        "entry": st.sampled_from(["invited", "knock"]),
        "servers": servers,
        "retention_days": st.sampled_from([1, 90]),
        "power": powers,
        "avatar": pictures,
        "welcome": st.sampled_from(["", "Hello", "Welcome **all**"]),
    },
)
entries = st.sampled_from(["members", "invited", "knock", "public"])


@st.composite
def goals(draw: st.DrawFn) -> Desired:
    tags = draw(st.lists(st.sampled_from(["sleep", "Тревога", "food"]), max_size=3, unique=True))
    circles = [
        {**draw(settings), "entry": draw(entries), "tag": tag, "curators": draw(people), "members": draw(people)}
        for tag in tags
    ]
    keys = draw(st.lists(st.sampled_from(["library", "lobby"]), max_size=2, unique=True))
    further = [
        {**draw(settings), "entry": draw(entries), "key": key, "alias": key, "members": draw(people)} for key in keys
    ]
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
            "rooms": further,
            "district_size": draw(st.sampled_from([1, 2, 50])),
            "owners": draw(people),
            "moderators": draw(people),
            "room_version": version,
        }
    )


power = st.dictionaries(st.sampled_from(PEOPLE), st.integers(-10, 160), max_size=4)
contents = st.dictionaries(
    st.sampled_from(["name", "topic", "join_rule", "guest_access", "history_visibility", "alias", "via", "ban", "x", "events", "allow", "deny", "pinned", "url", "max_lifetime"]),
    st.one_of(st.text(max_size=3), st.integers(), st.lists(st.text(max_size=2), max_size=2), st.dictionaries(st.text(max_size=2), st.integers())),
    max_size=3,
)  # fmt: skip


@st.composite
def drifted(draw: st.DrawFn, goal: Desired) -> Actual:
    """Rooms as another version of the file and many hands left them."""
    actual = built(draw(goals()), beginning(draw(st.sampled_from(["9", "10", "12"])), draw(denials)))
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
    return replace(
        actual, rooms=rooms, aliases=aliases, lost=lost, denied=draw(denials), files=draw(st.sampled_from([{}, FILES]))
    )


denials = st.sampled_from([(), ("evil.test",), ("a.test", "evil.test")])


def beginning(version: str, denied: tuple[str, ...] = ()) -> Actual:
    """Nothing is there yet."""
    return Actual({}, version, denied=denied, files=FILES)


def built(goal: Desired, actual: Actual) -> Actual:
    for change in forecast(goal, actual):
        actual = after(goal, actual, change)
    return actual


@given(goals(), st.sampled_from(["9", "10", "12"]), denials)
def test_what_was_built_needs_nothing(goal: Desired, version: str, denied: tuple[str, ...]) -> None:
    actual = built(goal, beginning(version, denied))
    assert set(actual.rooms) == {room.key for room in districted(goal, actual).rooms if not room.archived}
    assert plan(goal, actual) == ()
    assert {note.about for note in notes(goal, actual)} <= {"picture"}


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
    assert without_members(actual) == without_members(end)
    for user in PEOPLE:
        open_ones = [room.key for room in actual.rooms.values() if room.members.get(user) == "invite"]
        assert len(open_ones) <= 1


def without_members(actual: Actual) -> Actual:
    """Who is invited first depends on which room is there first."""
    return replace(actual, rooms={key: replace(room, members={}) for key, room in actual.rooms.items()})


@given(st.data(), goals())
def test_only_ours_is_touched_and_nobody_is_pressed(data: st.DataObject, goal: Desired) -> None:
    start = data.draw(drifted(goal))
    keys = {room.key for room in goal.rooms} | {f"district/{number}" for number in range(1, 20)}
    for change in forecast(goal, start):
        assert line(change)
        if isinstance(change, SayWelcome):
            assert change.key in keys
            assert change.text
        if isinstance(change, UploadFile):
            assert change.sha256 not in start.uploads
        if isinstance(change, Create):
            assert change.room.key not in start.rooms
            assert not change.room.archived
            assert change.room.alias not in start.aliases
        if isinstance(change, SetContent):
            assert change.key in keys
            assert change.type != "org.example"
            assert change.key not in start.rooms or start.rooms[change.key].here
        if isinstance(change, InvitePerson):
            asked = next(room for room in goal.rooms if room.key == change.key)
            assert asked.kind == "space" or asked.entry == "invited" or asked.kind == "staff"
            known = start.rooms.get(change.key) or start.lost.get(change.key)
            assert known is None or change.user not in known.members
            assert change.user != ME
    for note in notes(goal, start):
        assert explain(note).source


@given(goals(), st.sampled_from(["10", "12"]))
def test_the_space_is_made_first_and_one_request_makes_a_room(goal: Desired, version: str) -> None:
    first = next(change for change in plan(goal, beginning(version)) if not isinstance(change, UploadFile))
    assert isinstance(first, Create)
    assert first.room.kind == "space"
    for room in (room for room in goal.rooms if not room.archived):
        request = create_request(goal, room, Around(goal.version or version, "!space", "!space"))
        levels = request["power_level_content_override"]
        endless = (goal.version or version) == "12"
        assert request["creation_content"].get("additional_creators", []) == (sorted(goal.owners) if endless else [])
        assert not endless or not {ME, *goal.owners} & set(levels["users"])
        assert endless or levels["users"][ME] == 100
        kinds = {event["type"]: event["content"] for event in request["initial_state"]}
        assert ("m.room.encryption" in kinds) == room.encrypted
        assert kinds["m.room.join_rules"]["join_rule"] in JOIN_RULES[room.entry, room.parent is not None]
        assert levels["events_default"] == (room.power.get("write", 50 if room.kind == "space" else 0))
        assert levels["invite"] == room.power.get("invite", room.guarded)
        assert ("m.room.server_acl" in kinds) == bool(room.servers)


JOIN_RULES = {
    ("members", True): ("restricted",),
    ("invited", True): ("invite",),
    ("knock", True): ("knock_restricted",),
    ("public", True): ("public",),
    ("invited", False): ("invite",),
    ("knock", False): ("knock",),
}


@given(st.data(), goals())
def test_encryption_never_goes_and_what_is_ours_to_guard_stays_guarded(data: st.DataObject, goal: Desired) -> None:
    for change in forecast(goal, data.draw(drifted(goal))):
        if isinstance(change, SetContent):
            assert change.type != "m.room.encryption" or (
                change.content["algorithm"] and not change.was.get("algorithm")
            )
            if change.type == "m.room.power_levels":
                assert all(change.content["events"][kind] >= 100 for kind in OUR_STATE)
            if change.type == "m.room.server_acl":
                assert may_be_there(change.content, "a.test")


def may_be_there(acl: Mapping[str, Any], server: str) -> bool:
    """What a homeserver makes of the list (spec: "Server Access Control Lists")."""
    return not any(server_matches(each, server) for each in acl["deny"]) and any(
        server_matches(each, server) for each in acl["allow"]
    )


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
