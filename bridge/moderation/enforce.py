"""Says what must be done so that the rooms match what was decided; pure, and asking twice is asking once.

A sanction never acts: whoever changes one, and whoever sees a join or a new room, calls this and puts what it returns.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from bridge.effects import Ban, Effect, SetServerAcl, Unban
from bridge.moderation.globs import is_glob, server_matches, server_of
from bridge.moderation.globs import matches as glob_matches
from bridge.moderation.model import OurBan, Presence, Sanction

HERE = ("join", "invite", "knock")
ACL = "m.room.server_acl"


def hits(sanction: Sanction, user: str) -> bool:
    """Whether a sanction is about this user, by id, by glob, or by their server."""
    if sanction.entity == "server":
        return server_matches(sanction.target, server_of(user))
    return glob_matches(sanction.target, user)


def bans(
    sanctions: Sequence[Sanction],
    rooms: Sequence[str],
    presences: Iterable[Presence],
    protected: Collection[str],
    cause: str = "",
) -> tuple[Effect, ...]:
    """One Ban for each room in which somebody sanctioned is or could be.

    A single user is banned from every room, also where they never were; of a glob or a server only those who are there (who comes later is
    met on joining). Nobody in `protected` is ever banned. Rooms where the person is go first: there they can do harm. `cause` makes it a new
    wish, so that a person who asks again has the rooms tried again that refused before.
    """
    people = {(each.room, each.user): each for each in presences}
    found: dict[tuple[str, str], Sanction] = {}
    for sanction in sanctions:
        if sanction.entity == "user" and not is_glob(sanction.target):
            for room in rooms:
                found.setdefault((room, sanction.target), sanction)
        else:
            for each in people.values():
                if each.membership in HERE and hits(sanction, each.user):
                    found.setdefault((each.room, each.user), sanction)
    wanted = []
    for (room, user), sanction in found.items():
        presence = people.get((room, user))
        if user in protected or room not in rooms or (presence and presence.membership == "ban"):
            continue
        row = presence.row if presence else 0
        effect = Ban(
            key=f"ban/{room}/{user}/{sanction.id}/{row}{cause and '/' + cause}",
            room=room,
            user=user,
            reason=sanction.reason,
            sanction=sanction.id,
        )
        wanted.append((not (presence and presence.membership in HERE), effect))
    return tuple(effect for _, effect in sorted(wanted, key=lambda each: (each[0], each[1].key)))


def acl(sanctions: Iterable[Sanction], own_server: str) -> dict[str, Any]:
    """The server ACL that says what was decided about servers (`m.room.server_acl`). It never denies our own server."""
    denied = {
        each.target for each in sanctions if each.entity == "server" and not server_matches(each.target, own_server)
    }
    return {"allow": ["*"], "deny": sorted(denied), "allow_ip_literals": True}


def acls(sanctions: Sequence[Sanction], rooms: Sequence[str], own_server: str, cause: str) -> tuple[Effect, ...]:
    """The ACL for every room. `cause` tells this wish from an equal one at another time."""
    content = acl(sanctions, own_server)
    return tuple(SetServerAcl(key=f"acl/{room}/{cause}", room=room, type=ACL, content=content) for room in rooms)


def lifted(
    ours: Sequence[OurBan], gone: Collection[int], standing: Sequence[Sanction], cause: str
) -> tuple[tuple[Effect, ...], tuple[OurBan, ...]]:
    """What to do about bans whose sanctions are gone: lift those that nothing else asks for, keep the others under what does.

    Only bans of our own doing are in `ours`; a ban by somebody's hand is never touched.
    """
    undo: list[Effect] = []
    keep = []
    for each in ours:
        if each.sanction not in gone:
            continue
        other = next((sanction for sanction in standing if hits(sanction, each.user)), None)
        if other:
            keep.append(OurBan(each.room, each.user, other.id))
        else:
            undo.append(Unban(key=f"unban/{each.room}/{each.user}/{cause}", room=each.room, user=each.user))
    return tuple(undo), tuple(keep)
