"""A plan as people read it: room by room, like a diff, with counts at the end. Never decides what is in it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bridge.rooms.adopt import field_of
from bridge.rooms.guard import Hold
from bridge.rooms.model import Change, Create, Desired, InvitePerson, Remember, SetContent
from bridge.rooms.tell import differences, line
from bridge.words import Text, words, words_n

MOST_INVITES = 8
"""More people than these are a number."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line under its room: `sign` is `+` (new), `-` (goes) or `~` (changes).

    `by` is who made by hand what this puts right, `field` what `adopt` would have to be told to keep it.
    """

    key: str
    sign: str
    text: str
    by: str | None = None
    field: str | None = None


def rows(wanted: Desired, changes: Iterable[Change]) -> tuple[Row, ...]:
    """The changes, room by room in the order of the configuration, and within a room in the order in which they are made."""
    place = {room.key: number for number, room in enumerate(wanted.rooms)}
    ordered = sorted(changes, key=lambda change: place.get(_key(change), len(place)))
    found: list[Row] = []
    for _, of_room in groupby(ordered, key=_key):
        changed = list(of_room)
        invites = [change for change in changed if isinstance(change, InvitePerson)]
        hidden = invites[MOST_INVITES:] if len(invites) > MOST_INVITES + 1 else []
        found += [row for change in changed if change not in hidden for row in _rows(change)]
        if hidden:
            found.append(Row(hidden[0].key, "+", f"invite {len(hidden)} more people"))
    return tuple(found)


def _key(change: Change) -> str:
    match change:
        case Create(room) | Remember(room):
            return room.key
        case _:
            return change.key


def _rows(change: Change) -> list[Row]:
    key = _key(change)
    if isinstance(change, SetContent) and change.by:
        return [Row(key, "~", text, change.by, field_of(change, path)) for path, text in differences(change)]
    return [Row(key, part[0], part[2:].removeprefix(f"{key}: ")) for part in line(change).splitlines() if part]


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in a plan, in numbers."""

    rooms: int
    changes: int
    by_hand: int
    invites: int


def counts(changes: Iterable[Change]) -> Counts:
    """How many rooms are to be made, how much is to be changed (and how much of that was done by hand), and how many people are to be invited."""
    kinds: Counter[str] = Counter()
    for change in changes:
        match change:
            case Create() | Remember():
                kinds["rooms"] += 1
            case InvitePerson():
                kinds["invites"] += 1
            case _:
                kinds["changes"] += 1
                kinds["by hand"] += isinstance(change, SetContent) and change.by is not None
    return Counts(kinds["rooms"], kinds["changes"], kinds["by hand"], kinds["invites"])


def in_numbers(changes: Sequence[Change]) -> tuple[Text, ...]:
    """The same in words; empty when there is nothing to change."""
    count = counts(changes)
    parts = []
    if count.rooms:
        parts.append(words_n("%(count)s room to make", "%(count)s rooms to make", count.rooms))
    if count.changes:
        parts.append(words_n("%(count)s change", "%(count)s changes", count.changes))
    if count.by_hand:
        parts.append(words_n("%(count)s of them undoes what was done by hand", "%(count)s of them undo what was done by hand", count.by_hand))  # fmt: skip
    if count.invites:
        parts.append(words_n("%(count)s person to invite", "%(count)s people to invite", count.invites))
    return tuple(parts)


def why(hold: Hold) -> Text:
    """A reason not to go on, in words."""
    rooms = {"list": [{"code": key} for key in hold.rooms]}
    match hold.about:
        case "many":
            return words_n(
                "%(count)s of %(total)s room would change at once, which is more than a third: %(rooms)s",
                "%(count)s of %(total)s rooms would change at once, which is more than a third: %(rooms)s",
                len(hold.rooms),
                total=hold.total,
                rooms=rooms,
            )
        case "encryption":
            return words("%(rooms)s would be encrypted, and nobody can switch that off again.", rooms=rooms)
        case "history":
            return words(
                "In %(rooms)s newcomers could read more than now (%(was)s → %(now)s). What they have read nobody can take back.",
                rooms=rooms,
                was={"code": hold.was},
                now={"code": hold.now},
            )
        case "entry":
            return words(
                "More people could enter %(rooms)s than now (%(was)s → %(now)s). Who has come in has read along.",
                rooms=rooms,
                was={"code": hold.was},
                now={"code": hold.now},
            )
        case "power":
            return words(
                "%(who)s would get as much power in %(rooms)s as Hearth has, and Hearth could not take it back.",
                who={"user": hold.user},
                rooms=rooms,
            )
        case "replaced":
            return words("%(rooms)s would be replaced by a new room for good.", rooms=rooms)
