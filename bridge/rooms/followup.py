"""What follows when a decision about a circle has been carried out: people are let in and told, by the ledger's action. Never changes a room itself."""

from collections.abc import Awaitable, Callable, Mapping

from bridge.community import circle_by_key
from bridge.rooms import circles
from bridge.scene import Scene
from bridge.store import authority, people, rooms
from bridge.store import circles as store
from bridge.store.ledger import Entry
from bridge.words import Text, words, words_n


async def after(scene: Scene, entry: Entry) -> Text | None:
    """All of it is done: what follows is appended to `scene.puts`; the answer to whoever decided it, or None for the usual one."""
    follow = _AFTER.get(entry.action)
    return await follow(scene, entry) if follow else None


async def _made(scene: Scene, entry: Entry) -> Text | None:
    """There is a new circle: its curators are let in."""
    room = await rooms.by_key(scene.db, entry.target)
    circle = circle_by_key(scene.config, entry.target)
    if room is None or circle is None:
        return None
    lead = (await authority.named(scene.db, scene.config)).leads(circle)
    for user in lead:
        await welcome_curator(scene, user, room, entry.id)
    if not lead:
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


async def tell_substitute(scene: Scene, user: str, room: rooms.Room, end_ms: int, cause: int) -> None:
    """Somebody stands in for the curators of this circle until then (UTC ms)."""
    zone = (await people.get(scene.db, user)).zone or scene.config.zone
    text = words(
        "You look after %(circle)s while its curator is away, until %(end)s. Thank you! %(command)s shows what you can do there.",
        circle=circles.name(room),
        end={"time_ms": end_ms, "zone": zone},
        command={"command": "help circle topic"},
    )
    await circles.tell(scene, user, f"substitute/{room.room}/{user}/{cause}", text)


async def _led(scene: Scene, entry: Entry) -> Text | None:
    """Others look after a circle now, or nobody."""
    room = await rooms.by_key(scene.db, entry.target)
    circle = circle_by_key(scene.config, entry.target)
    if room is None or circle is None:
        return None
    lead = (await authority.named(scene.db, scene.config)).leads(circle)
    if not lead:
        return words(
            "Nobody looks after %(circle)s now. %(command)s changes that.",
            circle=circles.name(room),
            command={"command": f"circle curators #{room.tag} add @…"},
        )
    people = {"list": [{"user": user} for user in lead]}
    return words("%(circle)s is looked after by %(people)s now.", circle=circles.name(room), people=people)


async def _split(scene: Scene, entry: Entry) -> Text | None:
    """There is a sister circle, and everybody has been asked."""
    room = await rooms.by_key(scene.db, entry.target)
    split = await store.split_into(scene.db, entry.target)
    if room is None or split is None:
        return None
    asked = len(await store.answers(scene.db, split.id))
    return words_n(
        "%(circle)s is there now. %(count)s person is being asked privately whether they would like to go there.",
        "%(circle)s is there now. %(count)s people are being asked privately whether they would like to go there.",
        asked,
        circle=circles.name(room),
    )


_AFTER: Mapping[str, Callable[[Scene, Entry], Awaitable[Text | None]]] = {
    "circles make": _made,
    "circles split": _split,
    "circle curators": _led,
    "circle handover": _led,
    "substitute": _led,
}
