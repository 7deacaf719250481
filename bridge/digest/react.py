"""What follows for digests when something happens: corrections in place, and the end of them by one reaction. Never sends anything."""

from bridge.context import language_of
from bridge.digest import bells, rhythm, store
from bridge.effects import Correct, Put, Tell
from bridge.events import AnyEvent, Edited, MemberChanged, Reacted, Redacted
from bridge.scene import Scene
from bridge.store import journal
from bridge.words import words

STOPS = frozenset({"🛑", "⏹", "✋"})
_VARIATION = "\ufe0f"
CORRECTED_FOR_MS = 14 * 24 * 3600 * 1000
"""When somebody leaves a room, digests that are older than this keep what they quoted from it."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at what was edited, redacted or left, and at reactions on digests."""
    match event:
        case Redacted():
            await _correct(scene, event, await store.holding(scene.db, event.target, event.room))
        case Edited():
            target = await journal.post(scene.db, event.target)
            if target is not None and target.author == event.sender:
                await _correct(scene, event, await store.holding(scene.db, event.target, event.room))
        case MemberChanged(membership="leave" | "ban"):
            since_ms = scene.now_ms - CORRECTED_FOR_MS
            found = await store.holding_room(scene.db, event.user, event.room, since_ms)
            await _correct(scene, event, found)
        case Reacted() if event.key.replace(_VARIATION, "") in STOPS:
            if await store.delivered_as(scene.db, event.target) == event.sender:
                await _stop(scene, event)
        case Reacted() if (bell := event.key.replace(_VARIATION, "")) in bells.BELLS:
            await bells.rung(scene, event, bell)


async def _correct(scene: Scene, event: AnyEvent, digests: tuple[tuple[str, str], ...]) -> None:
    # Also where the digest is still on its way: its lane keeps the order, and its words may have been read a moment ago.
    for digest, user in digests:
        key = f"digest/{digest}/correct/{event.id}"
        scene.puts.append(Put(Correct(key=key, user=user, digest=digest, cause=event.id)))


async def _stop(scene: Scene, event: Reacted) -> None:
    if await rhythm.end(scene, event.sender):
        text = words("No more digests from now on. If you miss them, write %(command)s.", command={"command": "digest daily"})  # fmt: skip
        language = await language_of(scene, event.sender)
        scene.puts.append(Put(Tell(key=f"stopped/{event.id}", user=event.sender, text=text, language=language)))
