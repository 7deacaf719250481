"""How an event is shown to one user: unsigned data, bundled relations, threads. Never changes anything."""

from __future__ import annotations

from collections.abc import Iterable

from .accounts import Session
from .events import Content, Event
from .room import Room


def shown(room: Room, event: Event, viewer: Session, now_ms: int, *, bundle: bool = True) -> Content:
    """The client's form of an event, with `unsigned` as this viewer's device gets it."""
    unsigned: Content = {"age": now_ms - event.origin_server_ts}
    form: Content = {
        "event_id": event.event_id,
        "room_id": event.room_id,
        "sender": event.sender,
        "type": event.type,
        "content": event.content,
        "origin_server_ts": event.origin_server_ts,
        "unsigned": unsigned,
    }
    if event.state_key is not None:
        form["state_key"] = event.state_key
        if event.replaces:
            unsigned["replaces_state"] = event.replaces.event_id
            unsigned["prev_content"] = event.replaces.content
            unsigned["prev_sender"] = event.replaces.sender
    if event.redacts:
        form["redacts"] = event.redacts
    if event.sent_by and event.sent_by[0] == viewer.transactions:
        unsigned["transaction_id"] = event.sent_by[1]
    unsigned["membership"] = room.membership_at(viewer.user.user_id, event.index)
    if event.redacted_because:
        unsigned["redacted_by"] = event.redacted_because.event_id
        unsigned["redacted_because"] = shown(room, event.redacted_because, viewer, now_ms, bundle=False)
    if bundle and event.event_id in room.children and (relations := _bundled(room, event, viewer, now_ms)):
        unsigned["m.relations"] = relations
    return form


def _bundled(room: Room, event: Event, viewer: Session, now_ms: int) -> Content:
    relations: Content = {}
    if references := room.related(event.event_id, "m.reference"):
        relations["m.reference"] = {"chunk": [{"event_id": other.event_id} for other in references]}
    if edit := room.newest_edit(event):
        relations["m.replace"] = shown(room, edit, viewer, now_ms, bundle=False)
    if replies := room.related(event.event_id, "m.thread"):
        me = viewer.user.user_id
        relations["m.thread"] = {
            "latest_event": shown(room, replies[-1], viewer, now_ms, bundle=False),
            "count": len(replies),
            "current_user_participated": event.sender == me or any(reply.sender == me for reply in replies),
        }
    return relations


def related(room: Room, event_id: str, kind: str | None, event_type: str | None, depth: int) -> list[Event]:
    """Events that relate to one, oldest first; `depth` levels down (1: only its own)."""
    found: dict[str, Event] = {}
    parents: Iterable[str] = [event_id]
    for _ in range(depth):
        fresh = [e for parent in parents for events in room.children.get(parent, {}).values() for e in events]
        found.update((event.event_id, event) for event in fresh)
        parents = [event.event_id for event in fresh]
    chosen = (e for e in found.values() if event_type in {None, e.type} and (kind is None or _is(e, kind)))
    return sorted(chosen, key=lambda event: event.index)


def _is(event: Event, kind: str) -> bool:
    return event.relation is not None and event.relation[0] == kind


def threads(room: Room, user_id: str, *, participated: bool) -> list[tuple[Event, int]]:
    """Thread roots the user may see with the stream position of the last reply, the liveliest first."""
    found = []
    for parent, kinds in room.children.items():
        replies, root = kinds.get("m.thread"), room.by_id.get(parent)
        if not replies or not root or not room.can_see(user_id, root):
            continue
        if participated and user_id not in {root.sender, *(reply.sender for reply in replies)}:
            continue
        found.append((root, replies[-1].stream))
    return sorted(found, key=lambda pair: -pair[1])
