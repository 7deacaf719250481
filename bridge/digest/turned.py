"""Somebody left the room in which their digests come, and the one that came after it: their digests rest, and a person hears of it. Never invites anybody again.

When they open a chat with us themselves they are told, once, that nothing is lost and how to have their digests back. That alone brings none: they may have come for something else.
"""

from bridge.community import circle_by_key
from bridge.context import language_of
from bridge.digest import rhythm
from bridge.effects import Put, Say, Tell
from bridge.scene import Scene
from bridge.store import authority, people, rooms
from bridge.words import in_a_room, words


async def away(scene: Scene, user: str) -> None:
    """End the digests of who wants no direct room, until they ask for them; their curators are told, or staff where they have none. Once, as there is but one end."""
    before = (await people.get(scene.db, user)).digest
    if not await rhythm.end(scene, user):
        return
    await people.change(scene.db, user, digest_rests=before)
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


async def back(scene: Scene, user: str, room: str) -> None:
    """Somebody whose digests rest has opened this chat with us: tell them, once, how to have them back."""
    rests = (await people.get(scene.db, user)).digest_rests
    if rests is None:
        return
    await people.change(scene.db, user, digest_rests=None)
    text = words(
        "Good to have you here. I have sent you no digest since you left the chat for it. Nothing that you follow is lost: %(again)s brings your digests back, and until then none comes.",
        again={"command": f"digest {rests}"},
    )  # fmt: skip
    language = await language_of(scene, user)
    scene.puts.append(Put(Tell(key=f"digests rest/{room}", user=user, text=text, language=language)))
