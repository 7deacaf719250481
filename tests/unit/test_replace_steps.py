from dataclasses import replace as but
from typing import Any

from bridge.effects import Effect, Invite, Kick, SetAlias, SetState
from bridge.rooms.model import ActualRoom
from bridge.rooms.replace import Replaced, invited, left_elsewhere, steps

ME, ANN, BEN, CLEO = "@hearth:a.test", "@ann:a.test", "@ben:b.test", "@cleo:a.test"
VIA = {"via": ["a.test"]}
BY_SPACE = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": "!space"}]}
LEVELS = {"users_default": 0, "events_default": 50, "events": {"m.room.name": 50}}


def room(name: str, state: dict[Any, Any], members: dict[str, str] | None = None) -> ActualRoom:
    return ActualRoom("circle/sleep", name, "12", frozenset((ME,)), state, members={ME: "join", **(members or {})})


OLD = room(
    "!old",
    {
        ("m.room.create", ""): {},
        ("m.room.tombstone", ""): {"replacement_room": "!new"},
        ("m.room.power_levels", ""): LEVELS,
        ("m.room.join_rules", ""): BY_SPACE,
        ("m.room.topic", ""): {"topic": "Bad nights"},
        ("m.room.pinned_events", ""): {"pinned": ["$1"]},
        ("m.room.retention", ""): {"max_lifetime": 1},
        ("m.space.parent", "!space"): VIA,
        ("org.example.removed", ""): {},
        ("org.example.theirs", ANN): {"x": 1},
    },
    {ANN: "join", BEN: "join", CLEO: "invite", "@zed:b.test": "leave", "@bad:b.test": "ban"},
)
NEW = room("!new", {("m.room.create", ""): {}, ("m.room.topic", ""): {"topic": "New"}, ("m.room.power_levels", ""): {}})
SPACE = room("!space", {("m.space.child", "!old"): {**VIA, "order": "b", "suggested": True}}, {ANN: "join"})
CASE = Replaced(OLD, NEW, "#sleep:a.test", above=(SPACE,))


def done(case: Replaced = CASE) -> tuple[Effect, ...]:
    return steps(case, me=ME, server="a.test")


def state(effects: tuple[Effect, ...]) -> dict[tuple[str, str, str], Any]:
    return {(each.room, each.type, each.state_key): each.content for each in effects if isinstance(each, SetState)}


def test_the_new_room_takes_the_old_ones_place_in_the_space() -> None:
    found = state(done())
    assert found["!space", "m.space.child", "!new"] == {**VIA, "order": "b", "suggested": True}
    assert found["!space", "m.space.child", "!old"] == {}


def test_state_that_the_homeserver_left_behind_comes_along_and_nothing_that_is_the_old_rooms_own() -> None:
    found = {(kind, key) for where, kind, key in state(done()) if where == "!new"}
    assert found == {("m.room.retention", ""), ("m.room.join_rules", ""), ("m.space.parent", "!space")}


def test_without_the_power_nothing_is_tried() -> None:
    weak = but(NEW, version="10", state={**NEW.state, ("m.room.power_levels", ""): {"state_default": 50}})
    assert not [each for each in state(done(but(CASE, new=weak))) if each[0] == "!new"]


def test_everybody_can_still_take_back_what_they_wrote() -> None:
    levels = state(done())["!old", "m.room.power_levels", ""]
    assert levels == {**LEVELS, "events": {"m.room.name": 50, "m.room.redaction": 0}}
    open_still = but(OLD, state={**OLD.state, ("m.room.power_levels", ""): {**LEVELS, "events_default": 0}})
    assert ("!old", "m.room.power_levels", "") not in state(done(but(CASE, old=open_still)))


def test_addresses_of_our_server_are_moved_and_others_are_told() -> None:
    case = but(
        CASE,
        addresses=("#more:a.test",),
        new=but(NEW, state={**NEW.state, ("m.room.canonical_alias", ""): {"alt_aliases": ["#s:b.test", 7]}}),
    )
    moved = [each for each in done(case) if isinstance(each, SetAlias)]
    assert [(each.alias, each.room, each.was) for each in moved] == [
        ("#more:a.test", "!new", "!old"),
        ("#sleep:a.test", "!new", "!old"),
    ]
    assert left_elsewhere(case, "a.test") == ("#s:b.test",)


def test_who_is_in_the_space_comes_alone_and_the_others_are_invited_once() -> None:
    assert invited(CASE, ME) == {BEN, CLEO}
    assert [each.user for each in done() if isinstance(each, Invite)] == [BEN, CLEO]
    assert [(each.room, each.user) for each in done() if isinstance(each, Kick)] == [("!old", CLEO)]
    there = but(CASE, new=but(NEW, members={ME: "join", BEN: "leave", CLEO: "join"}))
    assert invited(there, ME) == frozenset()


def test_an_invite_only_room_invites_everybody_and_a_public_one_nobody() -> None:
    closed = but(OLD, state={**OLD.state, ("m.room.join_rules", ""): {"join_rule": "invite"}})
    public = but(OLD, state={**OLD.state, ("m.room.join_rules", ""): {"join_rule": "public"}})
    assert invited(but(CASE, old=closed), ME) == {ANN, BEN, CLEO}
    assert invited(but(CASE, old=public), ME) == frozenset()


def test_the_rooms_of_a_space_no_longer_name_the_old_one_and_nobody_redacts_in_a_space() -> None:
    kind = {("m.room.create", ""): {"type": "m.space"}}
    case = Replaced(but(OLD, state={**OLD.state, **kind}), NEW, below=("!circle",))
    found = state(done(case))
    assert found["!circle", "m.space.parent", "!old"] == {}
    assert ("!old", "m.room.power_levels", "") not in found


def test_what_is_done_is_not_asked_again_but_for_harmless_repeats() -> None:
    first = done()
    now = {(kind, key): content for (where, kind, key), content in state(first).items() if where == "!new"}
    again = done(
        but(
            CASE,
            old=but(
                OLD, state={**OLD.state, ("m.room.power_levels", ""): state(first)["!old", "m.room.power_levels", ""]}
            ),
            new=but(NEW, state={**NEW.state, **now}, members={ME: "join", BEN: "invite", CLEO: "invite"}),
            above=(but(SPACE, state={("m.space.child", "!new"): VIA, ("m.space.child", "!old"): {}}),),
        )
    )
    assert state(again) == {}
    assert [type(each) for each in again] == [SetAlias, Kick]
