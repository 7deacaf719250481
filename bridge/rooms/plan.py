"""What should exist, and the ordered steps from what does to it; pure. Never touches a room that is not ours, never deletes one.

`plan` of a state that is as desired is empty, and after any plan was carried out the next one is.
"""

from collections.abc import Iterator
from dataclasses import replace

from bridge.community import circle_key, leaders
from bridge.config import Circle, Config, RoomSettings
from bridge.power import Powers, has_endless_creators
from bridge.rooms.contents import (
    ARCHIVED_MARK,
    BOT,
    CURATOR,
    MODERATOR,
    child_link,
    corrected,
    create_request,
    creators_of,
    linked,
)
from bridge.rooms.model import (
    Actual,
    ActualRoom,
    Change,
    Content,
    Create,
    Desired,
    DesiredRoom,
    InvitePerson,
    Kind,
    Note,
    PointAlias,
    Remember,
    SetContent,
    State,
    local_alias,
)
from bridge.tags import fold

_MOST_ROUNDS = 10


def desired(config: Config, me: str) -> Desired:
    """What the configuration wants, the space first. `me` is our own user id, whose server the addresses are on."""
    community, server = config.community, me.partition(":")[2]
    curators = [user for circle in community.circles for user in leaders(circle)]
    members = [user for circle in community.circles for user in circle.members]
    staff = _unique(community.owners + community.moderators)
    moderators = dict.fromkeys(community.moderators, MODERATOR)

    def room(key: str, kind: Kind, settings: RoomSettings, levels: dict[str, int] = moderators) -> DesiredRoom:
        tag = fold(settings.tag) if isinstance(settings, Circle) else None
        return DesiredRoom(
            key=key,
            kind=kind,
            name=settings.name,
            topic=settings.topic,
            alias=f"#{local_alias(settings.alias, tag, settings.name)}:{server}",
            tag=tag,
            encrypted=settings.encrypted,
            history=settings.history,
            levels={user: level for user, level in levels.items() if user not in community.owners},
        )

    space = room("space", "space", community.space)

    def of_circle(circle: Circle) -> DesiredRoom:
        levels = dict.fromkeys(circle.former, 0) | dict.fromkeys(leaders(circle), CURATOR) | moderators
        return room(circle_key(circle), "circle", circle, levels)

    circles = [of_circle(circle) for circle in community.circles]
    archived = [
        replace(of_circle(circle), tag=None, name=f"{ARCHIVED_MARK} {circle.name}", writers=MODERATOR, archived=True)
        for circle in community.archived
    ]
    return Desired(
        me=me,
        server=server,
        version=community.room_version,
        owners=_unique(community.owners),
        rooms=(
            replace(space, encrypted=False, writers=CURATOR, guests=_unique((*staff, *curators, *members))),
            room("common", "common", community.common),
            replace(room("staff", "staff", community.staff), guests=staff, after_space=True),
            *circles,
            *archived,
        ),
    )


def _unique(users: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(users))


def plan(wanted: Desired, actual: Actual) -> tuple[Change, ...]:
    """The steps that can be told now, in the order to take them: rooms (the space first), links, corrections, invites.

    What hangs on a room that does not exist yet is not among them: plan again when it does, or see `forecast`.
    """
    return (
        *_new_rooms(wanted, actual),
        *_child_links(wanted, actual),
        *(change for room in _known(wanted, actual) for change in _corrections(wanted, actual, room)),
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


def forecast(wanted: Desired, actual: Actual) -> tuple[Change, ...]:
    """All steps to the end, those included that hang on rooms which are yet to be made."""
    steps: list[Change] = []
    for _ in range(_MOST_ROUNDS):
        changes = plan(wanted, actual)
        if not changes:
            break
        steps += changes
        for change in changes:
            actual = after(wanted, actual, change)
    return tuple(steps)


def version_of(wanted: Desired, actual: Actual) -> str:
    """The version that a room made now gets."""
    return wanted.version or actual.version


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
        if room.key in actual.lost:
            yield Remember(room, actual.lost[room.key].room)
        elif not room.archived and room.alias not in actual.aliases:
            yield Create(room)


def _child_links(wanted: Desired, actual: Actual) -> Iterator[Change]:
    space = actual.rooms.get("space")
    if not space or not space.here:
        return
    for room in _known(wanted, actual):
        if linked(room):
            child = actual.rooms[room.key].room
            held = space.content("m.space.child", child)
            for change in _set(wanted, space, ("m.space.child", child), child_link(wanted, room, held)):
                yield replace(change, child=room.key)
        elif room.archived and space.content("m.space.child", actual.rooms[room.key].room):
            # A link without content is none (spec: m.space.child).
            for change in _set(wanted, space, ("m.space.child", actual.rooms[room.key].room), {}):
                yield replace(change, child=room.key)


def _corrections(wanted: Desired, actual: Actual, room: DesiredRoom) -> Iterator[Change]:
    found = actual.rooms[room.key]
    space = actual.rooms.get("space")
    if linked(room) and not space:
        return
    for state, content in corrected(wanted, room, powers_of(found), found.state, space.room if space else None):
        if state == ("m.room.canonical_alias", "") and found.state.get(state) != content:
            leads_to = actual.aliases.get(room.alias)
            if leads_to is None:
                yield PointAlias(room.key, found.room, room.alias)
            elif leads_to != found.room:
                continue
        yield from _set(wanted, found, state, content)


def _set(wanted: Desired, room: ActualRoom, state: State, content: Content) -> Iterator[SetContent]:
    """The change that gives a state event this content, if it differs and we have the power."""
    was = room.content(*state)
    if was == content:
        return
    powers = powers_of(room)
    needed = BOT if state[0] == "m.room.power_levels" else powers.required(f"state:{state[0]}")
    if powers.level(wanted.me) >= needed:
        yield SetContent(room.key, room.room, *state, was, content, room.events.get(state))


def _invites(wanted: Desired, actual: Actual) -> Iterator[Change]:
    """Invites for people who never were there: who left, declined or was banned is left in peace."""
    space = actual.rooms.get("space")
    for room in _known(wanted, actual):
        found = actual.rooms[room.key]
        if not powers_of(found).can(wanted.me, "invite"):
            continue
        for user in room.guests:
            inside = not room.after_space or (space is not None and space.members.get(user) == "join")
            if inside and user not in found.members and user != wanted.me:
                yield InvitePerson(room.key, found.room, user)


def notes(wanted: Desired, actual: Actual) -> tuple[Note, ...]:
    """What a person should know: rooms that left the file, rooms that we are out of, what we cannot or will not change."""
    return tuple(_notes(wanted, actual))


def _notes(wanted: Desired, actual: Actual) -> Iterator[Note]:
    by_key = {room.key: room for room in wanted.rooms}
    for key in actual.rooms:
        if key not in by_key:
            yield Note(key, "vanished")
    for key, room in by_key.items():
        found = actual.rooms.get(key)
        if room.archived and found is None:
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


def after(wanted: Desired, actual: Actual, change: Change) -> Actual:
    """How things are once this change has been made."""
    match change:
        case Create(room):
            made = _made(wanted, actual, room)
            return replace(actual, rooms={**actual.rooms, room.key: made})
        case Remember(room):
            lost = {key: found for key, found in actual.lost.items() if key != room.key}
            return replace(actual, rooms={**actual.rooms, room.key: actual.lost[room.key]}, lost=lost)
        case PointAlias(alias=alias, room=room_id):
            return replace(actual, aliases={**actual.aliases, alias: room_id})
        case SetContent(key=key, type=kind, state_key=state_key, content=content):
            found = actual.rooms[key]
            return _with(actual, replace(found, state={**found.state, (kind, state_key): content}))
        case InvitePerson(key=key, user=user):
            found = actual.rooms[key]
            return _with(actual, replace(found, members={**found.members, user: "invite"}))


def _with(actual: Actual, room: ActualRoom) -> Actual:
    return replace(actual, rooms={**actual.rooms, room.key: room})


def _made(wanted: Desired, actual: Actual, room: DesiredRoom) -> ActualRoom:
    """The room that our request makes."""
    version, space = version_of(wanted, actual), actual.rooms.get("space")
    request = create_request(wanted, room, version, space.room if space else None)
    state = {(event["type"], event["state_key"]): event["content"] for event in request["initial_state"]}
    state["m.room.name", ""] = {"name": room.name}
    state["m.room.canonical_alias", ""] = {"alias": room.alias}
    state["m.room.power_levels", ""] = request["power_level_content_override"]
    if room.topic:
        state["m.room.topic", ""] = {"topic": room.topic}
    return ActualRoom(
        key=room.key,
        room=f"!{room.key}",
        version=version,
        creators=creators_of(wanted, version) or frozenset((wanted.me,)),
        state=state,
        members={wanted.me: "join"},
    )
