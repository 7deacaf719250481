"""What each state event of a room should hold, given what it holds now; pure, and never touches what is not ours in it.

Every function here is a correction: applied to its own result it changes nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.access import ACL, server_acl
from bridge.config_types import BOT, OUR_STATE, POWERS
from bridge.effects import transaction_id
from bridge.events import COPY_MARK
from bridge.power import CREATOR, Powers, has_endless_creators
from bridge.rooms.model import Around, Content, Desired, DesiredRoom, State

ARCHIVED_MARK = "🗄️"
"""Begins the name of a room that is no longer used, in every language."""

MEGOLM = "m.megolm.v1.aes-sha2"
DAY_MS = 24 * 60 * 60 * 1000

_GUARDED = ("state_default", "ban", "kick", "redact", "invite")
_KNOCK_RESTRICTED_SINCE = 10
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
    wanted: Desired, room: DesiredRoom, powers: Powers, state: Mapping[State, Content], around: Around
) -> Iterator[tuple[State, Content]]:
    """The state events of a room with what each should hold, in the order in which they are best set.

    `state` is what the room holds now. The links to children are not among them (see `child_link`), nor are the pins (see `pinned`).
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
    if around.picture:
        held = now("m.room.avatar")
        yield ("m.room.avatar", ""), (held if held.get("url") == around.picture else {"url": around.picture})
    yield ("m.room.join_rules", ""), _join_rules(room, now("m.room.join_rules"), around)
    if room.servers or around.denied or now(ACL):
        yield (ACL, ""), _acl(wanted, room, now(ACL), around)
    if room.retention_days or "max_lifetime" in now("m.room.retention"):
        yield ("m.room.retention", ""), _retention(room, now("m.room.retention"))
    if room.encrypted:
        held = now("m.room.encryption")
        yield ("m.room.encryption", ""), (held if held.get("algorithm") else {"algorithm": MEGOLM})
    yield ("m.room.canonical_alias", ""), _addresses(room, now("m.room.canonical_alias"))
    if around.parent:
        held = now("m.space.parent", around.parent)
        yield ("m.space.parent", around.parent), _link(wanted, held, {"canonical": True})
    for space in around.elsewhere:
        if leads(now("m.space.parent", space)):
            yield ("m.space.parent", space), {}
    yield ("m.room.power_levels", ""), power_levels(wanted, room, powers)


def child_link(wanted: Desired, room: DesiredRoom, held: Content) -> Content:
    """What the `m.space.child` event for this room should hold, in the space that shows it. The common room is suggested to newcomers."""
    return _link(wanted, held, {"suggested": True} if room.kind == "common" else {})


def leads(link: Content) -> bool:
    """Whether a link between spaces and rooms leads anywhere: one without `via` counts as none (spec: "Spaces")."""
    return bool(_via(link))


def pinned(held: Content, event: str, *, wanted: bool) -> Content:
    """What `m.room.pinned_events` should hold, with this event or without it; other people's pins stay."""
    told = held.get("pinned")
    pins = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    if (event in pins) == wanted:
        return held
    return {**held, "pinned": [event, *pins] if wanted else [each for each in pins if each != event]}


def _via(link: Content) -> list[str]:
    told = link.get("via")
    return [server for server in told if isinstance(server, str)] if isinstance(told, list) else []


def _link(wanted: Desired, held: Content, more: Content) -> Content:
    """A link in either direction. A room id has no server since version 12, so a link without `via` leads nowhere."""
    via = _via(held)
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


def _join_rules(room: DesiredRoom, held: Content, around: Around) -> Content:
    """Who may enter (spec: "Restricted rooms", "Knocking on rooms").

    Members of the space also enter where others may knock, but for the space itself and the staff room, and where the room's version has no such rule.
    """
    allow = [{"type": "m.room_membership", "room_id": around.space}]
    shown = room.parent is not None and around.space is not None
    newer = not around.version.isdecimal() or int(around.version) >= _KNOCK_RESTRICTED_SINCE
    rule: Content
    match room.entry:
        case "members" if shown:
            rule = {"join_rule": "restricted", "allow": allow}
        case "knock" if shown and newer:
            rule = {"join_rule": "knock_restricted", "allow": allow}
        case "knock" | "public":
            rule = {"join_rule": room.entry}
        case _:
            rule = {"join_rule": "invite"}
    return held if all(held.get(key) == value for key, value in rule.items()) else rule


def _acl(wanted: Desired, room: DesiredRoom, held: Content, around: Around) -> Content:
    """The room's server ACL. What somebody else denied stays denied: here nobody is ever let in again, that is moderation's."""
    told = held.get("deny")
    denied = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    content = server_acl(room.servers, [*around.denied, *denied], wanted.server)
    return held if all(held.get(key) == value for key, value in content.items()) else content


def _retention(room: DesiredRoom, held: Content) -> Content:
    """How long messages are to be kept (MSC1763); how long they must be kept at least is left as it is."""
    if room.retention_days is None:
        return {key: value for key, value in held.items() if key != "max_lifetime"}
    return {**held, "max_lifetime": room.retention_days * DAY_MS}


def power_levels(wanted: Desired, room: DesiredRoom, powers: Powers) -> Content:
    """The room's power levels: ours put right, people and keys that the configuration does not know left as they are.

    From version 12 on the creators must not be listed at all; an owner who is none gets enough to replace the room. In earlier versions
    owners and Hearth have 100, and whoever was given as much by hand keeps it, because nobody can take it away from them.
    """
    held = powers.levels or {}
    users = {user: level for user, level in _mapping(held.get("users")).items() if powers.level(user) < CREATOR}
    if powers.level(wanted.me) < CREATOR:
        users[wanted.me] = max(BOT, int(powers.level(wanted.me)))
    most = CREATOR if powers.levels is None else powers.level(wanted.me)
    owner_level = int(min(most, _TOMBSTONE_SINCE_12 if powers.creators_are_endless else BOT))
    people = {**room.levels, **dict.fromkeys(wanted.owners, owner_level)}
    users |= {
        user: level
        for user, level in people.items()
        if powers.level(user) < CREATOR and (powers.levels is None or powers.outranks(wanted.me, user))
    }
    named, events = _powers(room)
    tombstone = {"m.room.tombstone": _TOMBSTONE_SINCE_12 if powers.creators_are_endless else BOT}
    own = {"m.room.redaction": 0} if room.archived else {}  # what somebody said there stays theirs to take back
    ours = {**dict.fromkeys(OUR_STATE, BOT), **tombstone, **events, **own}
    events_held = _mapping(held.get("events"))
    named = {name: _settable(held.get(name), level, most) for name, level in named.items()}
    ours = {kind: _settable(events_held.get(kind), level, most) for kind, level in ours.items()}
    return {**held, **named, "events": {**events_held, **ours}, "users": users}


def _settable(held: Any, level: int, most: float) -> Any:
    """The level that something shall take, as far as who stands at `most` can set it: nobody touches what is above them (adopted rooms; spec: "Authorization rules")."""
    return held if isinstance(held, int) and held > most else int(min(level, most))


def _powers(room: DesiredRoom) -> tuple[dict[str, int], dict[str, int]]:
    """What takes which power in this room: the keys of `m.room.power_levels` itself, and its `events`."""
    named = {"users_default": 0, **dict.fromkeys(_GUARDED, room.guarded), "events_default": room.writers}
    events: dict[str, int] = {}
    if room.power.get("write"):  # who only reads can still react, and take that back
        events = {"m.reaction": 0, "m.room.redaction": 0}
    for name, level in room.power.items():
        place = POWERS.get(name, name)
        (named if place in named else events)[place] = level
    return named, events


def create_request(wanted: Desired, room: DesiredRoom, around: Around) -> dict[str, Any]:
    """The body of POST /createRoom without the alias: one request makes the whole room, in the version that `around` names."""
    creators = creators_of(wanted, around.version)
    powers = Powers(creators or frozenset((wanted.me,)), bool(creators), None)
    state = dict(corrected(wanted, room, powers, {}, around))
    levels = state.pop(("m.room.power_levels", ""))
    for kind in ("m.room.name", "m.room.topic", "m.room.canonical_alias"):  # these have fields of their own
        state.pop((kind, ""))
    creation: dict[str, Any] = {COPY_MARK: mark(room)}
    if room.kind in ("space", "district"):
        creation["type"] = "m.space"
    if more := sorted(creators - {wanted.me}):
        creation["additional_creators"] = more
    request: dict[str, Any] = {
        "preset": "private_chat",
        "visibility": "private",
        "name": room.name,
        "room_version": around.version,
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
