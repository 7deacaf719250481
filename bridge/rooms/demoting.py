"""Whoever the configuration names no more loses what power that gave them, in every room, and leaves the staff room. Writes wishes, never decides who is named.

What they have by hand beside that was never ours to give; it is not looked at. Their say ends the moment the configuration does not name them (`store.authority`).
"""

from collections.abc import Collection, Mapping
from typing import Any

from bridge.community import circle_key, leaders
from bridge.config import Config
from bridge.effects import Effect, Kick, Put, Say, SetRank, SetState, load
from bridge.errors import Refused
from bridge.power import CREATOR, powers_seen, silenced
from bridge.rooms import terms_wanted
from bridge.scene import Desk, Filler, Scene
from bridge.store import ledger, named, people, queue, rooms, voices
from bridge.store.named import MODERATOR, OWNER
from bridge.text import render
from bridge.voice import LEVELS, NO_POWER
from bridge.words import in_a_room, words

DEMOTE = "demote"
"""What the ledger calls it."""


def places(config: Config) -> frozenset[tuple[str, str]]:
    """Who is named as what: (user, place)."""
    community = config.community
    circles = {(user, circle_key(circle)) for circle in _circles(config) for user in leaders(circle)}
    return frozenset(
        {*((user, OWNER) for user in community.owners), *((user, MODERATOR) for user in community.moderators), *circles}
    )


def _circles(config: Config) -> tuple[Any, ...]:
    return (*config.community.circles, *config.community.archived)


def lost(config: Config, before: Collection[named.Named]) -> frozenset[tuple[str, str]]:
    """Who was named and is no more. A circle that is not in the configuration at all stays as it is, and so do its people.

    Those who looked after a circle until a command ended that are named as `former`, and lose it by that.
    """
    now, former = places(config), {circle_key(circle): set(circle.former) for circle in _circles(config)}
    known = {(each.user, each.place) for each in before if each.gone_ms is None}
    return frozenset(
        (user, place)
        for user, place in known - now
        if place in (OWNER, MODERATOR) or (place in former and user not in former[place])
    )


async def tick(scene: Scene) -> None:
    """Look whether the configuration names other people than at the last look; the very first look only remembers."""
    before = await named.everybody(scene.db)
    now = places(scene.config)
    standing = {(each.user, each.place) for each in before if each.gone_ms is None}
    await named.add(scene.db, now - standing)
    out = lost(scene.config, before)
    await named.gone(scene.db, out, scene.now_ms)
    for user in sorted({user for user, _ in out}):
        await _take(scene, user, {place for one, place in out if one == user})
    await _forget_who_is_out(scene, before)


async def _take(scene: Scene, user: str, gone: Collection[str]) -> None:
    """Take from somebody what these places gave them."""
    entry = await ledger.write(
        scene.db, scene.me, DEMOTE, user, None, ", ".join(sorted(gone)), None, None, scene.now_ms
    )
    puts: list[Effect] = []
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None and _leaves_staff(scene.config, user, gone) and await _is_in(scene, staff.room, user):
        reason = render(words("Thank you for looking after this place."), scene.config.language, scene.names).body
        puts.append(Kick(key=f"demote/{staff.room}/{user}/{entry}", room=staff.room, user=user, reason=reason))
    puts += [
        SetRank(key=f"rank/{room.room}/{user}/{entry}", room=room.room, user=user)
        for room in await rooms.in_use(scene.db)
    ]
    scene.puts += [Put(each, intent=entry) for each in puts]
    if not puts:
        await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)


def _leaves_staff(config: Config, user: str, gone: Collection[str]) -> bool:
    still = user in (*config.community.owners, *config.community.moderators)
    return not still and bool({OWNER, MODERATOR} & set(gone))


async def _is_in(scene: Scene, room: str, user: str) -> bool:
    return await people.membership(scene.db, room, user) in ("join", "invite")


async def _forget_who_is_out(scene: Scene, before: Collection[named.Named]) -> None:
    """Once they are out of the staff room nothing is left of it: whoever is invited there by hand later is one of staff again."""
    gone = [each for each in before if each.gone_ms is not None]
    staff = await rooms.by_key(scene.db, "staff") if gone else None
    done = {
        (each.user, each.place)
        for each in gone
        if staff is None or each.place not in (OWNER, MODERATOR) or not await _is_in(scene, staff.room, each.user)
    }
    await named.forget(scene.db, done)


async def fill(desk: Desk, effect: SetRank) -> SetState | None:
    """The power levels in which this one person has what the configuration gives them there now; None when it is so.

    Who is above us, or made the room (room version 12), keeps what they have: Refused (NO_POWER).
    """
    async with desk.reading() as db:
        room = await rooms.by_id(db, effect.room)
        wanted = await terms_wanted.wanted(db, desk.config, desk.me)
        silent = await voices.is_silent(db, effect.room, effect.user)
    levels = await desk.read.state_content(effect.room, LEVELS)
    create = await desk.read.state_content(effect.room, "m.room.create")
    if room is None or levels is None or create is None or effect.user in wanted.owners:
        return None
    meant = next((each.levels.get(effect.user) for each in wanted.rooms if each.key == room.key), None)
    users = levels.get("users")
    held: Mapping[str, Any] = users if isinstance(users, Mapping) else {}
    powers = powers_seen(desk.me, levels, create)
    usual = levels.get("users_default", 0)
    level = meant if meant is not None else silenced(0) if silent else usual
    if powers.level(effect.user) == CREATOR:
        raise Refused(0, NO_POWER, "PUT power_levels")
    if effect.user not in held or held[effect.user] == level:
        return None
    if not powers.outranks(desk.me, effect.user):
        raise Refused(0, NO_POWER, "PUT power_levels")
    kept = {user: power for user, power in held.items() if user != effect.user or level != usual}
    if level != usual:
        kept[effect.user] = level
    return SetState(key=effect.key, room=effect.room, type=LEVELS, content={**levels, "users": kept})


async def done(scene: Scene, entry: ledger.Entry) -> None:
    """All that could be taken is taken; staff hears where it could not be."""
    rows = await queue.of_intent(scene.db, entry.id)
    dead = [load(row.kind, row.key, row.payload) for row in rows if row.state == "dead" and row.payload]
    await ledger.settle(scene.db, entry.id, {"done": len(rows) - len(dead), "refused": len(dead)}, scene.now_ms)
    staff = await rooms.by_key(scene.db, "staff")
    if staff is None or not dead:
        return
    ours = {room.room: room for room in await rooms.all_rooms(scene.db)}
    where = [ours[room] for each in dead if (room := getattr(each, "room", "")) in ours]
    named_rooms = {"list": [{"room": room.room, "alias": room.alias, "name": room.alias or room.key} for room in where]}
    text = words(
        "The configuration does not name %(who)s any more, but I could not take their power there: %(rooms)s. Whoever made these rooms, or stands above them, can do it by hand.",
        who={"user": entry.target, "with_id": True},
        rooms=named_rooms,
    )
    key = f"demote/{entry.id}/refused"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=in_a_room(text), language=scene.config.language)))


FILLERS: Mapping[type[Effect], Filler] = {SetRank: fill}
INTENT_DONE = {DEMOTE: done}
"""By the ledger's action: what happens when the last effect of it is settled."""
