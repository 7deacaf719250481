"""What has to follow when a room goes on in a new one: all that a homeserver's own upgrade leaves behind; pure. Never makes the new room.

Spec: "Room upgrades". A homeserver copies what it knows of and moves its own addresses; links of the space, other state and people are left to us.
Every step is a correction: asked again when it was done, it is not among the steps any more, or harms nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.effects import Effect, Invite, Kick, SetAlias, SetState
from bridge.power import Powers, has_endless_creators
from bridge.rooms.model import ActualRoom

_OWN = frozenset(
    (
        "m.room.create", "m.room.member", "m.room.power_levels", "m.room.tombstone", "m.room.canonical_alias", "m.room.aliases",
        "m.room.third_party_invite", "m.room.pinned_events",
    )
)  # fmt: skip
"""State that belongs to one room alone. What was pinned is in the old room, where its readers find it."""

_BY_SPACE = ("restricted", "knock_restricted")
REDACTION = "m.room.redaction"


@dataclass(frozen=True, slots=True)
class Replaced:
    """A room and the one that goes on, as both are. `alias` is the address that we know of the old one, `addresses` those of our server that still lead to it.

    `above` are the spaces of ours, `below` the rooms of ours that name the old one as their space.
    """

    old: ActualRoom
    new: ActualRoom
    alias: str | None = None
    addresses: tuple[str, ...] = ()
    above: Sequence[ActualRoom] = ()
    below: Sequence[str] = ()


def steps(case: Replaced, *, me: str, server: str) -> tuple[Effect, ...]:
    """What is to be done, in this order: addresses, state, links, what people may do in the old room, invitations."""
    return (*_addresses(case, server), *_state(case, me), *_links(case, me), *_old_room(case, me), *_people(case, me))


def left_elsewhere(case: Replaced, server: str) -> tuple[str, ...]:
    """Addresses on other servers that lead to the old room: only people there can move them."""
    return tuple(sorted(alias for alias in _named(case) if alias.partition(":")[2] != server))


def is_space(room: ActualRoom) -> bool:
    """Whether this room holds others."""
    return room.content("m.room.create").get("type") == "m.space"


def _named(case: Replaced) -> set[str]:
    """Every address that either room calls its own, and those that we know of."""
    found = {case.alias, *case.addresses}
    for room in (case.old, case.new):
        content = room.content("m.room.canonical_alias")
        more = content.get("alt_aliases")
        found |= {content.get("alias"), *(more if isinstance(more, list) else ())}
    return {alias for alias in found if isinstance(alias, str) and alias.startswith("#")}


def _addresses(case: Replaced, server: str) -> Iterator[Effect]:
    for alias in sorted(_named(case)):
        if alias.partition(":")[2] == server:
            key = f"replaced/{case.old.room}/alias/{alias}"
            yield SetAlias(key=key, room=case.new.room, alias=alias, was=case.old.room)


def _state(case: Replaced, me: str) -> Iterator[Effect]:
    """What the old room held and the new one lacks."""
    powers = _powers(case.new)
    for (kind, state_key), content in case.old.state.items():
        missing = content and kind not in _OWN and (kind, state_key) not in case.new.state
        if missing and not _others(state_key, me) and powers.can(me, f"state:{kind}"):
            yield _set(case, case.new.room, kind, state_key, content)


def _others(state_key: str, me: str) -> bool:
    """Whether only somebody else may set such state."""
    return state_key.startswith("@") and state_key != me


def _links(case: Replaced, me: str) -> Iterator[Effect]:
    """Spaces that showed the old room show the new one, in its place; rooms that were in the old space are in the new one."""
    old, new = case.old.room, case.new.room
    for space in case.above:
        link = space.content("m.space.child", old)
        if not link.get("via") or not _powers(space).can(me, "state:m.space.child"):
            continue
        if not space.content("m.space.child", new).get("via"):
            yield _set(case, space.room, "m.space.child", new, {**link, **space.content("m.space.child", new), "via": link["via"]})  # fmt: skip
        yield _set(case, space.room, "m.space.child", old, {})
    for room in case.below:
        yield _set(case, room, "m.space.parent", old, {})


def _old_room(case: Replaced, me: str) -> Iterator[Effect]:
    """Whoever may no longer write in the old room shall still be able to take back what they wrote."""
    levels = case.old.content("m.room.power_levels")
    events = levels.get("events")
    powers = _powers(case.old)
    shut = powers.required(f"send:{REDACTION}") > powers.level("")
    if levels and shut and not is_space(case.old) and powers.can(me, "state:m.room.power_levels"):
        least = {**(events if isinstance(events, Mapping) else {}), REDACTION: int(powers.level(""))}
        yield _set(case, case.old.room, "m.room.power_levels", "", {**levels, "events": least})


def _people(case: Replaced, me: str) -> Iterator[Effect]:
    """Whoever cannot come by themselves is invited, once; an open invitation to the old room becomes one to the new."""
    old, new = case.old, case.new
    for user in sorted(invited(case, me)):
        yield Invite(key=f"invite/{new.room}/{user}", room=new.room, user=user)
    for user, membership in sorted(old.members.items()):
        if membership == "invite" and user != me:
            yield Kick(key=f"replaced/{old.room}/withdraw/{user}", room=old.room, user=user)


def invited(case: Replaced, me: str) -> frozenset[str]:
    """Who needs an invitation to the new room: those of the old one who are not led there by the space, and do not know the new one yet."""
    old, new = case.old, case.new
    rule = old.content("m.room.join_rules")
    if rule.get("join_rule") == "public":
        return frozenset()
    by_space: set[str] = set()
    if rule.get("join_rule") in _BY_SPACE:
        allowed = {each.get("room_id") for each in _list(rule.get("allow")) if isinstance(each, Mapping)}
        by_space = {
            user for space in case.above if space.room in allowed for user, now in space.members.items() if now == "join"
        }  # fmt: skip
    wanted = {user for user, membership in old.members.items() if membership in ("join", "invite")}
    return frozenset(user for user in wanted - by_space - {me} if user not in new.members)


def _set(case: Replaced, room: str, kind: str, state_key: str, content: Mapping[str, Any]) -> SetState:
    key = f"replaced/{case.old.room}/{room}/{kind}/{state_key}"
    return SetState(key=key, room=room, type=kind, state_key=state_key, content=content)


def _powers(room: ActualRoom) -> Powers:
    return Powers(room.creators, has_endless_creators(room.version), room.state.get(("m.room.power_levels", "")))


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
