"""What a room has by hand, said as the configuration would say it."""

from typing import Any

import pytest

from bridge.rooms.adopt import held
from bridge.rooms.model import ActualRoom, Desired

WANTED = Desired("@hearth:a.test", "a.test", None, (), ())


@pytest.mark.parametrize(
    ("key", "field", "kind", "content", "expected"),
    [
        ("common", "entry", "m.room.join_rules", {"join_rule": "restricted"}, "members"),
        ("common", "entry", "m.room.join_rules", {"join_rule": "knock_restricted"}, "knock"),
        ("common", "entry", "m.room.join_rules", {"join_rule": "public"}, "public"),
        ("staff", "entry", "m.room.join_rules", {"join_rule": "public"}, None),
        ("space", "entry", "m.room.join_rules", {"join_rule": "public"}, "public"),
        ("common", "entry", "m.room.join_rules", {"join_rule": ["odd"]}, None),
        ("common", "avatar", "m.room.avatar", {"url": "mxc://a.test/x"}, "mxc://a.test/x"),
        ("common", "avatar", "m.room.avatar", {"url": "https://evil.test/x.png"}, None),
        ("common", "topic", "m.room.topic", {}, ""),
        ("common", "alias", "m.room.canonical_alias", {"alias": "#x:b.test"}, None),
        ("common", "servers", "m.room.server_acl", {"allow": ["*"]}, []),
        ("common", "servers", "m.room.server_acl", {"allow": ["b.test", "a.test"]}, ["b.test"]),
        ("common", "servers", "m.room.server_acl", {"allow": ["a.test"]}, None),
        ("common", "servers", "m.room.server_acl", {"allow": [{"odd": 1}]}, None),
        ("common", "retention_days", "m.room.retention", {"max_lifetime": 30 * 86_400_000}, 30),
        ("common", "retention_days", "m.room.retention", {"max_lifetime": 30 * 86_400_000 + 1}, None),
        ("common", "retention_days", "m.room.retention", {"max_lifetime": 1000}, None),
        ("common", "retention_days", "m.room.retention", {"max_lifetime": "long"}, None),
        ("common", "retention_days", "m.room.retention", {}, None),
    ],
)
def test_a_field_is_read_from_its_state(
    key: str, field: str, kind: str, content: dict[str, Any], expected: Any
) -> None:
    room = ActualRoom(key, "!r", "12", frozenset(), {(kind, ""): content})
    assert held(WANTED, room, field) == expected
