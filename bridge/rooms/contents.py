"""What each state event of a room should hold, given what it holds now; pure, and never touches what is not ours in it.

Every function here is a correction: applied to its own result it changes nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.effects import transaction_id
from bridge.events import COPY_MARK
from bridge.power import CREATOR, Powers, has_endless_creators
from bridge.rooms.model import Content, Desired, DesiredRoom, State

CURATOR, MODERATOR, BOT = 50, 60, 100
"""Levels. A curator can redact, pin, kick and ban in the own circle, a moderator also stands above all curators."""

ARCHIVED_MARK = "🗄️"
"""Begins the name of a room that is no longer used, in every language."""

MEGOLM = "m.megolm.v1.aes-sha2"

_NAMED = {"users_default": 0, "state_default": 50, "ban": 50, "kick": 50, "redact": 50, "invite": 50}
_EVENTS = dict.fromkeys(
    (
        "m.room.power_levels",
        "m.room.server_acl",
        "m.room.encryption",
        "m.room.history_visibility",
        "m.room.join_rules",
        "m.room.guest_access",
        "m.room.canonical_alias",
        "m.space.child",
        "m.space.parent",
    ),
    BOT,
)
_TOMBSTONE_SINCE_12 = 150
"""From version 12 on only creators, and people with this level, may replace a room (spec: "Room Version 12")."""


def create_key(room: DesiredRoom) -> str:
    """The key of the effect that makes this room."""
    return f"create/{room.key}/{room.alias}"


def mark(room: DesiredRoom) -> str:
    """What the creation event carries, by which a room that we made is known again."""
    return transaction_id(create_key(room))


def creators_of(wanted: Desired, version: str) -> frozenset[str]:
    """Who stands above all numbers in a room that we make now: Hearth and the owners from version 12 on, else nobody."""
    return frozenset((wanted.me, *wanted.owners)) if has_endless_creators(version) else frozenset()


def corrected(
    wanted: Desired, room: DesiredRoom, powers: Powers, state: Mapping[State, Content], space: str | None
) -> Iterator[tuple[State, Content]]:
    """The state events of a room with what each should hold, in the order in which they are best set.

    `state` is what the room holds now, `space` the space's room id. The links to children are not among them: see `child_link`.
    """

    def now(kind: str, state_key: str = "") -> Content:
        return state.get((kind, state_key), {})

    for kind, field, value in (
        ("m.room.name", "name", room.name),
        ("m.room.topic", "topic", room.topic),
        ("m.room.history_visibility", "history_visibility", room.history),
        ("m.room.guest_access", "guest_access", "forbidden"),
    ):
        held = now(kind)
        yield (kind, ""), (held if held.get(field, "") == value else {field: value})
    yield ("m.room.join_rules", ""), _join_rules(room, now("m.room.join_rules"), space)
    if room.encrypted:
        held = now("m.room.encryption")
        yield ("m.room.encryption", ""), (held if held.get("algorithm") else {"algorithm": MEGOLM})
    yield ("m.room.canonical_alias", ""), _addresses(room, now("m.room.canonical_alias"))
    if linked(room) and space:
        yield ("m.space.parent", space), _link(wanted, now("m.space.parent", space), {"canonical": True})
    elif room.archived and space:
        yield ("m.space.parent", space), {}
    yield ("m.room.power_levels", ""), power_levels(wanted, room, powers)


def linked(room: DesiredRoom) -> bool:
    """Whether the space shows this room. The staff room is nobody else's business."""
    return room.kind in ("common", "circle") and not room.archived


def child_link(wanted: Desired, room: DesiredRoom, held: Content) -> Content:
    """What the space's `m.space.child` event for this room should hold. The common room is suggested to newcomers."""
    return _link(wanted, held, {"suggested": True} if room.kind == "common" else {})


def _link(wanted: Desired, held: Content, more: Content) -> Content:
    """A link in either direction. A room id has no server since version 12, so a link without `via` leads nowhere."""
    told = held.get("via")
    via = [server for server in told if isinstance(server, str)] if isinstance(told, list) else []
    return {**held, **more, "via": via if wanted.server in via else [wanted.server, *via]}


def _addresses(room: DesiredRoom, held: Content) -> Content:
    """The official address; the one before it goes on leading here (spec: `alt_aliases` of m.room.canonical_alias)."""
    was = held.get("alias")
    if was == room.alias:
        return held
    others = held.get("alt_aliases")
    every = [*(others if isinstance(others, list) else ()), was]
    kept = list(
        dict.fromkeys(each for each in every if isinstance(each, str) and each[:1] == "#" and each != room.alias)
    )
    rest = {name: value for name, value in held.items() if name != "alt_aliases"}
    return {**rest, "alias": room.alias, **({"alt_aliases": kept} if kept else {})}


def _join_rules(room: DesiredRoom, held: Content, space: str | None) -> Content:
    """Circles and the common room let in who is in the space (spec: "Restricted rooms"), all else asks for an invite."""
    if not linked(room) or space is None:
        return held if held.get("join_rule") == "invite" else {"join_rule": "invite"}
    rule = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": space}]}
    return held if all(held.get(key) == value for key, value in rule.items()) else rule


def power_levels(wanted: Desired, room: DesiredRoom, powers: Powers) -> Content:
    """The room's power levels: ours put right, people and keys that the configuration does not know left as they are.

    From version 12 on the creators must not be listed at all; an owner who is none gets enough to replace the room. In earlier versions
    owners and Hearth have 100, and whoever was given as much by hand keeps it, because nobody can take it away from them.
    """
    held = powers.levels or {}
    users = {user: level for user, level in _mapping(held.get("users")).items() if powers.level(user) < CREATOR}
    if powers.level(wanted.me) < CREATOR:
        users[wanted.me] = max(BOT, int(powers.level(wanted.me)))
    owner_level = _TOMBSTONE_SINCE_12 if powers.creators_are_endless else BOT
    people = {**room.levels, **dict.fromkeys(wanted.owners, owner_level)}
    users |= {
        user: level
        for user, level in people.items()
        if powers.level(user) < CREATOR and (powers.levels is None or powers.outranks(wanted.me, user))
    }
    tombstone = {"m.room.tombstone": _TOMBSTONE_SINCE_12 if powers.creators_are_endless else BOT}
    own = {"m.room.redaction": 0} if room.archived else {}  # what somebody said there stays theirs to take back
    events = {**_mapping(held.get("events")), **_EVENTS, **tombstone, **own}
    return {**held, **_NAMED, "events_default": room.writers, "events": events, "users": users}


def create_request(wanted: Desired, room: DesiredRoom, version: str, space: str | None) -> dict[str, Any]:
    """The body of POST /createRoom without the alias: one request makes the whole room."""
    creators = creators_of(wanted, version)
    powers = Powers(creators or frozenset((wanted.me,)), bool(creators), None)
    state = dict(corrected(wanted, room, powers, {}, space))
    levels = state.pop(("m.room.power_levels", ""))
    for kind in ("m.room.name", "m.room.topic", "m.room.canonical_alias"):  # these have fields of their own
        state.pop((kind, ""))
    creation: dict[str, Any] = {COPY_MARK: mark(room)}
    if room.kind == "space":
        creation["type"] = "m.space"
    if more := sorted(creators - {wanted.me}):
        creation["additional_creators"] = more
    request: dict[str, Any] = {
        "preset": "private_chat",
        "visibility": "private",
        "name": room.name,
        "room_version": version,
        "creation_content": creation,
        "initial_state": [
            {"type": kind, "state_key": state_key, "content": dict(content)}
            for (kind, state_key), content in state.items()
        ],
        "power_level_content_override": dict(levels),
    }
    return {**request, "topic": room.topic} if room.topic else request


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
