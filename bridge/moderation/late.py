"""What comes in late of a server that was shut out: written while the ban held, and let in by its end. Writes wishes, never acts.

A homeserver that may take part again brings along what it kept of a room meanwhile (spec: "Backfilling and retrieving missing events"). By the sender's
server's own word it was written while nobody of it was to write.
"""

from bridge.effects import Put, Redact, Say
from bridge.events import Edited, Message
from bridge.globs import server_matches, server_of
from bridge.moderation import store
from bridge.scene import Scene
from bridge.store import ledger, rooms, shut_out
from bridge.times import DAY_MS
from bridge.words import in_a_room, words

WATCHED_MS = 7 * DAY_MS
"""So long after a server's ban has ended we look at what comes in from it."""

SKEW_MS = 60_000
"""Clocks differ: what was written so shortly before the end counts as written after it."""


async def look(scene: Scene, event: Message | Edited) -> None:
    """Take away what was written on a server while it was shut out, by a decision here or by a list, and tell staff once that there is such."""
    server, since_ms = server_of(event.sender), scene.now_ms - WATCHED_MS
    decided = [
        (f"ban {sanction.id}", sanction.target, from_ms, to_ms)
        for sanction, from_ms, to_ms in await store.ended_server_bans(scene.db, since_ms)
    ]
    listed = [
        (f"shut out {pattern}", pattern, from_ms, to_ms)
        for pattern, from_ms, to_ms in await shut_out.ended(scene.db, since_ms)
    ]
    for rule, pattern, from_ms, to_ms in (*decided, *listed):
        if server_matches(pattern, server) and from_ms < event.at_ms < to_ms - SKEW_MS:
            await _take_away(scene, event, rule, pattern)
            return


async def _take_away(scene: Scene, event: Message | Edited, rule: str, pattern: str) -> None:
    entry = await ledger.write(scene.db, scene.me, "redact", event.sender, None, rule, event.room, None, scene.now_ms)
    scene.puts.append(Put(Redact(key=f"late/{event.id}", room=event.room, event=event.id), intent=entry))
    text = words(
        "Something has come in that was written on %(server)s while it was shut out. I take it away; %(command)s shows how much that is.",
        server={"code": pattern},
        command={"command": f"ledger {rule}"},
    )
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None:
        key, language = f"late/told/{rule}", scene.config.language
        scene.puts.append(Put(Say(key=key, room=staff.room, text=in_a_room(text), language=language)))
