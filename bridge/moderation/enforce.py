"""Says what must be done so that the rooms match what was decided; pure, and asking twice is asking once.

A sanction never acts: whoever changes one, and whoever sees a join or a new room, calls this and puts what it returns.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.access import ACL, may_take_part, server_acl
from bridge.effects import Ban, Effect, Kick, Mute, SetServerAcl, Unban
from bridge.globs import is_glob, server_matches, server_of
from bridge.globs import matches as glob_matches
from bridge.moderation.model import OurBan, OurMute, Presence, Sanction

HERE = ("join", "invite", "knock")

Active = Mapping[tuple[str, str], int]
"""When somebody last wrote in a room: a number, higher is later."""


def hits(sanction: Sanction, user: str) -> bool:
    """Whether a sanction is about this user, by id, by glob, or by their server; not whom it spares."""
    if sanction.entity == "room" or user in sanction.spared:
        return False
    if sanction.entity == "server":
        return server_matches(sanction.target, server_of(user))
    return glob_matches(sanction.target, user)


def is_one(sanction: Sanction) -> bool:
    """Whether it is about a single person, by id."""
    return sanction.entity == "user" and not is_glob(sanction.target)


def holds_in(sanction: Sanction, key: str) -> bool:
    """Whether a sanction holds in the room with this key."""
    return sanction.scope in ("", key)


def _meant(
    sanctions: Sequence[Sanction], rooms: Mapping[str, str], people: Iterable[Presence], *, absent: bool = True
) -> dict[tuple[str, str], Sanction]:
    """Every room and person that a sanction is about, with the first one that is. `rooms` are ids with keys.

    A single user is meant in every room, also where they never were (unless `absent` is false); of a glob or a server only those who are there.
    """
    found: dict[tuple[str, str], Sanction] = {}
    here = [each for each in people if each.membership in HERE]
    for sanction in sanctions:
        if is_one(sanction) and absent:
            for room, key in rooms.items():
                if holds_in(sanction, key):
                    found.setdefault((room, sanction.target), sanction)
        else:
            for each in here:
                if each.room in rooms and holds_in(sanction, rooms[each.room]) and hits(sanction, each.user):
                    found.setdefault((each.room, each.user), sanction)
    return found


def _in_order(
    wanted: Iterable[tuple[Effect, str, str]], people: Mapping[tuple[str, str], Presence], active: Active
) -> tuple[Effect, ...]:
    """First where the person is, and of these rooms first where they wrote last: there they can do harm. All else stays in its order."""

    def rank(each: tuple[Effect, str, str]) -> tuple[bool, int]:
        _, room, user = each
        presence = people.get((room, user))
        return not (presence and presence.membership in HERE), -active.get((room, user), 0)

    return tuple(effect for effect, _, _ in sorted(wanted, key=rank))


def bans(
    sanctions: Sequence[Sanction],
    rooms: Mapping[str, str],
    presences: Iterable[Presence],
    protected: Collection[str],
    cause: str = "",
    *,
    active: Active | None = None,
    then: int | None = None,
) -> tuple[Effect, ...]:
    """One Ban for each room in which somebody sanctioned is or could be. `rooms` are ids with their keys.

    Nobody in `protected` is ever banned. Rooms where the person is go first, and of those where they wrote last; all others in the order of `rooms`. `cause` makes it a new wish, so
    that a person who asks again has the rooms tried again that refused before. `then`: see `Ban`.
    """
    people = {(each.room, each.user): each for each in presences}
    wanted: list[tuple[Effect, str, str]] = []
    for (room, user), sanction in _meant(sanctions, rooms, people.values()).items():
        presence = people.get((room, user))
        if user in protected or (presence and presence.membership == "ban"):
            continue
        row = presence.row if presence else 0
        effect = Ban(
            key=f"ban/{room}/{user}/{sanction.id}/{row}{cause and '/' + cause}",
            room=room,
            user=user,
            reason=sanction.reason,
            sanction=sanction.id,
            then=then,
        )
        wanted.append((effect, room, user))
    return _in_order(wanted, people, active or {})


def kicks(
    sanctions: Sequence[Sanction],
    rooms: Mapping[str, str],
    presences: Iterable[Presence],
    protected: Collection[str],
    *,
    active: Active | None = None,
) -> tuple[Effect, ...]:
    """One Kick for each room in which somebody is who is to be kept out for a time; an invitation or a knock is no way around it."""
    people = {(each.room, each.user): each for each in presences}
    wanted: list[tuple[Effect, str, str]] = [
        (
            Kick(
                key=f"kick/{room}/{user}/{sanction.id}/{people[room, user].row}",
                room=room,
                user=user,
                reason=sanction.reason,
            ),
            room,
            user,
        )
        for (room, user), sanction in _meant(sanctions, rooms, people.values(), absent=False).items()
        if user not in protected
    ]
    return _in_order(wanted, people, active or {})


@dataclass(frozen=True, slots=True)
class Muting:
    """What is to be so with mutes: who is to read only where from now on, where nobody keeps them silent any more, and the effects."""

    silent: tuple[OurMute, ...]
    free: tuple[OurMute, ...]
    effects: tuple[Effect, ...]


def mutes(
    sanctions: Sequence[Sanction],
    rooms: Mapping[str, str],
    presences: Iterable[Presence],
    protected: Collection[str],
    ours: Sequence[OurMute],
    *,
    cause: str = "",
    active: Active | None = None,
) -> Muting:
    """What changes so that everybody muted may only read and nobody else is kept silent by us.

    `ours` are the mutes as they are now, of everybody whom `presences` and `sanctions` are about. Somebody who has left a room stays muted there.
    `cause` makes it a new wish: rooms that refused are tried again, and what is so already costs nothing.
    """
    people = {(each.room, each.user): each for each in presences}
    meant = _meant(sanctions, rooms, people.values())
    meant = {pair: sanction for pair, sanction in meant.items() if pair[1] not in protected}
    held = {(each.room, each.user): each for each in ours}
    for pair, each in held.items():  # of a glob those stay muted, too, who went away and may come back
        by = next((one for one in sanctions if one.id == each.sanction and pair[0] in rooms), None)
        if by and holds_in(by, rooms[pair[0]]) and hits(by, each.user) and each.user not in protected:
            meant.setdefault(pair, by)
    silent = [OurMute(room, user, sanction.id) for (room, user), sanction in meant.items()]
    free = [each for pair, each in held.items() if pair not in meant]
    wanted: list[tuple[Effect, str, str]] = []
    for each in silent:
        before, presence = held.get((each.room, each.user)), people.get((each.room, each.user))
        if before is not None and not cause:
            continue
        key = f"mute/{each.room}/{each.user}/{each.sanction}/{presence.row if presence else 0}{cause and '/' + cause}"
        wanted.append((Mute(key=key, room=each.room, user=each.user, silent=True), each.room, each.user))
    for each in free:
        key = f"mute/{each.room}/{each.user}/{each.sanction}/free{cause and '/' + cause}"
        wanted.append((Mute(key=key, room=each.room, user=each.user, silent=False), each.room, each.user))
    return Muting(tuple(silent), tuple(free), _in_order(wanted, people, active or {}))


def denied(sanctions: Iterable[Sanction]) -> tuple[str, ...]:
    """The servers that were banned, as globs."""
    return tuple(each.target for each in sanctions if each.entity == "server")


def acls(
    shut_out: Sequence[str], rooms: Mapping[str, Sequence[str]], own_server: str, cause: str
) -> tuple[SetServerAcl, ...]:
    """The ACL for every room, of the servers that the file allows there (none: all) and of those to be shut out.

    `cause` tells this wish from an equal one at another time.
    """
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
