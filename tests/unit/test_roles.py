"""Who has which say: by the configuration, by the staff room, and as long as their membership lasts."""

import re
from pathlib import Path

import pytest

from bridge.config import Config
from bridge.roles import Authority, Role

CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "https://one.test", "user_id": "@hearth:one.test"},
        "community": {
            "space": {"name": "S"},
            "common": {"name": "C"},
            "staff": {"name": "T"},
            "circles": [
                {"name": "Sleep", "tag": "Sleep", "curators": ["@cura:one.test"], "substitutes": ["@sub:one.test"]},
                {"name": "Grief", "tag": "grief", "curators": ["@other:one.test", "@cura:one.test"]},
                {"name": "Food", "tag": "food"},
            ],
            "owners": ["@owner:one.test"],
            "moderators": ["@mod:one.test", "@second:one.test"],
        },
    }
)
HELPERS = frozenset({"@helper:two.test"})


@pytest.mark.parametrize(
    ("user", "in_community", "circle", "expected"),
    [
        ("@owner:one.test", False, None, Role.OWNER),
        ("@mod:one.test", True, "sleep", Role.MODERATOR),
        ("@helper:two.test", True, None, Role.MODERATOR),
        ("@cura:one.test", True, None, Role.CURATOR),
        ("@cura:one.test", True, "sleep", Role.CURATOR),
        ("@cura:one.test", True, "food", Role.MEMBER),
        ("@sub:one.test", True, "sleep", Role.CURATOR),
        ("@sub:one.test", True, "grief", Role.MEMBER),
        ("@ann:one.test", True, None, Role.MEMBER),
        ("@ann:one.test", True, "sleep", Role.MEMBER),
        ("@eve:two.test", False, None, Role.STRANGER),
        ("@owner:two.test", False, None, Role.STRANGER),
    ],
)
def test_each_role_includes_the_ones_before_and_a_curators_ends_at_the_circle(
    user: str, in_community: bool, circle: str | None, expected: Role
) -> None:
    assert Authority(CONFIG, HELPERS).role(user, in_community=in_community, circle=circle) is expected
    over = Authority(CONFIG, HELPERS, {user})
    assert over.role(user, in_community=in_community, circle=circle) is (
        Role.OWNER if expected is Role.OWNER else Role.STRANGER
    )


def test_only_the_circles_own_curators_and_substitutes_curate_it() -> None:
    say = Authority(CONFIG, HELPERS)
    assert say.curates("@cura:one.test", "SLEEP")
    assert say.curates("@sub:one.test", "sleep")
    assert not say.curates("@other:one.test", "sleep")
    assert not say.curates("@owner:one.test", "sleep")
    assert [circle.tag for circle in say.led_by("@cura:one.test")] == ["Sleep", "grief"]


def test_whose_membership_has_ended_has_no_say_and_the_others_keep_theirs() -> None:
    over = Authority(CONFIG, HELPERS, {"@cura:one.test", "@mod:one.test", "@helper:two.test", "@owner:one.test"})
    sleep, grief, _ = CONFIG.community.circles
    assert over.leads(sleep) == ("@sub:one.test",)
    assert over.led(grief).curators == over.leads(grief) == ("@other:one.test",)
    assert not over.curates("@cura:one.test", "sleep")
    assert over.led_by("@cura:one.test") == ()
    assert over.moderators == ("@second:one.test",)
    assert over.staff == {"@owner:one.test", "@second:one.test"}


NAMED = {
    "arguments, configuration and its mistakes": ("config.py", "config_mistakes.py", "example.py", "check_here.py"),
    "what should be so in the rooms": ("community.py", "rooms/wanted.py", "rooms/contents.py", "rooms/guard.py", "rooms/adopt.py"),
    "who is named is changed": (
        "rooms/commands/circle_curators.py", "rooms/commands/substitute.py", "rooms/substitutes.py", "rooms/circles.py",
        "rooms/commands/circles_split.py", "rooms/demoting.py",
    ),
    "who says": ("roles.py", "store/authority.py"),
    "whether it has ended is asked in the next line": ("moderation/protect.py",),
    "nobody has a say by it: who is expected, known, alone, or has a circle": (
        "rooms/alone.py", "rooms/alarms.py", "rooms/assigning.py", "direct.py", "rooms/splits.py",
    ),
}  # fmt: skip
"""Where it is looked who the configuration names, and why that is no question of who has a say now."""


def test_nobody_asks_the_configuration_who_has_a_say() -> None:
    bridge = Path(__file__).parents[2] / "bridge"
    named = {name for group in NAMED.values() for name in group}
    asked = re.compile(r"\.curators\b|\.substitutes\b|\bleaders\(|(?<!say)(?<!self)\.moderators\b")
    found = {
        str(path.relative_to(bridge))
        for path in bridge.rglob("*.py")
        if "demo" not in path.parts and asked.search(path.read_text(encoding="utf-8"))
    }
    assert found <= named
