"""What memberships that end do when something happens: whoever is out stays out, and whoever came back gets the next room. Writes wishes, never acts."""

from bridge.effects import Put, SetVoice
from bridge.events import AnyEvent, MemberChanged, StateChanged
from bridge.power import SILENT
from bridge.rooms.term import ENDED
from bridge.rooms.terms_change import go_on_back, is_spared, settle
from bridge.scene import Scene
from bridge.store import terms, voices


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at one event; all that follows from it is appended to `scene.puts`."""
    if isinstance(event, MemberChanged) and event.user != scene.me:
        await _moved(scene, event)
    elif isinstance(event, StateChanged) and event.type == "m.room.power_levels" and event.sender != scene.me:
        await _spoke_up(scene, event)


async def _moved(scene: Scene, event: MemberChanged) -> None:
    """Somebody came or went: an invitation of old or an open door lets nobody in whose membership has ended."""
    term = await terms.get(scene.db, event.user)
    if term is None or scene.here is None:
        return
    await settle(scene, term)
    if term.stage != ENDED:
        # That we took them out ourselves may be heard only after they came back: they turned nothing down.
        declined = event.membership == "leave" and event.sender != scene.me
        await go_on_back(scene, term, declined=event.room if declined else None)


async def _spoke_up(scene: Scene, event: StateChanged) -> None:
    """Somebody changed the powers in a room: whom we silenced there stays so."""
    users = event.content.get("users")
    for user in await voices.silent_people(scene.db, event.room):
        level = users.get(user, 0) if isinstance(users, dict) else 0
        if isinstance(level, int) and level > SILENT and not is_spared(scene, user):
            key = f"voice/{event.room}/{user}/{event.id}"
            scene.puts.append(Put(SetVoice(key=key, room=event.room, user=user, silent=True)))
