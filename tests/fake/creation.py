"""Making and upgrading rooms, event by event as Synapse does. Never talks HTTP."""

from __future__ import annotations

import re
from typing import Any

from . import power
from .errors import MatrixError, bad
from .events import Content, opaque_id
from .model import Model
from .room import CREATORS_ABOVE_ALL, Room

DEFAULT_VERSION = "12"
VERSIONS = tuple(str(number) for number in range(1, 13))
PRESETS = {  # join rule, history visibility, guest access
    "private_chat": ("invite", "shared", "can_join"),
    "trusted_private_chat": ("invite", "shared", "can_join"),
    "public_chat": ("public", "shared", "forbidden"),
}
CARRIED_OVER = (
    "m.room.join_rules",
    "m.room.history_visibility",
    "m.room.name",
    "m.room.topic",
    "m.room.guest_access",
    "m.room.avatar",
    "m.room.encryption",
    "m.room.server_acl",
)


def create_room(model: Model, creator: str, body: Content) -> Room:
    """POST /createRoom (spec: "Creation"); 400 M_ROOM_IN_USE if the alias is taken, before anything is made."""
    version = body.get("room_version", DEFAULT_VERSION)
    if version not in VERSIONS:
        raise bad("Your homeserver does not support this room version", "M_UNSUPPORTED_ROOM_VERSION")
    alias = _free_alias(model, body.get("room_alias_name"))
    preset = body.get("preset") or ("public_chat" if body.get("visibility") == "public" else "private_chat")
    if preset not in PRESETS:
        raise bad(f"'{preset}' is not a valid preset", "M_BAD_JSON")
    invited = list(body.get("invite", ()))
    creation = _creation_content(creator, body, version, invited if preset == "trusted_private_chat" else [])
    levels = _power_levels(creator, body, version, preset, invited)
    power.check_levels_shape({creator, *creation.get("additional_creators", ())} if _v12(version) else set(), levels)

    room = _new_room(model, creator, creation, version)
    sent = {(e["type"], e.get("state_key", "")): e["content"] for e in body.get("initial_state", ())}
    rule, visibility, guests = PRESETS[preset]
    model.member(room, creator, creator, "join")
    _state(model, room, creator, "m.room.power_levels", sent.pop(("m.room.power_levels", ""), levels))
    if alias:
        model.add_alias(alias, room.room_id, creator)
        content = sent.pop(("m.room.canonical_alias", ""), {"alias": alias})
        _state(model, room, creator, "m.room.canonical_alias", content)
    defaults: dict[str, Content] = {
        "m.room.join_rules": {"join_rule": rule},
        "m.room.history_visibility": {"history_visibility": visibility},
        "m.room.guest_access": {"guest_access": guests},
    }
    for kind, content in defaults.items():
        _state(model, room, creator, kind, sent.pop((kind, ""), content))
    for (kind, key), content in sent.items():
        _state(model, room, creator, kind, content, key=key)
    for field in ("name", "topic"):
        if field in body:
            _state(model, room, creator, f"m.room.{field}", {field: body[field]})
    room.published = body.get("visibility") == "public"
    for user_id in invited:
        model.member(room, creator, user_id, "invite", is_direct=body.get("is_direct") or None)
    return room


def upgrade_room(model: Model, user_id: str, old: Room, version: str, additional_creators: list[str]) -> Room:
    """POST /upgrade as Synapse 1.163 does it: a new room with the known state, a tombstone here, local aliases moved; nobody is brought over.

    Nothing of the old creation event comes along but the room's type and whether it federates.
    """
    if version not in VERSIONS:
        raise bad("Your homeserver does not support this room version", "M_UNSUPPORTED_ROOM_VERSION")
    power.check_send(old, user_id, "m.room.tombstone", {}, state_key="", local=model.server_name)
    stone = "$" + opaque_id(f"{model.server_name}/tombstone/{model.stream}")
    before = old.state["m.room.create", ""].content
    creation: Content = {"predecessor": {"room_id": old.room_id} | ({} if _v12(version) else {"event_id": stone})}
    creation |= {key: before[key] for key in ("type", "m.federate") if key in before}
    if additional_creators and _v12(version):
        creation["additional_creators"] = additional_creators
    creation = _creation_content(user_id, {"creation_content": creation}, version, [])
    room = _new_room(model, user_id, creation, version)
    model.member(room, user_id, user_id, "join")
    final = _carry_over(model, old, room, user_id)
    for who in [who for (kind, who) in old.state if kind == "m.room.member" and old.membership(who) == "ban"]:
        model.member(room, user_id, who, "ban")
    content = {"body": "This room has been replaced", "replacement_room": room.room_id}
    model.accept(old, user_id, "m.room.tombstone", content, state_key="", event_id=stone)
    canonical = old.content("m.room.canonical_alias")
    for alias, (target, by) in list(model.aliases.items()):
        if target == old.room_id:
            model.aliases[alias] = (room.room_id, by)
    if canonical:
        _state(model, old, user_id, "m.room.canonical_alias", {})
        _state(model, room, user_id, "m.room.canonical_alias", canonical)
    _close(model, old, user_id)
    _state(model, room, user_id, "m.room.power_levels", final)
    return room


def _carry_over(model: Model, old: Room, room: Room, user_id: str) -> Content:
    """State that an upgrade copies. Whoever upgrades is raised as far as that takes; gives the power levels that hold in the end."""
    levels = dict(old.content("m.room.power_levels"))
    users = {who: level for who, level in levels.get("users", {}).items() if who not in room.creators}
    needed = max([levels.get("state_default", 50), levels.get("ban", 50), *levels.get("events", {}).values()])
    raised = users if room.creators else users | {user_id: max(users.get(user_id, 0), needed)}
    _state(model, room, user_id, "m.room.power_levels", levels | {"users": raised})
    for kind in CARRIED_OVER:
        if content := old.content(kind):
            _state(model, room, user_id, kind, content)
    if old.content("m.room.create").get("type") == "m.space":
        for (kind, child), event in list(old.state.items()):
            if kind == "m.space.child" and event.content:
                _state(model, room, user_id, kind, event.content, key=child)
    return levels | {"users": users}


def _close(model: Model, old: Room, user_id: str) -> None:
    """Ordinary members can no longer write or invite in a room that was replaced."""
    levels = old.content("m.room.power_levels")
    least = max(levels.get("users_default", 0) + 1, 50)
    closed = {name: max(levels.get(name, 0), least) for name in ("events_default", "invite")}
    if power.level_of(old, user_id) >= power.needed(old, "m.room.power_levels", state=True):
        _state(model, old, user_id, "m.room.power_levels", levels | closed)


def _free_alias(model: Model, name: str | None) -> str | None:
    if name is None:
        return None
    if re.search(r"[\s:#]", name):
        raise bad("Invalid characters in room alias", "M_UNKNOWN")
    alias = f"#{name}:{model.server_name}"
    if alias in model.aliases:
        raise MatrixError(400, "M_ROOM_IN_USE", "Room alias already taken")
    return alias


def _v12(version: str) -> bool:
    return version in CREATORS_ABOVE_ALL


def _new_room(model: Model, creator: str, creation: Content, version: str) -> Room:
    opaque = opaque_id(f"{model.server_name}/room/{model.stream}")
    room_id = f"!{opaque}" if _v12(version) else f"!{opaque[:18]}:{model.server_name}"
    room = model.rooms[room_id] = Room(room_id, version)
    event_id = f"${opaque}" if _v12(version) else None
    model.accept(room, creator, "m.room.create", creation, state_key="", event_id=event_id)
    return room


def _creation_content(creator: str, body: Content, version: str, trusted: list[str]) -> Content:
    creation = {**body.get("creation_content", {}), "room_version": version}
    if int(version) < 11:
        creation["creator"] = creator
    if _v12(version):
        creators = dict.fromkeys([*creation.get("additional_creators", ()), *trusted])
        creators.pop(creator, None)
        if creators:
            creation["additional_creators"] = list(creators)
    return creation


def _power_levels(creator: str, body: Content, version: str, preset: str, invited: list[str]) -> Content:
    users: dict[str, int] = {}
    if not _v12(version):
        users = {creator: 100} | (dict.fromkeys(invited, 100) if preset == "trusted_private_chat" else {})
    levels: dict[str, Any] = {
        "users": users,
        "users_default": 0,
        "events": {
            "m.room.name": 50,
            "m.room.power_levels": 100,
            "m.room.history_visibility": 100,
            "m.room.canonical_alias": 50,
            "m.room.avatar": 50,
            "m.room.tombstone": 150 if _v12(version) else 100,
            "m.room.server_acl": 100,
            "m.room.encryption": 100,
            **({"m.call.invite": 50} if preset == "public_chat" else {}),
        },
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 50 if preset == "public_chat" else 0,
        "historical": 100,
    }
    return levels | body.get("power_level_content_override", {})


def _state(model: Model, room: Room, sender: str, kind: str, content: Content, *, key: str = "") -> None:
    model.send(room, sender, kind, content, state_key=key)
