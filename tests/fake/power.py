"""Whether a room lets somebody do something: power levels, memberships, join rules, server ACLs. Never changes anything."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable
from typing import Any

from .errors import MatrixError, bad, forbidden
from .events import Content, domain_of
from .room import Room

IsJoined = Callable[[str, str], bool]  # (room id, user id)
LEVELS = ("users_default", "events_default", "state_default", "ban", "kick", "redact", "invite")


def level_of(room: Room, user_id: str) -> float:
    """A user's power; infinite for a creator of a version 12 room."""
    if user_id in room.creators:
        return math.inf
    levels = room.content("m.room.power_levels")
    if not levels:
        return 100 if room.state["m.room.create", ""].sender == user_id else 0
    return levels.get("users", {}).get(user_id, levels.get("users_default", 0))


def needed(room: Room, event_type: str, *, state: bool) -> int:
    """The power that sending such an event takes."""
    levels = room.content("m.room.power_levels")
    default = levels.get("state_default", 50) if state else levels.get("events_default", 0)
    return levels.get("events", {}).get(event_type, default) if levels else 0


def named(room: Room, action: str) -> int:
    """The power that ban, kick, redact or invite takes."""
    return room.content("m.room.power_levels").get(action, 0 if action == "invite" else 50)


def acl_denies(acl: Content, server: str) -> bool:
    """Whether an m.room.server_acl shuts this server out; ports do not count (spec: "Server ACLs")."""
    if not acl:
        return False
    host = re.sub(r":\d+$", "", server)
    if not acl.get("allow_ip_literals", True) and re.fullmatch(r"[\d.]+|\[.*\]", host):
        return True

    def hit(patterns: Any) -> bool:
        globs = (p.replace("[", "[[]") for p in patterns or () if isinstance(p, str))
        return any(fnmatch.fnmatchcase(host.lower(), glob.lower()) for glob in globs)

    return hit(acl.get("deny")) or not hit(acl.get("allow"))


def check_server(room: Room, user_id: str, local: str) -> None:
    """Whether the user's server may take part at all; our own server never asks itself."""
    server = domain_of(user_id)
    if server == local:
        return
    if room.state["m.room.create", ""].content.get("m.federate", True) is False:
        raise forbidden("This room has been marked as unfederatable.")
    if acl_denies(room.content("m.room.server_acl"), server):
        raise forbidden("Server is banned from room")


def check_send(
    room: Room, sender: str, event_type: str, content: Content, *, state_key: str | None, local: str
) -> None:
    """Whether an event other than a membership is allowed; raises MatrixError."""
    check_server(room, sender, local)
    if room.membership(sender) != "join":
        raise forbidden(f"User {sender} not in room {room.room_id}")
    have, need = level_of(room, sender), needed(room, event_type, state=state_key is not None)
    if have < need:
        raise forbidden(
            f"You don't have permission to post that to the room. user_level ({have}) < send_level ({need})"
        )
    if state_key and state_key.startswith("@") and state_key != sender:
        raise forbidden("You are not allowed to set others state")
    if state_key is None:
        return
    if event_type == "m.room.create":
        raise bad("Cannot resend m.room.create event")
    if event_type == "m.room.power_levels":
        _check_power_levels(room, sender, content)
    if event_type == "m.room.server_acl" and acl_denies(content, local):
        raise bad("Can't create an ACL event that denies the local server", "M_UNKNOWN")


def check_levels_shape(creators: set[str], content: Content) -> None:
    """Levels must be integers; creators of a version 12 room must not be listed."""
    listed = content.get("users", {})
    for user_id in creators & listed.keys():
        raise bad(f"Creator user {user_id} must not appear in content.users", "M_UNKNOWN")
    values = [*listed.values(), *content.get("events", {}).values(), *(content[k] for k in LEVELS if k in content)]
    if any(not isinstance(value, int) or isinstance(value, bool) for value in values):
        raise bad("Power levels must be integers", "M_BAD_JSON")


def _check_power_levels(room: Room, sender: str, new: Content) -> None:
    check_levels_shape(room.creators, new)
    old, have = room.content("m.room.power_levels"), level_of(room, sender)
    if not old:
        return
    pairs = [(old.get(key), new.get(key)) for key in LEVELS]
    for group in ("events", "users"):
        before, after = old.get(group, {}), new.get(group, {})
        for name in before.keys() | after.keys():
            was, becomes = before.get(name), after.get(name)
            pairs.append((was, becomes))
            if group == "users" and name != sender and was != becomes and was is not None and was >= have:
                raise forbidden("You don't have permission to remove ops level equal to your own")
    for was, becomes in pairs:
        if was != becomes and max(was or 0, becomes or 0) > have:
            raise forbidden("You don't have permission to add ops level greater than your own")


def check_redaction(room: Room, sender: str, event_id: str) -> None:
    """Whether the sender may redact that event: the own ones, or with the power to redact."""
    if level_of(room, sender) >= named(room, "redact"):
        return
    target = room.by_id.get(event_id)
    if not target:
        raise MatrixError(404, "M_NOT_FOUND", f"Could not find event {event_id}")
    if target.sender != sender:
        raise forbidden("You don't have permission to redact events")


def check_member(room: Room, sender: str, target: str, action: str, *, local: str, is_joined: IsJoined) -> None:
    """Whether `sender` may join, knock, leave, invite, kick, ban or unban `target`; raises MatrixError."""
    now = room.membership(target)
    if now == "ban" and action not in {"ban", "unban", "leave"}:
        raise MatrixError(403, "M_BAD_STATE", f"Cannot {action} user who was banned")
    if action in {"join", "knock"}:
        check_server(room, sender, local)
        if now != "join":
            (_check_join if action == "join" else _check_knock)(room, target, now, is_joined)
    elif action == "leave":
        if now == "ban":
            raise forbidden(f"You cannot unban user {target}.")
        if now == "leave":
            raise forbidden("The target user is not in the room")
    else:
        _check_other(room, sender, target, action, local)


def _check_join(room: Room, user_id: str, now: str, is_joined: IsJoined) -> None:
    rules = room.content("m.room.join_rules")
    rule = rules.get("join_rule", "invite")
    if rule == "public" or now == "invite":
        return
    if len(room.timeline) == 1 and room.timeline[0].sender == user_id:
        return
    if rule in {"restricted", "knock_restricted"}:
        allow = [
            entry.get("room_id", "") for entry in rules.get("allow", ()) if entry.get("type") == "m.room_membership"
        ]
        if any(is_joined(room_id, user_id) for room_id in allow):
            return
        raise forbidden("You do not belong to any of the required rooms/spaces to join this room.")
    raise forbidden("You are not invited to this room.")


def _check_knock(room: Room, user_id: str, now: str, is_joined: IsJoined) -> None:
    if room.content("m.room.join_rules").get("join_rule") not in {"knock", "knock_restricted"}:
        raise forbidden("You don't have permission to knock")
    if now == "invite":
        raise forbidden("You are already invited to this room")


def _check_other(room: Room, sender: str, target: str, action: str, local: str) -> None:
    check_server(room, sender, local)
    if room.membership(sender) != "join":
        raise forbidden(f"{sender} not in room {room.room_id}.")
    now, have = room.membership(target), level_of(room, sender)
    if action == "invite":
        if now == "join":
            raise forbidden(f"{target} is already in the room.")
        if have < named(room, "invite"):
            raise forbidden("You don't have permission to invite users")
        return
    if action == "unban" and now != "ban" and ("m.room.member", target) in room.state:  # a stranger passes
        raise MatrixError(403, "M_BAD_STATE", f"Cannot unban user who was not banned (membership={now})")
    if action == "kick" and now == "leave":
        raise forbidden("The target user is not in the room")
    if have < named(room, "kick" if action == "kick" else "ban"):
        raise forbidden(f"You don't have permission to {action}")
    if have <= level_of(room, target) and sender != target:
        raise forbidden(f"You don't have permission to {action} this user")
