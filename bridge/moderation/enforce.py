"""Says what must be done so that the rooms match what was decided; pure, and asking twice is asking once.

A sanction never acts: whoever changes one, and whoever sees a join or a new room, calls this and puts what it returns.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from bridge.access import ACL, may_take_part, server_acl
from bridge.effects import Ban, Effect, Kick, SetServerAcl, Unban
from bridge.globs import is_glob, server_matches, server_of
from bridge.globs import matches as glob_matches
from bridge.moderation.model import OurBan, Presence, Sanction

HERE = ("join", "invite", "knock")


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


def denied(sanctions: Iterable[Sanction]) -> tuple[str, ...]:
    """The servers that were banned, as globs."""
    return tuple(each.target for each in sanctions if each.entity == "server")


def acls(
    sanctions: Sequence[Sanction], rooms: Mapping[str, Sequence[str]], own_server: str, cause: str
) -> tuple[Effect, ...]:
    """The ACL for every room, of the servers that the file allows there (none: all) and of what was decided. `cause` tells this wish from an equal one at another time."""
    shut_out = denied(sanctions)
    return tuple(
        SetServerAcl(key=f"acl/{room}/{cause}", room=room, type=ACL, content=server_acl(allowed, shut_out, own_server))
        for room, allowed in rooms.items()
    )


def turned_away(
    rooms: Mapping[str, Sequence[str]], presences: Iterable[Presence], me: str, reason: str
) -> tuple[Kick, ...]:
    """A Kick for everybody who is in a room, invited or knocking, and whose server may not take part there. `rooms` has the allowed servers of each.

    Nobody is spared: the room's ACL would keep them from taking part anyway.
    """
    return tuple(
        Kick(key=f"server/{each.room}/{each.user}/{each.row}", room=each.room, user=each.user, reason=reason)
        for each in presences
        if each.membership in HERE
        and each.user != me
        and not may_take_part(each.user, rooms.get(each.room, ()), server_of(me))
    )


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
