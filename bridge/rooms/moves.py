"""People go from one circle into another: let in there, told why, and taken out of the old one once they are in. Writes wishes, never acts."""

from bridge.effects import Kick, Put
from bridge.events import AnyEvent, MemberChanged
from bridge.rooms import circles
from bridge.scene import Scene
from bridge.store import belongs, moves, people, rooms
from bridge.words import Text


async def begin(scene: Scene, user: str, source: str | None, target: str, cause: int, text: Text) -> None:
    """Somebody shall go into this room and leave the other one then (ids; None: they leave none). `text` tells them, `cause` is a ledger row."""
    number = await moves.begin(scene.db, user, source, target, cause, scene.now_ms)
    await _belongs(scene, user, source, target, f"move/{number}")
    await circles.tell(scene, user, f"move/{number}/told", text)
    if await people.membership(scene.db, target, user) == "join":
        await _arrived(scene, user, target)
    else:
        await circles.let_in(scene, user, target, f"move/{number}")


async def give_up(scene: Scene, user: str, target: str) -> None:
    """They stay where they are."""
    move = await moves.into(scene.db, user, target)
    if move is not None:
        await moves.end(scene.db, move.id, scene.now_ms)
        if move.source is not None:
            await _belongs(scene, user, target, move.source, f"move/{move.id}/back")


async def react(scene: Scene, event: AnyEvent) -> None:
    """Who has arrived leaves the old circle; who declines stays in it."""
    if isinstance(event, MemberChanged) and event.membership == "join":
        await _arrived(scene, event.user, event.room)
    elif isinstance(event, MemberChanged) and event.membership in ("leave", "ban"):
        room = scene.here
        if room is None or room.replaced_by is None:
            await give_up(scene, event.user, event.room)
        elif event.sender == event.user:
            await give_up(scene, event.user, room.replaced_by)
        else:
            await _called_again(scene, event.user, room.replaced_by)


async def _called_again(scene: Scene, user: str, room: str) -> None:
    """The circle goes on in this room, and the invitation to the old one was taken back for it: here is another."""
    move = await moves.into(scene.db, user, room)
    if move is not None:
        await circles.let_in(scene, user, room, f"move/{move.id}")


async def _arrived(scene: Scene, user: str, room: str) -> None:
    move = await moves.into(scene.db, user, room)
    if move is None:
        return
    await moves.end(scene.db, move.id, scene.now_ms)
    if move.source is None:
        return
    # A circle may go on in a new room while somebody is on the way: then they leave the old one as well.
    for old in (move.source, *(each.room for each in await rooms.former(scene.db, move.source))):
        if await people.membership(scene.db, old, user) in ("join", "invite"):
            scene.puts.append(Put(Kick(key=f"move/{move.id}/out/{old}", room=old, user=user)))


async def _belongs(scene: Scene, user: str, source: str | None, target: str, cause: str) -> None:
    """Whose circle is whose goes along."""
    old = await rooms.by_id(scene.db, source) if source else None
    new = await rooms.by_id(scene.db, target)
    if old is not None:
        await belongs.remove(scene.db, user, old.key)
    if new is not None:
        await belongs.add(scene.db, user, new.key, cause, scene.now_ms)
