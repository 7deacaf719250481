"""Whoever is out is in no room, whoever rests cannot write, whoever is back has what they had: for any memberships and any powers."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config
from bridge.effects import Expel, SetVoice
from bridge.power import SILENT, Powers, silenced, voiced, with_voice
from bridge.rooms.expiry import There, places, resting, wanted, way_back
from bridge.rooms.plan import desired
from bridge.rooms.term import ENDED, GRACE, RUNNING

ME, EVE, ANN = "@hearth:a", "@eve:b", "@ann:a"
KEYS = ("space", "common", "staff", "circle/sleep", "circle/garden", "room/library")
memberships = st.sampled_from(["join", "invite", "knock", "leave", "ban"])


@st.composite
def presences(draw: Any) -> tuple[There, ...]:
    keys = draw(st.sets(st.sampled_from(KEYS)))
    return tuple(
        There(f"!{key}", key, key.partition("/")[0], draw(memberships), row) for row, key in enumerate(sorted(keys), 1)
    )


rooms_of = st.sets(st.sampled_from([f"!{key}" for key in KEYS]))
stages = st.sampled_from([RUNNING, GRACE, ENDED])


def settled(
    stage: str, there: tuple[There, ...], silent: set[str], *, spared: bool
) -> tuple[tuple[There, ...], set[str]]:
    """How it is once everything that is wanted was done."""
    for effect in wanted(EVE, stage, 1, there, silent, spared=spared):
        match effect:
            case Expel(room=room):
                there = tuple(
                    replace(one, membership="leave", row=one.row + 100) if one.room == room else one for one in there
                )
            case SetVoice(room=room, silent=True):
                silent = silent | {room}
            case SetVoice(room=room):
                silent = silent - {room}
    return there, silent


@given(presences(), rooms_of, stages, st.booleans())
def test_after_settling_who_is_out_is_nowhere_and_who_rests_is_silent_everywhere(
    there: tuple[There, ...], silent: set[str], stage: str, spared: bool
) -> None:
    now, quiet = settled(stage, there, silent, spared=spared)
    joined = {one.room for one in now if one.membership == "join"}
    if spared:
        assert now == there
        assert quiet == set()
    elif stage == ENDED:
        assert not any(one.membership in ("join", "invite") for one in now)
        assert quiet == set()
    else:
        assert now == there
        assert quiet == (joined if stage == GRACE else set())
    assert wanted(EVE, stage, 1, now, quiet, spared=spared) == (), "settled is settled"


@given(presences())
def test_the_space_is_first_because_it_lets_people_in(there: tuple[There, ...]) -> None:
    out = [effect.room for effect in wanted(EVE, ENDED, 1, there, (), spared=False) if isinstance(effect, Expel)]
    assert "!space" not in out[1:]


@given(presences(), st.permutations(["common", "circle/sleep", "circle/garden"]))
def test_the_way_back_has_one_invitation_at_a_time_and_ends_in_every_room(
    there: tuple[There, ...], order: list[str]
) -> None:
    """Whoever accepts each invitation is in the end wherever they were; nobody ever has two."""
    rooms = {key: f"!{key}" for key in KEYS}
    now = {one.key: one for one in there if one.key != "space" and one.membership != "invite"}
    now["space"] = There("!space", "space", "space", "join", 50)
    left, asked, row = tuple(order), {}, 100
    for _ in range(20):
        way = way_back(EVE, 1, left, tuple(now.values()), rooms, asked)
        left = way.places
        if way.invite is None:
            break
        asked[way.invite.key] = "due"
        again = way_back(EVE, 1, left, tuple(now.values()), rooms, asked)
        assert again.invite is None, "an invitation that is under way is not followed by another"
        key, row = way.invite.room[1:], row + 1
        now[key] = There(way.invite.room, key, key.partition("/")[0], "join", row)
    assert left == ()
    for key in order:
        assert now[key].membership in ("join", "ban")


def test_what_somebody_gets_back_is_where_they_were_but_not_the_staff_room() -> None:
    there = [There(f"!{key}", key, key.partition("/")[0], "join", row) for row, key in enumerate(KEYS)]
    assert places(there) == ("common", "circle/garden", "circle/sleep", "room/library")


@given(st.integers(-10, 200))
def test_a_level_that_rests_tells_what_it_was(level: int) -> None:
    assert silenced(level) < 0
    assert silenced(silenced(level)) == silenced(level)
    if level >= 0:
        assert silenced(level) <= SILENT
        assert voiced(silenced(level)) == level
    else:
        assert silenced(level) == level, "who was muted by hand stays so"


levels = st.dictionaries(st.sampled_from([ME, EVE, ANN]), st.integers(-5, 120))


@given(levels, st.integers(0, 30), st.booleans())
def test_silent_and_back_again_is_what_it_was(users: dict[str, int], default: int, endless: bool) -> None:
    held = {"users": users, "users_default": default, "events_default": 0, "other": 1}
    before = Powers(frozenset({ME}), endless, held)
    silent = with_voice(before, EVE, ME, silent=True)
    if silent is None:
        assert not before.outranks(ME, EVE) or before.level(EVE) < 0
        return
    now = Powers(frozenset({ME}), endless, silent)
    assert not now.can(EVE, "send:m.room.message")
    assert {name: value for name, value in silent.items() if name != "users"} == {
        name: value for name, value in held.items() if name != "users"
    }
    back = with_voice(now, EVE, ME, silent=False)
    assert back is not None
    assert Powers(frozenset({ME}), endless, back).level(EVE) == before.level(EVE)
    assert with_voice(Powers(frozenset({ME}), endless, back), EVE, ME, silent=False) is None


def test_above_a_creator_and_an_equal_we_have_no_power() -> None:
    held = {"users": {ME: 100, EVE: 100}}
    assert with_voice(Powers(frozenset({ME}), False, held), EVE, ME, silent=True) is None
    assert with_voice(Powers(frozenset({ME, EVE}), True, {"users": {}}), EVE, ME, silent=True) is None


def test_a_plan_leaves_resting_powers_at_rest_and_invites_nobody_who_is_out() -> None:
    config = Config.model_validate(
        {
            "matrix": {"homeserver": "http://a", "user_id": ME, "access_token": "t"},
            "community": {
                "space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}, "owners": ["@olga:a"],
                "circles": [{"name": "Sleep", "tag": "sleep", "curators": [ANN], "members": [EVE]}],
            },
        }
    )  # fmt: skip
    plain = desired(config, ME)
    assert resting(plain, lambda _key, _user: False, ()) == plain
    rested = resting(plain, lambda _key, user: user == ANN, {EVE, "@olga:a"})
    circle = next(room for room in rested.rooms if room.key == "circle/sleep")
    assert circle.levels[ANN] == -52
    assert rested.rooms[0].guests == ("@olga:a", ANN)
