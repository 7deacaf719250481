"""Rules of a watched list that people have to look at first: one case for what came together. Writes sanctions and wishes, never acts."""

from collections.abc import Collection, Mapping, Sequence

from bridge import cases
from bridge.cases import Kind
from bridge.errors import UsageError
from bridge.moderation import following, react
from bridge.moderation.asking import SEVERAL
from bridge.moderation.judge import ASK, HELD, OURS, REFUSED
from bridge.moderation.judge import ON as FOLLOWED
from bridge.scene import Scene
from bridge.store import cases as case_store
from bridge.store import ledger, people, policies, rooms
from bridge.store.cases import Case
from bridge.store.policies import Known, List
from bridge.words import Text, lines, words, words_n

HOLD = "hold rules"
"""What the ledger calls it."""

FIRST, SECOND = "rules", "rules again"
"""The kinds of case: the first word, and the second one that many people take."""


async def hold(scene: Scene, watched: List, rules: Sequence[Known], hit: Collection[str], why: str) -> None:
    """Put these rules before staff. `hit` are the people whom they mean, `why` is one of judge's reasons."""
    entry = await ledger.write(
        scene.db, scene.me, HOLD, watched.address, None, f"list {watched.address}", None, None, scene.now_ms
    )
    outcome = {"done": 0, "rules": len(rules), "people": len(hit), "why": why}
    await ledger.settle(scene.db, entry, outcome, scene.now_ms)
    await policies.become(scene.db, [each.id for each in rules], HELD, entry)
    await cases.show(scene, KINDS, f"{FIRST}/{entry}", FIRST, watched.address)


async def close_empty(scene: Scene) -> None:
    """Cases about rules that their lists took back meanwhile end by themselves."""
    for kind in (FIRST, SECOND):
        for case in await case_store.waiting(scene.db, kind):
            if not any(each.state == HELD for each in await policies.of_batch(scene.db, _batch(case))):
                end = words("The list took them back, so nothing is left to decide.")
                await cases.close(scene, KINDS, case, "gone", scene.me, end)


def _batch(case: Case) -> int:
    return int(case.key.rpartition("/")[2])


async def _about(scene: Scene, case: Case) -> Text:
    entry = await ledger.get(scene.db, _batch(case))
    outcome: Mapping[str, object] = (entry.outcome if entry else None) or {}
    number, why = int(str(outcome.get("people", 0))), outcome.get("why")
    rules = await policies.of_batch(scene.db, _batch(case))
    watched = await policies.named(scene.db, case.subject)
    place = watched.place if watched else {"code": case.subject}
    head = words_n("%(list)s has %(count)s rule that I do not follow without you.", "%(list)s has %(count)s rules that I do not follow without you.", len(rules), list=place)  # fmt: skip
    if why == OURS:
        reason = words("They mean us, our own server, or somebody of staff. None of these would be touched, whatever you say.")  # fmt: skip
    elif why == ASK:
        reason = words("I watch this list and ask you first.")
    else:
        reason = words("They would ban many people at once.")
    hit = words_n("%(count)s person who is here would be banned from every room.", "%(count)s people who are here would be banned from every room.", number)  # fmt: skip
    return lines(head, *following.named(rules), reason, hit)


async def _accept(scene: Scene, case: Case, actor: str, _entry: int) -> None:
    """From now on these rules are followed. For more than SEVERAL people another moderator has to say so, too, if there is one."""
    batch = _batch(case)
    held = [each for each in await policies.of_batch(scene.db, batch) if each.state == HELD]
    watched = await policies.get(scene.db, held[0].list) if held else None
    if not held or watched is None:
        raise UsageError(words("The list took these rules back meanwhile."))
    spared = await react.protected(scene)
    hit, _, _ = await following.meant(scene, held, spared)
    number = len(frozenset[str]().union(*hit.values()))
    if case.kind == FIRST and number > SEVERAL and await _others(scene, actor):
        await cases.show(scene, KINDS, f"{SECOND}/{batch}", SECOND, case.subject)
        return
    first = await case_store.by_key(scene.db, f"{FIRST}/{batch}")
    if case.kind == SECOND and first is not None and first.actor == actor:
        raise UsageError(words("So many people take two of you: another moderator has to say yes."))
    await policies.become(scene.db, [each.id for each in held], FOLLOWED)
    await following.follow(scene, watched, held, hit)
    await following.servers_changed(scene)


async def _others(scene: Scene, actor: str) -> bool:
    staff = await rooms.by_key(scene.db, "staff")
    inside = await people.members(scene.db, staff.room) if staff else ()
    return bool({*inside} - {scene.me, actor})


async def _refuse(scene: Scene, case: Case, _actor: str, _entry: int) -> None:
    """These rules are not followed, as long as they stay what they are."""
    held = [each.id for each in await policies.of_batch(scene.db, _batch(case)) if each.state == HELD]
    await policies.become(scene.db, held, REFUSED)


KINDS: Mapping[str, Kind] = {
    FIRST: Kind(_about, words("Shall I follow them?"), _accept, _refuse),
    SECOND: Kind(_about, words("One of you said yes. So many people take two of you: does another moderator say so, too?"), _accept, _refuse),
}  # fmt: skip
"""The kinds of case that lists raise."""
