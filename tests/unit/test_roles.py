import pytest

from bridge.config import Config
from bridge.roles import Role, curates, role_of

CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "https://one.test", "user_id": "@hearth:one.test"},
        "community": {
            "space": {"name": "S"},
            "common": {"name": "C"},
            "staff": {"name": "T"},
            "circles": [
                {"name": "Sleep", "tag": "Sleep", "curators": ["@cura:one.test"]},
                {"name": "Grief", "tag": "grief", "curators": ["@other:one.test"]},
            ],
            "owners": ["@owner:one.test"],
            "moderators": ["@mod:one.test"],
        },
    }
)


@pytest.mark.parametrize(
    ("user", "in_staff", "in_community", "circle", "expected"),
    [
        ("@owner:one.test", False, False, None, Role.OWNER),
        ("@mod:one.test", False, True, "sleep", Role.MODERATOR),
        ("@helper:two.test", True, True, None, Role.MODERATOR),
        ("@cura:one.test", False, True, None, Role.CURATOR),
        ("@cura:one.test", False, True, "sleep", Role.CURATOR),
        ("@cura:one.test", False, True, "grief", Role.MEMBER),
        ("@ann:one.test", False, True, None, Role.MEMBER),
        ("@ann:one.test", False, True, "sleep", Role.MEMBER),
        ("@eve:two.test", False, False, None, Role.STRANGER),
        ("@owner:two.test", False, False, None, Role.STRANGER),
    ],
)
def test_each_role_includes_the_ones_before_and_a_curators_ends_at_the_circle(
    user: str, in_staff: bool, in_community: bool, circle: str | None, expected: Role
) -> None:
    assert role_of(user, CONFIG, in_staff=in_staff, in_community=in_community, circle=circle) is expected


def test_only_the_circles_own_curators_curate_it() -> None:
    assert curates("@cura:one.test", "sleep", CONFIG)
    assert not curates("@cura:one.test", "grief", CONFIG)
    assert not curates("@owner:one.test", "sleep", CONFIG)
