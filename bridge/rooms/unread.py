"""Says to somebody that we could not read a message of theirs, once for each room, and only if its key has not come within minutes. Never guesses at words."""

from collections.abc import Mapping

from bridge import speak
from bridge.context import language_of
from bridge.effects import Effect, Put, Send, TellUnread
from bridge.events import AnyEvent, Undecryptable
from bridge.rooms.share_told import name
from bridge.scene import Desk, Filler, Scene
from bridge.speak import DirectRoom
from bridge.store import people, queue, rooms
from bridge.text import render
from bridge.words import words

WAIT_MS = 5 * 60 * 1000
"""Keys come late from clients that are busy or on the road; most of them come."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """Somebody wrote what we cannot read, in a room of ours or to us: look again in some minutes."""
    if not isinstance(event, Undecryptable) or event.sender == scene.me:
        return
    room = await rooms.by_id(scene.db, event.room)
    person = None if room else await people.by_direct_room(scene.db, event.room)
    here = room is not None and await people.membership(scene.db, event.room, event.sender) == "join"
    if not here and (person is None or person.user != event.sender):
        return
    about = f"unread/{event.room}/{event.sender}"
    wish = TellUnread(
        key=f"{about}/{event.event}", user=event.sender, room=event.room, event=event.event,
        language=await language_of(scene, event.sender),
    )  # fmt: skip
    if not await queue.is_known(scene.db, about):
        scene.puts.append(Put(wish, scene.now_ms + WAIT_MS))


def fillers(direct_room: DirectRoom) -> Mapping[type[Effect], Filler]:
    """The filler of TellUnread. `direct_room` is asked when there is something to tell."""

    async def tell(desk: Desk, effect: TellUnread) -> Send | None:
        if not await desk.read.unreadable(effect.room, effect.event):
            return None
        async with desk.reading() as db:
            room = await rooms.by_id(db, effect.room)
        known = room is not None and (room.tag or room.kind == "common")
        where = name(room) if room and known else words("a room") if room else words("our chat")
        text = words(
            "A message of yours in %(room)s is locked for me: its key has not reached me. Should it come, I read the message then. If it matters that I know it, because it has a tag or a command in it, please write it again.",
            room=where,
        )
        rendered = render(text, effect.language, desk.names)
        target = await direct_room(effect.user)
        return Send(key=effect.key, room=target, type="m.room.message", content=speak.content(rendered, effect.key))

    return {TellUnread: tell}
