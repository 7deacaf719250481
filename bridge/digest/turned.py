"""Somebody left the room in which their digests come, and the one that came after it: their digests pause, and a person hears of it. Never invites anybody again."""

from bridge.community import circle_by_key
from bridge.context import language_of
from bridge.digest import rhythm
from bridge.effects import Put, Say, Tell
from bridge.scene import Scene
from bridge.store import authority, people, rooms
from bridge.words import in_a_room, words


async def away(scene: Scene, user: str) -> None:
    """End the digests of who wants no direct room, until they ask for them; their curators are told, or staff where they have none. Once, as there is but one end."""
    if not await rhythm.end(scene, user):
        return
    text = words(
        "%(who)s left the chat in which I bring them their digest, and the new one after that. I send them none for now, and do not invite them again. "
        "Perhaps all is well and they only want fewer messages; at a good moment, you could ask.",
        who={"user": user},
    )  # fmt: skip
    mine = set(await people.rooms_of(scene.db, user))
    ours = [room for room in await rooms.in_use(scene.db) if room.room in mine]
    circles = [found for room in ours if room.kind == "circle" and (found := circle_by_key(scene.config, room.key))]
    say = await authority.named(scene.db, scene.config)
    curators = dict.fromkeys(each for circle in circles for each in say.leads(circle) if each != user)
    for curator in curators:
        language = await language_of(scene, curator)
        key = f"digests paused/{user}/{scene.now_ms}/{curator}"
        scene.puts.append(Put(Tell(key=key, user=curator, text=text, language=language)))
    staff = await rooms.by_key(scene.db, "staff")
    if ours and staff is not None and not curators:
        key = f"digests paused/{user}/{scene.now_ms}"
        scene.puts.append(Put(Say(key=key, room=staff.room, text=in_a_room(text), language=scene.config.language)))
