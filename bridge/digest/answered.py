"""Somebody was answered of whom digests say that nobody answered them: these are put right. Never says what is in one, and tells nobody."""

from bridge.community import circle_by_key
from bridge.digest import store, watch
from bridge.digest.correcting import correct
from bridge.events import Message
from bridge.scene import Scene
from bridge.store import authority, rooms, watching

STANDS_FOR_MS = 2 * 24 * 3600 * 1000
"""An older digest is one of another day."""

MOST = 50
"""What stands in more digests than this is looked at by so many that one line in each is not worth the homeserver's time."""


async def heard(scene: Scene, event: Message) -> None:
    """A message of a room of ours: where it is the first answer to somebody, no digest goes on saying that they have none."""
    apart = {scene.me, *scene.config.digest.bots}
    program = event.content.msgtype == "m.notice" or event.marked or event.sender in apart
    if program or not (event.thread or event.reply_to or event.content.mentions):
        return
    found: dict[tuple[str, str], None] = {}
    for one in await watching.answered_by(scene.db, event, apart, scene.now_ms - watch.FORGET_MS):
        recently_ms = scene.now_ms - STANDS_FOR_MS
        shown = await store.calling_unheard(scene.db, one.event, max(one.at_ms, recently_ms))
        found |= dict.fromkeys(shown if len(shown) <= MOST else ())
        room = await rooms.by_id(scene.db, one.room)
        circle = circle_by_key(scene.config, room.key) if room is not None and room.kind == "circle" else None
        if circle is not None:
            leads = (await authority.named(scene.db, scene.config)).leads(circle)
            told = await store.newest_of_each(scene.db, leads, max(one.at_ms + watch.WAIT_MS, recently_ms))
            found |= dict.fromkeys(told)
    await correct(scene, event, found, patient=True)
