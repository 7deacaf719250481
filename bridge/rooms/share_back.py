"""What is answered to a shared thread where its copies are, and that the thread itself shows it; writes wishes, never sends and never decides by itself."""

from bridge.events import Edited, Message, Redacted
from bridge.rooms import share
from bridge.rooms import share_wishes as wish
from bridge.rooms.share_rule import may_leave
from bridge.scene import Scene
from bridge.store import answers, rooms, strikes
from bridge.store import shares as store
from bridge.store.rooms import Room


async def answered(scene: Scene, event: Message | Edited | Redacted, about: str, common: Room) -> None:
    """Somebody answers a shared thread in the common room, or changes or takes back such an answer: the circle sees it in its own thread."""
    root = await answers.answered(scene.db, about, common.room)
    if root is None:
        return
    await bring_back(scene, root, event.id, common, edited=event if isinstance(event, Edited) else None)


async def bring_back(
    scene: Scene, root: str, cause: str, common: Room | None = None, *, edited: Edited | None = None
) -> None:
    """Make the answers that stand in a circle's thread what they should be, as wishes. `cause` is the event that this answers, `edited` it when it is an edit.

    `common` is where they were given: the common room, or one that it replaced.
    """
    common = common or await rooms.by_key(scene.db, "common")
    found = await answers.answers(scene.db, root, common.room, me=scene.me) if common else None
    circle = await rooms.by_id(scene.db, found.room) if found else None
    if common is None or found is None or circle is None:
        return
    allowed = may_leave(scene.config, common, circle)
    change = share.answers(
        found.said, found.made, found.consents, shared=found.live, allowed=allowed,
        struck=await strikes.struck_of(scene.db, root, circle.room),
        gone=await strikes.gone(scene.db, {said.author for said in found.said}, common.room),
    )  # fmt: skip
    await store.want(scene.db, change.copy, root, circle.room)
    await store.unwant(scene.db, change.withdraw, circle.room)
    scene.puts += [wish.copy(circle.room, common.room, said.event, root, cause) for said in change.copy]
    scene.puts += [wish.withdraw(circle.room, each, cause) for each in change.withdraw]
    if edited is not None:
        await wish.follow_edit(scene, edited, change, circle.room)
