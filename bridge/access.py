"""Which servers may take part in a room: one answer from what the file allows and what moderation denies; pure. Never locks out our own server."""

from collections.abc import Collection, Iterable
from typing import Any

from bridge.globs import host_of, server_matches, server_of

ACL = "m.room.server_acl"


def server_acl(allowed: Collection[str], denied: Iterable[str], own_server: str) -> dict[str, Any]:
    """The content of `m.room.server_acl` (spec: "Server Access Control Lists"): globs of server names in both lists.

    Without `allowed` every server may take part that is not denied. Our own is never denied and always allowed, in both spellings: with its port
    a homeserver would take the list for one that shuts itself out, and when matching ports do not count.
    """
    allow = sorted({*allowed, own_server, host_of(own_server)}) if allowed else ["*"]
    deny = sorted({each for each in denied if not server_matches(each, own_server)})
    return {"allow": allow, "deny": deny, "allow_ip_literals": True}


def may_take_part(user: str, allowed: Collection[str], own_server: str) -> bool:
    """Whether people of this user's server may be in a room for which the file allows these servers (none named: all)."""
    server = server_of(user)
    return not allowed or server_matches(server, own_server) or any(server_matches(each, server) for each in allowed)
