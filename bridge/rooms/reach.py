"""How much further words would reach in another room than in the one they were said in, and what that takes; pure. Never knows who wants it.

What a step further is called: `open`, out of encryption; a server's name or a glob of names, to people whom their own room does not admit; `*`, to
those of any server.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from bridge.globs import is_glob, server_matches

OPEN, ANY_SERVER = "open", "*"

Refusal = Literal["never", "encryption", "servers", "untold"]
"""Why words stay: their circle never shares, its encryption, the servers it is limited to, or its people have not been told yet that the owner allows it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A room as far as it matters here. `servers` are those that it admits, as globs; none named: all."""

    encrypted: bool
    servers: tuple[str, ...] = ()


def further(source: Place, target: Place, own_server: str) -> frozenset[str]:
    """What is wider in the target than in the source. Our own server holds every room anyway."""
    found = {OPEN} if source.encrypted and not target.encrypted else set()
    if source.servers:
        admitted = target.servers or (ANY_SERVER,)
        found |= {each for each in admitted if not any(_covers(known, each) for known in (*source.servers, own_server))}
    return frozenset(found)


def outsiders(servers: Iterable[str], source: Place, own_server: str, told: Collection[str] = ()) -> frozenset[str]:
    """Those of these servers, where somebody reads along in the target, that the source does not admit and of which its people were not told."""
    admitted = (*source.servers, own_server, *(each for each in told if each != OPEN))
    if not source.servers:
        return frozenset()
    return frozenset(each for each in servers if not any(server_matches(known, each) for known in admitted))


def permitted(steps: Iterable[str], *, out_of_encryption: bool, beyond_servers: bool) -> frozenset[str]:
    """Those of these steps that the owner allows."""
    return frozenset(each for each in steps if (out_of_encryption if each == OPEN else beyond_servers))


def refusal(
    steps: Collection[str], told: Collection[str], *, out_of_encryption: bool, beyond_servers: bool
) -> Refusal | None:
    """Why words may not go these steps further; None when they may: the owner allowed each, and the people of the room were told of each (`told`)."""
    if OPEN in steps and not out_of_encryption:
        return "encryption"
    if set(steps) - {OPEN} and not beyond_servers:
        return "servers"
    told_servers = [each for each in told if each != OPEN]
    for each in steps:
        if each != OPEN and any(_covers(known, each) for known in told_servers):
            continue
        if each not in told:
            return "untold"
    return None


def _covers(known: str, wanted: str) -> bool:
    """Whether every server that fits the second pattern fits the first. In doubt it does not."""
    if known in (wanted, ANY_SERVER):
        return True
    if not is_glob(wanted):
        return server_matches(known, wanted)
    rest = known.removeprefix("*")
    return known.startswith("*") and not is_glob(rest) and wanted.lower().endswith(rest.lower())
