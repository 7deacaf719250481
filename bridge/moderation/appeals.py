"""Whoever was acted upon may ask once that somebody else looks at it again. Writes wishes, never decides, and never lets those look who decided it.

What was done is a row of the ledger: by that row an appeal is known, so that there is one for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge import cases
from bridge.cases import Kind
from bridge.config import Config
from bridge.context import language_of
from bridge.effects import Put, Tell
from bridge.errors import UsageError
from bridge.moderation import background, enforce, measures, orders, sparing, store
from bridge.moderation.model import BAN, KICK, MUTE, SLOW, WARN, Sanction
from bridge.scene import Scene
from bridge.store import authority, ledger, queue
from bridge.store import cases as case_store
from bridge.store.cases import Case
from bridge.times import DAY_MS
from bridge.words import Text, lines, words

APPEAL = "appeal"
"""The kind of case."""

KINDS_OF_SANCTION = (WARN, SLOW, MUTE, KICK, BAN)
"""What somebody can appeal against; and that something they wrote was taken away."""

MOST_DAYS = 90
"""What was decided longer ago, and does not stand any more, is not looked at again."""

HOUR_MS = 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done to somebody: its row of the ledger, and the sanction that it gave, if it gave one."""

    entry: ledger.Entry
    sanction: Sanction | None = None


async def acts(scene: Scene, user: str) -> list[Act]:
    """What was done to somebody and could be looked at again, the newest first."""
    since_ms = scene.now_ms - MOST_DAYS * DAY_MS
    standing = [one for one in await store.all_standing(scene.db) if enforce.hits(one, user)]
    lately = [one for one, at_ms, _ in await store.of_target(scene.db, (user,)) if at_ms >= since_ms]
    sanctions = {one.cause: one for one in (*lately, *standing) if one.kind in KINDS_OF_SANCTION}
    found = {}
    for cause, sanction in sanctions.items():
        entry = await ledger.get(scene.db, cause)
        if entry is not None:
            found[cause] = Act(entry, sanction)
    for entry in await store.taken_from(scene.db, user, since_ms):
        found.setdefault(entry.id, Act(entry))
    return [found[number] for number in sorted(found, reverse=True)]


async def take(scene: Scene, user: str, words_at: str | None) -> Text:
    """Somebody asks that what was done to them is looked at again: the newest of it that was not yet. UsageError, in words for them, when there is nothing, or nobody."""
    done = await acts(scene, user)
    new = [act for act in done if await case_store.by_key(scene.db, _key(act)) is None]
    if not new:
        raise UsageError(await _nothing(scene, done))
    staff = (await authority.current(scene.db, scene.config)).staff
    act = next((act for act in new if staff - {act.entry.actor, user, scene.me}), None)
    if act is None:
        raise UsageError(words("There is nobody but them who decided it who could look at it. Please write to them directly."))  # fmt: skip
    await cases.show(scene, KINDS, _key(act), APPEAL, user, words_at=words_at)
    return words("Somebody else than who decided it will look at this again: %(what)s. You will hear what comes of it.", what=_what(act))  # fmt: skip


async def _nothing(scene: Scene, done: list[Act]) -> Text:
    if not done:
        return words("Nothing was decided about you lately that somebody could look at again.")
    before = await case_store.by_key(scene.db, _key(done[0]))
    if before is not None and before.state == "open":
        return words("Somebody will look at it; you will hear what comes of it.")
    return words("Somebody else has looked at it again already, and what they said is final.")


def _key(act: Act) -> str:
    return f"{APPEAL}/{act.entry.id}"


def _what(act: Act) -> Text:
    return orders.called(act.sanction.kind) if act.sanction else words("something you wrote was taken away")


async def _act(scene: Scene, case: Case) -> Act | None:
    cause = int(case.key.removeprefix(f"{APPEAL}/"))
    entry = await ledger.get(scene.db, cause)
    return None if entry is None else Act(entry, await store.of_cause(scene.db, cause))


# --- the case ------------------------------------------------------------------------------------------------------------------------


async def _about(scene: Scene, case: Case) -> Text:
    act, who = await _act(scene, case), {"user": case.subject, "with_id": True}
    if act is None:
        return words("%(who)s asks that somebody looks again at what was decided.", who=who)
    by = words("me, by a rule") if act.entry.actor == scene.me else {"user": act.entry.actor}
    what = orders.called(act.sanction.kind) if act.sanction else words("a message was taken away")
    when = {"time_ms": act.entry.at_ms, "zone": scene.config.zone}
    return words("%(who)s asks that somebody looks again at this: %(what)s, by %(by)s, %(when)s.", who=who, what=what, by=by, when=when)  # fmt: skip


async def _around(scene: Scene, case: Case) -> tuple[Text, ...]:
    act = await _act(scene, case)
    found: list[Text] = []
    if act is not None and act.entry.reason:
        found.append(words("Why: %(reason)s", reason=act.entry.reason))
    if act is not None and act.sanction is not None and not enforce.is_one(act.sanction):
        found.append(words("It is about more people than this one: %(what)s.", what=orders.shown(act.sanction)))
    return (*found, *await background.person(scene, case))


async def barred(scene: Scene, case: Case) -> frozenset[str]:
    """Neither who decided it nor whom it is about decides it again."""
    act = await _act(scene, case)
    return frozenset({case.subject, *((act.entry.actor,) if act else ())})


async def _accept(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    """It is taken back: the sanctions of that decision are lifted, if they are about this person alone, or spare them from now on; and they hear it."""
    act = await _act(scene, case)
    parts = [words("Somebody else has looked at what was decided about you, and takes it back. We are sorry.")]
    if act is not None and act.sanction is not None:
        parts += await _lifted(scene, case, act.sanction, entry)
    await _tell(scene, case, lines(*parts), entry)


async def _lifted(scene: Scene, case: Case, sanction: Sanction, entry: int) -> list[Text]:
    mine = [one for one in await store.caused(scene.db, sanction.cause) if enforce.is_one(one)]
    if mine:
        await measures.lift(scene, mine, entry)
    elif not enforce.is_one(sanction):
        stands = [one for one in await store.all_standing(scene.db) if one.id == sanction.id]
        if stands and sanction.entity == "server" and sanction.kind == BAN:
            await cases.say(scene, case, "by-hand", await sparing.of_server(scene, case.subject, stands))
            return [words("Your whole server is shut out for now. Somebody of us looks at how you can come back, and tells you.")]  # fmt: skip
        if stands:
            await measures.spare(scene, stands, case.subject, entry)
            await cases.say(scene, case, "spared", sparing.said(case.subject, stands))
    match sanction.kind:
        case "mute" | "slow":
            return [words("You can write again as before.")]
        case "kick" | "ban":
            text = words("%(who)s may come back now. %(invite)s invites them.", who={"user": case.subject}, invite={"command": f"invite {case.subject}"})  # fmt: skip
            await cases.say(scene, case, "invite", text)
            return [words("You may come back; somebody will invite you.")]
        case _:
            return []


async def _refuse(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    """It stands, and they hear it."""
    await _tell(scene, case, words("Somebody else has looked at what was decided about you, and it stands. That is final."), entry)  # fmt: skip


async def _tell(scene: Scene, case: Case, text: Text, entry: int) -> None:
    language = await language_of(scene, case.subject)
    told = Tell(key=f"case/{case.id}/told", user=case.subject, text=text, language=language)
    scene.puts.append(Put(told, intent=entry))


def _term_ms(config: Config) -> int:
    return config.reports.other_hours * HOUR_MS


KINDS: Mapping[str, Kind] = {
    APPEAL: Kind(
        about=_about,
        question=words(
            "Somebody else than who decided it has to look. Yes takes it back, no lets it stand; either is final, and they hear it."
        ),
        accept=_accept,
        refuse=_refuse,
        claims=True,
        around=_around,
        barred=barred,
        term_ms=_term_ms,
    )
}
"""The kind of case that is looked after here."""


async def done(scene: Scene, entry: ledger.Entry) -> None:
    """What an appeal asked for is done; staff hears of what could not be."""
    rows = await queue.of_intent(scene.db, entry.id)
    dead = [row for row in rows if row.state == "dead"]
    await ledger.settle(scene.db, entry.id, {"done": len(rows) - len(dead), "refused": len(dead)}, scene.now_ms)
    case = await case_store.get(scene.db, int((entry.rule or "case 0").removeprefix("case ")))
    if dead and case is not None:
        text = words("Not all that follows from case %(number)s could be done: the homeserver refused it (%(code)s).", number=case.id, code={"code": dead[0].error or "?"})  # fmt: skip
        await cases.say(scene, case, "refused", text)


INTENT_DONE = {f"accept {APPEAL}": done, f"refuse {APPEAL}": done}
"""By the ledger's action: what happens when the last effect of it is settled."""
