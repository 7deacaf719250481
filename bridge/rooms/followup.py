"""What follows when a decision about a circle has been carried out: people are let in and told, by the ledger's action. Never changes a room itself."""

from collections.abc import Awaitable, Callable, Mapping

from bridge.community import circle_by_key, leaders
from bridge.rooms import circles
from bridge.scene import Scene
from bridge.store import rooms
from bridge.store.ledger import Entry
from bridge.words import Text, words


async def after(scene: Scene, entry: Entry) -> Text | None:
    """All of it is done: what follows is appended to `scene.puts`; the answer to whoever decided it, or None for the usual one."""
    follow = _AFTER.get(entry.action)
    return await follow(scene, entry) if follow else None


async def failed(scene: Scene, entry: Entry) -> None:
    """It could not be done."""


async def _made(scene: Scene, entry: Entry) -> Text | None:
    """There is a new circle: its curators are let in."""
    room = await rooms.by_key(scene.db, entry.target)
    circle = circle_by_key(scene.config, entry.target)
    if room is None or circle is None:
        return None
    for user in leaders(circle):
        await welcome_curator(scene, user, room, entry.id)
    if not leaders(circle):
        return words(
            "%(circle)s is there now. Nobody looks after it yet: %(command)s changes that.",
            circle=circles.name(room),
            command={"command": f"circle curators #{room.tag} add @…"},
        )
    return words("%(circle)s is there now.", circle=circles.name(room))


async def welcome_curator(scene: Scene, user: str, room: rooms.Room, cause: int) -> None:
    """Somebody looks after this circle from now on: they are let in and told."""
    await circles.let_in(scene, user, room.room, str(cause))
    text = words(
        "You look after %(circle)s from now on. Thank you! %(command)s shows what you can do there.",
        circle=circles.name(room),
        command={"command": "help circle topic"},
    )
    await circles.tell(scene, user, f"curator/{room.room}/{user}/{cause}", text)


async def _led(scene: Scene, entry: Entry) -> Text | None:
    """Others look after a circle now, or nobody."""
    room = await rooms.by_key(scene.db, entry.target)
    circle = circle_by_key(scene.config, entry.target)
    if room is None or circle is None:
        return None
    if not leaders(circle):
        return words(
            "Nobody looks after %(circle)s now. %(command)s changes that.",
            circle=circles.name(room),
            command={"command": f"circle curators #{room.tag} add @…"},
        )
    people = {"list": [{"user": user} for user in leaders(circle)]}
    return words("%(circle)s is looked after by %(people)s now.", circle=circles.name(room), people=people)


_AFTER: Mapping[str, Callable[[Scene, Entry], Awaitable[Text | None]]] = {
    "circles make": _made,
    "circle curators": _led,
    "circle handover": _led,
}
