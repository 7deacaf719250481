"""Prepares what the end of a membership asks of the rooms, and tells staff what could not be done; never sends anything.

What stands in the database at the moment of doing counts: a membership that was renewed meanwhile takes nobody out any more.
"""

from collections.abc import Mapping

from bridge.effects import Effect, Expel, Kick, load
from bridge.rooms import terms_words
from bridge.rooms.term import ENDED
from bridge.rooms.terms_change import EXPIRED, is_spared_by, tell_staff
from bridge.scene import Desk, Filler, Scene
from bridge.store import ledger, queue, rooms, terms


async def fill_expel(desk: Desk, effect: Expel) -> Kick | None:
    """The kick, if their membership has still ended."""
    async with desk.reading() as db:
        term = await terms.get(db, effect.user)
    if term is None or term.stage != ENDED or desk.config.membership is None or is_spared_by(desk.config, effect.user):
        return None
    return Kick(key=effect.key, room=effect.room, user=effect.user)


async def _taken_out(scene: Scene, entry: ledger.Entry) -> None:
    """Somebody was taken out of their rooms: the outcome goes into the ledger, and staff hears of rooms that refused it."""
    found = await queue.of_intent(scene.db, entry.id)
    dead = [load(row.kind, row.key, row.payload) for row in found if row.state == "dead" and row.payload]
    missed = [effect.room for effect in dead if isinstance(effect, Expel)]
    outcome = {"done": sum(row.state != "dead" for row in found), "refused": sorted(missed)}
    await ledger.settle(scene.db, entry.id, outcome, scene.now_ms)
    if missed:
        ours = {room.room: room for room in await rooms.all_rooms(scene.db)}
        named = [
            {"room": room, "alias": ours[room].alias, "name": ours[room].alias or ours[room].key}
            for room in missed
            if room in ours
        ]
        await tell_staff(scene, f"term/stuck/{entry.id}", terms_words.stuck(entry.target, named))


FILLERS: Mapping[type[Effect], Filler] = {Expel: fill_expel}
INTENT_DONE = {EXPIRED: _taken_out}
