"""Lets people in: one invitation to the space, whatever brought them, and their circle; never more than one open invitation. Writes wishes, never acts."""

from collections.abc import Sequence
from typing import Literal

from bridge.community import circle_by_key
from bridge.context import language_of
from bridge.effects import Invite, Put
from bridge.errors import UsageError
from bridge.events import MemberChanged
from bridge.rooms import terms_words
from bridge.rooms.invites import next_room
from bridge.rooms.wanted import asked_into
from bridge.scene import Scene
from bridge.store import authority, belongs, cases, people, rooms, sanctions, strangers
from bridge.store.rooms import Room
from bridge.text import render
from bridge.words import words

KNOCK = "knock"
"""A kind of case."""

Way = Literal["invited", "waiting", "inside"]
"""How it went: an invitation is on its way, was there already, or is not needed."""


async def is_barred(scene: Scene, user: str) -> bool:
    """Whether somebody is banned, by decision or by hand: a ban beats every code, knock and invitation."""
    space = await rooms.by_key(scene.db, "space")
    by_hand = space is not None and await people.membership(scene.db, space.room, user) == "ban"
    return by_hand or await sanctions.is_banned(scene.db, user)


async def is_shut(scene: Scene, user: str, room: Room | None) -> bool:
    """Whether invites are off where somebody would come in now: into the space, unless they are there, and into this room."""
    shut = await sanctions.shut(scene.db)
    if not shut:
        return False
    return (room is not None and shut.inviting(room.key)) or (
        shut.inviting("space") and not await is_inside(scene, user)
    )


async def refuse_ended(scene: Scene, user: str) -> None:
    """UsageError, in words for staff, for somebody whose membership has ended."""
    if await authority.has_ended(scene.db, scene.config, user):
        raise UsageError(terms_words.over_for_staff(user))


async def is_inside(scene: Scene, user: str) -> bool:
    """Whether somebody is in the space."""
    space = await rooms.by_key(scene.db, "space")
    return space is not None and await people.membership(scene.db, space.room, user) == "join"


async def admit(
    scene: Scene, user: str, circle: str | None, cause: str, *, by: str, intent: int | None = None, reason: str = ""
) -> Way:
    """Invite somebody to the space, unless they are there, and let the circle with this key be theirs. Not for who is barred.

    `cause` is remembered, `by` makes the wish unlike an earlier one (an event id), `intent` is the ledger row that hears the outcome.
    UsageError, in words for staff, when their membership has ended.
    """
    await refuse_ended(scene, user)
    if circle is not None:
        await belongs.add(scene.db, user, circle, cause, scene.now_ms)
    await strangers.forget(scene.db, user)
    space = await rooms.by_key(scene.db, "space")
    now = await people.membership(scene.db, space.room, user) if space else None
    if now == "join":
        return "inside"
    if space is None or now == "invite" or _invited_now(scene, user, space.room):
        return "waiting"
    invite = Invite(key=f"invite/{space.room}/{user}/{by}", room=space.room, user=user, reason=reason or None)
    scene.puts.append(Put(invite, intent=intent))
    return "invited"


def _invited_now(scene: Scene, user: str, room: str) -> bool:
    """Whether an invitation to this room was put at this very moment, as for a membership that goes on."""
    return any(
        isinstance(put.effect, Invite) and (put.effect.user, put.effect.room) == (user, room) for put in scene.puts
    )


async def invite_next(scene: Scene, user: str, by: str, *, again: bool = False, intent: int | None = None) -> bool:
    """Invite somebody to the next room that they cannot enter by themselves, if there is one and no other invitation is open; whether it was put.

    `by` is the event that gave rise to it, `again` says that they have come back into the space.
    """
    wanted = [room.room for room in await _wanted(scene, user)]
    accepted = await cases.rooms_with(scene.db, KNOCK, user, cases.ACCEPTED)
    if (not wanted and not accepted) or await authority.has_ended(scene.db, scene.config, user):
        return False
    space = await rooms.by_key(scene.db, "space")
    there = await people.memberships_of(scene.db, user)
    doors, there = await _at_the_new_door(scene, accepted, there)
    room = next_room(there, space.room if space else None, wanted, accepted=doors, again=again)
    if room is None:
        return False
    reason = await greeting(scene, user) if room in doors else None
    invite = Invite(key=f"invite/{room}/{user}/{by}", room=room, user=user, reason=reason)
    scene.puts.append(Put(invite, intent=intent))
    return True


async def _at_the_new_door(
    scene: Scene, accepted: Sequence[str], there: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Both as they are with rooms that were replaced: who knocks at the old one stands at the new one, unless they were asked in or seen there."""
    doors, stand = [], dict(there)
    for room in accepted:
        row = await rooms.by_id(scene.db, room)
        if row is None or row.replaced_by is None:
            doors.append(room)
        else:
            doors.append(row.replaced_by)
            if there.get(room) == "knock":
                stand.setdefault(row.replaced_by, "knock")
    return doors, stand


async def go_on(scene: Scene, event: MemberChanged) -> None:
    """Somebody came in, or declined: the next room that they cannot enter by themselves, if there is one, invites them now."""
    if scene.here is not None:
        came_back = scene.here.kind == "space" and event.membership == "join"
        await invite_next(scene, event.user, event.id, again=came_back)


async def greeting(scene: Scene, user: str) -> str:
    """The kind word that an invitation carries, in their language as far as we know it."""
    text = words("Welcome! We are glad that you want to be here.")
    return render(text, await language_of(scene, user), scene.names).body


async def _wanted(scene: Scene, user: str) -> Sequence[Room]:
    """The rooms that somebody should be in and that nobody can enter from the space: the staff room, and those where only who is invited enters."""
    keys = asked_into(scene.config, user, await belongs.circles_of(scene.db, user))
    found = [await rooms.by_key(scene.db, key) for key in keys]
    return [room for room in found if room is not None]


async def room_of(scene: Scene, circle: str | None) -> Room | None:
    """The room of the circle with this key, if there is (still) such a circle."""
    if circle is None or circle_by_key(scene.config, circle) is None:
        return None
    return await rooms.by_key(scene.db, circle)


def named(room: Room) -> dict[str, object]:
    """A circle as a value for a Text."""
    return {"room": room.room, "alias": room.alias, "name": f"#{room.tag}"}
