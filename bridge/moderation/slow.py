"""Slow mode: what comes too soon is taken away, with a kind word once. Writes wishes, never acts.

A message that was taken away does not count: whoever waits the gap after the last one that stayed can write.
"""

from collections.abc import Collection

from bridge.context import language_of
from bridge.effects import Put, Redact, Tell
from bridge.events import Message
from bridge.moderation import slowly, store
from bridge.moderation.model import SLOW
from bridge.scene import Scene
from bridge.store import authority, ledger, pace, rooms
from bridge.words import words

TAKEN = "redact"
"""What the ledger calls it."""


async def look(scene: Scene, event: Message, *, spared: Collection[str]) -> None:
    """Take a message away if its author is to write slowly there and it came too soon. Staff is spared, and curators in their circle."""
    room = await rooms.by_id(scene.db, event.room)
    if room is None or event.sender in spared or event.marked:
        return
    if room.tag is not None and (await authority.current(scene.db, scene.config, event.sender)).curates(
        event.sender, room.tag
    ):
        return
    sanction = slowly.gap_of(await store.standing(scene.db, SLOW), event.sender, room.key)
    if sanction is None or sanction.gap_ms is None:
        return
    within = None if sanction.scope == "" else event.room
    before_ms = await pace.wrote_before(scene.db, event.id, event.sender, within)
    if not slowly.too_soon(before_ms, min(event.at_ms, scene.now_ms), sanction.gap_ms):
        return
    entry = await ledger.write(
        scene.db, scene.me, TAKEN, event.sender, None, f"slow {sanction.id}", event.room, None, scene.now_ms
    )
    redact = Redact(key=f"{pace.TAKEN}{event.id}", room=event.room, event=event.id)
    scene.puts.append(Put(redact, intent=entry))
    told = words(
        "In %(room)s please leave %(gap)s between two messages for now, so that others come to speak, too. Your last one came sooner, so it was taken away; you can send it again in a little while.",
        room={"room": room.room, "alias": room.alias, "name": f"#{room.tag}" if room.tag else room.alias or room.key},
        gap={"duration_ms": sanction.gap_ms},
    )
    key = f"slow/told/{sanction.id}/{event.sender}"
    language = await language_of(scene, event.sender)
    scene.puts.append(Put(Tell(key=key, user=event.sender, text=told, language=language)))
