"""What the rooms do when something happens: shares are kept as they should be, staff find their room, leavers leave. Writes wishes, never acts.

What a room hides, and from whom, is known from the moment it changes.
"""

from bridge.effects import Invite, Put
from bridge.events import AnyEvent, MemberChanged, StateChanged
from bridge.rooms import ask, ground, leaving, shares
from bridge.scene import Scene
from bridge.store import people, rooms


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at one event; all that follows from it is appended to `scene.puts`."""
    if isinstance(event, StateChanged) and event.state_key == "":
        await _hides(scene, event)
    await shares.react(scene, event)
    await leaving.react(scene, event)
    await ground.react(scene, event)
    await ask.react(scene, event)
    if isinstance(event, MemberChanged) and event.membership == "join":
        await _show_staff_in(scene, event)


async def _hides(scene: Scene, event: StateChanged) -> None:
    """Remember that a room of ours is encrypted from now on, or what its newcomers can read: shares and digests go by that."""
    history = event.content.get("history_visibility")
    if event.type == "m.room.encryption" and event.content.get("algorithm"):
        await rooms.update(scene.db, event.room, encrypted=True)
    elif event.type == "m.room.history_visibility" and isinstance(history, str):
        await rooms.update(scene.db, event.room, history=history)


async def _show_staff_in(scene: Scene, event: MemberChanged) -> None:
    """Owners and moderators who entered the space are invited to the staff room: nobody has two open invites at once."""
    community = scene.config.community
    if event.user not in {*community.owners, *community.moderators}:
        return
    entered = await rooms.by_id(scene.db, event.room)
    staff = await rooms.by_key(scene.db, "staff")
    if entered and entered.kind == "space" and staff:
        now = await people.membership(scene.db, staff.room, event.user)
        if now in (None, "leave"):
            scene.puts.append(
                Put(Invite(key=f"invite/{staff.room}/{event.user}/{event.id}", room=staff.room, user=event.user))
            )
