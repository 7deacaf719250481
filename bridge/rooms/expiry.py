"""What has to be so in the rooms for one person whose membership runs, is in its days of grace, or has ended; pure. Asking twice is asking once.

Leaving a space removes nobody from its rooms, so everybody is taken out of each room by itself, the space first: it is what lets people in.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.effects import Effect, Expel, Invite, SetVoice
from bridge.power import silenced
from bridge.rooms.model import Desired
from bridge.rooms.term import ENDED, GRACE

HERE = ("join", "invite")
"""What lets somebody in. A knock does not: staff hears of it and decides."""


@dataclass(frozen=True, slots=True)
class There:
    """What somebody is in one of our rooms now: join, invite, knock, leave or ban. `row` changes whenever that changes; `key` and `kind` are the room's."""

    room: str
    key: str
    kind: str
    membership: str
    row: int


def removals(user: str, there: Sequence[There]) -> tuple[Expel, ...]:
    """Out of every room, the space first; invitations are withdrawn the same way. No reason is given: it would be read by all."""
    found = [one for one in there if one.membership in HERE]
    found.sort(key=lambda one: (one.kind != "space", one.key))
    return tuple(Expel(key=removal_key(user, one), room=one.room, user=user) for one in found)


def removal_key(user: str, one: There) -> str:
    """The key by which somebody is taken out of a room that they are in now."""
    return f"expire/{one.room}/{user}/{one.row}"


def voices(
    user: str, stage: str, period: int, there: Sequence[There], silent_in: Collection[str]
) -> tuple[SetVoice, ...]:
    """In days of grace nobody writes in the rooms that they are in; in all other cases they have back what they had. `silent_in` are rooms where we silenced them."""
    rows = {one.room: one.row for one in there}
    joined = {one.room for one in there if one.membership == "join"} if stage == GRACE else set()
    wanted = [(room, True) for room in sorted(joined - set(silent_in))]
    wanted += [(room, False) for room in sorted(set(silent_in) - joined)]
    return tuple(
        SetVoice(
            key=f"voice/{room}/{user}/{period}/{rows.get(room, 0)}/{'silent' if silent else 'back'}",
            room=room,
            user=user,
            silent=silent,
        )
        for room, silent in wanted
    )


def wanted(
    user: str, stage: str, period: int, there: Sequence[There], silent_in: Collection[str], *, spared: bool
) -> tuple[Effect, ...]:
    """Everything that makes the rooms match this person's membership. Who is `spared` (an owner, Hearth) stays as they are."""
    if spared:
        return voices(user, "", period, there, silent_in)
    out = removals(user, there) if stage == ENDED else ()
    return (*out, *voices(user, stage, period, there, silent_in))


def places(there: Sequence[There]) -> tuple[str, ...]:
    """The keys of the rooms that somebody is in and gets back later: all but the space, which comes first then, and the staff room, whose door is its own."""
    found = [one for one in there if one.membership == "join" and one.kind not in ("space", "staff")]
    return tuple(one.key for one in sorted(found, key=lambda one: (one.kind != "common", one.key)))


@dataclass(frozen=True, slots=True)
class Return:
    """The way back into the rooms: an invitation that is to go out now, and the keys of rooms that are still to come, the present one first."""

    invite: Invite | None
    places: tuple[str, ...]


def way_back(
    user: str,
    period: int,
    keys: Sequence[str],
    there: Sequence[There],
    rooms: Mapping[str, str],
    asked: Mapping[str, str],
) -> Return:
    """The next of these rooms, one invitation at a time, once somebody is in the space: homeservers let people receive only a few at once.

    `rooms` are the ids of our rooms by key; `asked` has what became of former invitations by their key: due, done, skipped or dead.
    """
    now = {one.key: one for one in there}
    if "space" not in now or now["space"].membership != "join":
        return Return(None, tuple(keys))
    for number, key in enumerate(keys):
        room, one = rooms.get(key), now.get(key)
        if room is None or (one and one.membership in ("join", "ban")):
            continue
        invite = Invite(key=back_key(room, user, period, one.row if one else 0), room=room, user=user)
        state = asked.get(invite.key)
        if state == "dead":
            continue
        waits = state is not None or any(other.membership == "invite" for other in there)
        return Return(None if waits else invite, tuple(keys[number:]))
    return Return(None, ())


def back_key(room: str, user: str, period: int, row: int) -> str:
    """The key of the invitation by which somebody gets a room back; `row` is their membership there until now."""
    return f"back/{room}/{user}/{period}/{row}"


def resting(desired: Desired, silent: Callable[[str, str], bool], out: Collection[str]) -> Desired:
    """What should exist, with the powers of silent people at rest, and without invitations for people whose membership has ended.

    `silent` says of a room's key and a user whether that person may only read there.
    """
    found = [
        replace(
            room,
            levels={user: silenced(level) if silent(room.key, user) else level for user, level in room.levels.items()},
            guests=tuple(user for user in room.guests if user not in out or user in desired.owners),
        )
        for room in desired.rooms
    ]
    return replace(desired, rooms=tuple(found))
