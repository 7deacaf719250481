"""What the rooms do when something happens: shares are kept as they should be, staff find their room, leavers leave. Writes wishes, never acts.

What a room hides, and from whom, is known from the moment it changes.
"""

from bridge.events import AnyEvent, Edited, MemberChanged, Message, StateChanged
from bridge.rooms import (
    admit,
    alarms,
    announcing,
    ask,
    assigning,
    echoes,
    ground,
    joining,
    knocks,
    leaving,
    moves,
    offers,
    replacing,
    share_leaving,
    share_likes,
    shares,
    splits,
    terms_react,
    unread,
)
from bridge.scene import Scene
from bridge.store import happened, rooms


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at one event; all that follows from it is appended to `scene.puts`."""
    if isinstance(event, MemberChanged) and scene.ordinary and event.user != scene.me:
        await _went(scene, event)
        return
    if isinstance(event, StateChanged) and event.state_key == "":
        await _hides(scene, event)
    await echoes.react(scene, event)
    wishes = await shares.react(scene, event)
    await share_likes.react(scene)
    await unread.react(scene, event)
    await share_leaving.react(scene, event)
    await leaving.react(scene, event)
    await ground.react(scene, event)
    await replacing.react(scene, event)
    await ask.react(scene, event)
    await offers.react(scene, event, wishes)
    await announcing.react(scene, event)
    await splits.react(scene, event)
    if isinstance(event, Message | Edited):
        await joining.shown_in_a_room(scene, event)
    elif isinstance(event, MemberChanged):
        if event.was == event.membership:
            return  # somebody has another name or picture: nobody came or went
        await moves.react(scene, event)
        await alarms.react(scene, event)
        await knocks.react(scene, event)
        await assigning.react(scene, event)
        if event.membership in ("join", "leave") and event.user != scene.me:
            await admit.go_on(scene, event)
    await terms_react.react(scene, event)


async def _went(scene: Scene, event: MemberChanged) -> None:
    """Somebody went, or was banned, on whom nothing hangs there: what is not in the database can still matter."""
    if event.was != event.membership:
        await alarms.react(scene, event)
        if event.membership == "leave":
            await admit.go_on(scene, event)


async def _hides(scene: Scene, event: StateChanged) -> None:
    """Remember that a room of ours is encrypted from now on, or what its newcomers can read: shares and digests go by that."""
    history = event.content.get("history_visibility")
    if event.type == "m.room.encryption" and event.content.get("algorithm"):
        await rooms.update(scene.db, event.room, encrypted=True)
    elif event.type == "m.room.history_visibility" and isinstance(history, str):
        await rooms.change_history(scene.db, event.room, history, await happened.newest_seq(scene.db))
