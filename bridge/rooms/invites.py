"""Whom we may invite where: nobody ever has two open invitations of ours; pure.

A homeserver lets one person receive only a few invitations in a row (Synapse: `rc_invites.per_user`), and a newcomer who finds five does not know
where to begin. So people come into the space first; rooms that they cannot enter from there follow one by one.
"""

from collections.abc import Mapping, Sequence


def has_open(memberships: Mapping[str, str]) -> bool:
    """Whether an invitation of ours is still unanswered. `memberships` is what the person is in each room of ours that knows them, by its id."""
    return "invite" in memberships.values()


def next_room(
    memberships: Mapping[str, str],
    space: str | None,
    wanted: Sequence[str],
    *,
    accepted: Sequence[str] = (),
    again: bool = False,
) -> str | None:
    """The room (by id) to which this person is invited next, or None: not yet, or not at all.

    First come the rooms where they knock and staff `accepted` it, then those of `wanted`, in their order, once they are in the space. Who left a room
    or declined is left in peace there, unless `again` says that they have come back.
    """
    if has_open(memberships):
        return None
    knocked = next((room for room in accepted if memberships.get(room) == "knock"), None)
    if knocked is not None or space is None or memberships.get(space) != "join":
        return knocked
    never_there = (None, "knock", "leave") if again else (None, "knock")
    return next((room for room in wanted if memberships.get(room) in never_there), None)
