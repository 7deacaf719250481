"""Takes back what a try that nobody saw the end of may have left in a room, once there is nothing to be said there any more; never decides what is said.

A wish for a copy can be cut off after the homeserver heard it and before we wrote that down. If by the next try nothing is to be said any more, that wish is settled,
and a wish of this kind stands in the table from the same moment on: by the transaction id of the old one it learns what stands in the room (the
homeserver answers a repeat with the event that it made, client-server API "Transaction identifiers"), and has it emptied, whatever it is. So no
copy ever holds an event that was sent without its words, and no later try can send words under an id that was used without them.
"""

from collections.abc import Mapping

from bridge.effects import Copy, EditCopy, Effect, Put, Redact, Send, Summarise, TellBundle, Unsay
from bridge.scene import Desk, Filler, Scene, Settler, State


def left_by(effect: Effect, first_tried_ms: int | None) -> tuple[Put, ...]:
    """The wish that follows when there turned out to be nothing to send for this effect; none where no earlier try (at that moment, UTC ms) can have sent words."""
    if first_tried_ms is None or not isinstance(effect, Copy | EditCopy | Summarise | TellBundle):
        return ()
    if isinstance(effect, Summarise | TellBundle) and effect.gone:
        return ()
    return (Put(Unsay(key=f"{effect.key}/unsay", room=effect.room, of=effect.key, since_ms=first_tried_ms)),)


async def fill(_desk: Desk, effect: Unsay) -> Send:
    """The same as the earlier try, without its words: if that was heard, the homeserver only tells where it stands."""
    content = {"msgtype": "m.notice", "body": "…", "m.mentions": {}}
    return Send(key=effect.of, room=effect.room, type="m.room.message", content=content)


async def told(scene: Scene, effect: Unsay, state: State, result: str | None) -> None:
    """What stands there is emptied."""
    if state == "done" and result is not None:
        scene.puts.append(Put(Redact(key=f"{effect.key}/empty", room=effect.room, event=result)))


FILLERS: Mapping[type[Effect], Filler] = {Unsay: fill}
SETTLERS: Mapping[type[Effect], Settler] = {Unsay: told}
