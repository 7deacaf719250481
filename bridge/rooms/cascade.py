"""Who has to leave a room because they are out of the space; pure. Never about who never was in it, never about Hearth or the last owner.

Leaving a space removes nobody from its rooms (spec: "Restricted rooms"), so the keys have to be taken back one by one. Asked twice, it says the same.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

GRACE_MS = 5 * 60 * 1000
"""Who left the space by themselves may have touched the wrong button: so long their rooms wait for them."""

OUT = ("leave", "ban")
INSIDE = ("join", "invite")
"""In these somebody has, or can take, a place in a room. A knock is a question, and is answered as one."""


@dataclass(frozen=True, slots=True)
class Was:
    """What somebody was in a room from `since_ms` (UTC) on. `row` rises with every change that we hear of, in whatever room; `now`: they still are."""

    user: str
    room: str
    membership: str
    row: int
    since_ms: int
    now: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """Take this person out of this room. `row` is the membership that ends; `by_themselves`, whether they left the space of their own accord, as far as we know."""

    user: str
    room: str
    row: int
    by_themselves: bool


def removals(
    history: Iterable[Was],
    *,
    space: str,
    me: str,
    owners: Sequence[str],
    owners_inside: Collection[str],
    now_ms: int,
    removed: Collection[str] = (),
) -> tuple[Removal, ...]:
    """Who leaves which room now, in the order of their memberships there.

    `history` has all memberships of the people in question, in the space and in its rooms. `owners_inside` are those of the owners who are joined in
    the space, `removed` people whom somebody else has just taken out of it: for them there is no grace.

    Somebody stays who never was joined in the space (they were let into a room by hand), and whom somebody invited to that room after they had left.
    """
    found: list[Removal] = []
    by_user: dict[str, list[Was]] = {}
    for was in history:
        by_user.setdefault(was.user, []).append(was)
    for user, mine in by_user.items():
        out = next((was for was in mine if was.room == space and was.now and was.membership in OUT), None)
        if out is None or user == me or not any(was.room == space and was.membership == "join" for was in mine):
            continue
        if user in owners and not set(owners_inside) - {user}:
            continue
        kicked = user in removed and out.membership == "leave"
        if not kicked and now_ms < out.since_ms + GRACE_MS:
            continue
        invited = {was.room for was in mine if was.membership == "invite" and was.row > out.row}
        found += [
            Removal(user, was.room, was.row, by_themselves=out.membership == "leave" and user not in removed)
            for was in mine
            if was.now and was.room != space and was.membership in INSIDE and was.room not in invited
        ]
    return tuple(sorted(found, key=lambda each: each.row))
