"""Enters the rooms of watched lists and reads them whole, now and then, and what other bots watched; never decides what becomes of a rule.

Reading comes first and changes nothing; what was read is written down in pieces, so that a list of a hundred thousand rules keeps nobody waiting.
Whoever is killed before the end reads again.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.effects import Join, Put
from bridge.errors import Refused, TokenLost, Unavailable
from bridge.globs import server_of
from bridge.moderation import intake, lists, told
from bridge.moderation.intake import Ready, Said, heard
from bridge.moderation.judge import Judged
from bridge.moderation.policies import MEOWLNIR, WATCHED, of_meowlnir, of_mjolnir
from bridge.scene import Scene
from bridge.store import due, ledger, people, policies, queue, rooms
from bridge.store.db import Connection, Database
from bridge.store.policies import List
from bridge.times import DAY_MS
from bridge.words import Text, in_a_room, lines, words, words_n

SOON_MS, MOST_WAIT_MS, HOUR_MS = 2_000, 3 * 60 * 1000, 60 * 60 * 1000
"""How soon a room that is being entered is looked at again, how long until that is told as a trouble, and how soon it is tried after one."""

MOST_SERVERS = 5
"""So many servers are asked for a room of which nobody says where it is."""

IMPORT = "import lists"
"""The kind of occasion that asks for what other bots watched; its subject is the room where that is looked for, its slot the ledger row."""


class Rooms(Protocol):
    """What is read of rooms and of our account. Raises Refused or Unavailable."""

    async def resolve_alias(self, alias: str) -> str | None:
        """The room id behind an alias, or None."""

    async def joined_rooms(self) -> Sequence[str]:
        """The ids of all rooms that we are in."""

    def each_state(self, room: str) -> AsyncIterator[Mapping[str, Any]]:
        """All current state events of a room, one by one."""

    async def state_content(self, room: str, kind: str, state_key: str = "") -> Mapping[str, Any] | None:
        """The content of one state event, or None."""

    async def account_data(self, user: str, kind: str) -> Mapping[str, Any] | None:
        """What an account of ours keeps for itself under this name, or None."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look at a list showed: its room, what it says where we are in it, or why it cannot be read."""

    room: str | None
    said: Said | None = None
    trouble: str = ""


async def tick(database: Database, reader: Rooms, scene_in: Callable[[Connection], Scene]) -> bool:
    """Enter and read the lists whose time has come; whether there is something for the outbox."""
    async with database.reading() as db:
        scene = scene_in(db)
        waiting = await policies.waiting(db, scene.now_ms)
        imports = await due.waiting(db, IMPORT, scene.now_ms)
        since = await policies.newest(db) if waiting else 0
    wanted = False
    for each in imports:
        try:
            found = await _kept_elsewhere(reader, scene.me, each.subject)
        except Unavailable:
            continue
        async with database.writing() as db:
            scene = scene_in(db)
            await _add(scene, each, found)
            wanted = bool(await queue.put(db, scene.puts, scene.now_ms)) or wanted
    for watched in waiting:
        try:
            seen = await _look(reader, watched, scene.me)
        except Unavailable:
            continue
        wanted = await _take_in(database, scene_in, watched, seen, since) or wanted
    return wanted


async def _look(reader: Rooms, watched: List, me: str) -> _Seen:
    known = watched.room or (watched.address if watched.address.startswith("!") else None)
    joined = await reader.joined_rooms()  # if our own homeserver is away, that is no trouble of the list
    try:
        room = known or await reader.resolve_alias(watched.address)
    except Unavailable:
        return _Seen(None, trouble=lists.AWAY)
    if room is None:
        return _Seen(None, trouble="M_NOT_FOUND")
    if room not in joined:
        return _Seen(room)
    try:
        return _Seen(room, await heard(reader.each_state(room), me))
    except TokenLost:
        raise
    except Refused as no:
        return _Seen(room, trouble=no.errcode)


async def _take_in(
    database: Database, scene_in: Callable[[Connection], Scene], watched: List, seen: _Seen, since: int
) -> bool:
    ready = None
    if seen.said is not None and watched.stance:
        await intake.write_down(database, scene_in, watched.id, seen.said.rules, since)
        ready = await intake.ready(database, watched.id)
    async with database.writing() as db:
        now = await policies.get(db, watched.id)  # somebody may have changed their mind while we read
        if now is None or now.next_ms != watched.next_ms:
            return False
        scene = scene_in(db)
        await _settle(scene, now, seen, ready)
        return bool(await queue.put(db, scene.puts, scene.now_ms))


async def _settle(scene: Scene, watched: List, seen: _Seen, ready: Ready | None) -> None:
    """Write down how a look ended, and go on: enter, judge, tell."""
    if seen.trouble or seen.room is None:
        await _trouble(scene, watched, seen.trouble)
        return
    other = await policies.by_room(scene.db, seen.room)
    if other is not None and other.id != watched.id:
        await lists.stop(scene, watched)
        text = words("%(one)s and %(other)s are the same room.", one=watched.place, other=other.place)
        await told.tell_staff(scene, f"rules/twice/{watched.id}/{watched.tries}", in_a_room(text))
        return
    if seen.said is None:
        await _enter(scene, watched, seen.room)
        return
    if not watched.stance:  # we only write there
        await policies.change(scene.db, watched.id, room=seen.room, trouble="", next_ms=None, read_ms=scene.now_ms)
        return
    unusable = seen.said.unusable
    columns: dict[str, Any] = {"room": seen.room, "trouble": "", "unusable": unusable, "read_ms": scene.now_ms}
    await policies.change(scene.db, watched.id, **columns, next_ms=scene.now_ms + DAY_MS)
    now = await policies.get(scene.db, watched.id)
    judged = await lists.judge_new(scene, now, ready) if now else None
    if watched.read_ms is None or watched.trouble:
        await _tell_read(scene, watched, judged, unusable, again=watched.read_ms is not None)


async def _enter(scene: Scene, watched: List, room: str) -> None:
    key = f"policy/join/{watched.id}/{watched.tries}"
    before = await queue.get(scene.db, key)
    if before is not None and before.state == "dead":
        await policies.change(scene.db, watched.id, room=room)
        await _trouble(scene, watched, before.error or "M_UNKNOWN")
        return
    if before is None:
        server = server_of(watched.address)
        named = dict.fromkeys([*watched.via.split(), *([server] if server else [])])
        via = tuple(named) or await _servers_here(scene)
        scene.puts.append(Put(Join(key=key, room=room, via=via)))
    settled = before is not None and before.state != "due"
    if before is not None and not settled and scene.now_ms - before.made_ms > MOST_WAIT_MS:
        await policies.change(scene.db, watched.id, room=room)
        await _trouble(scene, watched, lists.AWAY, watched.tries)  # it is still being entered
        return
    tries = watched.tries + 1 if settled else watched.tries  # in, as it seemed, and out again
    await policies.change(scene.db, watched.id, room=room, next_ms=scene.now_ms + SOON_MS, tries=tries)


async def _servers_here(scene: Scene) -> tuple[str, ...]:
    """The servers of our own people, those of most of them first: they may know a room whose id names no server (room version 12, MSC4291)."""
    found: Counter[str] = Counter()
    for key in ("staff", "common"):
        room = await rooms.by_key(scene.db, key)
        found.update(server_of(user) for user in (await people.members(scene.db, room.room) if room else ()))
    return tuple(server for server, _ in sorted(found.items(), key=lambda one: (-one[1], one[0])))[:MOST_SERVERS]


async def _trouble(scene: Scene, watched: List, code: str, tries: int | None = None) -> None:
    """It cannot be read now; what it said before holds. Told once, tried again every hour, as the try with that number if there is one."""
    again = watched.tries + 1 if tries is None else tries
    columns = {"trouble": code, "next_ms": scene.now_ms + HOUR_MS, "tries": again}
    await policies.change(scene.db, watched.id, **columns)
    if watched.trouble != code and watched.trouble not in lists.OUT.values():
        await lists.tell_trouble(scene, watched, code)


async def _tell_read(scene: Scene, watched: List, judged: Judged | None, unusable: int, *, again: bool) -> None:
    counted = await policies.counted(scene.db, watched.id)
    live = {entity: sum(number for (state, about), number in counted.items() if about == entity and state != "gone") for entity in ("user", "server", "room")}  # fmt: skip
    people = words_n("%(count)s rule about people", "%(count)s rules about people", live["user"])
    servers = words_n("%(count)s about servers", "%(count)s about servers", live["server"])
    parts: list[Text] = [
        words("I can read %(list)s again.", list=watched.place) if again else words("I watch %(list)s from now on.", list=watched.place),
        words("%(people)s, %(servers)s.", people=people, servers=servers),
    ]  # fmt: skip
    if live["room"]:
        parts.append(words_n("%(count)s is about a room: who links to it here is noticed by the protection %(rule)s.", "%(count)s are about rooms: who links to them here is noticed by the protection %(rule)s.", live["room"], rule={"code": "listed_rooms"}))  # fmt: skip
    if unusable:
        parts.append(words_n("%(count)s cannot be read, or asks for something else than a ban.", "%(count)s cannot be read, or ask for something else than a ban.", unusable))  # fmt: skip
    if judged is not None and judged.held:
        parts.append(words_n("%(count)s waits for your word.", "%(count)s wait for your word.", len(judged.held)))
    await told.tell_staff(scene, f"rules/read/{watched.id}/{watched.tries}/{scene.now_ms}", in_a_room(lines(*parts)))


# --- what other bots watched ---------------------------------------------------------------------------------------------------------


async def _kept_elsewhere(reader: Rooms, me: str, room: str) -> dict[str, tuple[tuple[str, ...], str]]:
    """The lists that Mjolnir, Draupnir (in our own account) or Meowlnir (in that room) watched: how each is known, and what was done with it."""
    kept = await reader.account_data(me, WATCHED)
    state = await reader.state_content(room, MEOWLNIR)
    found = (*of_mjolnir(kept or {}), *of_meowlnir(state or {}))
    return {target: (via, stance.value) for target, via, stance in found}


async def _add(scene: Scene, occasion: due.Due, found: Mapping[str, tuple[tuple[str, ...], str]]) -> None:
    await due.settled(scene.db, occasion)
    number = 0
    cause = int(occasion.slot)
    for target, (via, stance) in found.items():
        number += await watch(scene, target, via, stance, cause)
    await ledger.settle(scene.db, cause, {"done": number}, scene.now_ms)
    if await rooms.by_key(scene.db, "staff") is None:
        return
    if not found:
        text = words("I found no list: neither does this account of mine know one from Mjolnir or Draupnir, nor that room one from Meowlnir. Name the lists, please: %(command)s", command={"command": "rules import #list:example.org"})  # fmt: skip
    else:
        text = words_n("I found %(count)s list.", "I found %(count)s lists.", len(found))
        text = lines(text, *(words("- %(list)s", list={"code": target}) for target in found))
    await told.tell_staff(scene, f"rules/import/{cause}", in_a_room(text))


async def watch(scene: Scene, target: str, via: Sequence[str], stance: str, cause: int) -> bool:
    """Watch a list from now on, if it is not watched yet; whether it was not."""
    known = await policies.named(scene.db, target)
    if known is None:
        await policies.add(scene.db, target, via, cause, stance=stance, next_ms=scene.now_ms)
        return True
    if known.stance:
        return False
    columns: dict[str, Any] = {"stance": stance, "next_ms": scene.now_ms, "read_ms": None, "cause": cause}
    columns["tries"] = known.tries + 1
    await policies.change(scene.db, known.id, **columns)
    return True
