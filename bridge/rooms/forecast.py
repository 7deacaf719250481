"""How things are once steps have been taken, and so all the steps to the end; pure, as the planning is that it goes by. Never takes one."""

from dataclasses import replace

from bridge.rooms.contents import create_request, creators_of
from bridge.rooms.model import (
    Actual,
    ActualRoom,
    Adoption,
    Change,
    Create,
    Desired,
    DesiredRoom,
    EnterRoom,
    InvitePerson,
    PointAlias,
    Remember,
    SayWelcome,
    SetContent,
    UploadFile,
    Welcome,
)
from bridge.rooms.plan import around, plan

_MOST_ROUNDS = 10


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


def after(wanted: Desired, actual: Actual, change: Change) -> Actual:
    """How things are once this change has been made."""
    match change:
        case Create(room):
            made = _made(wanted, actual, room)
            return replace(actual, rooms={**actual.rooms, room.key: made})
        case Remember(room):
            lost = {key: found for key, found in actual.lost.items() if key != room.key}
            return replace(actual, rooms={**actual.rooms, room.key: actual.lost[room.key]}, lost=lost)
        case EnterRoom(key=key, target=target):
            return replace(actual, adoptions={**actual.adoptions, key: Adoption(target, "entering")})
        case PointAlias(alias=alias, room=room_id):
            return replace(actual, aliases={**actual.aliases, alias: room_id})
        case SetContent(key=key, type=kind, state_key=state_key, content=content):
            found = actual.rooms[key]
            ours = {**found.senders, (kind, state_key): wanted.me}
            return _with(actual, replace(found, state={**found.state, (kind, state_key): content}, senders=ours))
        case UploadFile(sha256=sha256):
            return replace(actual, uploads={**actual.uploads, sha256: f"mxc://{wanted.server}/{sha256}"})
        case SayWelcome(room=room_id, digest=digest, was=was):
            said = Welcome((was and was.event) or f"$welcome{room_id}", digest, was.revision + 1 if was else 1)
            return replace(actual, welcomes={**actual.welcomes, room_id: said})
        case InvitePerson(key=key, user=user):
            found = actual.rooms[key]
            return _with(actual, replace(found, members={**found.members, user: "invite"}))


def _with(actual: Actual, room: ActualRoom) -> Actual:
    return replace(actual, rooms={**actual.rooms, room.key: room})


def _made(wanted: Desired, actual: Actual, room: DesiredRoom) -> ActualRoom:
    """The room that our request makes."""
    surroundings = around(wanted, actual, room)
    request = create_request(wanted, room, surroundings)
    version = surroundings.version
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
