"""The words in which a moderator hears what came of a decision; never decides anything, and never sends anything itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.effects import Put, Say
from bridge.globs import is_glob
from bridge.moderation import store
from bridge.moderation.model import BAN, EVERY_ROOM, Sanction
from bridge.moderation.react import shown
from bridge.scene import Scene
from bridge.store import ledger, people, queue, rooms
from bridge.store.rooms import Room
from bridge.voice import NO_POWER
from bridge.words import Text, lines, words, words_n

MOST_NAMED = 10
"""More rooms than this are a number."""

ACTIONS = (
    "note", "warn", "slow", "mute", "unmute", "kick", "ban", "unban", "lock", "unlock", "invites off", "invites on", "redact",
    "spare",
)  # fmt: skip
"""What the ledger calls the decisions whose outcome is told here."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a decision: in how many rooms, how many acts in all, how many of these failed, and which rooms refused with which code."""

    rooms: int
    acts: int
    failed: int
    missed: Mapping[str, str]


async def answer(scene: Scene, entry: ledger.Entry, done: Done) -> Text:
    """The one answer to a decision: what was done where, what could not be and why, when it ends, and how it is taken back."""
    ours = {room.room: room for room in await rooms.all_rooms(scene.db)}
    sanction = await store.of_cause(scene.db, entry.id) or await _of_rule(scene, entry)
    parts = [_head(entry, sanction, done, len(ours))]
    if entry.action == BAN and entry.target and not _is_one(entry):
        number = await store.count_banned(scene.db, entry.target)
        parts.append(words_n("That is %(count)s person.", "That is %(count)s people.", number))
    parts += [_refused(ours[room], error) for room, error in list(done.missed.items())[:MOST_NAMED] if room in ours]
    if len(done.missed) > MOST_NAMED:
        more = len(done.missed) - MOST_NAMED
        parts.append(words_n("- and %(count)s more room", "- and %(count)s more rooms", more))
    if done.missed:
        parts.append(
            words("Give Hearth the power it lacks there, then react with 🔁 here or write the same command again.")
        )
    if entry.action == BAN and _is_one(entry):
        parts += await _by_hand(scene, entry.target, ours)
    if entry.action in _UNDONE_BY and sanction is not None:
        parts += await until(scene, entry.actor, sanction)
        if not done.missed:
            undo = f"{_UNDONE_BY[entry.action]} {entry.target}".removesuffix(f" {EVERY_ROOM}")
            if sanction.scope and entry.room in ours:  # elsewhere the same word means something else
                where = _place(ours[entry.room])
                parts.append(
                    words("Written in %(room)s, %(unban)s lifts it again.", room=where, unban={"code": f"!{undo}"})
                )
            else:
                parts.append(words("%(unban)s lifts it again.", unban={"command": undo}))
    return lines(*parts)


_UNDONE_BY = {"ban": "unban", "mute": "unmute", "lock": "unlock", "invites off": "invites on"}


def _is_one(entry: ledger.Entry) -> bool:
    return entry.target.startswith("@") and not is_glob(entry.target)


async def until(scene: Scene, reader: str, sanction: Sanction) -> list[Text]:
    """When it ends by itself, on the reader's clock; nothing when it does not."""
    if sanction.until_ms is None:
        return []
    zone = (await people.get(scene.db, reader)).zone or scene.config.zone
    return [words("This ends by itself: %(when)s.", when={"time_ms": sanction.until_ms, "zone": zone})]


async def _of_rule(scene: Scene, entry: ledger.Entry) -> Sanction | None:
    """The sanction that ended by itself; the row's rule has its number."""
    number = (entry.rule or "").rpartition(" ")[2]
    return await store.by_id(scene.db, int(number)) if number.isdecimal() else None


async def _by_hand(scene: Scene, user: str, ours: Mapping[str, Room]) -> list[Text]:
    """The rooms where somebody had banned this person by hand before."""
    mine = await store.banned_by_us(scene.db, user)
    there = await people.memberships_of(scene.db, user)
    rooms = [_place(ours[room]) for room, now in there.items() if now == "ban" and room in ours and room not in mine]
    if not rooms:
        return []
    return [
        words(
            "In %(rooms)s somebody had banned them by hand before; that stays when this ban is lifted.",
            rooms={"list": rooms[:MOST_NAMED]},
        )
    ]


def _head(entry: ledger.Entry, sanction: Sanction | None, done: Done, everywhere: int) -> Text:
    entity = sanction.entity if sanction else "user" if entry.target.startswith("@") else "server"
    who = shown(entity, entry.target)
    missed = len(done.missed)
    if entry.action == BAN:
        if missed:
            return words_n("%(who)s is banned from %(done)s of %(count)s room.", "%(who)s is banned from %(done)s of %(count)s rooms.", everywhere, who=who, done=everywhere - missed)  # fmt: skip
        return words_n("%(who)s is banned from the one room that there is.", "%(who)s is banned from all %(count)s rooms.", everywhere, who=who)  # fmt: skip
    kind = sanction.kind if entry.action == "end" and sanction else None
    if entry.action == "unban" or kind == BAN:
        if missed:
            return words_n("The ban of %(who)s is lifted in %(done)s of %(count)s room.", "The ban of %(who)s is lifted in %(done)s of %(count)s rooms.", everywhere, who=who, done=everywhere - missed)  # fmt: skip
        head = words("The ban of %(who)s is lifted everywhere.", who=who)
    elif entry.action == "redact":
        return _redacted(done)
    else:
        head = _plain((kind and f"end {kind}") or entry.action, who, done.rooms)
        if missed:
            head = words_n(
                "%(what)s So far in %(done)s of %(count)s room.",
                "%(what)s So far in %(done)s of %(count)s rooms.",
                done.rooms,
                what=head,
                done=done.rooms - missed,
            )
    return words("The time is over. %(what)s", what=head) if kind else head


def _plain(what: str, who: Mapping[str, object], number: int) -> Text:
    match what:
        case "mute":
            return words_n("%(who)s can only read now, in %(count)s room.", "%(who)s can only read now, in %(count)s rooms.", number, who=who)  # fmt: skip
        case "spare":
            return words("%(who)s is spared from now on; for everybody else it stands.", who=who)
        case "unmute" | "end mute":
            return words("%(who)s can write again.", who=who)
        case "kick":
            return words_n("%(who)s is out of %(count)s room.", "%(who)s is out of %(count)s rooms.", number, who=who)
        case "lock":
            return words_n("In %(count)s room only curators and moderators can write now.", "In %(count)s rooms only curators and moderators can write now.", number)  # fmt: skip
        case "unlock" | "end lock":
            return words_n("%(count)s room is open again.", "%(count)s rooms are open again.", number)
        case "invites off":
            return words_n("Nobody but the owners and I can invite into %(count)s room now.", "Nobody but the owners and I can invite into %(count)s rooms now.", number)  # fmt: skip
        case "invites on" | "end invites":
            return words_n("People can be invited into %(count)s room again.", "People can be invited into %(count)s rooms again.", number)  # fmt: skip
        case _:
            return words("That is done, for %(who)s.", who=who)


def _redacted(done: Done) -> Text:
    gone = done.acts - done.failed
    if done.failed:
        return words_n("%(done)s of %(count)s message is gone.", "%(done)s of %(count)s messages are gone.", done.acts, done=gone)  # fmt: skip
    return words_n("%(count)s message is gone.", "%(count)s messages are gone.", gone)


def _place(room: Room) -> dict[str, object]:
    return {"room": room.room, "alias": room.alias, "name": room.alias or room.key}


def _refused(room: Room, error: str) -> Text:
    where = _place(room)
    if error == "M_FORBIDDEN":
        return words("- not in %(room)s: Hearth has no power to do that there", room=where)
    if error == NO_POWER:
        return words("- not in %(room)s: they have as much power there as Hearth", room=where)
    return words("- not in %(room)s: the homeserver refused it (%(code)s)", room=where, code={"code": error})


async def tell_staff(scene: Scene, key: str, text: Text, prompt: str | None = None) -> None:
    """Say something in the staff room, once for this key. A reaction on it answers `prompt`."""
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None:
        asks = scene.me if prompt else None
        language = scene.config.language
        say = Say(key=key, room=staff.room, text=text, language=language, asks=asks, prompt=prompt)
        scene.puts.append(Put(say))


# --- progress ------------------------------------------------------------------------------------------------------------------------


def progress_key(entry: int) -> str:
    """The key of the notice that says how far a decision is."""
    return f"progress/{entry}"


async def last_progress(scene: Scene, entry: int, total: int) -> None:
    """If there is a notice of how far it was, it says from now on that it is at the end."""
    notice = await queue.get(scene.db, progress_key(entry))
    staff = await rooms.by_key(scene.db, "staff")
    if notice is not None and staff is not None:
        text = words("%(total)s of %(total)s: that is all.", total=total)
        key = f"{progress_key(entry)}/end/{total}"
        say = Say(key=key, room=staff.room, text=text, language=scene.config.language, edits=progress_key(entry))
        scene.puts.append(Put(say))
