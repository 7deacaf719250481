"""Ends what has had its time: sanctions that were given until a moment. Writes wishes, never acts.

It looks again and again, so that what ended while Hearth was down ends at its start.
"""

from bridge.moderation import decision, measures, store
from bridge.moderation.model import Sanction
from bridge.scene import Scene
from bridge.store import ledger

ENDED = "end"
"""What the ledger calls it."""

AT_ONCE = 200


async def tick(scene: Scene) -> None:
    """End the sanctions whose time is over by now; each has a row of the ledger of its own, whose rule is the sanction's number."""
    for sanction in await store.over(scene.db, scene.now_ms, AT_ONCE):
        await _end(scene, sanction)


async def _end(scene: Scene, sanction: Sanction) -> None:
    entry = await ledger.write(
        scene.db, scene.me, ENDED, sanction.target, None, f"{sanction.kind} {sanction.id}", None, None, scene.now_ms
    )
    if not await measures.lift(scene, [sanction], entry):
        await decision.settled(scene, entry)
