"""What a plan must not do without being told twice: too much at once, or what nobody can undo; pure. Never changes a plan."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.power import CREATOR
from bridge.rooms.model import Actual, ActualRoom, Change, Content, Desired, PointAlias, SetContent
from bridge.rooms.plan import about, powers_of

FEW = 6
"""In a community of fewer rooms every change is one of many, so the share of them says nothing."""
SHARE = 3
"""More than one in so many rooms is too much at once."""

_HISTORY = ("joined", "invited", "shared", "world_readable")
_ENTRY: Mapping[str, int] = {
    "private": 0,
    "invite": 0,
    "knock": 1,
    "restricted": 2,
    "knock_restricted": 3,
    "public": 4,
}
_VIEW = frozenset({"m.space.child", "m.space.parent"})
"""Which space shows a room changes nothing in it."""
_COMPLETES = frozenset({"m.room.avatar", "m.room.pinned_events"})
"""What a room of ours gets only after it was made: where there is none yet, setting it finishes the room and changes nothing."""


ANSWERS: Mapping[str, frozenset[str]] = {
    "encryption": frozenset({"encrypted"}),
    "history": frozenset({"history"}),
    "entry": frozenset({"entry", "archived"}),
    "power": frozenset({"curators", "substitutes"}),
}
"""Which field's decision by command is itself the second word for a hold: whoever restores an archived circle means its door, too."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason to ask again. `rooms` are the keys of those that it is about.

    `many`: so many of `total` existing rooms would change at once. All else cannot be undone: `encryption` would be switched on, `history` or `entry`
    widened from `was` to `now`, `user` given as much `power` as Hearth has itself, the room `replaced`.
    """

    about: Literal["many", "encryption", "history", "entry", "power", "replaced"]
    rooms: tuple[str, ...]
    total: int = 0
    was: str = ""
    now: str = ""
    user: str = ""


def holds(wanted: Desired, actual: Actual, changes: Iterable[Change]) -> tuple[Hold, ...]:
    """Why these changes need a second word; empty when nothing speaks against them. Rooms that are only now made are nobody's yet, and never a reason."""
    steps = tuple(changes)
    found = [hold for change in steps for hold in undoable(wanted, actual, change)]
    return (*_many(actual, steps), *found)


def _many(actual: Actual, changes: Iterable[Change]) -> Iterator[Hold]:
    standing = {*actual.rooms, *actual.lost}
    total = len(standing)
    touched = dict.fromkeys(about(change) for change in changes if _alters(change))
    rooms = tuple(key for key in touched if key in standing)
    if total >= FEW and len(rooms) * SHARE > total:
        yield Hold("many", rooms, total)


def _alters(change: Change) -> bool:
    """Whether a room that exists is different afterwards. Who is invited, and who has which power, is said of people: a new moderator is one change."""
    match change:
        case SetContent(type="m.room.power_levels", was=was, content=now):
            return _without_people(was) != _without_people(now)
        case SetContent(type=kind, was=was):
            return kind not in _VIEW and (bool(was) or kind not in _COMPLETES)
        case PointAlias():
            return True
        case _:
            return False


def _without_people(levels: Content) -> Content:
    return {name: value for name, value in levels.items() if name != "users"}


def meant(hold: Hold, decided: Collection[tuple[str, str]]) -> bool:
    """Whether somebody has just decided this very thing: `decided` are room keys with fields."""
    return all(any((key, field) in decided for field in ANSWERS.get(hold.about, ())) for key in hold.rooms)


def undoable(wanted: Desired, actual: Actual, change: Change) -> Iterator[Hold]:
    """What of this one change nobody could take back."""
    if not isinstance(change, SetContent):
        return
    room = _standing(actual, change.key)
    if room is None:
        return
    was, now, key = change.was, change.content, (change.key,)
    match change.type:
        case "m.room.encryption" if now.get("algorithm") and not was.get("algorithm"):
            yield Hold("encryption", key)
        case "m.room.history_visibility":
            before, after = (_text(content, "history_visibility", "shared") for content in (was, now))
            if _rank(_HISTORY, after) > _rank(_HISTORY, before):
                yield Hold("history", key, was=before, now=after)
        case "m.room.join_rules":
            before, after = (_text(content, "join_rule", "invite") for content in (was, now))
            if _ENTRY.get(after, 9) > _ENTRY.get(before, 9) or (before == after and _allowed(now) - _allowed(was)):
                yield Hold("entry", key, was=before, now=after)
        case "m.room.power_levels":
            yield from _risen(wanted, room, was, now)
        case "m.room.tombstone":
            yield Hold("replaced", key)


def _standing(actual: Actual, key: str) -> ActualRoom | None:
    return actual.rooms.get(key) or actual.lost.get(key)


def _risen(wanted: Desired, room: ActualRoom, was: Content, now: Content) -> Iterator[Hold]:
    """People who would get as much power as Hearth: nobody of the same level can take it away again (spec: "m.room.power_levels")."""
    mine = powers_of(room).level(wanted.me)
    if mine == CREATOR:
        return
    before, after = _levels(was), _levels(now)
    for user, level in after.items():
        if user != wanted.me and level >= mine > before.get(user, 0):
            yield Hold("power", (room.key,), user=user)


def _levels(content: Content) -> Mapping[str, int]:
    users = content.get("users")
    return (
        {user: level for user, level in users.items() if isinstance(level, int)} if isinstance(users, Mapping) else {}
    )


def _allowed(content: Content) -> frozenset[str]:
    """The rooms whose members may enter."""
    allow: Any = content.get("allow")
    rooms = [each.get("room_id") for each in allow if isinstance(each, Mapping)] if isinstance(allow, list) else []
    return frozenset(room for room in rooms if isinstance(room, str))


def _text(content: Content, name: str, default: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else default


def _rank(order: tuple[str, ...], value: str) -> int:
    return order.index(value) if value in order else len(order)
