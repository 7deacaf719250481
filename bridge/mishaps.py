"""Tells staff that something went wrong on our side: how often, and where in the code. Never what anybody wrote, never more than once an hour."""

from bridge.effects import Put, Say
from bridge.scene import Scene
from bridge.store import cursors, failures, queue, rooms
from bridge.words import lines, words, words_n

HOUR_MS = 60 * 60 * 1000
MOST_PLACES = 5
MOST_LOOKED_AT = 1000

TOLD = "failures told"
"""The name under which the newest failure that staff knows of is kept."""


async def tell(scene: Scene) -> None:
    """Put what staff does not know yet into `scene.puts`; nothing when this hour has had its message, or there is no staff room."""
    staff = await rooms.by_key(scene.db, "staff")
    told = int(await cursors.load(scene.db, TOLD) or 0)
    fresh = [each for each in await failures.newest(scene.db, MOST_LOOKED_AT) if each.id > told]
    key = f"failures/{scene.now_ms // HOUR_MS}"
    if staff is None or not fresh or await queue.get(scene.db, key) is not None:
        return
    await cursors.save(scene.db, TOLD, str(fresh[0].id))
    places = dict.fromkeys(f"{each.where} {each.error}".strip() for each in fresh)
    text = lines(
        words_n(
            "Something went wrong on my side %(count)s time, and what it was about was left undone. Everything else goes on.",
            "Something went wrong on my side %(count)s times, and what it was about was left undone. Everything else goes on.",
            len(fresh),
        ),
        words(
            "If you report it, please send this along: %(places)s",
            places={"list": [{"code": place} for place in list(places)[:MOST_PLACES]]},
        ),
    )
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))
