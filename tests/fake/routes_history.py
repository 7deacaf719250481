"""Endpoints that read: sync, events, messages, relations, threads, hierarchy, summary. Never change a room."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from . import relations
from .call import V1, Answer, Call, route
from .errors import MatrixError, bad, forbidden, not_found
from .events import Content, Event, stripped
from .room import Room
from .sync import EventFilter, Sync, SyncFilter, position

MAX_DEPTH = 3
SUMMARY = ("/_matrix/client/v1", "/_matrix/client/unstable/im.nheko.summary")


@route("GET", "/sync")
async def sync(call: Call) -> Answer:
    session = call.session
    if session.service and call.user_id == session.service.sender:
        raise MatrixError(500, "M_UNKNOWN", "Internal server error")  # Synapse has no sync for the sender of a service
    since = position(call.query["since"]) if "since" in call.query else None
    wanted = SyncFilter.read(_filter(call))
    deadline = asyncio.get_running_loop().time() + call.number("timeout", 0) / 1000
    while True:
        build = Sync(call.model, session, since, wanted, call.query.get("full_state") == "true")
        body, something = build.answer()
        left = deadline - asyncio.get_running_loop().time()
        if something or since is None or left <= 0:
            return body
        await call.wait(call.user_id, left)
        if not session.service:
            call.model.accounts.session(session.token, {})  # a log-out ends the wait with an error


def _filter(call: Call) -> Content:
    raw = call.query.get("filter")
    if not raw:
        return {}
    if not raw.startswith("{"):
        known = call.session.user.filters
        if not raw.isdigit() or int(raw) >= len(known):
            raise bad("No such filter")
        return known[int(raw)]
    try:
        parsed: Content = json.loads(raw)
    except ValueError:
        raise bad("Invalid filter JSON", "M_NOT_JSON") from None
    return parsed


@route("GET", "/rooms/{room}/event/{event}")
def event(call: Call) -> Answer:
    room = call.readable()
    return call.shown(room, call.event(room, call.params["event"]))


def _walk(call: Call, room: Room, indexes: range, chosen: EventFilter, limit: int) -> list[Event]:
    """Up to `limit` matching events that the caller may see, in the order of the indexes."""
    matching = (e for e in map(room.timeline.__getitem__, indexes) if chosen.takes(e) and room.can_see(call.user_id, e))
    return list(islice(matching, limit))


@route("GET", "/rooms/{room}/messages")
def messages(call: Call) -> Answer:
    room = call.readable()
    backwards = call.query.get("dir", "f") == "b"
    limit = min(call.number("limit", 10), 1000)
    chosen = EventFilter.read(_filter(call))
    newest = f"s{room.streams[-1]}"
    token = call.query.get("from") or (newest if backwards else "s0")
    at = room.index_after(position(token))
    until = (
        room.index_after(position(call.query["to"])) if "to" in call.query else (0 if backwards else len(room.timeline))
    )
    indexes = range(at - 1, until - 1, -1) if backwards else range(at, until)
    found = _walk(call, room, indexes, chosen, limit)
    body: Content = {"start": token, "chunk": [call.shown(room, e) for e in found]}
    if found:  # as long as a page holds anything, Synapse names a next one
        body["end"] = f"s{found[-1].stream - backwards}"
    if chosen.lazy:
        body["state"] = _speakers(call, room, found)
    return body


def _speakers(call: Call, room: Room, events: list[Event]) -> list[Content]:
    known = (room.state.get(("m.room.member", user_id)) for user_id in sorted({e.sender for e in events}))
    return [call.shown(room, member) for member in known if member]


@route("GET", "/rooms/{room}/context/{event}")
def context(call: Call) -> Answer:
    room = call.readable()
    middle = call.event(room, call.params["event"])
    limit = call.number("limit", 10)
    chosen = EventFilter.read(_filter(call))
    before = _walk(call, room, range(middle.index - 1, -1, -1), chosen, limit // 2)
    after = _walk(call, room, range(middle.index + 1, len(room.timeline)), chosen, limit - limit // 2)
    return {
        "event": call.shown(room, middle),
        "events_before": [call.shown(room, e) for e in before],
        "events_after": [call.shown(room, e) for e in after],
        "start": f"s{(before[-1] if before else middle).stream - 1}",
        "end": f"s{(after[-1] if after else middle).stream}",
        "state": [call.shown(room, e) for e in room.state_at((after[-1] if after else middle).index + 1).values()],
    }


@route("GET", "/rooms/{room}/relations/{event}", V1)
@route("GET", "/rooms/{room}/relations/{event}/{kind}", V1)
@route("GET", "/rooms/{room}/relations/{event}/{kind}/{type}", V1)
def related(call: Call) -> Answer:
    room = call.readable()
    call.event(room, call.params["event"])
    recurse = call.query.get("recurse") == "true"
    depth = MAX_DEPTH if recurse else 1
    found = relations.related(room, call.params["event"], call.params.get("kind"), call.params.get("type"), depth)
    found = [event for event in found if room.can_see(call.user_id, event)]
    backwards = call.query.get("dir", "b") == "b"
    limit = min(call.number("limit", 5), 1000)
    if "from" in call.query:
        at = position(call.query["from"])
        found = [event for event in found if (event.stream <= at) == backwards]
    if backwards:
        found.reverse()
    body: Content = {"chunk": [call.shown(room, e) for e in found[:limit]]}
    if recurse:
        body["recursion_depth"] = MAX_DEPTH
    if len(found) > limit:
        body["next_batch"] = f"s{found[limit - 1].stream - backwards}"
    if "from" in call.query:
        body["prev_batch"] = call.query["from"]
    return body


@route("GET", "/rooms/{room}/threads", V1)
def threads(call: Call) -> Answer:
    room = call.readable()
    found = relations.threads(room, call.user_id, participated=call.query.get("include") == "participated")
    if "from" in call.query:
        at = position(call.query["from"])
        found = [pair for pair in found if pair[1] <= at]
    limit = call.number("limit", 5)
    body: Content = {"chunk": [call.shown(room, root) for root, _ in found[:limit]]}
    if len(found) > limit:
        body["next_batch"] = f"s{found[limit - 1][1] - 1}"
    return body


def _enterable(call: Call, room: Room) -> bool:
    """Whether the caller is in the room or could look in or get in without asking anybody."""
    if room.membership(call.user_id) in {"join", "invite"}:
        return True
    if room.content("m.room.history_visibility").get("history_visibility") == "world_readable":
        return True
    rules = room.content("m.room.join_rules")
    if rules.get("join_rule") in {"public", "knock", "knock_restricted"}:
        return True
    allowed = (
        [entry.get("room_id", "") for entry in rules.get("allow", ())] if rules.get("join_rule") == "restricted" else []
    )
    return any(call.model.is_joined(room_id, call.user_id) for room_id in allowed)


def _summary(room: Room) -> Content:
    rules = room.content("m.room.join_rules")
    optional: dict[str, Any] = {
        "name": room.content("m.room.name").get("name"),
        "topic": room.content("m.room.topic").get("topic"),
        "avatar_url": room.content("m.room.avatar").get("url"),
        "canonical_alias": room.content("m.room.canonical_alias").get("alias"),
        "room_type": room.content("m.room.create").get("type"),
        "encryption": room.content("m.room.encryption").get("algorithm"),
    }
    if rules.get("join_rule") in {"restricted", "knock_restricted"}:
        optional["allowed_room_ids"] = [entry["room_id"] for entry in rules.get("allow", ()) if "room_id" in entry]
    return {
        "room_id": room.room_id,
        "room_version": room.version,
        "num_joined_members": len(room.joined),
        "join_rule": rules.get("join_rule", "invite"),
        "world_readable": room.content("m.room.history_visibility").get("history_visibility") == "world_readable",
        "guest_can_join": room.content("m.room.guest_access").get("guest_access") == "can_join",
        **{key: value for key, value in optional.items() if value is not None},
    }


def _children(room: Room, *, suggested_only: bool) -> list[Event]:
    if room.content("m.room.create").get("type") != "m.space":
        return []
    events = [e for (kind, _), e in room.state.items() if kind == "m.space.child" and e.content.get("via")]
    if suggested_only:
        events = [e for e in events if e.content.get("suggested") is True]

    def place(event: Event) -> tuple[bool, str, int, str]:
        order = event.content.get("order")
        return (
            not isinstance(order, str),
            order if isinstance(order, str) else "",
            event.origin_server_ts,
            event.state_key or "",
        )

    return sorted(events, key=place)


@route("GET", "/rooms/{room}/hierarchy", V1)
def hierarchy(call: Call) -> Answer:
    root = call.model.rooms.get(call.params["room"])
    if not root or not _enterable(call, root):
        raise forbidden(f"User {call.user_id} not in room {call.params['room']}, and room previews are disabled")
    entries = list(_descend(call, root))
    first, limit = call.number("from", 0), min(call.number("limit", 50), 50)
    body: Content = {"rooms": entries[first : first + limit]}
    if first + limit < len(entries):
        body["next_batch"] = str(first + limit)
    return body


def _descend(call: Call, root: Room) -> Iterator[Content]:
    suggested_only = call.query.get("suggested_only") == "true"
    max_depth = call.number("max_depth", 1_000)
    seen, waiting = {root.room_id}, [(root, 0)]
    while waiting:
        room, depth = waiting.pop()
        children = _children(room, suggested_only=suggested_only)
        state = [stripped(e) | {"origin_server_ts": e.origin_server_ts} for e in children]
        yield _summary(room) | {"children_state": state}
        if depth >= max_depth:
            continue
        for child in reversed(children):
            found = call.model.rooms.get(child.state_key or "")
            if found and found.room_id not in seen and _enterable(call, found):
                seen.add(found.room_id)
                waiting.append((found, depth + 1))


@route("GET", "/room_summary/{room}", SUMMARY)
def summary(call: Call) -> Answer:
    room = call.model.room(call.params["room"])
    if not _enterable(call, room):
        raise not_found("Room not found or is not accessible")
    return _summary(room) | {"membership": room.membership(call.user_id)}
