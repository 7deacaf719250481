"""Notices when Hearth loses a room, or the power there, and tells people what to do about it; once for each change. Never changes a room.

An event only says that a room has to be looked at; the look itself is a tick's, so that what came while Hearth was down is seen as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.context import language_of
from bridge.effects import Put, Say, Tell
from bridge.events import AnyEvent, MemberChanged, StateChanged
from bridge.power import powers
from bridge.rooms import replacing
from bridge.rooms.footing import Footing, Ground, footing
from bridge.rooms.tell import address
from bridge.scene import Reader, Scene
from bridge.store import cursors, due, people, rooms
from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.words import Text, lines, words

LOOK = "footing"
"""The kind of occasion that asks for a look at a room; its slot is the event that made us look."""

MOST_HELPERS = 3
_TYPES = ("m.room.power_levels", "m.room.tombstone")


async def react(scene: Scene, event: AnyEvent) -> None:
    """What may have cost us a room, or given it back, makes us look at it."""
    ours = isinstance(event, MemberChanged) and event.user == scene.me
    if ours or (isinstance(event, StateChanged) and event.type in _TYPES and event.state_key == ""):
        room = await rooms.by_id(scene.db, event.room)
        if room:
            await due.set_next(scene.db, LOOK, room.room, scene.now_ms, event.id)


async def look_at_all(db: Connection, now_ms: int) -> None:
    """Look at every room: at the start and every hour."""
    await due.set_all(db, LOOK, [room.room for room in await rooms.in_use(db)], now_ms, str(now_ms))


class Eyes:
    """Looks at rooms and asks no more than what can have changed: in which rooms we are once for all of them, who made a room once for ever.

    For one round of looks, with what earlier rounds saw of the making of rooms.
    """

    def __init__(self, read: Reader, me: str, made: dict[str, Mapping[str, Any]]) -> None:
        """`made` has the `m.room.create` of rooms by their ids (it never changes) and is added to."""
        self._read, self._me, self._made = read, me, made
        self._joined: frozenset[str] | None = None

    async def seen(self, room: str) -> Ground:
        """How we stand in a room, by small questions, so that large rooms cost no more. Raises Unavailable."""
        if self._joined is None:
            self._joined = frozenset(await self._read.joined_rooms())
        if room not in self._joined:
            own = await self._read.state_event(room, "m.room.member", self._me)
            membership = (own or {}).get("content", {}).get("membership")
            if membership != "join":  # else we have come in at this very moment
                return Ground(membership, powers(()))
        if room not in self._made and (create := await self._read.state_event(room, "m.room.create")):
            self._made[room] = create
        levels = await self._read.state_event(room, "m.room.power_levels")
        tombstone = await self._read.state_event(room, "m.room.tombstone")
        content = tombstone["content"] if tombstone else None
        held = [event for event in (self._made.get(room), levels) if event]
        return Ground("join", powers(held), content or None, str((tombstone or {}).get("sender", "")))


async def tell(scene: Scene, row: due.Due, found: Ground) -> Footing | None:
    """Write down how we stand in the room that this look was about, and tell it if that is new; None when the room is not ours (any more)."""
    await due.settled(scene.db, row)
    room = await rooms.by_id(scene.db, row.subject)
    if room is None or room.replaced_by is not None:
        return None
    if found.membership is None:  # who is banned may not even ask; then we have only what we heard
        heard = await people.membership(scene.db, room.room, scene.me)
        found = replace(found, membership=None if heard == "join" else heard)
    now = footing(found, scene.me)
    if now.replacement is not None:
        await replacing.follow(scene, room, now.replacement, found.closed_by)
    elif now.about == "fine":
        await replacing.resume(scene, room)
    name = f"footing/{room.room}"
    before = await cursors.load(scene.db, name) or "fine"
    if now.told == before:
        return now
    await cursors.save(scene.db, name, now.told)
    here = [user for user in now.helpers if await people.membership(scene.db, room.room, user) == "join"]
    text = _text(now, room, scene.me, here[:MOST_HELPERS])
    if text is None:
        return now
    key = f"footing/{room.room}/{row.slot}/{now.told}"
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None and staff.room != room.room and await _can_speak(scene, staff):
        scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))
        return now
    for owner in scene.config.community.owners:
        language = await language_of(scene, owner)
        scene.puts.append(Put(Tell(key=f"{key}/{owner}", user=owner, text=text, language=language)))
    return now


async def _can_speak(scene: Scene, staff: Room) -> bool:
    lost = await cursors.load(scene.db, f"footing/{staff.room}")
    here = await people.membership(scene.db, staff.room, scene.me)
    return lost not in {"out", "banned", "closed"} and here not in {"leave", "ban"}


def _text(now: Footing, room: Room, me: str, helpers: Sequence[str]) -> Text | None:
    where, who = address(room), {"code": me}
    match now.about:
        case "fine":
            return words("All is well again in %(room)s: I can do there what I have to.", room=where)
        case "weak":
            lost = words(
                "I have too little power in %(room)s: it is %(level)s, and I need %(needed)s. So some of what I do there will fail: bans, shared threads, changes of the room.",
                room=where,
                level=now.level,
                needed=now.needed,
            )
            if not helpers:
                return lines(
                    lost, words("Nobody there stands high enough to give it back. A new room has to take its place.")
                )
            return lines(
                lost,
                words(
                    "%(people)s can give it back: in the settings of the room, under roles and permissions, set %(me)s to %(needed)s.",
                    people={"list": [{"user": user} for user in helpers]},
                    me=who,
                    needed=now.needed,
                ),
            )
        case "out":
            return words(
                "I am not in %(room)s any more, so nothing that I do reaches it. Please invite %(me)s there again; I come by myself, and then need my power back.",
                room=where,
                me=who,
            )
        case "banned":
            return words(
                "I was banned from %(room)s, so nothing that I do reaches it. Somebody with power there has to lift the ban of %(me)s and invite me again.",
                room=where,
                me=who,
            )
        case "closed":
            return words(
                "Somebody closed %(room)s, and no room was named that takes its place. People can no longer write there.",
                room=where,
            )
    return None
