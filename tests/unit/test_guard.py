"""What needs a second word: too many rooms at once, and what nobody can undo."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config
from bridge.rooms.diff import why
from bridge.rooms.forecast import after, forecast
from bridge.rooms.guard import Hold, holds, meant
from bridge.rooms.model import Actual, Desired
from bridge.rooms.plan import desired

ME = "@hearth:a.test"
COMMUNITY: dict[str, Any] = {
    "space": {"name": "Home"},
    "common": {"name": "Common room", "encrypted": False, "history": "joined"},
    "staff": {"name": "Staff"},
    "circles": [{"name": f"Circle {number}", "tag": f"c{number}"} for number in range(5)],
    "owners": ["@ann:a.test"],
}


def goal(**changes: Any) -> Desired:
    matrix = {"homeserver": "http://a.test", "user_id": ME}
    return desired(Config.model_validate({"matrix": matrix, "community": {**COMMUNITY, **changes}}), ME)


def built(wanted: Desired, version: str = "12") -> Actual:
    actual = Actual({}, version)
    for change in forecast(wanted, actual):
        actual = after(wanted, actual, change)
    return actual


def found(wanted: Desired, actual: Actual) -> tuple[Hold, ...]:
    return holds(wanted, actual, forecast(wanted, actual))


def circles(changed: int, **fields: Any) -> list[Mapping[str, Any]]:
    return [{**circle, **(fields if number < changed else {})} for number, circle in enumerate(COMMUNITY["circles"])]


def drifted(actual: Actual, key: str, kind: str, content: Mapping[str, Any]) -> Actual:
    room = actual.rooms[key]
    return replace(actual, rooms={**actual.rooms, key: replace(room, state={**room.state, (kind, ""): content})})


def test_nothing_speaks_against_a_new_community() -> None:
    assert found(goal(), Actual({}, "12")) == ()


def test_nothing_speaks_against_many_new_rooms_beside_old_ones() -> None:
    more = [*COMMUNITY["circles"], *({"name": f"New {number}", "tag": f"n{number}"} for number in range(20))]
    assert found(goal(circles=more), built(goal())) == ()


@pytest.mark.parametrize(("changed", "held"), [(1, False), (2, False), (3, True)])
def test_more_than_a_third_of_the_rooms_is_too_much_at_once(changed: int, held: bool) -> None:
    told = found(goal(circles=circles(changed, topic="New")), built(goal()))
    assert bool(told) is held
    if held:
        assert told == (Hold("many", ("circle/c0", "circle/c1", "circle/c2"), 8),)


def test_a_new_moderator_is_no_change_of_every_room() -> None:
    assert found(goal(moderators=["@mia:a.test"]), built(goal())) == ()
    told = found(goal(circles=circles(5, power={"write": "curators"})), built(goal()))
    assert [hold.about for hold in told] == ["many"]


def test_in_a_small_community_every_change_is_one_of_many() -> None:
    few = {"circles": circles(0)[:2]}
    told = found(goal(circles=circles(2, topic="New")[:2]), built(goal(**few)))
    assert told == ()


def test_a_room_whose_link_a_kill_left_out_is_only_finished() -> None:
    actual = built(goal())
    space = actual.rooms["space"]
    state = {key: content for key, content in space.state.items() if key[0] != "m.space.child"}
    assert found(goal(), replace(actual, rooms={**actual.rooms, "space": replace(space, state=state)})) == ()


def test_people_to_invite_are_no_change_of_a_room() -> None:
    people = [f"@p{number}:a.test" for number in range(300)]
    assert found(goal(circles=circles(5, members=people)), built(goal())) == ()


def test_encryption_cannot_be_switched_off_again() -> None:
    told = found(goal(common={"name": "Common room", "history": "joined"}), built(goal()))
    assert told == (Hold("encryption", ("common",)),)


@pytest.mark.parametrize(
    ("history", "held"), [("joined", None), ("invited", ("joined", "invited")), ("shared", ("joined", "shared"))]
)
def test_history_is_widened_only_on_a_second_word(history: str, held: tuple[str, str] | None) -> None:
    told = found(goal(common={"name": "Common room", "encrypted": False, "history": history}), built(goal()))
    assert told == ((Hold("history", ("common",), was=held[0], now=held[1]),) if held else ())


def test_history_is_narrowed_at_once() -> None:
    wide = drifted(built(goal()), "common", "m.room.history_visibility", {"history_visibility": "world_readable"})
    assert found(goal(), wide) == ()


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        ({"join_rule": "invite"}, True),
        ({"join_rule": "knock"}, True),
        ({"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": "!other"}]}, True),
        ({"join_rule": "public"}, False),
    ],
)
def test_a_door_is_opened_wider_only_on_a_second_word(rule: Mapping[str, Any], held: bool) -> None:
    told = found(goal(), drifted(built(goal()), "circle/c0", "m.room.join_rules", rule))
    assert [hold.about for hold in told] == (["entry"] if held else [])


@pytest.mark.parametrize(("version", "held"), [("10", True), ("12", False)])
def test_nobody_is_given_as_much_power_as_hearth_without_a_second_word(version: str, held: bool) -> None:
    one = {"circles": circles(0)[:1]}
    told = found(goal(**one, owners=["@ann:a.test", "@ben:a.test"]), built(goal(**one), version))
    assert {hold.about for hold in told} == ({"power"} if held else set())
    assert {hold.user for hold in told} == ({"@ben:a.test"} if held else set())


@given(
    st.lists(st.sampled_from([f"circle/c{number}" for number in range(5)]), unique=True),
    st.booleans(),
    st.sampled_from(["shared", "invited", "joined"]),
)
def test_what_is_as_desired_never_needs_a_second_word(topics: list[str], encrypted: bool, history: str) -> None:
    changed = [
        {**circle, "encrypted": encrypted, "history": history, "topic": "x" if f"circle/{circle['tag']}" in topics else ""}
        for circle in COMMUNITY["circles"]
    ]  # fmt: skip
    wanted = goal(circles=changed)
    actual = built(goal())
    for hold in found(wanted, actual):
        assert why(hold).source
    for change in forecast(wanted, actual):
        actual = after(wanted, actual, change)
    assert found(wanted, actual) == ()


def test_who_has_just_decided_a_thing_is_not_asked_again() -> None:
    door = Hold("entry", ("circle/c0",), was="invite", now="restricted")
    assert meant(door, {("circle/c0", "archived")})
    assert not meant(door, {("circle/c0", "topic")})
    assert not meant(door, {("circle/c1", "archived")})
    assert not meant(Hold("replaced", ("circle/c0",)), {("circle/c0", "archived")})
