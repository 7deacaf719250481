"""The wishes for copies: made, edited, taken back; each with the key that makes a repeat harmless. Never decides which, and never sends."""

from collections.abc import Iterable

from bridge.effects import Copy, EditCopy, Put, Redact, WithdrawCopy
from bridge.events import Edited
from bridge.rooms.share import Change
from bridge.scene import Scene
from bridge.store import shares as store


def copy(room: str, source_room: str, source: str, root: str, cause: str) -> Put:
    """The wish for one copy. `cause` tells it from an earlier wish for the same one that was withdrawn since."""
    return Put(Copy(key=f"share/{room}/{source}/{cause}", room=room, source_room=source_room, source=source, root=root))


def withdraw(room: str, source: str, cause: str) -> Put:
    """The wish that a copy goes."""
    return Put(WithdrawCopy(key=f"share/{room}/{source}/withdraw/{cause}", room=room, source=source))


def edit(room: str, source_room: str, source: str, cause: str) -> Put:
    """The wish that a copy shows the newest words of its source. `cause` is the edit, or what took one away."""
    key = f"share/{room}/{source}/edit/{cause}"
    return Put(EditCopy(key=key, room=room, source_room=source_room, source=source, edit=cause))


async def empty_edits(scene: Scene, source: str, room: str) -> None:
    """Redacting a copy leaves our edits of it, and they hold the same words: empty them too (spec, m.replace)."""
    for event in await store.take_edits(scene.db, source, room):
        scene.puts.append(Put(Redact(key=f"share/{room}/{source}/empty/{event}", room=room, event=event)))


async def follow_edit(scene: Scene, event: Edited, change: Change, room: str) -> None:
    """Whoever edits their own words changes the copy of them in `room`, too; one that is made only now has the newest words anyway."""
    if event.target not in {said.event for said in change.copy}:
        errand = await store.errand(scene.db, event.target, room)
        if errand and errand.live and errand.author == event.sender:
            scene.puts.append(edit(room, event.room, event.target, event.id))


def released(room: str, source_room: str, sources: Iterable[str], root: str, cause: str) -> list[Put]:
    """The wishes for copies that waited until the root's copy could be seen under the id `cause`."""
    return [copy(room, source_room, source, root, cause) for source in sources if source != root]
