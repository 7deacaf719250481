"""What comes in late of a server that was shut out: written while the ban held, and let in by its end. Writes wishes, never acts.

A homeserver that may take part again brings along what it kept of a room meanwhile (spec: "Backfilling and retrieving missing events"). By the sender's
server's own word it was written while nobody of it was to write.
"""

from bridge.effects import Put, Redact, Say
from bridge.events import Message
from bridge.globs import server_matches, server_of
from bridge.moderation import store
from bridge.scene import Scene
from bridge.store import ledger, rooms
from bridge.times import DAY_MS
from bridge.words import in_a_room, words

WATCHED_MS = 7 * DAY_MS
"""So long after a server's ban has ended we look at what comes in from it."""

SKEW_MS = 60_000
"""Clocks differ: what was written so shortly before the end counts as written after it."""


async def look(scene: Scene, event: Message) -> None:
    """Take a message away that was written on a server while it was shut out, and tell staff once that there are such."""
    server = server_of(event.sender)
    for sanction, from_ms, to_ms in await store.ended_server_bans(scene.db, scene.now_ms - WATCHED_MS):
        if server_matches(sanction.target, server) and from_ms < event.at_ms < to_ms - SKEW_MS:
            entry = await ledger.write(
                scene.db, scene.me, "redact", event.sender, None, f"ban {sanction.id}", event.room, None, scene.now_ms
            )
            scene.puts.append(Put(Redact(key=f"late/{event.id}", room=event.room, event=event.id), intent=entry))
            text = words(
                "Something has come in that was written on %(server)s while it was shut out. I take it away; %(command)s shows how much that is.",
                server={"code": sanction.target},
                command={"command": f"ledger ban {sanction.id}"},
            )
            staff = await rooms.by_key(scene.db, "staff")
            if staff is not None:
                key, language = f"late/told/{sanction.id}", scene.config.language
                scene.puts.append(Put(Say(key=key, room=staff.room, text=in_a_room(text), language=language)))
            return
