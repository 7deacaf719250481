"""What has waited too long is brought back to mind: a reminder halfway, then the owners are called, again and again until it is settled. Never settles anything.

Whoever looks after a case and is not one of staff any more looks after it no longer.
"""

from collections.abc import Collection, Mapping

from bridge import cases
from bridge.cases import DEADLINE, FIRST, HOUR_MS, LATE, Kind
from bridge.scene import Scene
from bridge.store import authority, due
from bridge.store import cases as store
from bridge.store.cases import Case
from bridge.words import Text, lines, words

MOST_URGENT = 6
"""So often people are called at the short interval; then at most once an hour."""

MINUTE_MS = 60_000
AT_ONCE = 50


async def tick(scene: Scene, kinds: Mapping[str, Kind]) -> None:
    """Bring to mind what has waited too long by now, and free what nobody of staff looks after."""
    for late in await due.claim_due(scene.db, DEADLINE, scene.now_ms, AT_ONCE):
        case = await store.get(scene.db, int(late.subject))
        kind = kinds.get(case.kind) if case is not None else None
        if case is None or case.state != "open" or kind is None or kind.term_ms is None:
            await due.remove(scene.db, DEADLINE, late.subject)
            continue
        term_ms = kind.term_ms(scene.config)
        if late.slot == FIRST:
            await _remind(scene, kind, case)
            await due.set_next(scene.db, DEADLINE, late.subject, scene.now_ms + term_ms - term_ms // 2, LATE)
            continue
        await _escalate(scene, kind, case, int(late.slot))
        wait_ms = term_ms if int(late.slot) < MOST_URGENT else max(term_ms, HOUR_MS)
        await due.set_next(scene.db, DEADLINE, late.subject, scene.now_ms + wait_ms, str(int(late.slot) + 1))
    held = await store.claimed(scene.db)
    staff = (await authority.current(scene.db, scene.config)).staff if held else frozenset()
    for case in held:
        if case.owner not in staff and case.kind in kinds:
            await cases.release(scene, kinds, case)


async def _remind(scene: Scene, kind: Kind, case: Case) -> None:
    """Halfway: whoever looks after it hears so alone, and else the moderators."""
    barred = await _barred(scene, kind, case)
    text = lines(_waits(scene, case), await cases.head(scene, kind, case), kind.please_alone)
    key = _key(case, "half")
    if case.owner is not None:
        await cases.tell(scene, case, f"case/{case.id}/{key}", case.owner, text)
    elif case.hidden:
        for user in await cases.confidants(scene, case.subject):
            await cases.tell(scene, case, f"case/{case.id}/{key}", user, text)
    else:
        say = await authority.named(scene.db, scene.config)
        await _say(scene, kind, case, key, say.moderators or scene.config.community.owners, barred)


async def _escalate(scene: Scene, kind: Kind, case: Case, time: int) -> None:
    """Its time is over: the owners are called privately, and staff again. Of what is hidden everybody of staff hears whom it is not about."""
    community = scene.config.community
    say = await authority.current(scene.db, scene.config)
    barred = await _barred(scene, kind, case)
    key = _key(case, f"late/{time}")
    called: Collection[str] = community.owners
    if case.hidden:
        called = sorted(say.staff - {scene.me})
    else:
        await _say(scene, kind, case, key, (*say.moderators, *community.owners), barred)
    text = lines(_waits(scene, case), await cases.head(scene, kind, case), kind.please_alone)
    for user in called:
        if user not in barred:
            await cases.tell(scene, case, f"case/{case.id}/{key}", user, text)


async def _barred(scene: Scene, kind: Kind, case: Case) -> frozenset[str]:
    return frozenset({case.subject, *(await kind.barred(scene, case) if kind.barred else ())})


async def _say(
    scene: Scene, kind: Kind, case: Case, what: str, users: Collection[str], barred: Collection[str]
) -> None:
    text = lines(_waits(scene, case), await cases.head(scene, kind, case), kind.please)
    called = tuple(dict.fromkeys(user for user in users if user not in barred))
    await cases.say(scene, case, what, text, called)


def _waits(scene: Scene, case: Case) -> Text:
    waited = {"duration_ms": max(MINUTE_MS, (scene.now_ms - case.made_ms) // MINUTE_MS * MINUTE_MS)}
    if case.owner is not None:
        who = {"user": case.owner}
        return words("Case %(number)s has waited for %(waited)s. %(who)s looks after it, and it is not settled.", number=case.id, waited=waited, who=who)  # fmt: skip
    return words("Case %(number)s has waited for %(waited)s, and nobody has answered.", number=case.id, waited=waited)


def _key(case: Case, what: str) -> str:
    """What tells this from all else that is said about a case; one whose time began anew has new names."""
    return f"{case.kind}/{case.claimed_ms or 0}/{what}"
