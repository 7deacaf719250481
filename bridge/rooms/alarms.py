"""Tells staff the same day of a circle that nobody looks after, and how that is cured; once a day until it is. Writes wishes, never acts."""

from collections.abc import Collection

from bridge.community import circle_key, leaders
from bridge.effects import Put, Say
from bridge.events import AnyEvent, MemberChanged
from bridge.rooms import circles
from bridge.rooms.alone import alone, may_tell
from bridge.scene import Scene
from bridge.store import authority, people, rooms
from bridge.wall import local_date
from bridge.words import in_a_room, words


async def look(scene: Scene, at_once: Collection[str] = ()) -> None:
    """Look at all circles; those with the keys `at_once` are told of at any hour, all others by day."""
    by_key = {room.key: room for room in await rooms.all_rooms(scene.db)}
    staff = by_key.get("staff")
    if staff is None or not (at_once or may_tell(scene.now_ms, scene.config.zone)):
        return
    say = await authority.named(scene.db, scene.config)
    found = [say.led(circle) for circle in scene.config.community.circles if circle_key(circle) in by_key]
    seen = await people.everywhere(scene.db, {user for circle in found for user in leaders(circle)})
    there = {key: seen.get(by_key[key].room, {}) for key in map(circle_key, found)}
    made = {circle_key(circle): by_key[circle_key(circle)].made_ms for circle in found}
    for key in alone(found, there, made, scene.now_ms):
        if key in at_once or may_tell(scene.now_ms, scene.config.zone):
            room = by_key[key]
            text = words(
                "Nobody looks after %(circle)s: it has no curator who is there. %(command)s gives it one.",
                circle=circles.name(room),
                command={"command": f"circle curators #{room.tag} add @…"},
            )
            name = f"alone/{room.room}/{local_date(scene.now_ms, scene.config.zone)}"
            scene.puts.append(Put(Say(key=name, room=staff.room, text=in_a_room(text), language=scene.config.language)))


async def react(scene: Scene, event: AnyEvent) -> None:
    """A curator who is out of their circle may have left it alone: that is told at once."""
    if not isinstance(event, MemberChanged) or event.membership not in ("leave", "ban"):
        return
    theirs = [circle_key(circle) for circle in scene.config.community.circles if event.user in leaders(circle)]
    if scene.here is not None and scene.here.key in theirs:
        await look(scene, at_once=[scene.here.key])
