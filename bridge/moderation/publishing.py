"""Lets our own list say which bans of ours stand, and writes lists of servers anew where watched lists changed them; by the clock, by wishes, never itself.

What should stand in a list is compared with what does; so whatever was interrupted is finished by the next look.
"""

from collections.abc import Collection, Mapping

from bridge.effects import Ban, CreateList, Effect, Put, Redact, SetState
from bridge.moderation import decision, react, retry, store, told
from bridge.moderation import policies as words_of
from bridge.moderation.model import BAN, Sanction
from bridge.moderation.react import SERVER_LIST
from bridge.scene import Scene, Settler, State
from bridge.store import due, ledger, policies, queue, sweeps
from bridge.store.policies import List, Standing
from bridge.text import render
from bridge.words import in_a_room, words, words_n

PUBLISH = "publish"
"""What the ledger calls it."""

AT_ONCE = 200

FIRST = (Ban.__name__, Redact.__name__)
"""What is done in a room before a server is shut out there."""

MOST_WAIT_MS = 10 * 60 * 1000
"""So long it waits for that: a homeserver that holds us back does not keep the door open for ever."""


async def look(scene: Scene) -> None:
    """Put what is missing in our lists, and empty what should not stand there any more."""
    lists = [each for each in await policies.lists(scene.db) if each.publishes]
    ours = [each for each in lists if each.room and not each.trouble]
    resting = {each.id for each in lists} - {each.id for each in ours}
    stands = [each for each in await policies.standing_in_lists(scene.db) if each.list not in resting]
    if not ours and not stands:
        return
    bans = [each for each in await store.standing(scene.db, BAN) if each.rule == 0 and not each.scope]
    reason = render(words("banned in this community"), scene.config.language, scene.names).body
    wanted = {(each.id, one.id): _written(each, one, reason) for one in ours for each in bans}
    has = {(each.sanction, each.list): each for each in stands}
    new = [pair for pair, (_, row, _) in wanted.items() if has.get(pair) != row][:AT_ONCE]
    gone = [row for pair, row in has.items() if pair not in wanted or wanted[pair][1] != row][:AT_ONCE]
    kept = {(row.list, row.type, row.state_key) for _, row, _ in wanted.values()}
    if not new and not gone:
        return
    entry = await ledger.write(scene.db, scene.me, PUBLISH, "bans", None, None, None, None, scene.now_ms)
    before = len(scene.puts)
    for row in gone:
        await _empty(scene, row, entry, kept)
    for pair in new:
        one, row, content = wanted[pair]
        await policies.publish(scene.db, row)
        _put(scene, one, row, content, entry)
    if len(scene.puts) == before:
        await decision.settled(scene, entry)


def _written(sanction: Sanction, one: List, reason: str) -> tuple[List, Standing, Mapping[str, object]]:
    """Where a ban stands in a list, and what is written there."""
    kind, key, content = words_of.written(sanction.entity, sanction.target, reason, as_hash=one.publishes == "hashed")
    return one, Standing(sanction.id, one.id, kind, key), content


async def _empty(scene: Scene, row: Standing, entry: int, kept: Collection[tuple[int, str, str]]) -> None:
    await policies.withdraw(scene.db, row)
    one = await policies.get(scene.db, row.list)
    if one is not None and (row.list, row.type, row.state_key) not in kept:
        _put(scene, one, row, {}, entry)


def _put(scene: Scene, one: List, row: Standing, content: Mapping[str, object], entry: int) -> None:
    if one.room is not None:
        key = f"policy/{one.room}/{row.type}/{row.state_key}/{row.sanction}/{entry}"
        state = SetState(key=key, room=one.room, type=row.type, state_key=row.state_key, content=content)
        scene.puts.append(Put(state, intent=entry))


async def servers(scene: Scene) -> None:
    """Write the lists of servers of those rooms anew where that is due, and where nobody is to be banned and nothing to be redacted first.

    A server that is shut out can no longer ask for what it needs to understand these.
    """
    waiting = await due.waiting(scene.db, SERVER_LIST, scene.now_ms)
    searching = bool(await sweeps.waiting(scene.db)) if waiting else False
    ready = []
    for each in waiting:
        first = searching or await queue.due_of_kinds(scene.db, FIRST, Ban(key="", room=each.subject, user="").lane)
        if not first or scene.now_ms - each.next_ms > MOST_WAIT_MS:
            ready.append(each)
            await due.settled(scene.db, each)
    if not ready:
        return
    entry = await ledger.write(scene.db, scene.me, SERVER_LIST, "*", None, None, None, None, scene.now_ms)
    standing = await store.standing(scene.db, BAN)
    for each in ready:
        await react.set_acls(scene, standing, f"{each.slot}/{entry}", entry, only=each.subject)


async def _made(scene: Scene, effect: CreateList, state: State, room: str | None) -> None:
    """The room of our own list is there; or it could not be made."""
    one = await policies.get(scene.db, effect.list)
    if one is None:
        return
    if state == "done" and room is not None:
        await policies.change(scene.db, one.id, room=room, read_ms=scene.now_ms)
        text = words("From now on our bans stand in %(list)s, without a word on why. Other communities can watch it.", list={**one.place, "room": room})  # fmt: skip
    else:
        await policies.change(scene.db, one.id, publishes="")
        text = words("I could not make the room %(list)s: the homeserver refused it.", list={"code": one.address})
    await told.tell_staff(scene, f"rules/made/{one.id}/{effect.key}", in_a_room(text))


async def _outcome(scene: Scene, entry: ledger.Entry) -> None:
    """What came of it goes into the ledger; staff hears of what was refused, and can have it tried again."""
    rows = await queue.of_intent(scene.db, entry.id)
    refused = [row for row in rows if row.state == "dead"]
    tries = int((entry.outcome or {}).get("tries", 0)) + 1
    outcome = {"done": len(rows) - len(refused), "refused": len(refused), "tries": tries}
    await ledger.settle(scene.db, entry.id, outcome, scene.now_ms)
    if refused:
        code = {"code": refused[0].error or "?"}
        if entry.action == PUBLISH:
            text = words_n("%(count)s change could not be written into our list: %(code)s. Give me the power to change settings there, then react with 🔁 here.", "%(count)s changes could not be written into our list: %(code)s. Give me the power to change settings there, then react with 🔁 here.", len(refused), code=code)  # fmt: skip
        else:
            text = words_n("In %(count)s room the list of servers could not be changed: %(code)s. Give me the power for that, then react with 🔁 here.", "In %(count)s rooms the list of servers could not be changed: %(code)s. Give me the power for that, then react with 🔁 here.", len(refused), code=code)  # fmt: skip
        key = f"rules/refused/{entry.id}/{tries}"
        await told.tell_staff(scene, key, in_a_room(text), f"{retry.KIND}{entry.id}")


SETTLERS: Mapping[type[Effect], Settler] = {CreateList: _made}

INTENT_DONE = {PUBLISH: _outcome, SERVER_LIST: _outcome}
"""By the ledger's action: what happens when the last effect of it is settled."""
