"""What happened in Matrix, as frozen values; never how we heard of it and never what follows from it.

Times are integer milliseconds UTC. Text lives in these values only while one event is being handled: nothing here is ever stored whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COPY_MARK = "org.hearth.key"
"""Content key that every message of ours carries: the hash of the outbox key that caused it."""


@dataclass(frozen=True, slots=True)
class Event:
    """What every event has. `at_ms` is the sender's server's word (origin_server_ts), so it may be early, late or wrong."""

    id: str
    room: str
    sender: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Content:
    """What somebody said: the parts of it that Hearth looks at, as an `m.room.message` would have them (`bridge/extensible.py`).

    `msgtype` is `m.sticker` or `m.poll` for those; the body of a poll is its question and answers. `raw` is the decrypted content as it came, for
    carrying media and unknown parts. `beside`: of an edit, what else it says for clients that know no edits, as text and HTML, where that is not the same again.
    """

    msgtype: str
    body: str
    formatted_body: str | None = None
    mentions: frozenset[str] = frozenset()
    mentions_room: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Message(Event):
    """Somebody said something (`m.room.message`, `m.sticker`, a poll, or another event that has a text).

    `thread` is the root's event id (m.thread), `reply_to` a genuine reply's target: a thread's fallback is not one.
    `encrypted` says whether it came encrypted; `marked`, that the content carries our mark: it is a copy or an answer made by a Hearth.
    """

    content: Content
    thread: str | None = None
    reply_to: str | None = None
    encrypted: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Edited(Event):
    """Somebody replaced the content of their message (m.replace). May arrive before its target."""

    target: str
    content: Content
    encrypted: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Redacted(Event):
    """An event was emptied, by its author or by a moderator."""

    target: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Reacted(Event):
    """Somebody put a reaction (m.annotation) with this key on an event. `marked`: it carries our mark, so a Hearth did."""

    target: str
    key: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class MemberChanged(Event):
    """A membership or a profile in a room changed. `was` is the membership before, where the server told it."""

    user: str
    membership: str
    was: str | None = None
    display_name: str | None = None
    reason: str | None = None
    is_direct: bool = False


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    """Any other state event."""

    type: str
    state_key: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Invited(Event):
    """We were invited. Comes from stripped state: `id` is made up and stable for this invite, `at_ms` is when we saw it."""

    is_direct: bool = False
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Undecryptable(Event):
    """An encrypted event whose key we do not have (yet). `event` is its own id, for when it can be read."""

    session: str | None = None
    event: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Somebody has read up to this event (m.read, which everybody may see). `thread` is its root's event id; "main": in no thread; "": the whole room."""

    room: str
    user: str
    event: str
    thread: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """Somebody reported something by their client's own button, as their homeserver lists it: its number in its list, when it came (UTC ms), who reported whom, and which message if it is about one."""

    number: int
    at_ms: int
    reporter: str
    user: str
    room: str | None = None
    event: str | None = None


AnyEvent = Message | Edited | Redacted | Reacted | MemberChanged | StateChanged | Invited | Undecryptable


@dataclass(frozen=True, slots=True)
class Batch:
    """One sync response, translated: events in the order to handle them, and the cursor that may be stored once they are.

    `final` is false for the pages that fill a gap: their consequences are stored, the cursor is not.
    `receipts` say how far people have read. `joined` are rooms that this response shows us joined in; `left` those we are out of.
    """

    cursor: str
    events: tuple[AnyEvent, ...]
    final: bool = True
    joined: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    receipts: tuple[Receipt, ...] = ()
