"""Which powers of a room can be kept as the `power` of the configuration, and what becomes of what cannot."""

from typing import Any

import pytest

from bridge.config_types import BOT
from bridge.power import Powers
from bridge.rooms.adopt_power import Drift, drift, known_power
from bridge.rooms.contents import power_levels
from bridge.rooms.model import Desired, DesiredRoom

ME, OLGA, CURT = "@hearth:a.test", "@olga:a.test", "@curt:a.test"
WANTED = Desired(ME, "a.test", None, (OLGA,), ())
ROOM = DesiredRoom("circle/sleep", "circle", "Sleep", "", "#sleep:a.test", levels={CURT: 50}, power={"topic": 50})


def powers(levels: dict[str, Any] | None) -> Powers:
    return Powers(frozenset({ME, OLGA}), True, levels)


def right(room: DesiredRoom = ROOM) -> dict[str, Any]:
    return dict(power_levels(WANTED, room, powers(None)))


def by_hand(named: dict[str, Any], events: dict[str, Any], users: dict[str, Any]) -> dict[str, Any]:
    content = right()
    return {**content, **named, "events": {**content["events"], **events}, "users": {**content["users"], **users}}


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (right(), Drift(None, (), ())),
        (by_hand({"kick": 60}, {}, {}), Drift({"topic": 50, "kick": 60}, (), ())),
        (by_hand({}, {"m.room.topic": 0}, {}), Drift({"topic": 0}, (), ())),
        (by_hand({"events_default": 50, "ban": 60}, {}, {}), Drift({"topic": 50, "write": 50, "ban": 60}, (), ())),
        (by_hand({"ban": BOT + 1}, {}, {}), Drift(None, (), ("ban",))),
        (by_hand({"ban": -1}, {}, {}), Drift(None, (), ("ban",))),
        (by_hand({"ban": "60"}, {}, {}), Drift(None, (), ("ban",))),
        (by_hand({"state_default": 0}, {"m.room.join_rules": 50}, {}), Drift(None, (), ("state_default", "m.room.join_rules"))),
        ({**right(), "events": {}}, Drift(None, (), ())),
        (by_hand({}, {}, {CURT: 60}), Drift(None, (CURT,), ())),
        (by_hand({}, {"m.room.name": 50, "org.example.odd": 7}, {"@stranger:a.test": 50}), Drift(None, (), ())),
        ({key: value for key, value in right().items() if key != "invite"}, Drift({"topic": 50, "invite": 0}, (), ())),
    ],
)  # fmt: skip
def test_what_differs_is_said_as_the_file_would_say_it(levels: dict[str, Any], expected: Drift) -> None:
    assert drift(WANTED, ROOM, powers(levels)) == expected


@pytest.mark.parametrize("place", [("ban",), ("kick",), ("redact",), ("invite",), ("events", "m.room.topic")])
@pytest.mark.parametrize("level", [0, 49, 100])
def test_after_it_was_kept_nothing_differs_any_more(place: tuple[str, ...], level: int) -> None:
    levels = by_hand({place[0]: level}, {}, {}) if len(place) == 1 else by_hand({}, {place[1]: level}, {})
    found = drift(WANTED, ROOM, powers(levels))
    if found.power is None:
        assert levels == right()
        return
    kept = DesiredRoom("circle/sleep", "circle", "Sleep", "", "#sleep:a.test", levels={CURT: 50}, power=found.power)
    assert power_levels(WANTED, kept, powers(levels)) == levels


def test_an_old_key_of_the_file_makes_room_for_what_is_kept() -> None:
    room = DesiredRoom("circle/sleep", "circle", "Sleep", "", "#sleep:a.test", power={"m.room.topic": 60})
    content = right(room)
    found = drift(WANTED, room, powers({**content, "events": {**content["events"], "m.room.topic": 0}}))
    assert found.power == {"topic": 0}


@pytest.mark.parametrize(
    ("path", "expected"),
    [(("users", OLGA), None), (("events",), None), (("users_default",), None), (("kick",), 50), (("invite",), 0)],
)
def test_what_has_no_word_is_no_power(path: tuple[str, ...], expected: int | None) -> None:
    assert known_power({"users": {OLGA: 50}, "users_default": 0, "events": {}, "kick": 50}, path) == expected
