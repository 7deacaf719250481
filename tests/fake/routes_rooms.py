"""Endpoints that act on rooms: create, membership, state, sending, redacting, aliases. Reading history is elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from . import power
from .call import Answer, Call, route
from .creation import create_room, upgrade_room
from .errors import MatrixError, bad, not_found
from .events import Content, Event

Act = Callable[[tuple[str, str] | None], Event]


@route("POST", "/createRoom")
def create(call: Call) -> Answer:
    call.spend("send", "create")
    if call.body.get("invite"):
        call.spend("invite")
    return {"room_id": create_room(call.model, call.user_id, call.body).room_id}


@route("POST", "/rooms/{room}/upgrade")
def upgrade(call: Call) -> Answer:
    body = call.body
    if "new_version" not in body:
        raise bad("Missing new_version", "M_MISSING_PARAM")
    call.spend("send", "create")
    extra = list(body.get("additional_creators", ()))
    return {"replacement_room": upgrade_room(call.model, call.user_id, call.room(), body["new_version"], extra).room_id}


@route("GET", "/directory/room/{alias}", auth=False)
def alias_get(call: Call) -> Answer:
    room = call.model.room(call.params["alias"])
    return {"room_id": room.room_id, "servers": [call.model.server_name]}


@route("PUT", "/directory/room/{alias}")
def alias_put(call: Call) -> Answer:
    room = call.model.room_for(call.body.get("room_id", ""), call.user_id)
    if call.user_id not in room.joined:
        raise power.forbidden("You must be in the room to create an alias for it")
    call.model.add_alias(call.params["alias"], room.room_id, call.user_id)
    return {}


@route("DELETE", "/directory/room/{alias}")
def alias_delete(call: Call) -> Answer:
    alias = call.params["alias"]
    room, by = call.model.room(alias), call.model.aliases[alias][1]
    if call.user_id != by and power.level_of(room, call.user_id) < power.needed(
        room, "m.room.canonical_alias", state=True
    ):
        raise power.forbidden("You don't have permission to delete the alias.")
    del call.model.aliases[alias]
    return {}


@route("GET", "/rooms/{room}/aliases")
def aliases(call: Call) -> Answer:
    room = call.readable()
    return {"aliases": [alias for alias, (room_id, _) in call.model.aliases.items() if room_id == room.room_id]}


@route("GET", "/directory/list/room/{room}", auth=False)
def published_get(call: Call) -> Answer:
    return {"visibility": "public" if call.model.room(call.params["room"]).published else "private"}


@route("PUT", "/directory/list/room/{room}")
def published_put(call: Call) -> Answer:
    call.room().published = call.body.get("visibility", "public") == "public"
    return {}


@route("GET", "/joined_rooms")
def joined_rooms(call: Call) -> Answer:
    return {"joined_rooms": [r for r in call.session.user.rooms if call.model.is_joined(r, call.user_id)]}


@route("POST", "/join/{room}")
@route("POST", "/rooms/{room}/join")
@route("POST", "/knock/{room}")
def join_or_knock(call: Call) -> Answer:
    action = "knock" if "/knock/" in call.request.path else "join"
    name = call.params["room"]
    room_id = call.model.aliases[name][0] if name in call.model.aliases else name
    if room_id not in call.model.rooms:
        if room_id.startswith("#"):
            raise not_found("No such room alias")
        raise MatrixError(
            404, "M_UNKNOWN", "Can't join remote room because no servers that are in the room were given."
        )
    room = call.model.rooms[room_id]
    if call.user_id not in room.joined:
        call.spend("join")
    call.model.member(room, call.user_id, call.user_id, action, reason=call.body.get("reason"))
    return {"room_id": room.room_id}


@route("POST", "/rooms/{room}/{action:leave|invite|kick|ban|unban}")
def membership(call: Call) -> Answer:
    room, action = call.room(), call.params["action"]
    body = call.body
    target = call.user_id if action == "leave" else body.get("user_id")
    if not target:
        raise bad("Missing params: ['user_id']", "M_MISSING_PARAM")
    known = room.state.get(("m.room.member", target))
    if action == "leave" and known and known.membership == "leave" and known.sender == target:
        return {}  # left already, by oneself
    call.spend(*(("send", "invite") if action == "invite" else ("send",)))
    call.model.member(room, call.user_id, target, action, reason=body.get("reason"))
    return {}


@route("POST", "/rooms/{room}/forget")
def forget(call: Call) -> Answer:
    room = call.room()
    if room.membership(call.user_id) not in {"leave", "ban"}:
        raise bad(f"User {call.user_id} in room {room.room_id}", "M_UNKNOWN")
    call.session.user.rooms.pop(room.room_id, None)
    return {}


def _state_now(call: Call) -> dict[tuple[str, str], Event]:
    """Current state for a member, the state at leaving for who was one."""
    room = call.readable()
    if room.membership(call.user_id) in {"leave", "ban"} and ("m.room.member", call.user_id) in room.state:
        return room.state_at(room.state["m.room.member", call.user_id].index + 1)
    if (
        call.user_id not in room.joined
        and room.content("m.room.history_visibility").get("history_visibility") != "world_readable"
    ):
        raise power.forbidden(f"User {call.user_id} not in room {room.room_id}")
    return room.state


@route("GET", "/rooms/{room}/state")
def state_all(call: Call) -> Answer:
    room = call.readable()
    return [call.shown(room, event) for event in _state_now(call).values()]


@route("GET", "/rooms/{room}/state/{type}")
@route("GET", "/rooms/{room}/state/{type}/{key:[^/]*}")
def state_get(call: Call) -> Answer:
    event = _state_now(call).get((call.params["type"], call.params.get("key", "")))
    if not event:
        raise not_found("Event not found.")
    return call.shown(call.readable(), event) if call.query.get("format") == "event" else event.content


@route("PUT", "/rooms/{room}/state/{type}")
@route("PUT", "/rooms/{room}/state/{type}/{key:[^/]*}")
def state_put(call: Call) -> Answer:
    call.spend("send")
    key = call.params.get("key", "")
    return {
        "event_id": call.model.send(call.room(), call.user_id, call.params["type"], call.body, state_key=key).event_id
    }


@route("GET", "/rooms/{room}/members")
def members(call: Call) -> Answer:
    room = call.readable()
    found = [event for (kind, _), event in _state_now(call).items() if kind == "m.room.member"]
    wanted, unwanted = call.query.get("membership"), call.query.get("not_membership")
    chosen = [e for e in found if wanted in {None, e.membership} and e.membership != unwanted]
    return {"chunk": [call.shown(room, event) for event in chosen]}


@route("GET", "/rooms/{room}/joined_members")
def joined_members(call: Call) -> Answer:
    room = call.room()
    if call.user_id not in room.joined:
        raise power.forbidden("Getting joined members while not being a current member of the room is forbidden.")
    contents = {user_id: room.content("m.room.member", user_id) for user_id in room.joined}
    return {
        "joined": {
            user_id: {"display_name": content.get("displayname"), "avatar_url": content.get("avatar_url")}
            for user_id, content in contents.items()
        }
    }


def _once(call: Call, do: Act) -> Content:
    """Send under a transaction id: a repeat costs nothing and gets the same event id."""
    txn = call.params.get("txn")
    if txn is None:
        call.spend("send")
        return {"event_id": do(None).event_id}
    what = call.request.path
    if (known := call.known(what)) is None:
        call.spend("send")
        sent_by = (call.session.transactions, txn)
        known = call.model.once(call.session.transactions, what, lambda: do(sent_by).event_id)
    return {"event_id": known}


@route("PUT", "/rooms/{room}/send/{type}/{txn}")
@route("POST", "/rooms/{room}/send/{type}")
def send(call: Call) -> Answer:
    room, event_type, body = call.room(), call.params["type"], call.body
    ts = call.number("ts", 0) if "ts" in call.query and call.session.service else None
    return _once(call, lambda by: call.model.send(room, call.user_id, event_type, body, sent_by=by, ts=ts))


@route("PUT", "/rooms/{room}/redact/{event}/{txn}")
@route("POST", "/rooms/{room}/redact/{event}")
def redact(call: Call) -> Answer:
    room, event_id, body = call.room(), call.params["event"], call.body
    if body.get("redacts", event_id) != event_id:
        raise MatrixError(
            400, "M_INVALID_PARAM", "Cannot provide a redacts value incoherent with the event_id of the URL"
        )
    return _once(call, lambda by: call.model.redact(room, call.user_id, event_id, body.get("reason"), sent_by=by))


@route("POST", "/rooms/{room}/receipt/{kind}/{event}")
def receipt(call: Call) -> Answer:
    _receipts(call, {call.params["kind"]: call.params["event"]}, call.body.get("thread_id"))
    return {}


@route("POST", "/rooms/{room}/read_markers")
def read_markers(call: Call) -> Answer:
    kinds = ("m.read", "m.read.private")
    _receipts(call, {kind: call.body[kind] for kind in kinds if kind in call.body}, None)
    if marker := call.body.get("m.fully_read"):
        call.model.set_account_data(call.session.user, call.params["room"], "m.fully_read", {"event_id": marker})
    return {}


def _receipts(call: Call, read: dict[str, str], thread_id: str | None) -> None:
    room = call.room()
    if call.user_id not in room.joined:
        raise power.forbidden(f"User {call.user_id} not in room {room.room_id}")
    data = {"ts": call.model.now_ms()} | ({"thread_id": thread_id} if thread_id else {})
    for kind, event_id in read.items():
        room.receipt_stream = call.model.tick()
        entry = {"event_id": event_id, "data": data}
        room.receipts[kind, call.user_id, thread_id or ""] = (room.receipt_stream, entry)
    call.model.changed(room.joined)


@route("PUT", "/rooms/{room}/typing/{user}")
def typing(call: Call) -> Answer:
    call.room()
    return {}
