"""Carries out what commands decided about rooms, while Hearth runs, and answers who decided it. Never decides anything itself.

It may be killed at any point: what was not written down as carried out is looked at again.
"""

from collections.abc import Callable, Collection, Sequence

from bridge.community import MADE
from bridge.context import later_answer
from bridge.rooms import followup, splits
from bridge.rooms.build import Outcome, Site, build
from bridge.rooms.model import Desired
from bridge.rooms.tell import explain
from bridge.scene import Scene
from bridge.store import circles, ledger, queue, rooms, settings
from bridge.store.db import Connection
from bridge.store.settings import Pending
from bridge.words import Text, lines, words


async def carry_out(
    site: Site, wanted: Desired, pending: Sequence[Pending], scene_in: Callable[[Connection], Scene]
) -> bool:
    """Make the rooms that these decisions are about match them, and say what came of it; whether there is something for the outbox.

    Raises Unavailable when the homeserver cannot be read; then nothing is lost, and the next look tries again.
    """
    decided = {(each.key, each.field) for each in pending}
    outcome = await build(site, wanted, only={each.key for each in pending}, decided=decided)
    async with site.database.writing() as db:
        scene = scene_in(db)
        await settings.applied(db, [each.id for each in pending], scene.now_ms)
        await _take_back(db, pending, outcome)
        await splits.ask_all(scene)
        for cause in dict.fromkeys(each.cause for each in pending):
            entry = await ledger.get(db, cause)
            if entry is None or entry.outcome is not None:
                continue
            keys = {each.key for each in pending if each.cause == cause}
            refused = {each.key: each.error for each in outcome.failures}
            said = answer(outcome, keys)
            await ledger.settle(db, cause, {"done": outcome.done, "refused": refused}, scene.now_ms)
            well = said is None
            if said is None:
                said = await followup.after(scene, entry) or words("That is done.")
            if entry.event and entry.room:
                scene.puts += await later_answer(scene, entry.event, entry.room, entry.actor, said, done=well)
        return bool(await queue.put(db, scene.puts, scene.now_ms))


async def _take_back(db: Connection, pending: Sequence[Pending], outcome: Outcome) -> None:
    """What cannot be holds no longer: an address that leads elsewhere, and a circle whose room could not be made. So they can be decided anew."""
    there = {room.key for room in await rooms.all_rooms(db)}
    taken = {note.key for note in outcome.notes if note.about == "alias"}
    vain = [
        each
        for each in pending
        if (each.field == MADE and each.key not in there) or (each.field in ("tag", "alias") and each.key in taken)
    ]
    await settings.withdraw(db, [each.id for each in vain])
    for each in vain:
        if each.field == MADE:
            await circles.forget_split(db, each.key)


def answer(outcome: Outcome, keys: Collection[str]) -> Text | None:
    """Why a decision about these rooms could not be carried out, in words; None when it was."""
    about = [note for note in outcome.notes if note.key in keys]
    parts = [explain(note) for note in about if note.about in ("away", "power")]
    if any(note.about == "alias" for note in about):
        parts.append(
            words("The address that belongs to that tag leads to another room already. Please choose another tag.")
        )
    if outcome.failures:
        refused = {"list": [{"code": each.error} for each in outcome.failures]}
        parts += [
            words("Not everything could be done: the homeserver refused some of it (%(codes)s).", codes=refused),
            words(
                "%(check)s on Hearth's machine says more; then write the same again.", check={"code": "hearth check"}
            ),
        ]
    return lines(*parts) if parts else None
