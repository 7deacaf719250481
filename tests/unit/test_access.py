"""Which servers may take part in a room: what the file allows and what moderation denies is one list, and it never shuts us out."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.access import may_take_part, server_acl
from bridge.globs import server_matches

names = st.sampled_from(["a.test", "b.test", "c.test", "*.test", "*", "a.*", "A.TEST", "[::1]"])
lists = st.lists(names, max_size=3)
ours = st.sampled_from(["a.test", "a.test:8448"])


def lets_in(acl: dict[str, Any], server: str) -> bool:
    """What a homeserver makes of the list."""
    return not any(server_matches(each, server) for each in acl["deny"]) and any(
        server_matches(each, server) for each in acl["allow"]
    )


@given(lists, lists, ours)
def test_our_own_server_is_never_shut_out(allowed: list[str], denied: list[str], own: str) -> None:
    assert lets_in(server_acl(allowed, denied, own), own)


@given(lists, lists, ours, st.sampled_from(["b.test", "c.test", "d.example"]))
def test_who_is_let_in_is_allowed_and_not_denied(allowed: list[str], denied: list[str], own: str, server: str) -> None:
    acl = server_acl(allowed, denied, own)
    banned = any(server_matches(each, server) for each in acl["deny"])
    assert lets_in(acl, server) == (may_take_part(f"@x:{server}", allowed, own) and not banned)


@given(lists, lists, ours)
def test_a_list_that_was_written_is_the_list_that_is_written(allowed: list[str], denied: list[str], own: str) -> None:
    acl = server_acl(allowed, denied, own)
    assert server_acl(allowed, acl["deny"], own) == acl


def test_a_server_with_a_port_is_allowed_in_both_spellings() -> None:
    assert server_acl(["b.test"], [], "a.test:8448")["allow"] == ["a.test", "a.test:8448", "b.test"]


def test_a_name_with_a_port_would_mean_nobody_and_is_written_without() -> None:
    acl = server_acl(["b.test:8448"], ["evil.test:8448", "[::1]:8448", "*.bad.test"], "a.test")
    assert (acl["allow"], acl["deny"]) == (["a.test", "b.test"], ["*.bad.test", "[::1]", "evil.test"])


def test_a_ban_of_everything_spares_ours() -> None:
    assert server_acl([], ["*", "b.test"], "a.test:8448") == {
        "allow": ["*"],
        "deny": ["b.test"],
        "allow_ip_literals": True,
    }
