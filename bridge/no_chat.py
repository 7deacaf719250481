"""An answer is for one person alone, who has left the chats with us: says where they asked that we have it. Never says the answer there, and invites nobody."""

from collections.abc import Mapping

from bridge.effects import Effect, Put, Say, Tell
from bridge.errors import TURNED_AWAY
from bridge.scene import Scene, Settler, State
from bridge.store import journal, queue
from bridge.words import words

ANSWER = "answer/"
"""How the key of an answer begins; then comes the event id of the question."""


async def refused(scene: Scene, effect: Tell, state: State, _result: str | None) -> None:
    """Somebody asked something in a room of ours and can be told nothing: else it would be as if nobody had heard them."""
    if state != "dead" or not effect.key.startswith(ANSWER):
        return
    wish = await queue.get(scene.db, effect.key)
    asked = await journal.post(scene.db, effect.key.removeprefix(ANSWER))
    if asked is None or wish is None or wish.error != TURNED_AWAY:
        return
    text = words("I have an answer that is for you alone. Please open a chat with me, and ask me there.")
    key = f"no chat/{asked.event}"
    say = Say(key=key, room=asked.room, text=text, language=effect.language, thread=asked.thread, reply_to=asked.event)
    scene.puts.append(Put(say))


SETTLERS: Mapping[type[Effect], Settler] = {Tell: refused}
