"""Power levels as every room version has them, with contents that no sane person would write."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.power import CREATOR, powers

BOT, ANN, BEN, EVE = "@bot:a", "@ann:a", "@ben:b", "@eve:b"


def room(version: Any, levels: Any = None, **create: Any) -> list[Any]:
    state: list[Any] = [
        {"type": "m.room.create", "state_key": "", "sender": BOT, "content": {"room_version": version, **create}}
    ]
    if levels is not None:
        state.append({"type": "m.room.power_levels", "state_key": "", "sender": BOT, "content": levels})
    return state


def test_since_version_12_creators_stand_above_all_numbers() -> None:
    held = powers(room("12", {"users": {ANN: 100}}, additional_creators=[BEN]))
    assert held.level(BOT) == held.level(BEN) == CREATOR == math.inf
    assert held.level(ANN) == 100
    assert held.outranks(BOT, ANN)
    assert not held.outranks(BOT, BEN)
    assert not held.outranks(ANN, BEN)
    assert held.can(BOT, "state:m.room.tombstone")


@pytest.mark.parametrize("version", ["1", "10", "11", None, "org.example.12", "١٢x"])
def test_before_version_12_a_creator_is_only_what_the_levels_say(version: Any) -> None:
    assert powers(room(version)).level(BOT) == 100
    assert powers(room(version, {"users": {}})).level(BOT) == 0
    assert powers(room(version, {"users": {BOT: 50}}, additional_creators=[EVE])).level(BOT) == 50
    assert powers(room(version, {}, additional_creators=[EVE])).level(EVE) == 0


def test_without_levels_only_the_creator_is_somebody_and_state_is_free() -> None:
    held = powers(room("11"))
    assert held.level(ANN) == 0
    assert held.can(ANN, "state:m.room.name")
    assert not held.can(ANN, "ban")
    assert held.can(BOT, "ban")
    assert held.outranks(BOT, ANN)


def test_defaults_of_a_room_with_levels() -> None:
    held = powers(room("11", {}))
    assert [held.required(action) for action in ("ban", "kick", "redact", "invite")] == [50, 50, 50, 0]
    assert held.required("state:m.room.name") == 50
    assert held.required("send:m.room.message") == 0


def test_every_kind_of_requirement_is_read() -> None:
    levels = {
        "ban": 60, "kick": 55, "redact": 30, "invite": 10, "state_default": 40, "events_default": 5, "users_default": 7,
        "events": {"m.room.name": 80, "m.reaction": 1}, "users": {ANN: 60},
    }  # fmt: skip
    held = powers(room("11", levels))
    assert held.level(ANN) == 60
    assert held.level(EVE) == 7
    wanted = {"ban": 60, "kick": 55, "redact": 30, "invite": 10, "state:m.room.name": 80, "state:m.room.topic": 40,
              "send:m.reaction": 1, "send:m.room.message": 5}  # fmt: skip
    assert {action: held.required(action) for action in wanted} == wanted
    assert held.can(ANN, "ban")
    assert not held.can(ANN, "state:m.room.name")
    assert not held.can(EVE, "ban")


def test_nobody_outranks_their_equal() -> None:
    held = powers(room("11", {"users": {ANN: 50, BEN: 50}}))
    assert not held.outranks(ANN, BEN)
    assert not held.outranks(ANN, ANN)


def test_levels_written_as_text_count_and_nonsense_does_not() -> None:
    held = powers(room("9", {"users": {ANN: " 75 ", BEN: "many", EVE: True}, "users_default": "-1", "ban": "70"}))
    assert held.level(ANN) == 75
    assert held.level(BEN) == held.level(EVE) == -1
    assert held.required("ban") == 70


def test_only_the_state_with_the_empty_key_counts() -> None:
    state = room("11", {"users": {ANN: 100}})
    state.append({"type": "m.room.power_levels", "state_key": "x", "content": {"users": {EVE: 100}}})
    assert powers(state).level(EVE) == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3), JSON, JSON)
def test_no_state_however_broken_makes_it_fail(others: list[Any], create: Any, levels: Any) -> None:
    state = [
        *others,
        {"type": "m.room.create", "state_key": "", "sender": create, "content": create},
        {"type": "m.room.power_levels", "state_key": "", "content": levels},
    ]
    held = powers(state)
    for user in (ANN, BOT):
        assert held.level(user) == held.level(user)
        held.can(user, "ban")
        held.can(user, "state:m.room.name")
