"""Somebody was answered of whom digests say that nobody answered them: these are put right. Never says what is in one, and tells nobody."""

from bridge.community import circle_by_key
from bridge.digest import store, watch
from bridge.digest.correcting import correct
from bridge.digest.model import Waiting
from bridge.events import Message
from bridge.scene import Scene
from bridge.store import authority, rooms

STANDS_FOR_MS = 2 * 24 * 3600 * 1000
"""An older digest is one of another day."""

MOST = 50
"""What stands in more digests than this is looked at by so many that one line in each is not worth the homeserver's time."""


async def heard(scene: Scene, event: Message, one: Waiting) -> None:
    """A message of a room of ours answers somebody whom nobody had answered: where a program has not said it, no digest goes on saying that they have no answer."""
    long_ago = one.at_ms < scene.now_ms - watch.FORGET_MS
    if long_ago or event.content.msgtype == "m.notice" or event.sender in scene.config.digest.bots:
        return
    recently_ms = scene.now_ms - STANDS_FOR_MS
    shown = await store.calling_unheard(scene.db, one.event, max(one.at_ms, recently_ms))
    found = dict.fromkeys(shown if len(shown) <= MOST else ())
    room = await rooms.by_id(scene.db, one.room)
    circle = circle_by_key(scene.config, room.key) if room is not None and room.kind == "circle" else None
    if circle is not None:
        leads = (await authority.named(scene.db, scene.config)).leads(circle)
        told = await store.newest_of_each(scene.db, leads, max(one.at_ms + watch.WAIT_MS, recently_ms))
        found |= dict.fromkeys(told)
    await correct(scene, event, found, patient=True)
