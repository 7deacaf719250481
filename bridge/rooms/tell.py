"""Tells people of changes, as lines for a terminal, and of notes, in words. Never decides which there are."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from bridge.rooms.model import (
    Change,
    Create,
    EnterRoom,
    InvitePerson,
    Note,
    PointAlias,
    Remember,
    SayWelcome,
    SetContent,
    UploadFile,
)
from bridge.store.rooms import Room
from bridge.words import Text, lines, words

_ABSENT = object()
_MOST_SHOWN = 60


_EXISTING: Mapping[str, Text] = {
    "unknown": words("There is no room %(target)s, so %(room)s cannot be it. Correct its address in the configuration."),
    "outside": words("Hearth is not in %(target)s. Somebody there has to invite it and give it power 100; then it becomes %(room)s."),
    "lacks": words("Hearth has power %(level)s in %(target)s and needs 100. Somebody there has to give it; then it becomes %(room)s."),
    "old": words("%(target)s is a room of version %(level)s, which cannot let in the members of a space. Upgrade it to a newer one first."),
    "taken": words("%(target)s is another room of this community already, so it cannot be %(room)s, too."),
    "stranger": words("The space also shows %(target)s, which the configuration does not name. It is left alone."),
}  # fmt: skip
"""What is to be said of rooms that were there before us."""


def explain(note: Note) -> Text:
    """A note in words, with what a person can do about it."""
    room: Mapping[str, Any] = {"code": note.key}
    match note.about:
        case "vanished":
            return _vanished(note.key, room)
        case "away":
            return words("Hearth is not in %(room)s any more. Somebody there has to invite it back.", room=room)
        case "encrypted":
            return words(
                "%(room)s is encrypted, and encryption cannot be switched off. Say so in the configuration.", room=room
            )
        case "alias":
            return words(
                "The address for %(room)s already leads to another room. Choose another alias in the configuration.",
                room=room,
            )
        case "picture":
            return words(
                "The picture for %(room)s cannot be read. Put the file where the configuration says, or name another one.",
                room=room,
            )
        case "power":
            return words(
                "Hearth has power %(level)s in %(room)s and needs 100. Somebody with more has to give it back.",
                level=note.level or 0,
                room=room,
            )
        case "stronger":
            return words(
                "%(who)s has power %(level)s in %(room)s, more than the configuration says. It was given by hand, and is left as it is.",
                who={"user": note.user},
                level=note.level or 0,
                room=room,
            )
        case existing:
            values = {"target": {"code": note.name}, "room": room, "level": note.level or 0}
            return replace(_EXISTING[existing], values=values)


_ARCHIVED_BY = {"circle": "circles archive", "room": "room archive"}
"""By the beginning of a room's key: the command that puts such a room aside."""


def _vanished(key: str, room: Mapping[str, Any]) -> Text:
    gone = words("%(room)s is no longer in the configuration. It stays as it is: nothing is ever deleted.", room=room)
    family = key.partition("/")[0]
    if family not in _ARCHIVED_BY:
        return gone
    archive = {"command": f"{_ARCHIVED_BY[family]} {key}", "prefix": "!"}
    return lines(gone, words("%(archive)s in the staff room puts it aside, to be read only.", archive=archive))


def address(room: Room) -> dict[str, object]:
    """The value for a text that names a room of ours to staff."""
    return {"room": room.room, "alias": room.alias, "name": room.alias or room.key}


def line(change: Change) -> str:
    """A change as one or more lines of a diff for a terminal: `+` is new, `~` is changed."""
    match change:
        case Create(room):
            return f"+ {room.key}: make the room {room.name!r}, {room.alias}"
        case Remember(room, room_id, adopted):
            return f"+ {room.key}: " + (
                f"adopt the room {room_id}" if adopted else "take up the room that was made before"
            )
        case EnterRoom(key=key, target=target):
            return f"+ {key}: enter the room {target}"
        case PointAlias(key=key, alias=alias):
            return f"+ {key}: the address {alias}"
        case InvitePerson(key=key, user=user):
            return f"+ {key}: invite {user}"
        case UploadFile(key=key, file=file):
            return f"+ {key}: upload the picture {PurePath(file).name}"
        case SayWelcome(key=key, text=text, was=was):
            shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
            return f"{'~' if was else '+'} {key}: {'change the welcome to' if was else 'say the welcome'} {shown!r}"
        case SetContent(key=key):
            return "\n".join(f"~ {key}: {text}" for _, text in differences(change))


def differences(change: SetContent) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every value that a change of a state event gives or takes: the keys that lead to it, and the line of a diff without its sign."""
    what = f"{change.type} {change.state_key}".rstrip()
    for path, before, after in _differences(change.was, change.content, ()):
        yield path, f"{' '.join((what, *path))}: {_shown(before)} -> {_shown(after)}"


def _differences(was: Any, now: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*was, *now)):
            before, after = was.get(key, _ABSENT), now.get(key, _ABSENT)
            if before != after:
                yield from _differences(before, after, (*path, key))
    elif was is _ABSENT and isinstance(now, Mapping) and now:
        yield from _differences({}, now, path)
    else:
        yield path, was, now


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else repr(value)
