"""What follows when a try of an effect came back: the row is settled or waits, and its area hears of it. Never performs anything.

All of it happens in one transaction that the caller has begun.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bridge.effects import Effect, Priority
from bridge.errors import NotYet, Refused, TokenLost, Unavailable
from bridge.pacing import Pace, back_off_ms
from bridge.scene import Scene, Settler, State
from bridge.store import failures, ledger, queue
from bridge.store.db import Connection
from bridge.store.errors import StoreUnavailable
from bridge.unsay import left_by

IntentDone = Callable[[Scene, ledger.Entry], Awaitable[None]]

log = structlog.get_logger(__name__)


STORE_WAIT_MS = 1_000


@dataclass(frozen=True, slots=True)
class Areas:
    """Who hears of what came of it. `scene` makes the surroundings of one of them in the open transaction.

    `intent_done` is by the ledger's action, and is called when no row of a ledger row is due any more; again when a person had one retried.
    """

    scene: Callable[[Connection], Scene]
    settlers: Mapping[type[Effect], Settler]
    intent_done: Mapping[str, IntentDone]


@dataclass(frozen=True, slots=True)
class Back:
    """What came back of one try: an outcome, or the error. `effect` is None when the row could not even be read."""

    wish: queue.Wish
    effect: Effect | None
    outcome: queue.Settled | None = None
    error: Exception | None = None


def registered(table: Mapping[type[Effect], Any], effect: Effect) -> Any:
    """What is registered for the class of an effect, or for the nearest class that it is made of; None when nothing is."""
    return next((table[cls] for cls in type(effect).__mro__ if cls in table), None)


def pace_after(pace: Pace, back: Sequence[Back], now_ms: int, chance: float) -> Pace:
    """What is held back from now on, judging by what came back."""
    for each in back:
        match each.error:
            case TokenLost():
                pace = pace.without_token(now_ms)
            case Unavailable(limited=True) as error:
                pace = pace.limited(each.wish.kind, now_ms + (error.retry_after_ms or 1000))
            case Unavailable():
                pace = pace.failed(now_ms, chance)
            case Refused() | None:
                pace = pace.answered(each.wish.kind)
    return pace


def verdict(back: Back, pace: Pace, now_ms: int, chance: float) -> queue.Settled | queue.Postponed:
    """Whether the row is settled, or until when it waits. `pace` is the one after this try."""
    wish = back.wish
    match back.error:
        case None if back.outcome:
            return back.outcome
        case NotYet() as later:
            # Nobody was asked anything: unless it was tried before, it is as if it had not been looked at.
            return queue.Postponed(wish.id, later.until_ms, failed=False, untried=wish.first_tried_ms is None)
        case TokenLost() | Unavailable(limited=True):
            # Everything, or the whole bucket, is held back already; so the most important row goes first afterwards, and not the luckiest.
            return queue.Postponed(wish.id, now_ms, failed=False)
        case Unavailable(retry_after_ms=int(wait_ms)):
            return queue.Postponed(wish.id, now_ms + wait_ms, failed=True)
        case Unavailable() if pace.away:
            # Not this row's fault. Behind the next probe, so that one that always fails does not keep the others from trying.
            return queue.Postponed(wish.id, max(now_ms, pace.paused_until_ms) + 1, failed=False)
        case Unavailable():
            return queue.Postponed(wish.id, now_ms + back_off_ms(wish.attempts + 1, chance), failed=True)
        case StoreUnavailable():
            return queue.Postponed(wish.id, now_ms + STORE_WAIT_MS, failed=False)
        case Refused() as error:
            return queue.Settled(wish.id, "dead", error=error.errcode)
        case error:
            return queue.Settled(wish.id, "dead", error=type(error).__name__)


async def settle(
    db: Connection, areas: Areas, back: Sequence[Back], verdicts: Sequence[queue.Settled | queue.Postponed], now_ms: int
) -> None:
    """Write the verdicts down, then tell the areas, then end the intents of which nothing is left to do."""
    settled = [(each, end) for each, end in zip(back, verdicts, strict=True) if isinstance(end, queue.Settled)]
    await queue.settle(db, [end for _, end in settled], now_ms)
    await queue.postpone(db, [end for end in verdicts if isinstance(end, queue.Postponed)])
    shared = {each.wish.lane for each, _ in settled if each.wish.priority == Priority.SHARE}
    if shared:
        await queue.pass_turn(db, shared, Priority.SHARE)
    for each, end in settled:
        if isinstance(each.error, Refused):
            log.warning("refused", kind=each.wish.kind, error=each.error.errcode)
        elif each.error is not None:
            await _record(db, each.error, now_ms, each.wish.key)
        if end.state == "skipped" and each.effect is not None:
            await queue.put(db, left_by(each.effect, each.wish.first_tried_ms), now_ms)
    await _tell(db, areas, settled, now_ms)
    for intent in dict.fromkeys(each.wish.intent for each, _ in settled):
        if intent is not None:
            await _end(db, areas, intent, now_ms)


async def _end(db: Connection, areas: Areas, intent: int, now_ms: int) -> None:
    entry = None if await queue.pending_of_intent(db, intent) else await ledger.get(db, intent)
    done = areas.intent_done.get(entry.action) if entry else None
    if done:
        await _follow(db, areas, now_ms, None, done, entry)


async def _tell(db: Connection, areas: Areas, settled: Sequence[tuple[Back, queue.Settled]], now_ms: int) -> None:
    """Run the settlers: all in one savepoint, as nearly always goes well; should one crash, each in its own."""
    told = [
        (each.wish.key, settler, each.effect, end.state, end.result)
        for each, end in settled
        if (settler := each.effect and registered(areas.settlers, each.effect))
    ]
    if len(told) > 1 and await _together(db, areas, told, now_ms):
        return
    for key, settler, *about in told:
        await _follow(db, areas, now_ms, key, settler, *about)


async def _together(
    db: Connection, areas: Areas, told: Sequence[tuple[str, Settler, Effect | None, State, str | None]], now_ms: int
) -> bool:
    """Whether these settlers all went well; else nothing came of any of them."""
    try:
        async with db.begin_nested():
            for _, settler, effect, state, result in told:
                scene = areas.scene(db)
                await settler(scene, effect, state, result)
                await queue.put(db, scene.puts, now_ms)
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001 - each runs alone now, and that of which this is the fault is recorded there
        return False
    return True


async def _follow(
    db: Connection, areas: Areas, now_ms: int, key: str | None, follow: Callable[..., Awaitable[None]], *about: Any
) -> None:
    """Run a settler or the end of an intent in a savepoint: its crash must not undo that the row is settled, or it would be done again."""
    try:
        async with db.begin_nested():
            scene = areas.scene(db)
            await follow(scene, *about)
            await queue.put(db, scene.puts, now_ms)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - a bug in one area is not the others'
        await _record(db, error, now_ms, key)


async def _record(db: Connection, error: Exception, now_ms: int, key: str | None) -> None:
    where = await failures.record(db, None, None, error, now_ms, key)
    log.error("effect set aside", where=where, error=type(error).__name__)
