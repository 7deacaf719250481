from typing import Any

import pytest

from bridge.power import Powers
from bridge.rooms.footing import Footing, Ground, footing

ME, ANN, BEN = "@hearth:a.test", "@ann:a.test", "@ben:b.test"
LEVELS = {"users": {ME: 100, ANN: 100}, "ban": 50, "kick": 50, "events": {"m.room.power_levels": 100}}


def ground(levels: Any = LEVELS, *, creators: tuple[str, ...] = (), **more: Any) -> Ground:
    return Ground(more.pop("membership", "join"), Powers(frozenset(creators), bool(creators), levels), **more)


def test_with_the_power_that_it_takes_all_is_fine() -> None:
    assert footing(ground(), ME) == Footing("fine")


def test_a_creator_since_version_12_is_never_weak() -> None:
    assert footing(ground({"users": {}, "ban": 1000}, creators=(ME,)), ME) == Footing("fine")


@pytest.mark.parametrize(
    ("levels", "level", "needed"),
    [
        ({**LEVELS, "users": {ME: 50, ANN: 100}}, 50, 100),
        ({**LEVELS, "users": {ANN: 100}}, 0, 100),
        ({**LEVELS, "ban": 110}, 100, 110),
        ({**LEVELS, "events": {"m.room.server_acl": 150}}, 100, 150),
        ({**LEVELS, "events_default": 120}, 100, 120),
    ],
)
def test_too_little_for_anything_that_we_do_is_weak(levels: Any, level: int, needed: int) -> None:
    found = footing(ground(levels), ME)
    assert (found.about, found.level, found.needed) == ("weak", level, needed)


def test_who_could_help_stands_high_enough_the_highest_first() -> None:
    levels = {**LEVELS, "users": {ME: 50, ANN: 100, BEN: 50, "@cleo:a.test": 110}}
    assert footing(ground(levels), ME).helpers == ("@cleo:a.test", ANN)
    assert footing(ground({**LEVELS, "users": {ME: 50}}, creators=(BEN,)), ME).helpers == (BEN,)
    assert footing(ground({**LEVELS, "users": {ME: 50}}), ME).helpers == ()


@pytest.mark.parametrize(
    ("membership", "about"), [("leave", "out"), ("invite", "out"), (None, "out"), ("ban", "banned"), ("join", "fine")]
)
def test_out_is_out_whatever_else_is_so(membership: str | None, about: str) -> None:
    assert footing(ground(membership=membership), ME).about == about


def test_a_tombstone_without_a_sensible_successor_closes_the_room() -> None:
    assert footing(ground(tombstone={"replacement_room": "!new"}), ME) == Footing("replaced", replacement="!new")
    for content in ({"body": "over"}, {"replacement_room": 7}, {"replacement_room": "new"}):
        assert footing(ground(tombstone=content), ME) == Footing("closed")


def test_what_is_told_differs_when_the_power_does() -> None:
    assert Footing("weak", 50, 100, (ANN,)).told == Footing("weak", 50, 100).told != Footing("weak", 0, 100).told
