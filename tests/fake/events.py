"""One event and what redaction leaves of it. Never knows rooms, users or HTTP."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any

Content = dict[str, Any]

KEPT = {  # what redaction leaves, room version 11 and later (spec: rooms/v11, "Redactions")
    "m.room.member": ("membership", "join_authorised_via_users_server"),
    "m.room.join_rules": ("join_rule", "allow"),
    "m.room.power_levels": (
        "ban",
        "events",
        "events_default",
        "invite",
        "kick",
        "redact",
        "state_default",
        "users",
        "users_default",
    ),
    "m.room.history_visibility": ("history_visibility",),
    "m.room.redaction": ("redacts",),
}


@dataclass(slots=True, eq=False)
class Event:
    """An accepted event. `stream` orders all events of the server, `index` those of its room; only redaction changes it."""

    event_id: str
    room_id: str
    sender: str
    type: str
    content: Content
    origin_server_ts: int
    stream: int
    index: int
    state_key: str | None = None
    replaces: Event | None = None  # the state event that this one took the place of
    sent_by: tuple[str, str] | None = None  # (device, transaction id), echoed to that device only
    redacts: str | None = None
    redacted_because: Event | None = None
    relation: tuple[str, str] | None = field(default=None)  # (rel_type, parent), gone once redacted

    @property
    def membership(self) -> str | None:
        """The membership that an m.room.member event sets."""
        return self.content.get("membership") if self.type == "m.room.member" else None


def relation_of(content: Content) -> tuple[str, str] | None:
    """(rel_type, parent event id) of a content, or None: a plain reply is no relation here."""
    relates = content.get("m.relates_to")
    if not isinstance(relates, dict):
        return None
    kind, parent = relates.get("rel_type"), relates.get("event_id")
    return (kind, parent) if isinstance(kind, str) and isinstance(parent, str) else None


def pruned(event_type: str, content: Content) -> Content:
    """What is left of a content after its redaction."""
    if event_type == "m.room.create":
        return content
    return {key: content[key] for key in KEPT.get(event_type, ()) if key in content}


def stripped(event: Event) -> Content:
    """The form in which an invited or knocking user sees state (spec: "Stripped state")."""
    return {"type": event.type, "state_key": event.state_key, "sender": event.sender, "content": event.content}


def opaque_id(seed: str) -> str:
    """43 url-safe characters, as event ids and room ids of version 12 have; the same seed gives the same id."""
    return base64.urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()).decode().rstrip("=")


def domain_of(user_id: str) -> str:
    """The server name in a user id or alias."""
    return user_id.partition(":")[2]
