"""Direct rooms: accepts invitations from people of this community, and remembers whose room it is. Never invites anybody itself.

No other room than a direct one is entered because somebody asks: we would be a guest among people who do not know us.
"""

from collections.abc import Mapping

from bridge.effects import Effect, Join, Put, load
from bridge.events import AnyEvent, Invited, MemberChanged
from bridge.scene import Scene, Settler, State
from bridge.store import people, queue, rooms


async def react(scene: Scene, event: AnyEvent) -> None:
    """Enter a direct room that one of us invites us to, or a room of ours; know whose it is once we are in; forget it when its person left."""
    if isinstance(event, Invited):
        ours = await rooms.by_id(scene.db, event.room)
        if ours or (event.is_direct and await is_known(scene, event.sender)):
            person = None if ours else event.sender
            scene.puts.append(
                Put(Join(key=f"join/{event.id}", room=event.room, person=person, encrypted=event.encrypted))
            )
    elif isinstance(event, MemberChanged) and event.membership in ("invite", "join") and event.user == scene.me:
        # We hear of it before our wish to come is settled, and what is said between the two is for us, too.
        lane = Join(key="", room=event.room).lane
        for wish in await queue.still_due(scene.db, Join.__name__, lane):
            await joined(scene, load(wish.kind, wish.key, wish.payload or "{}"), "done", event.room)
    elif isinstance(event, MemberChanged) and event.membership in ("leave", "ban"):
        whose = await people.by_direct_room(scene.db, event.room)
        if whose and event.user in (whose.user, scene.me):
            await people.change(scene.db, whose.user, direct_room=None)


async def is_known(scene: Scene, user: str) -> bool:
    """Whether somebody is in a room of ours, or is named in the configuration."""
    community = scene.config.community
    named = {*community.owners, *community.moderators}
    for circle in community.circles:
        named |= {*circle.curators, *circle.members}
    return user in named or bool(await people.rooms_of(scene.db, user))


async def joined(scene: Scene, effect: Effect, state: State, room: str | None) -> None:
    """We are in: from now on this is where we talk to that person."""
    if state == "done" and isinstance(effect, Join) and effect.person:
        await people.change(scene.db, effect.person, direct_room=room or effect.room, direct_encrypted=effect.encrypted)


SETTLERS: Mapping[type[Effect], Settler] = {Join: joined}
