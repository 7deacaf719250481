"""What a protection is told in one room: whether it is on there, and settings of its own."""

import pytest

from bridge.moderation.protections.flood import Settings


@pytest.mark.parametrize(
    ("everywhere", "here", "expected"),
    [
        (True, {}, True), (False, {}, False), (False, {"common": True}, True), (True, {"common": False}, False),
        (True, {"common": {"limit": 5}}, True), (False, {"common": {"limit": 5}}, False),
        (False, {"common": {"enabled": True, "limit": 5}}, True), (True, {"common": {"enabled": False}}, False),
    ],
)  # fmt: skip
def test_a_setting_of_its_own_does_not_switch_a_protection_on_in_a_room(
    everywhere: bool, here: dict[str, object], expected: bool
) -> None:
    told = Settings.model_validate({"enabled": everywhere, "rooms": here})
    assert told.holds("common") is expected
    assert told.holds("circle/sleep") is everywhere
    assert told.at("circle/sleep") == told
