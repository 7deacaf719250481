"""🔔 and 🔕 on a message in a room: its thread is followed, or muted. Never changes anything for anybody but whoever reacted, and tells nobody else."""

from bridge.context import language_of
from bridge.digest import letter, make, rhythm, store
from bridge.digest.model import Reason, Wish
from bridge.effects import Put, Tell
from bridge.events import Reacted
from bridge.scene import Scene
from bridge.store import happened, journal, people, rooms, shares
from bridge.words import Text, lines, words

FOLLOW, MUTE = "🔔", "🔕"
BELLS = frozenset({FOLLOW, MUTE})


async def ring(scene: Scene, event: Reacted, about: tuple[str, str], bell: str) -> None:
    """Follow or mute the thread of this message, as (room, event), for whoever reacted, if it is one of a room of ours where they are."""
    room_id, target = about
    room = await rooms.by_id(scene.db, room_id)
    if room is None or await people.membership(scene.db, room_id, event.sender) != "join":
        return
    root = await thread_of(scene, room_id, target)
    if root is None:
        return
    link = {"event": target, "room": room_id, "name": words("a thread"), "via": (scene.me.partition(":")[2],)}
    thread = words("%(thread)s in %(room)s", thread=link, room=letter.place(room, room.room))
    wish: Wish = "follow" if bell == FOLLOW else "mute"
    reason = Reason("thread", root)
    first = wish == "follow" and await rhythm.never_decided(scene, event.sender)
    new = await store.follow(scene.db, event.sender, reason, scene.now_ms, wish)
    lifted = wish == "follow" and await store.unfollow(scene.db, event.sender, reason, "mute")
    if not (new or lifted):
        return
    if wish == "mute":
        await make.anew(scene.db, event.sender, scene.config, scene.now_ms)
        said: Text = words("You now hear nothing of %(what)s in your digest.", what=thread)
    else:
        said = words("You now follow %(what)s.", what=thread)
    if first:
        next_ms, zone = await rhythm.begin(scene, event.sender, "daily")
        said = lines(said, rhythm.begun(next_ms, zone))
    elif wish == "follow" and (off := rhythm.off_now(await people.get(scene.db, event.sender))) is not None:
        said = lines(said, off)
    language = await language_of(scene, event.sender)
    scene.puts.append(Put(Tell(key=f"bell/{event.id}", user=event.sender, text=said, language=language)))


async def thread_of(scene: Scene, room: str, event: str) -> str | None:
    """The root of the thread of this message, or of what it is a copy of; None when there is nothing of that kind in this room."""
    post = await journal.post(scene.db, event)
    if post is None or post.room != room or post.redacted:
        return None
    source = await store.source_of(scene.db, event)
    if post.author == scene.me and source not in (await happened.behind(scene.db, [source], scene.me))[0]:
        return None  # our own words, which are no copy
    top = await shares.top(scene.db, source)
    return top.event if top is not None else source
