"""Which servers may take part in a room: one answer from what the file allows and what moderation denies; pure. Never locks out our own server."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bridge.globs import host_of, is_glob, server_matches, server_of

ACL = "m.room.server_acl"

MOST_BYTES = 48 * 1024
"""Of an event's 64 KiB; the rest is for signatures and for what the file allows."""

MOST_GLOBS = 200


def server_acl(allowed: Collection[str], denied: Iterable[str], own_server: str) -> dict[str, Any]:
    """The content of `m.room.server_acl` (spec: "Server Access Control Lists"): globs of server names in both lists.

    Ports do not count when a homeserver matches, so a name with one would mean nobody. Without `allowed` every server may take part that is not denied. Our own is
    never denied and always allowed, in both spellings: without its port a homeserver would take the list for one that shuts itself out. More than MOST_BYTES of denied servers an
    event cannot hold: those named first stay; people of the others are still banned when they come.
    """
    allow = sorted({*map(_bare, allowed), own_server, host_of(own_server)}) if allowed else ["*"]
    deny = _fitting([each for each in dict.fromkeys(map(_bare, denied)) if not server_matches(each, own_server)])
    return {"allow": allow, "deny": deny, "allow_ip_literals": True}


def sparing(servers: Iterable[str], users: Iterable[str]) -> tuple[str, ...]:
    """These servers, as names or globs, without those from which one of these people comes."""
    kept = {server_of(user) for user in users}
    return tuple(each for each in servers if not any(server_matches(each, server) for server in kept))


def _bare(server: str) -> str:
    """A name or glob without a port."""
    return host_of(server) if ":" in server else server


def with_others(content: Mapping[str, Any], others: Iterable[str], own_server: str) -> dict[str, Any]:
    """The same list of servers, which also denies these others, as far as an event can hold them; never our own server."""
    more = [each for each in dict.fromkeys(others) if not server_matches(each, own_server)]
    return {**content, "deny": _fitting(list(dict.fromkeys([*content["deny"], *more])))}


def _fitting(denied: Sequence[str]) -> list[str]:
    """As many of these, from the first on, as an event can hold, sorted. Where they are too many, those are left out that a glob among them means anyway."""
    if _size(denied) > MOST_BYTES:
        globs = [each for each in denied if is_glob(each)][:MOST_GLOBS]
        denied = [each for each in denied if not any(glob != each and server_matches(glob, each) for glob in globs)]
    left, taken = MOST_BYTES, []
    for each in denied:
        left -= _size((each,))
        if left < 0:
            break
        taken.append(each)
    return sorted(taken)


def _size(denied: Iterable[str]) -> int:
    return sum(len(each.encode()) + 3 for each in denied)


def may_take_part(user: str, allowed: Collection[str], own_server: str) -> bool:
    """Whether people of this user's server may be in a room for which the file allows these servers (none named: all)."""
    server = server_of(user)
    return not allowed or server_matches(server, own_server) or any(server_matches(each, server) for each in allowed)
