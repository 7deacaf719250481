"""What was said once appears as a thread in each chosen circle, and follows edits and redactions; never sends, and carries no answer anywhere."""

from collections.abc import Sequence

from bridge.events import AnyEvent, Edited, Redacted
from bridge.rooms import share, share_wishes
from bridge.scene import Scene
from bridge.store import announcements
from bridge.store import shares as store
from bridge.store.announcements import Announcement
from bridge.store.rooms import Room


async def react(scene: Scene, event: AnyEvent) -> None:
    """An announcement is edited by its author, or redacted by anybody: so are its copies."""
    if not isinstance(event, Edited | Redacted):
        return
    found = await announcements.get(scene.db, event.target)
    if found is None or found.room != event.room:
        return
    if isinstance(event, Redacted):
        await take_back(scene, found, event.id)
    elif event.sender == found.author:
        for room in await announcements.wanted_in(scene.db, found.source):
            scene.puts.append(share_wishes.edit(room, found.room, found.source, event.id))


async def announce(scene: Scene, announcement: Announcement, circles: Sequence[Room], cause: str) -> None:
    """Let the message appear in these circles; in one where it stands already nothing happens."""
    await announcements.add(scene.db, announcement)
    there = set(await announcements.wanted_in(scene.db, announcement.source))
    said = share.Said(announcement.source, announcement.author)
    for circle in circles:
        if circle.room not in there:
            await store.want(scene.db, (said,), announcement.source, circle.room)
            scene.puts.append(
                share_wishes.copy(circle.room, announcement.room, announcement.source, announcement.source, cause)
            )


async def take_back(scene: Scene, announcement: Announcement, cause: str) -> None:
    """Withdraw it from every circle. What people answered there is theirs and stays."""
    for room in await announcements.wanted_in(scene.db, announcement.source):
        await store.unwant(scene.db, (announcement.source,), room)
        scene.puts.append(share_wishes.withdraw(room, announcement.source, cause))
