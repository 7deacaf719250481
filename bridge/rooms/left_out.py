"""Copies that were left out because somebody read along whom their room does not admit: tried again once that is over. Writes wishes, never sends.

What waits is told to whoever began the thread, once. Which copies these are is not kept anywhere: they are wanted, there is none, and nothing is on its way; and the key of the
new wish names the moment since which nobody reads along any more, so that it is put once.
"""

from bridge.effects import Copy, transaction_id
from bridge.globs import server_of
from bridge.rooms import reach, share_rule
from bridge.rooms import share_told as told
from bridge.rooms import share_wishes as wish
from bridge.scene import Scene
from bridge.store import left_out as store
from bridge.store import people, queue, rooms
from bridge.store.rooms import Room
from bridge.words import Text, words


async def sweep(scene: Scene) -> None:
    """Look at every room that is limited to certain servers, and at where its words are carried."""
    for source in await rooms.in_use(scene.db):
        if source.kind in ("circle", "common") and share_rule.place(scene.config, source).servers:
            for each in await store.targets(scene.db, source.room):
                target = await rooms.by_id(scene.db, each)
                if target is not None and share_rule.may_leave(scene.config, source, target):
                    await _look(scene, source, target)


async def _look(scene: Scene, source: Room, target: Room) -> None:
    waiting = await store.waiting(scene.db, source.room, target.room)
    here, own = share_rule.place(scene.config, source), server_of(scene.config.matrix.user_id)

    def admits(user: str) -> bool:
        return not reach.outsiders({server_of(user)}, here, own, source.told.split())

    if not all(admits(user) for user in await people.members(scene.db, target.room)):
        for each in waiting:
            if each.source == each.root:
                key = f"share/waits/{target.room}/{each.root}"
                await told.tell(scene, each.author, key, _waits(source, target))
        return
    lane = Copy(key="", room=target.room, source_room=source.room, source="", root="").lane
    if await queue.still_due(scene.db, Copy.__name__, lane):
        return
    stays = [stay for stay in await store.stays(scene.db, target.room) if not admits(stay.user)]
    known = transaction_id(f"{sorted(here.servers)} {source.told}")[:9]
    cause = f"open/{max((stay.until_ms for stay in stays), default=0)}/{known}"
    for each in waiting:
        scene.puts.append(wish.copy(target.room, source.room, each.source, each.root, cause))
    for stay in stays:
        for edited in await store.edited(scene.db, source.room, target.room, stay.since_ms, stay.until_ms):
            scene.puts.append(wish.edit(target.room, source.room, edited, f"open/{stay.until_ms}"))


def _waits(source: Room, target: Room) -> Text:
    return words(
        "Your thread waits: at the moment somebody reads along in %(place)s from a server that %(home)s does not admit. Once that is over, it appears there by itself.",
        place=told.name(target), home=told.name(source),
    )  # fmt: skip
