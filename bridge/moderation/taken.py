"""Which of the events that were found are to be redacted; pure. Encrypted ones too: what they are about stands outside of what is encrypted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EDIT, THREAD = "m.replace", "m.thread"


@dataclass(frozen=True, slots=True)
class Found:
    """An event that can be redacted: where it is, whose, when (UTC ms, by its sender's server), and what it is about (`kind` of relation and event)."""

    id: str
    room: str
    sender: str
    at_ms: int
    kind: str | None = None
    about: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a message of its own, and neither an edit nor a reaction."""
        return self.kind not in (EDIT, "m.annotation")


def found(room: str, raw: Mapping[str, Any]) -> Found | None:
    """An event as the homeserver gives it; None for state, for redactions, and for what is empty already."""
    content, unsigned = raw.get("content"), raw.get("unsigned")
    event, sender, at_ms = raw.get("event_id"), raw.get("sender"), raw.get("origin_server_ts")
    if "state_key" in raw or raw.get("type") == "m.room.redaction" or not isinstance(content, Mapping) or not content:
        return None
    if isinstance(unsigned, Mapping) and unsigned.get("redacted_because"):
        return None
    if not isinstance(event, str) or not isinstance(sender, str) or not isinstance(at_ms, int):
        return None
    relation = content.get("m.relates_to")
    relation = relation if isinstance(relation, Mapping) else {}
    kind, about = relation.get("rel_type"), relation.get("event_id")
    return Found(
        event, room, sender, at_ms, kind if isinstance(kind, str) else None, about if isinstance(about, str) else None
    )


def since(events: Iterable[Found], since_ms: int) -> tuple[Found, ...]:
    """Everything from that moment on, the newest first."""
    return _newest_first(each for each in events if each.at_ms >= since_ms)


def last(events: Sequence[Found], most: int) -> tuple[Found, ...]:
    """The newest messages, so many, and their edits; the newest first."""
    chosen = _newest_first(each for each in events if each.counts)[:most]
    ids = {each.id for each in chosen}
    return _newest_first((*chosen, *(each for each in events if each.kind == EDIT and each.about in ids)))


def with_edits(events: Sequence[Found], root: str, *, thread: bool) -> tuple[Found, ...]:
    """One message with its edits, or a whole thread with all edits in it. `events` are what is about it, directly or not."""
    messages = {root, *(each.id for each in events if thread and each.kind == THREAD and each.about == root)}
    return _newest_first(
        each for each in events if each.id in messages or (each.kind == EDIT and each.about in messages)
    )


def _newest_first(events: Iterable[Found]) -> tuple[Found, ...]:
    return tuple(sorted({each.id: each for each in events}.values(), key=lambda each: (-each.at_ms, each.id)))
