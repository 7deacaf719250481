"""Direct rooms: accepts invitations, and remembers whose room it is. Never invites anybody itself.

No other room than a direct one is entered because somebody asks: we would be a guest among people who do not know us. Strangers may have a code
to come in; but few of them are listened to at once, and none for longer than a day.
"""

from collections.abc import Mapping

from bridge.community import leaders
from bridge.digest import turned
from bridge.effects import Effect, Join, Leave, Put, load
from bridge.events import AnyEvent, Invited, MemberChanged, StateChanged
from bridge.rooms import door
from bridge.scene import Scene, Settler, State
from bridge.store import belongs, codes, people, queue, rooms, sanctions, strangers


async def react(scene: Scene, event: AnyEvent) -> None:
    """Enter a direct room that one of us invites us to, or a room of ours; know whose it is once we are in; forget it when its person left or replaced it."""
    if isinstance(event, Invited):
        ours = await rooms.by_id(scene.db, event.room)
        person = None if ours else event.sender
        turn_ms = scene.now_ms if ours else await _turn(scene, event) if event.is_direct else None
        if turn_ms is not None:
            enter = Join(key=f"join/{event.id}", room=event.room, person=person, encrypted=event.encrypted)
            scene.puts.append(Put(enter, turn_ms if turn_ms > scene.now_ms else 0))
    elif isinstance(event, MemberChanged) and event.membership in ("invite", "join") and event.user == scene.me:
        # We hear of it before our wish to come is settled, and what is said between the two is for us, too.
        lane = Join(key="", room=event.room).lane
        for wish in await queue.still_due(scene.db, Join.__name__, lane):
            await joined(scene, load(wish.kind, wish.key, wish.payload or "{}"), "done", event.room)
    elif isinstance(event, MemberChanged) and event.membership in ("leave", "ban") and not scene.ordinary:
        whose = await people.by_direct_room(scene.db, event.room)
        if whose and event.user in (whose.user, scene.me):
            await people.change(scene.db, whose.user, direct_room=None)
    elif isinstance(event, StateChanged) and event.type == "m.room.tombstone":
        # Clients show nobody what is said in a room that was replaced, and its new one may be without us.
        closed = await people.by_direct_room(scene.db, event.room)
        if closed:
            await people.change(scene.db, closed.user, direct_room=None)


async def _turn(scene: Scene, event: Invited) -> int | None:
    """When to enter somebody's direct room (UTC ms): at once if we know them; strangers, who may have a code, a few an hour; None: never."""
    if await is_known(scene, event.sender):
        return scene.now_ms
    theirs = await strangers.of(scene.db, event.sender)
    if len(theirs) >= door.ROOMS_OF_ONE or await sanctions.is_banned(scene.db, event.sender):
        return None
    turn_ms = door.turn(await strangers.newest(scene.db, door.STRANGERS_AN_HOUR), scene.now_ms)
    if turn_ms is not None:
        await strangers.add(scene.db, event.room, event.sender, turn_ms)
    return turn_ms


async def leave_strangers(scene: Scene) -> None:
    """Leave the direct rooms of people who are still strangers after a day; by the clock. Old wrong codes are forgotten, too."""
    for each in await strangers.before(scene.db, scene.now_ms - door.STAY_MS):
        known = await is_known(scene, each.user)
        await strangers.forget(scene.db, each.user, each.room)
        if not known:
            scene.puts.append(Put(Leave(key=f"leave/{each.room}/{each.from_ms}", room=each.room)))
    await codes.forget_tries(scene.db, scene.now_ms - door.DAY_MS)


async def is_known(scene: Scene, user: str) -> bool:
    """Whether somebody is in a room of ours or invited to one, may come in, or is named in the configuration."""
    community = scene.config.community
    named = {*community.owners, *community.moderators}
    for circle in community.circles:
        named |= {*leaders(circle), *circle.members}
    if user in named or {"join", "invite"} & set((await people.memberships_of(scene.db, user)).values()):
        return True
    return bool(await belongs.circles_of(scene.db, user) or await codes.used_by(scene.db, user))


async def joined(scene: Scene, effect: Effect, state: State, room: str | None) -> None:
    """We are in: from now on this is where we talk to that person."""
    if state == "done" and isinstance(effect, Join) and effect.person:
        await people.change(scene.db, effect.person, direct_room=room or effect.room, direct_encrypted=effect.encrypted)
        await turned.back(scene, effect.person, room or effect.room)


SETTLERS: Mapping[type[Effect], Settler] = {Join: joined}
