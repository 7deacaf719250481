"""Who is called on by what was just said: those are to be told at once, after a moment. Never decides what they may see, and never tells them."""

from bridge.config import Config
from bridge.digest import rhythm, store
from bridge.digest.model import Waiting
from bridge.effects import Copy, Effect
from bridge.events import Edited, Message
from bridge.scene import Scene, Settler, State
from bridge.store import due
from bridge.store.people import Person

CALL = "call"
"""The kind of our rows in the table of what is due; the slot is the `seq` after which to look."""

OLD_MS = 24 * 3600 * 1000
"""What is older than this when it first calls on somebody, as in a thread that is shared late, waits for their digest."""


def wants(person: Person, config: Config, now_ms: int) -> bool:
    """Whether this person is told at once: as they chose, and else as long as digests come. Not in a pause."""
    chosen = person.digest != "off" if person.notify is None else person.notify
    return chosen and rhythm.paused_until(person, config, now_ms) is None


async def heard(scene: Scene, event: Message | Edited) -> Waiting | None:
    """Somebody said something in a room of ours, or said it anew: whom it calls on. Gives what nobody had answered before this did."""
    if event.sender == scene.me or event.marked:
        return None
    if isinstance(event, Edited):
        return await _put(scene, event.target) if event.content.mentions else None
    if event.content.mentions or event.reply_to is not None or event.thread is not None:
        return await _put(scene, event.id)
    return None


async def copied(scene: Scene, effect: Effect, state: State, _result: str | None) -> None:
    """Something was carried to where others can read it: whom it calls on there."""
    if state == "done" and isinstance(effect, Copy):
        await _put(scene, effect.source)


async def _put(scene: Scene, event: str) -> Waiting | None:
    wait_ms = scene.config.digest.gather_seconds * 1000
    called, unheard = await store.called_by(scene.db, event, {scene.me, *scene.config.digest.bots})
    for one in called:
        user = one.person.user
        programs = one.automatic or one.author in scene.config.digest.bots
        if programs or user == one.author or one.seen_ms < scene.now_ms - OLD_MS:
            continue
        if wants(one.person, scene.config, scene.now_ms):
            before = await due.get(scene.db, CALL, user)
            since = min(one.seq - 1, int(before.slot) if before else one.seq)
            next_ms = before.next_ms if before else scene.now_ms + wait_ms
            await due.set_next(scene.db, CALL, user, next_ms, str(since))
    return unheard


SETTLERS: dict[type[Effect], Settler] = {Copy: copied}
