"""What follows from notices of payments: a membership's end, or a case for staff when nobody knows who pays. Never hears a notice itself.

Everything that was ever told of a payer is looked at as a whole, so it does not matter in which order it came, or how often.
"""

from collections.abc import Callable
from dataclasses import replace

from bridge import cases
from bridge.cases import Kind
from bridge.effects import Put, Say
from bridge.errors import UsageError
from bridge.rooms import terms_change
from bridge.rooms.paid import paid_until
from bridge.rooms.term import NEVER
from bridge.scene import Scene
from bridge.store import cases as case_store
from bridge.store import failures, ledger, payments, queue, rooms, terms
from bridge.store.cases import Case
from bridge.store.db import Connection, Database
from bridge.store.errors import LeadershipLost, StoreUnavailable
from bridge.words import Text, in_a_room, lines, words

BATCH = 100
PAYMENT = "payment"
"""The kind of case of somebody who pays and whom nobody knows."""


async def tick(database: Database, scene_in: Callable[[Connection], Scene]) -> int:
    """What follows from all notices that are new; returns how many effects are newly wanted. Each payer in a savepoint of their own."""
    wanted = 0
    while True:
        async with database.writing() as db:
            scene = scene_in(db)
            found = await payments.waiting(db, BATCH) if scene.config.membership is not None else ()
            for payer in found:
                await _one(scene, payer)
                await payments.done(db, payer, scene.now_ms)
            wanted += await queue.put(db, scene.puts, scene.now_ms)
        if len(found) < BATCH:
            return wanted


async def _one(scene: Scene, payer: str) -> None:
    inner = replace(scene, puts=[])
    try:
        async with scene.db.begin_nested():
            await look_at(inner, payer)
    except (StoreUnavailable, LeadershipLost):
        raise
    except Exception as error:  # noqa: BLE001 - set aside: staff hears of it, and the other payers go on
        await failures.record(scene.db, None, None, error, scene.now_ms)
    else:
        scene.puts += inner.puts


async def look_at(scene: Scene, payer: str) -> None:
    """Let what is known of this payer be so: their membership lasts until the day that they paid for, or as staff said if that is later."""
    user = await payments.user_of(scene.db, payer) or await _recognised(scene, payer)
    if user is None:
        await _park(scene, payer)
        return
    changed = await payments.paid(scene.db, payer, paid_until(await payments.of(scene.db, payer), scene.config.zone))
    paid = await payments.paid_until(scene.db, user)
    before = await terms.get(scene.db, user)
    granted = before.granted if before else None
    if not changed or paid is None or granted == NEVER:
        return
    until = max(paid, granted) if granted is not None else paid
    if before is not None and before.until == until:
        return
    cause = await ledger.write(
        scene.db,
        actor=scene.me,
        action="membership paid",
        target=user,
        reason=None,
        rule=PAYMENT,
        room=None,
        event=None,
        now_ms=scene.now_ms,
    )
    await ledger.settle(scene.db, cause, {"until": until}, scene.now_ms)
    await terms_change.give(scene, user, until, cause=cause, granted=granted)


async def assign(scene: Scene, payer: str, user: str, actor: str) -> str | None:
    """Staff says who pays under this reference; the last day that is paid. All that was told before counts for that person now."""
    await payments.bind(scene.db, payer, user)
    await look_at(scene, payer)
    case = await case_store.by_key(scene.db, _key(payer))
    if case is not None:
        end = words("It is %(who)s, said %(actor)s.", who={"user": user}, actor={"user": actor})
        await cases.close(scene, KINDS, case, "assigned", actor, end)
    return await payments.paid_until(scene.db, user)


async def _recognised(scene: Scene, payer: str) -> str | None:
    """Whom the sender takes the payer for, if that is somebody who is or was here: an id that was mistyped somewhere lets nobody in."""
    user = await payments.said_to_be(scene.db, payer)
    if user is None or user == scene.me:
        return None
    if await terms.get(scene.db, user) is None and not await terms.there(scene.db, user):
        return None
    await payments.bind(scene.db, payer, user)
    return user


def _key(payer: str) -> str:
    return f"{PAYMENT}/{payer}"


async def _park(scene: Scene, payer: str) -> None:
    """Nobody knows who this is: a case, told once."""
    number = await case_store.open_case(scene.db, _key(payer), PAYMENT, payer, None, scene.now_ms)
    staff = await rooms.by_key(scene.db, "staff")
    case = await case_store.get(scene.db, number) if number is not None else None
    if case is None or staff is None:
        return
    head = words("**Case %(number)s:** %(about)s", number=case.id, about=await _about(scene, case))
    text = in_a_room(lines(head, _QUESTION, words("If it is nobody's, react with 👎.")))
    said = Say(key=f"case/{case.id}", room=staff.room, text=text, language=scene.config.language, case=case.id)
    scene.puts.append(Put(said))


async def _about(scene: Scene, case: Case) -> Text:
    named = await payments.said_to_be(scene.db, case.subject)
    if named is not None:
        return words(
            "Somebody has paid for a membership under the reference %(payer)s, as %(who)s, who was never here.",
            payer={"code": case.subject},
            who={"code": named},
        )
    return words(
        "Somebody has paid for a membership under the reference %(payer)s, and I do not know who it is.",
        payer={"code": case.subject},
    )


_QUESTION = words("Do you? %(assign)s tells me.", assign={"command": "member assign <payer> <person>"})


async def _accept(_scene: Scene, case: Case, _actor: str, _entry: int) -> None:
    """A yes says too little here."""
    raise UsageError(
        words("Please tell me who it is: %(assign)s", assign={"command": f"member assign {case.subject} @name:server"})
    )


async def _refuse(_scene: Scene, _case: Case, _actor: str, _entry: int) -> None:
    """It is nobody's: nothing follows. Should somebody turn up, `member assign` works all the same."""


KINDS = {PAYMENT: Kind(about=_about, question=_QUESTION, accept=_accept, refuse=_refuse)}
