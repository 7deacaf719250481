"""Tells staff when the people of a room could not be told how far their words may reach, once; never tries it again itself, and never lets anything out."""

from bridge.effects import Effect, Put, Say
from bridge.rooms import share_told, widening
from bridge.scene import Scene, Settler, State
from bridge.store import queue, rooms
from bridge.words import words


async def refused(scene: Scene, effect: Say, state: State, _result: str | None) -> None:
    """A notice of `widening` was refused: nothing reaches further until somebody sees to it that we may write there."""
    if state != "dead" or not effect.key.startswith(widening.KEY):
        return
    room, staff = await rooms.by_id(scene.db, effect.room), await rooms.by_key(scene.db, "staff")
    wish = await queue.get(scene.db, effect.key)
    if room is None or staff is None:
        return
    text = words(
        "I could not tell the people of %(room)s how far threads of that room may reach: %(reason)s. As long as they do not know, those threads stay there. Please see to it that I may write there; I try again every hour.",
        room=share_told.name(room), reason={"code": wish.error if wish and wish.error else "?"},
    )  # fmt: skip
    key = f"untold/{widening.first_try(effect.key)}"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


SETTLERS: dict[type[Effect], Settler] = {Say: refused}
