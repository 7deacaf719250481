"""Words a digest: who said it where, why it is there, where to open it. Never chooses, reads or sends anything."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import groupby
from typing import Any

from bridge.digest.excerpt import excerpt
from bridge.digest.model import FOLLOWED, Item, Reason
from bridge.frozen import frozen
from bridge.scene import Names
from bridge.speak import content as notice
from bridge.store.rooms import Room
from bridge.text import template
from bridge.words import Text, words, words_n

_JSON = json.JSONEncoder(ensure_ascii=False)
MOST_BYTES = 16_000
EXCERPT_CHARACTERS = (140, 70, 0)
"""How much of each message is quoted; less where the whole becomes too large."""

LESS, MORE, MUTE, STOP = "➖", "➕", "🔕", "🛑"
OFFERED = (LESS, MORE, MUTE, STOP)
"""What stands under every digest, so that one touch is enough. Clients notify nobody of a reaction (client-server API, push rule .m.rule.reaction)."""

OFFERED_AT_ONCE = (MUTE, STOP)
"""What stands under a message that somebody calls on its reader."""

NAMED_ABOVE = 3
"""So many people are named in the first line, which is all that a phone shows."""


@frozen
class Line:
    """One item with what is said there now. `author` is empty where a copy names none. `content` is None where the words may not be shown in this direct room.

    `late_ms` is there when it came too late for the digest where it belongs: when it was written, by its sender's server (UTC ms).
    """

    item: Item
    author: str
    content: Mapping[str, Any] | None
    copied: bool = False
    late_ms: int | None = None


@frozen
class Letter:
    """All that a digest's message is made of. `since_ms` is there when it covers more than usual, `paused` when that was the reader's own wish.

    `watched` is what may need the reader, who looks after others. `via` are servers that know the rooms. `numbers` are those by which the items are known: they stay the same when others disappear. `call`: it is told
    at once that somebody calls on its reader. `calm`: nothing but `watched` was ever in it.
    """

    lines: tuple[Line, ...]
    more: int
    made_ms: int
    zone: str
    rooms: Mapping[str, Room]
    since_ms: int | None = None
    via: tuple[str, ...] = field(default=())
    paused: bool = False
    numbers: Mapping[Item, int] = field(default_factory=dict)
    call: bool = False
    watched: Text | None = None
    calm: bool = False


def content(letter: Letter, language: str, names: Names, key: str) -> dict[str, Any]:
    """The digest as the content of a message that notifies its reader and pings nobody (spec, m.mentions), at most 16,000 bytes."""
    lines = letter.lines
    while True:
        for characters in EXCERPT_CHARACTERS:
            made = _content(letter, lines, language, names, key=key, characters=characters)
            if len(_JSON.encode(made).encode()) <= MOST_BYTES or (not characters and len(lines) <= 1):
                return made
        lines = lines[:-1]


def _content(
    letter: Letter, lines: Sequence[Line], language: str, names: Names, *, key: str, characters: int
) -> dict[str, Any]:
    numbered = [(letter.numbers.get(line.item, place), line) for place, line in enumerate(lines, start=1)]
    rendered = template(
        "digest/digest.md",
        language,
        names,
        heading=_heading(letter, names),
        when=_when(letter),
        period=_period(letter),
        groups=[
            (_TITLES[kind], [_entry(letter, number, line, names, characters) for number, line in group])
            for kind, group in groupby(numbered, key=lambda one: one[1].item.reasons[0].kind)
        ],
        tail=_tail(letter, letter.more + len(letter.lines) - len(lines)),
    )
    # Not a notice: clients do not notify anybody of those.
    return {**notice(rendered, key), "msgtype": "m.text"}


_TITLES = {
    "reply": words("Answers to you"),
    "mention": words("Where you are mentioned"),
    "taken": words("Conversations you took part in"),
    "own": words("From your circle"),
    "unheard": words("Nobody has answered them yet"),
    "thread": words("Threads you follow"),
    "person": words("People you follow"),
    "person_tag": words("People and tags you follow"),
    "circle": words("Circles you follow"),
    "tag": words("Tags you follow"),
}


def _heading(letter: Letter, names: Names) -> Any:
    """What matters, in one line: who answered or calls on the reader, and how much else there is; or else the first ones of whom it tells."""
    if not letter.lines and letter.watched is not None:
        return words("What may need you")
    if not letter.lines and letter.calm:
        return words("Nobody needs you at the moment, as far as I can see")
    if not letter.lines:
        return words("There is nothing here any more") if letter.call else words("Your digest is empty now")
    found: list[Text] = []
    by_kind = {
        kind: [line for line in letter.lines if line.item.reasons[0].kind == kind] for kind in ("reply", "mention")
    }
    if replies := by_kind["reply"]:
        found.append(words("Answers to you: %(who)s", who=_people(replies, names)))
    if mentions := by_kind["mention"]:
        found.append(words("You are mentioned by: %(who)s", who=_people(mentions, names)))
    shown = len(replies) + len(mentions)
    if not found:
        shown = min(len(letter.lines), NAMED_ABOVE)
        found.append(words("New for you: %(what)s", what={"list": _first_ones(letter, names)}))
    if rest := len(letter.lines) - shown + letter.more:
        found.append(words_n("%(count)s more conversation", "%(count)s more conversations", rest))
    return {"list": found, "between": " · "}


def _people(lines: Sequence[Line], names: Names) -> dict[str, Any]:
    people = list({line.author: _name(line, names) for line in lines}.values())
    more = [words("and others")] if len(people) > NAMED_ABOVE else []
    return {"list": [*people[:NAMED_ABOVE], *more]}


def _first_ones(letter: Letter, names: Names) -> list[Text]:
    found = {}
    for line in letter.lines[:NAMED_ABOVE]:
        where = place(letter.rooms.get(line.item.room), line.item.room, linked=False)
        found[line.author, line.item.room] = words("%(who)s in %(where)s", who=_name(line, names), where=where)
    return list(found.values())


def _name(line: Line, names: Names) -> Any:
    return names.of(line.author) if line.author else words("Somebody")


def _when(letter: Letter) -> Text | None:
    now = {"time_ms": letter.made_ms, "zone": letter.zone}
    return words("Your digest, %(now)s", now=now) if letter.lines and not letter.call else None


def _period(letter: Letter) -> Text | None:
    if not letter.lines:
        return None if letter.watched or letter.calm else words("What stood here is no longer there to be read.")
    if letter.since_ms is None:
        return None
    since, until = ({"time_ms": ms, "zone": letter.zone} for ms in (letter.since_ms, letter.made_ms))
    if letter.paused:
        return words(
            "After your pause, this one covers everything from %(since)s to %(until)s.", since=since, until=until
        )
    return words(
        "It has been longer than usual, so this one covers everything from %(since)s to %(until)s.",
        since=since, until=until,
    )  # fmt: skip


def _tail(letter: Letter, more: int) -> list[Text]:
    found = []
    if more and letter.lines:
        found.append(words_n("And %(count)s more conversation.", "And %(count)s more conversations.", more))
    if letter.watched is not None:
        found += [words("**What may need you**"), letter.watched] if letter.lines else [letter.watched]
    if not letter.lines:
        return list(found)
    if letter.call:
        touch = words("Tap below: %(mute)s hear no more of one, %(stop)s only in your digest from now on.", mute=MUTE, stop=STOP)  # fmt: skip
        return [*found, touch]
    touch = words("Tap below: %(less)s less, %(more)s more, %(mute)s hear no more of one, %(stop)s none from now on.", less=LESS, more=MORE, mute=MUTE, stop=STOP)  # fmt: skip
    return [*found, touch]


_OPEN = words("Open it")


def _entry(letter: Letter, number: int, line: Line, names: Names, characters: int) -> tuple[Any, ...]:
    """One item: its number, what is said where, why it is there, and where it can be opened."""
    item = line.item
    link = {"event": item.event, "room": item.room, "name": _OPEN, "via": letter.via}
    why = _late(line, letter.zone, _why(item, letter.rooms, names))
    return number, _said(letter, line, names, characters), why, link


def _said(letter: Letter, line: Line, names: Names, characters: int) -> Text:
    # Whoever reads a copy is shown what the copy shows: a name, and no id.
    shown = _name(line, names)
    who: Any = shown if line.copied else {"user": line.author}
    where = place(letter.rooms.get(line.item.room), line.item.room)
    quoted = excerpt(line.content, characters) if line.content is not None else None
    if quoted is None:
        said = words("%(who)s wrote in %(where)s.", who=who, where=where)
    elif isinstance(quoted, Text):
        said = words("%(who)s sent %(what)s in %(where)s.", who=who, what=quoted, where=where)
    else:
        said = words("%(who)s in %(where)s: “%(excerpt)s”", who=who, where=where, excerpt=quoted)
    if not line.item.replies:
        return said
    further = words_n("%(count)s more message there.", "%(count)s more messages there.", line.item.replies)
    return words("%(said)s %(further)s", said=said, further=further)


def _late(line: Line, zone: str, why: Text) -> Text:
    """The reason, after a word on what came late."""
    if line.late_ms is None:
        return why
    late = words("It was written on %(time)s and came late.", time={"time_ms": line.late_ms, "zone": zone})
    return words("%(said)s %(further)s", said=late, further=why)


_WHY = {
    "reply": words("It is an answer to you."),
    "mention": words("You are mentioned there."),
    "unheard": words("Perhaps you have a word for them?"),
    "taken": words("Because you took part in it."),
    "own": words("Because it is from your circle."),
}


def _why(item: Item, rooms: Mapping[str, Room], names: Names) -> Text:
    """What calls for the reader, or what they follow; that it is from their circle only where nothing else is to be said."""
    kinds = [reason.kind for reason in item.reasons]
    followed = [_by_name(reason, rooms, names) for reason in item.reasons if reason.kind in FOLLOWED]
    said = [_WHY[kind] for kind in ("reply", "mention", "unheard") if kind in kinds]
    if len(followed) == 1 and "thread" in kinds:
        said.append(words("Because you follow this thread."))
    elif followed:
        said.append(words("Because you follow %(what)s.", what={"list": followed}))
    said += [] if said else [_WHY[kind] for kind in ("taken", "own") if kind in kinds][:1]
    first, *rest = said
    return words("%(said)s %(further)s", said=first, further=rest[0]) if rest else first


def _by_name(reason: Reason, rooms: Mapping[str, Room], names: Names) -> Any:
    """What somebody follows, without links: they stand in the line above already, and many pills make a digest hard to read."""
    match reason.kind:
        case "person":
            return names.of(reason.target)
        case "person_tag":
            return words("%(who)s on #%(tag)s", who=names.of(reason.target), tag=reason.tag)
        case "circle":
            return place(rooms.get(reason.target), reason.target, linked=False)
    return followed(reason, rooms)


def followed(reason: Reason, rooms: Mapping[str, Room], thread: Mapping[str, Any] | None = None) -> Any:
    """What somebody follows, as a value for a Text; `thread` is the link to a thread, where it is not the one that is spoken of."""
    match reason.kind:
        case "person":
            return {"user": reason.target}
        case "person_tag":
            return words("%(who)s on #%(tag)s", who={"user": reason.target}, tag=reason.tag)
        case "circle":
            return place(rooms.get(reason.target), reason.target)
        case "tag":
            return f"#{reason.target}"
        case "thread":
            return thread or words("this thread")


_A_ROOM = words("a room")
_ROOMS = {"common": words("the common room"), "staff": words("the staff room")}


def place(room: Room | None, room_id: str, *, linked: bool = True) -> Any:
    """A room as a value for a Text, by the name that members know: a circle's tag, or what the room is for."""
    if room is None:
        return _A_ROOM
    name = f"#{room.tag}" if room.tag else _ROOMS.get(room.kind, _A_ROOM)
    return {"room": room_id, "alias": room.alias, "name": name} if linked else name
