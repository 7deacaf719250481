"""What follows for digests when something happens: corrections in place, and what a touch on one asks for. Never sends anything."""

from bridge.digest import answered, bells, calls, store, touched
from bridge.digest.correcting import CORRECTED_FOR_MS, correct
from bridge.events import AnyEvent, Edited, MemberChanged, Message, Reacted, Redacted
from bridge.scene import Scene
from bridge.store import journal, versions

_VARIATION = "\ufe0f"


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at what was said, edited, redacted or left, and at reactions on digests."""
    match event:
        case Message() if scene.ours:
            if (unheard := await calls.heard(scene, event)) is not None:
                await answered.heard(scene, event, unheard)
        case Redacted():
            # What is taken back may be an edit: then the text before it holds again.
            said = await versions.target_of(scene.db, event.target, event.room) or event.target
            await correct(scene, event, await store.holding(scene.db, said, event.room))
        case Edited():
            target = await journal.post(scene.db, event.target)
            if target is not None and target.author == event.sender:
                await correct(scene, event, await store.holding(scene.db, event.target, event.room))
                await calls.heard(scene, event)
        case MemberChanged() if event.membership != "join" and not scene.ordinary:
            # After a gap a new invitation may be all that we hear of a leave.
            since_ms = scene.now_ms - CORRECTED_FOR_MS
            found = await store.holding_room(scene.db, event.user, event.room, since_ms)
            await correct(scene, event, found)
        case Reacted() if event.sender != scene.me and not await touched.touched(scene, event):
            if (bell := event.key.replace(_VARIATION, "")) in bells.BELLS:
                await bells.ring(scene, event, (event.room, event.target), bell)
