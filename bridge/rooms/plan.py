"""What should exist, and the ordered steps from what does to it; pure. Never touches a room that is not ours, never deletes one.

`plan` of a state that is as desired is empty, and after any plan was carried out the next one is.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bridge.config_types import BOT
from bridge.events import COPY_MARK
from bridge.power import Powers, has_endless_creators
from bridge.rooms.contents import child_link, corrected, leads, pinned
from bridge.rooms.districts import district_alias, districted
from bridge.rooms.model import (
    Actual,
    ActualRoom,
    Around,
    Change,
    Content,
    Create,
    Desired,
    DesiredRoom,
    EnterRoom,
    InvitePerson,
    Note,
    PointAlias,
    Remember,
    SayWelcome,
    SetContent,
    State,
    UploadFile,
)
from bridge.rooms.wanted import desired as desired  # noqa: PLC0414 - one door to planning


def plan(wanted: Desired, actual: Actual) -> tuple[Change, ...]:
    """The steps that can be told now, in the order to take them: rooms (the space first), links, corrections, invites.

    What hangs on a room that does not exist yet is not among them: plan again when it does, or see `forecast.py`.
    """
    wanted = districted(kept(wanted, actual), actual)
    return (
        *_uploads(wanted, actual),
        *_new_rooms(wanted, actual),
        *_child_links(wanted, actual),
        *(change for room in _known(wanted, actual) for change in _corrections(wanted, actual, room)),
        *_welcomes(wanted, actual),
        *_invites(wanted, actual),
    )


def about(change: Change) -> str:
    """The key of the room that a change is about; for a link in the space, of the room that it leads to."""
    match change:
        case Create(room) | Remember(room):
            return room.key
        case SetContent(child=str(child)):
            return child
        case _:
            return change.key


def around(wanted: Desired, actual: Actual, room: DesiredRoom) -> Around:
    """What the state of this room speaks of that is outside of it. A room that does not exist gets the version that rooms made now get."""

    def id_of(key: str | None) -> str | None:
        return actual.rooms[key].room if key is not None and key in actual.rooms else None

    found = actual.rooms.get(room.key)
    return Around(
        version=found.version if found else wanted.version or actual.version,
        space=id_of("space"),
        parent=id_of(room.parent),
        elsewhere=_elsewhere(actual, room) if room.archived or id_of(room.parent) else (),
        denied=actual.denied,
        picture=_picture(actual, room),
    )


def _elsewhere(actual: Actual, room: DesiredRoom) -> tuple[str, ...]:
    """The ids of our spaces that do not show this room (any more)."""
    spaces = (key for key in actual.rooms if key == "space" or key.startswith("district/"))
    return tuple(actual.rooms[key].room for key in spaces if key != room.parent)


def waits(wanted: Desired, actual: Actual, room: DesiredRoom) -> bool:
    """Whether this room is better made after the district that shows it, which is about to be made; and nothing is made before the space.

    `room` is one of a plan's, which knows its district.
    """
    if room.kind == "space" or room.parent in actual.rooms:
        return False
    if "space" not in actual.rooms:
        return True
    return room.parent is not None and district_alias(wanted, room.parent) not in actual.aliases


def _picture(actual: Actual, room: DesiredRoom) -> str | None:
    """The address of the room's picture, if there is one and it was uploaded."""
    if room.avatar is None or room.avatar.startswith("mxc://"):
        return room.avatar
    return actual.uploads.get(actual.files.get(room.avatar, ""))


def kept(wanted: Desired, actual: Actual) -> Desired:
    """What is wanted, where adopted rooms keep what the file says nothing of."""
    there = {**actual.lost, **actual.rooms}
    if not any(room.kept and _is_adopted(wanted, room, there.get(room.key)) for room in wanted.rooms):
        return wanted
    rooms = (
        _as_found(room, there[room.key]) if room.kept and _is_adopted(wanted, room, there.get(room.key)) else room
        for room in wanted.rooms
    )
    return replace(wanted, rooms=tuple(rooms))


def _is_adopted(wanted: Desired, room: DesiredRoom, found: ActualRoom | None) -> bool:
    """Whether this room was there before us: a room of ours carries our mark in its creation event."""
    if found is None or not (room.adopts or wanted.rooms[0].adopts):
        return False
    return COPY_MARK not in found.content("m.room.create")


def _as_found(room: DesiredRoom, found: ActualRoom) -> DesiredRoom:
    topic = found.content("m.room.topic").get("topic")
    history = found.content("m.room.history_visibility").get("history_visibility")
    has: dict[str, Any] = {
        "topic": topic if isinstance(topic, str) else "",
        "history": history if isinstance(history, str) else "shared",
        "encrypted": bool(found.content("m.room.encryption").get("algorithm")),
    }
    return replace(room, **{field: value for field, value in has.items() if field in room.kept})


def powers_of(room: ActualRoom) -> Powers:
    """Who may do what there."""
    endless = has_endless_creators(room.version)
    return Powers(room.creators, endless, room.state.get(("m.room.power_levels", "")))


def _known(wanted: Desired, actual: Actual) -> Iterator[DesiredRoom]:
    """The desired rooms that exist and that we are in."""
    for room in wanted.rooms:
        if room.key in actual.rooms and actual.rooms[room.key].here:
            yield room


def _new_rooms(wanted: Desired, actual: Actual) -> Iterator[Change]:
    for room in wanted.rooms:
        if room.key in actual.rooms:
            continue
        adoption = actual.adoptions.get(room.key)
        if room.key in actual.lost:
            yield Remember(room, actual.lost[room.key].room, adopted=adoption is not None)
        elif adoption is not None:
            if adoption.state == "outside":
                yield EnterRoom(room.key, adoption.target)
        elif not room.archived and room.alias not in actual.aliases:
            yield Create(room)


def _uploads(wanted: Desired, actual: Actual) -> Iterator[UploadFile]:
    """Pictures that the homeserver does not have yet, each once."""
    seen: set[str] = set()
    for room in wanted.rooms:
        sha256 = actual.files.get(room.avatar or "")
        if room.avatar and sha256 and sha256 not in actual.uploads and sha256 not in seen:
            seen.add(sha256)
            yield UploadFile(room.key, room.avatar, sha256)


def _child_links(wanted: Desired, actual: Actual) -> Iterator[Change]:
    """Every room in the list of the space or district that shows it, and in no other one of ours. A room is shown anew before the old link goes."""
    holders = [room for key, room in actual.rooms.items() if key == "space" or key.startswith("district/")]
    for remove in (False, True):
        for room in _known(wanted, actual):
            parent, child = actual.rooms.get(room.parent or ""), actual.rooms[room.key].room
            if not room.archived and (parent is None or not parent.here):
                continue
            for holder in holders:
                held = holder.content("m.space.child", child)
                shown = parent is not None and holder.key == parent.key
                if not holder.here or shown == remove or (remove and not leads(held)):
                    continue
                # A link without content is none (spec: m.space.child).
                content = {} if remove else child_link(wanted, room, held)
                for change in _set(wanted, holder, ("m.space.child", child), content):
                    yield replace(change, child=room.key)


def _corrections(wanted: Desired, actual: Actual, room: DesiredRoom) -> Iterator[Change]:
    found = actual.rooms[room.key]
    if room.parent is not None and "space" not in actual.rooms:
        return
    surroundings = around(wanted, actual, room)
    for state, content in corrected(wanted, room, powers_of(found), found.state, surroundings):
        if state == ("m.room.canonical_alias", "") and found.state.get(state) != content:
            leads_to = actual.aliases.get(room.alias)
            if leads_to is None:
                yield PointAlias(room.key, found.room, room.alias)
            elif leads_to != found.room:
                continue
        yield from _set(wanted, found, state, content)
    said = actual.welcomes.get(found.room)
    if said and said.event:
        pins = pinned(found.content("m.room.pinned_events"), said.event, wanted=bool(room.welcome))
        yield from _set(wanted, found, ("m.room.pinned_events", ""), pins)


def _welcomes(wanted: Desired, actual: Actual) -> Iterator[SayWelcome]:
    """Welcomes that are not said yet, or say something else."""
    for room in _known(wanted, actual):
        found = actual.rooms[room.key]
        digest = hashlib.sha256(room.welcome.encode()).hexdigest()
        was = actual.welcomes.get(found.room)
        if room.welcome and not room.archived and (was is None or was.digest != digest):
            yield SayWelcome(room.key, found.room, room.welcome, digest, was)


def _set(wanted: Desired, room: ActualRoom, state: State, content: Content) -> Iterator[SetContent]:
    """The change that gives a state event this content, if it differs and we have the power."""
    was = room.content(*state)
    if was == content:
        return
    powers = powers_of(room)
    needed = BOT if state[0] == "m.room.power_levels" else powers.required(f"state:{state[0]}")
    if powers.level(wanted.me) >= needed:
        sender = room.senders.get(state, wanted.me)
        by = sender if was and sender != wanted.me else None
        yield SetContent(room.key, room.room, *state, was, content, room.events.get(state), by=by)


def _invites(wanted: Desired, actual: Actual) -> Iterator[Change]:
    """Invites for people who never were there: who left, declined or was banned is left in peace. Beside the space's nobody gets a second open one."""
    space = actual.rooms.get("space")
    asked = {user for room in actual.rooms.values() for user, now in room.members.items() if now == "invite"}
    for room in _known(wanted, actual):
        found = actual.rooms[room.key]
        if not powers_of(found).can(wanted.me, "invite"):
            continue
        for user in room.guests:
            inside = space is not None and space.members.get(user) == "join" and user not in asked
            if (inside or not room.after_space) and user not in found.members and user != wanted.me:
                asked.add(user)
                yield InvitePerson(room.key, found.room, user)


def notes(wanted: Desired, actual: Actual) -> tuple[Note, ...]:
    """What a person should know: rooms that left the file, rooms that we are out of, what we cannot or will not change."""
    wanted = districted(kept(wanted, actual), actual)
    return (*_notes(wanted, actual), *_adoptions(actual), *_missing_pictures(wanted, actual))


def _adoptions(actual: Actual) -> Iterator[Note]:
    """What keeps existing rooms from being ours, and which rooms of an adopted space are left alone."""
    for key, adoption in actual.adoptions.items():
        if adoption.state != "ready" and adoption.state != "entering":  # noqa: PLR1714 - mypy narrows only this
            yield Note(key, adoption.state, level=adoption.level, name=adoption.target)
    for name in actual.strangers:
        yield Note("space", "stranger", name=name)


def _missing_pictures(wanted: Desired, actual: Actual) -> Iterator[Note]:
    for room in wanted.rooms:
        if room.avatar and not room.avatar.startswith("mxc://") and room.avatar not in actual.files:
            yield Note(room.key, "picture")


def _notes(wanted: Desired, actual: Actual) -> Iterator[Note]:
    by_key = {room.key: room for room in wanted.rooms}
    for key in actual.rooms:
        if key not in by_key:
            yield Note(key, "vanished")
    for key, room in by_key.items():
        found = actual.rooms.get(key)
        if (room.archived and found is None) or key in actual.adoptions:
            continue
        if room.alias in actual.aliases and (found is None or actual.aliases[room.alias] != found.room):
            yield Note(key, "alias")
        if found is None:
            continue
        if not found.here:
            yield Note(key, "away")
            continue
        powers = powers_of(found)
        if powers.level(wanted.me) < BOT:
            yield Note(key, "power", level=int(powers.level(wanted.me)))
        if found.content("m.room.encryption").get("algorithm") and not room.encrypted:
            yield Note(key, "encrypted")
        yield from _strong_people(wanted, room, powers)


def _strong_people(wanted: Desired, room: DesiredRoom, powers: Powers) -> Iterator[Note]:
    """People who stand higher than the configuration says: by hand, or because they were taken out of the file."""
    users = (powers.levels or {}).get("users")
    for user in users if isinstance(users, dict) else ():
        level = powers.level(user)
        ours = user == wanted.me or user in wanted.owners
        if (
            not ours
            and level > room.levels.get(user, 0)
            and (user not in room.levels or not powers.outranks(wanted.me, user))
        ):
            yield Note(room.key, "stronger", user=user, level=int(level))
