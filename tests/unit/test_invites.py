"""Nobody ever has two open invitations of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.invites import has_open, next_room

ROOMS = ("!space", "!staff", "!quiet", "!library")
MEMBERSHIPS = st.dictionaries(
    st.sampled_from(ROOMS), st.sampled_from(("join", "invite", "knock", "leave", "ban")), max_size=4
)


@given(MEMBERSHIPS, st.permutations(ROOMS[1:]), st.booleans())
def test_whoever_is_invited_has_no_other_open_invitation_and_is_in_the_space(
    memberships: dict[str, str], wanted: list[str], again: bool
) -> None:
    room = next_room(memberships, "!space", wanted, again=again)
    if room is not None:
        assert not has_open(memberships)
        assert memberships["!space"] == "join"
        assert memberships.get(room) not in ("join", "invite", "ban")


@given(st.permutations(ROOMS[1:]))
def test_answered_one_by_one_every_room_is_reached_in_its_order(wanted: list[str]) -> None:
    memberships = {"!space": "join"}
    asked = []
    while room := next_room(memberships, "!space", wanted):
        asked.append(room)
        memberships[room] = "invite"
        assert next_room(memberships, "!space", wanted) is None
        memberships[room] = "join"
    assert asked == wanted


@pytest.mark.parametrize(
    ("memberships", "again", "expected"),
    [
        ({}, False, None),
        ({"!space": "invite"}, False, None),
        ({"!space": "join"}, False, "!staff"),
        ({"!space": "join", "!staff": "leave"}, False, None),
        ({"!space": "join", "!staff": "leave"}, True, "!staff"),
        ({"!space": "join", "!staff": "ban"}, True, None),
        ({"!space": "join", "!quiet": "invite"}, False, None),
    ],
)
def test_who_left_is_left_in_peace_until_they_come_back(
    memberships: dict[str, str], again: bool, expected: str | None
) -> None:
    assert next_room(memberships, "!space", ["!staff"], again=again) == expected
