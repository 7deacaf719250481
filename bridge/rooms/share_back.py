"""What is answered to a shared thread where its copies are, and that the thread itself shows it; writes wishes, never sends and never decides by itself."""

from bridge.events import Edited, Message, Redacted
from bridge.rooms import echoes, share
from bridge.rooms import share_wishes as wish
from bridge.rooms.share_asking import ask_answerer
from bridge.rooms.share_rule import may_leave
from bridge.scene import Scene
from bridge.store import answers, rooms, strikes
from bridge.store import shares as store
from bridge.store.rooms import Room


async def answered(scene: Scene, event: Message | Edited | Redacted, about: str, here: Room) -> bool:
    """Somebody answers a shared thread where its copies are, or changes or takes back such an answer: the thread itself shows it. False when it is no such answer."""
    root = await answers.answered(scene.db, about, here.room)
    if root is not None and not await echoes.recognised(scene, event):
        await bring_back(scene, root, event.id, here, edited=event if isinstance(event, Edited) else None)
    return root is not None


async def bring_back(scene: Scene, root: str, cause: str, here: Room, *, edited: Edited | None = None) -> None:
    """Make the answers that stand in a thread what they should be, as wishes. `cause` is the event that this answers, `edited` it when it is an edit.

    `here` is where they were given: the common room, or a circle into which the thread was carried from there; or one that these replaced.
    """
    found = await answers.answers(scene.db, root, here.room, me=scene.me)
    home = await rooms.by_id(scene.db, found.room) if found else None
    if found is None or home is None:
        return
    allowed = may_leave(scene.config, here, home)
    change = share.answers(
        found.said, found.made, found.consents, shared=found.live, allowed=allowed, of_a_circle=here.kind == "circle",
        struck=await strikes.struck_of(scene.db, root, home.room),
        gone=await strikes.gone(scene.db, {said.author for said in found.said}, here.room),
    )  # fmt: skip
    await store.want(scene.db, change.copy, root, home.room)
    await store.unwant(scene.db, change.withdraw, home.room)
    scene.puts += [wish.copy(home.room, here.room, said.event, root, cause) for said in change.copy]
    scene.puts += [wish.withdraw(home.room, each, cause) for each in change.withdraw]
    for user in change.ask:
        await ask_answerer(scene, user, here, home)
    if edited is not None:
        await wish.follow_edit(scene, edited, change, home.room)
