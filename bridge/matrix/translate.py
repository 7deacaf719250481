"""Raw JSON of a homeserver into events of ours; pure. Never trusts a type, never raises, never talks to anybody.

Whatever cannot be understood becomes None, so that one malformed event never costs another.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bridge.events import (
    COPY_MARK,
    AnyEvent,
    Content,
    Edited,
    Event,
    Invited,
    MemberChanged,
    Message,
    Reacted,
    Receipt,
    Redacted,
    StateChanged,
    Undecryptable,
)
from bridge.extensible import as_message

UNDECRYPTED = "/undecrypted"
"""What follows the event id in the id of an Undecryptable, so that handling it does not count as handling the event."""

_MEMBERSHIPS = frozenset({"join", "invite", "knock", "leave", "ban"})
_MOST_MENTIONS = 1000
_MX_REPLY = re.compile(r"\s*<mx-reply>.*?</mx-reply>", re.DOTALL | re.IGNORECASE)
_QUOTED_SENDER = re.compile(r"> (?:\* )?<@[^>\s]{1,255}>")


def event(raw: Any, room: str, *, encrypted: bool = False) -> AnyEvent | None:
    """One event of a timeline or of state; None when there is nothing to understand.

    `encrypted` says that this is what an encrypted event held: then it can only be something said, never state or a redaction.
    """
    held = _mapping(raw)
    base = _base(held, room)
    kind = held.get("type")
    content = held.get("content")
    if base is None or not isinstance(kind, str) or not isinstance(content, dict):
        return None
    if "state_key" in held:
        return None if encrypted else _state(held, base, kind, content)
    if _is_redacted(held):
        return None
    if kind == "m.reaction":
        return _reaction(base, content)
    if kind == "m.room.encrypted":
        session = _text(content.get("session_id"))
        return (
            None
            if encrypted
            else Undecryptable(base.id + UNDECRYPTED, base.room, base.sender, base.at_ms, session, base.id)
        )
    if kind == "m.room.redaction":
        return None if encrypted else _redaction(held, base, content)
    return _message(base, kind, content, encrypted)


def invite(raw_events: Any, room: str, me: str, seen_ms: int, since: str) -> Invited | None:
    """Our invite to a room, from the stripped state of a sync response; `seen_ms` (UTC) is when we saw it.

    `since` is what the response was asked with: a stripped event seldom has an id, and the same room may invite us twice.
    """
    inviter = None
    is_direct = False
    encrypted = False
    trace: Any = since
    for held in map(_mapping, _list(raw_events)):
        content = _mapping(held.get("content"))
        if held.get("type") == "m.room.encryption":
            encrypted = True
        is_ours = held.get("type") == "m.room.member" and held.get("state_key") == me
        if is_ours and content.get("membership") == "invite" and _is_id(held.get("sender"), "@"):
            inviter = str(held["sender"])
            is_direct = content.get("is_direct") is True
            trace = held.get("event_id") or held.get("origin_server_ts") or since
    if inviter is None:
        return None
    return Invited(f"invite/{room}/{inviter}/{trace}", room, inviter, seen_ms, is_direct, encrypted)


def newest_edit(original: Mapping[str, Any], edits: Any) -> Mapping[str, Any] | None:
    """The edit whose text holds now, among raw decrypted events: same sender and kind, latest, then greatest id (spec: m.replace)."""
    fitting = [
        edit
        for edit in map(_mapping, _list(edits))
        if edit.get("sender") == original.get("sender")
        and edit.get("type") == original.get("type")
        and "state_key" not in edit
        and not _is_redacted(edit)
        and isinstance(_mapping(edit.get("content")).get("m.new_content"), dict)
    ]
    return max(fitting, key=_age, default=None)


def relation(content: Any) -> Mapping[str, Any]:
    """The `m.relates_to` of a content, or nothing."""
    return _mapping(_mapping(content).get("m.relates_to"))


def without_quote(body: str) -> str:
    """A reply's plain text without the quotation that older clients put before it (spec: "Fallbacks for rich replies")."""
    if not _QUOTED_SENDER.match(body):
        return body
    lines = body.split("\n")
    first = next((number for number, line in enumerate(lines) if not line.startswith(">")), len(lines))
    if first < len(lines) and not lines[first].strip():
        first += 1
    return "\n".join(lines[first:])


def rooms(response: Any, section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rooms of one section (`join`, `invite`, `leave`) of a sync response, without those that make no sense."""
    for room, value in _mapping(_mapping(_mapping(response).get("rooms")).get(section)).items():
        if isinstance(room, str) and room.startswith("!") and isinstance(value, dict):
            yield room, value


def raw_events(holder: Any, name: str) -> list[dict[str, Any]]:
    """The raw events of `timeline`, `state`, `invite_state`, ... of one room, without those that are no objects."""
    return [raw for raw in _list(_mapping(_mapping(holder).get(name)).get("events")) if isinstance(raw, dict)]


def _age(raw: Mapping[str, Any]) -> tuple[int, str]:
    return _number(raw.get("origin_server_ts")), str(raw.get("event_id"))


def _base(raw: Mapping[str, Any], room: str) -> Event | None:
    event_id, sender = raw.get("event_id"), raw.get("sender")
    if not (_is_id(event_id, "$") and _is_id(sender, "@")):
        return None
    return Event(str(event_id), room, str(sender), _number(raw.get("origin_server_ts")))


def _is_id(value: Any, sigil: str) -> bool:
    return isinstance(value, str) and value.startswith(sigil) and 1 < len(value) <= 255


def _is_redacted(raw: Mapping[str, Any]) -> bool:
    return bool(_mapping(raw.get("unsigned")).get("redacted_because") or raw.get("redacted_because"))


def _state(raw: Mapping[str, Any], base: Event, kind: str, content: Mapping[str, Any]) -> AnyEvent | None:
    key = raw.get("state_key")
    if not isinstance(key, str):
        return None
    if kind != "m.room.member":
        return StateChanged(base.id, base.room, base.sender, base.at_ms, kind, key, content)
    membership = content.get("membership")
    if not isinstance(membership, str) or membership not in _MEMBERSHIPS or not _is_id(key, "@"):
        return None
    return MemberChanged(
        base.id, base.room, base.sender, base.at_ms,
        user=key,
        membership=membership,
        was=_membership_before(raw),
        display_name=_text(content.get("displayname")),
        reason=_text(content.get("reason")),
        is_direct=content.get("is_direct") is True,
    )  # fmt: skip


def _membership_before(raw: Mapping[str, Any]) -> str | None:
    unsigned = _mapping(raw.get("unsigned"))
    before = _mapping(unsigned.get("prev_content") or raw.get("prev_content")).get("membership")
    return before if isinstance(before, str) and before in _MEMBERSHIPS else None


def _redaction(raw: Mapping[str, Any], base: Event, content: Mapping[str, Any]) -> Redacted | None:
    # Since room version 11 the target stands in the content.
    target = content.get("redacts", raw.get("redacts"))
    if not _is_id(target, "$"):
        return None
    return Redacted(base.id, base.room, base.sender, base.at_ms, str(target), _text(content.get("reason")))


def _reaction(base: Event, content: Mapping[str, Any]) -> Reacted | None:
    about = relation(content)
    target, key = about.get("event_id"), about.get("key")
    if about.get("rel_type") != "m.annotation" or not _is_id(target, "$") or not isinstance(key, str) or not key:
        return None
    marked = isinstance(content.get(COPY_MARK), str)
    return Reacted(base.id, base.room, base.sender, base.at_ms, str(target), key, marked)


def _message(base: Event, kind: str, content: Mapping[str, Any], encrypted: bool) -> Message | Edited | None:
    about = relation(content)
    marked = isinstance(content.get(COPY_MARK), str)
    target = about.get("event_id")
    if about.get("rel_type") == "m.replace" and _is_id(target, "$"):  # of nothing it is no edit, and shown as a message
        new = _mapping(content.get("m.new_content"))
        said = _content(kind, new, reply=False)
        if said is None:
            return None
        said = replace(said, beside=_beside(content, said))
        marked = marked or isinstance(new.get(COPY_MARK), str)
        return Edited(base.id, base.room, base.sender, base.at_ms, str(target), said, encrypted, marked)
    thread = about.get("event_id") if about.get("rel_type") == "m.thread" else None
    thread = thread if _is_id(thread, "$") else None
    answered = _mapping(about.get("m.in_reply_to")).get("event_id")
    # In a thread, the reply is there for clients without threads, unless the sender says that it is meant.
    genuine = thread is None or about.get("is_falling_back") is not True
    reply_to = answered if genuine and _is_id(answered, "$") else None
    said = _content(kind, content, reply=_is_id(answered, "$"))
    if said is None:
        return None
    return Message(base.id, base.room, base.sender, base.at_ms, said, thread, reply_to, encrypted, marked)


def _beside(content: Mapping[str, Any], said: Content) -> tuple[str, str] | None:
    """What an edit says for clients that know none (spec: "Event replacements"), unless it is the new text behind a star."""
    body, html = without_quote(_text(content.get("body")) or ""), _text(content.get("formatted_body")) or ""
    plain, shown = body.strip().removeprefix("*").strip(), html.strip().removeprefix("*").strip()
    same = plain in ("", said.body.strip()) and shown in ("", (said.formatted_body or "").strip())
    return None if same else (body, html)


def _content(kind: str, content: Mapping[str, Any], *, reply: bool) -> Content | None:
    said = as_message(kind, content)
    if said is None:
        return None
    body = str(said["body"])
    html = said.get("formatted_body")
    formatted = html if isinstance(html, str) and said.get("format") == "org.matrix.custom.html" else None
    if reply:
        body = without_quote(body)
        formatted = _MX_REPLY.sub("", formatted, count=1) if formatted is not None else None
    called = _mapping(content.get("m.mentions"))
    users = frozenset(user for user in _list(called.get("user_ids"))[:_MOST_MENTIONS] if _is_id(user, "@"))
    return Content(str(said["msgtype"]), body, formatted, users, called.get("room") is True, content)


def receipts(raws: Iterable[Mapping[str, Any]], room: str, me: str) -> Iterator[Receipt]:
    """How far others have read (client-server API, "Receipts"): public receipts (m.read) only, in whatever order; what makes no sense is left out."""
    for raw in raws:
        if raw.get("type") != "m.receipt":
            continue
        for event, kinds in _mapping(raw.get("content")).items():
            for user, data in _mapping(_mapping(kinds).get("m.read")).items():
                thread = _mapping(data).get("thread_id", "")
                if _is_id(event, "$") and _is_id(user, "@") and user != me and isinstance(thread, str):
                    yield Receipt(room, user, event, thread, _number(_mapping(data).get("ts")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int:
    """A time in ms; what is no time at all counts as the beginning of time."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0
