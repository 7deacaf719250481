"""Carries out what commands decided about rooms, while Hearth runs, and answers who decided it. Never decides anything itself.

It may be killed at any point: what was not written down as carried out is looked at again.
"""

from collections.abc import Callable, Sequence

from bridge.context import later_answer
from bridge.rooms.build import Outcome, Site, build
from bridge.rooms.model import Desired
from bridge.scene import Scene
from bridge.store import ledger, queue, settings
from bridge.store.db import Connection
from bridge.store.settings import Pending
from bridge.words import Text, lines, words


async def carry_out(
    site: Site, wanted: Desired, pending: Sequence[Pending], scene_in: Callable[[Connection], Scene]
) -> bool:
    """Make the rooms that these decisions are about match them, and say what came of it; whether there is something for the outbox.

    Raises Unavailable when the homeserver cannot be read; then nothing is lost, and the next look tries again.
    """
    outcome = await build(site, wanted, only={each.key for each in pending})
    async with site.database.writing() as db:
        scene = scene_in(db)
        await settings.applied(db, [each.id for each in pending], scene.now_ms)
        for cause in dict.fromkeys(each.cause for each in pending):
            entry = await ledger.get(db, cause)
            if entry is None or entry.outcome is not None:
                continue
            refused = {each.key: each.error for each in outcome.failures}
            await ledger.settle(db, cause, {"done": outcome.done, "refused": refused}, scene.now_ms)
            if entry.event and entry.room:
                said = answer(outcome)
                scene.puts += await later_answer(
                    scene, entry.event, entry.room, entry.actor, said, done=not outcome.failures
                )
        return bool(await queue.put(db, scene.puts, scene.now_ms))


def answer(outcome: Outcome) -> Text:
    """What came of a decision about rooms, in words."""
    if not outcome.failures:
        return words("That is done.")
    refused = {"list": [{"code": each.error} for each in outcome.failures]}
    return lines(
        words("Not everything could be done: the homeserver refused some of it (%(codes)s).", codes=refused),
        words("%(check)s on Hearth's machine says more; then write the same again.", check={"code": "hearth check"}),
    )
