"""What becomes of bans and server lists once Matrix has answered: recorded, and told in one answer. Never sends anything itself."""

from collections.abc import Mapping

from bridge.context import later_answer
from bridge.effects import Ban, Effect, SetServerAcl, Unban, load
from bridge.globs import is_glob
from bridge.moderation import store
from bridge.moderation.model import OurBan
from bridge.moderation.react import shown
from bridge.scene import Scene, Settler, State
from bridge.store import ledger, queue, rooms
from bridge.store.rooms import Room
from bridge.words import Text, lines, words, words_n

MOST_NAMED = 10
"""More rooms than this are a number."""


async def _banned(scene: Scene, effect: Ban, state: State, _result: str | None) -> None:
    """The ban stands in that room, and is ours to lift."""
    if state == "done" and effect.sanction is not None:
        await store.record_ban(scene.db, OurBan(effect.room, effect.user, effect.sanction))


async def _unbanned(scene: Scene, effect: Unban, state: State, _result: str | None) -> None:
    """The ban is lifted in that room."""
    if state == "done":
        await store.forget_ban(scene.db, effect.room, effect.user)


async def tell_outcome(scene: Scene, entry: ledger.Entry) -> None:
    """Everything that a decision asked for is settled: write the outcome into the ledger and answer the moderator, once."""
    rows = await queue.of_intent(scene.db, entry.id)
    dead = [
        (load(row.kind, row.key, row.payload), row.error or "") for row in rows if row.state == "dead" and row.payload
    ]
    missed = {effect.room: error for effect, error in dead if isinstance(effect, Ban | Unban | SetServerAcl)}
    outcome = {"done": sum(row.state != "dead" for row in rows), "refused": missed}
    await ledger.settle(scene.db, entry.id, outcome, scene.now_ms)
    if entry.event and entry.room:
        ours = {room.room: room for room in await rooms.all_rooms(scene.db)}
        everybody = await _people_of(scene, entry)
        text = answer(entry, ours, missed, everybody)
        scene.puts += await later_answer(scene, entry.event, entry.room, entry.actor, text, done=not missed)


def answer(entry: ledger.Entry, ours: Mapping[str, Room], missed: Mapping[str, str], people: int | None) -> Text:
    """The one answer to a ban or its lifting: how many rooms, how many people where a glob or server was meant, and which rooms refused and why."""
    many, done = len(ours), len(ours) - len(missed)
    who = shown("user" if people is None else "server", entry.target)
    if entry.action == "ban":
        head = (
            words_n("%(who)s is banned from %(done)s of %(count)s room.", "%(who)s is banned from %(done)s of %(count)s rooms.", many, who=who, done=done)
            if missed
            else words_n("%(who)s is banned from the one room that there is.", "%(who)s is banned from all %(count)s rooms.", many, who=who)
        )  # fmt: skip
    else:
        head = (
            words_n("The ban of %(who)s is lifted in %(done)s of %(count)s room.", "The ban of %(who)s is lifted in %(done)s of %(count)s rooms.", many, who=who, done=done)
            if missed
            else words("The ban of %(who)s is lifted everywhere.", who=who)
        )  # fmt: skip
    parts = [head]
    if people is not None and entry.action == "ban":
        parts.append(words_n("That is %(count)s person.", "That is %(count)s people.", people))
    parts += [_refused(ours[room], error) for room, error in list(missed.items())[:MOST_NAMED] if room in ours]
    if len(missed) > MOST_NAMED:
        more = len(missed) - MOST_NAMED
        parts.append(words_n("- and %(count)s more room", "- and %(count)s more rooms", more))
    if missed:
        parts.append(words("Give Hearth the power it lacks there, then write the same command again."))
    elif entry.action == "ban":
        parts.append(words("%(unban)s lifts it again.", unban={"command": f"unban {entry.target}"}))
    return lines(*parts)


def _refused(room: Room, error: str) -> Text:
    where = {"room": room.room, "alias": room.alias, "name": room.alias or room.key}
    if error == "M_FORBIDDEN":
        return words("- not in %(room)s: Hearth has no power to do that there", room=where)
    return words("- not in %(room)s: the homeserver refused it (%(code)s)", room=where, code={"code": error})


async def _people_of(scene: Scene, entry: ledger.Entry) -> int | None:
    """How many people a ban of a glob or of a server reached; None for one of a single person."""
    if entry.target.startswith("@") and not is_glob(entry.target):
        return None
    return await store.count_banned(scene.db, entry.target)


SETTLERS: Mapping[type[Effect], Settler] = {Ban: _banned, Unban: _unbanned}

INTENT_DONE = {"ban": tell_outcome, "unban": tell_outcome}
"""By the ledger's action: what happens when the last effect of a decision is settled."""
