"""Carries out what protections found: the ledger first, then what is asked for, a case where people have to look. Never finds anything itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge import cases
from bridge.cases import Kind
from bridge.config import Config
from bridge.context import language_of
from bridge.effects import Mute, Put, Redact, Say, Tell, load
from bridge.events import AnyEvent
from bridge.moderation import care, holding
from bridge.moderation.holding import PROTECT
from bridge.moderation.model import Act, Finding
from bridge.moderation.protection import protections
from bridge.scene import Scene
from bridge.store import authority, ledger, queue, rooms
from bridge.store import cases as case_store
from bridge.store.cases import ACCEPTED, REFUSED, Case
from bridge.store.rooms import Room
from bridge.text import render
from bridge.words import Text, lines, words

HOUR_MS = 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Found:
    """One protection and what it found."""

    rule: str
    finding: Finding


async def act(scene: Scene, event: AnyEvent, who: str, found: Sequence[Found]) -> None:
    """Write down which rules found what, and put what they ask for."""
    room = await rooms.by_id(scene.db, event.room)
    entry = await ledger.write(
        scene.db, scene.me, PROTECT, who, "; ".join(_told(scene, each) for each in found),
        ", ".join(each.rule for each in found), event.room, event.id, scene.now_ms,
    )  # fmt: skip
    before = len(scene.puts)
    for each in found:
        if Act.REDACT in each.finding.acts:
            reason = render(
                words("a rule of this community: %(rule)s", rule=each.rule), scene.config.language, scene.names
            )
            redaction = Redact(key=f"protect/{event.id}", room=event.room, event=event.id, reason=reason.body)
            scene.puts.append(Put(redaction, intent=entry))
        if Act.WARN in each.finding.acts and Act.HOLD not in each.finding.acts and room is not None:
            await _warn(scene, event, who, each, room, entry)
        if Act.HOLD in each.finding.acts and not each.finding.of_room:
            await holding.hold(scene, who, each.rule, each.finding, entry)
            await _show_held(scene, event, who, each.rule)
        elif {Act.CASE, Act.MUTE, Act.HOLD} & set(each.finding.acts):
            if Act.MUTE in each.finding.acts and not each.finding.of_room:
                await holding.mute(scene, who, each.rule, each.finding, entry)
            await _show(scene, event, event.room if each.finding.of_room else who, each.rule)
    if not any(put.intent == entry for put in scene.puts[before:]):
        await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)


def _told(scene: Scene, found: Found) -> str:
    """A finding in one line for the ledger: the rule, what matched, what it asks for. Nothing of what was said."""
    matched = render(found.finding.matched, scene.config.language, scene.names).body
    return f"{found.rule}: {matched} ({', '.join(act.value for act in found.finding.acts)})"


async def _warn(scene: Scene, event: AnyEvent, who: str, found: Found, room: Room, entry: int) -> None:
    """A private word to the author; one an hour for each rule is enough."""
    key = f"protect/warned/{found.rule}/{who}/{scene.now_ms // HOUR_MS}"
    if await queue.get(scene.db, key) is not None:
        return
    where = {"room": event.room, "alias": room.alias, "name": f"#{room.tag}" if room.tag else room.alias or room.key}
    matched = {"text": {**_plain(found.finding.matched)}}
    if Act.REDACT in found.finding.acts:
        head = words("I took away something that you wrote in %(room)s: %(matched)s.", room=where, matched=matched)
    else:
        head = words("A word about what you wrote in %(room)s: %(matched)s.", room=where, matched=matched)
    text = lines(head, words("A rule of this community asks me to (%(rule)s). If that was a mistake, %(appeal)s lets somebody look at it.", rule={"code": found.rule}, appeal={"command": "appeal"}))  # fmt: skip
    scene.puts.append(Put(Tell(key=key, user=who, text=text, language=await language_of(scene, who)), intent=entry))


def _plain(text: Text) -> dict[str, Any]:
    return {"source": text.source, "values": dict(text.values), "plural": text.plural, "count": text.count}


# --- cases ---------------------------------------------------------------------------------------------------------------------------


async def is_known(scene: Scene, event: AnyEvent, rule: str, finding: Finding) -> bool:
    """Whether this is no news: staff has an open case about what goes on in this room, or has said before that this person may write.

    Whom staff freed a moment ago is not silenced again for the same.
    """
    if finding.of_room:
        return await case_store.open_about(scene.db, kind_of(rule), event.room) is not None
    if Act.MUTE in finding.acts:
        before = await case_store.all_about(scene.db, event.sender, kind_of(rule))
        lately = [case for case in before if scene.now_ms - (case.settled_ms or 0) < HOUR_MS]
        return any(case.outcome == REFUSED for case in lately)
    if Act.HOLD not in finding.acts:
        return False
    before = await case_store.all_about(scene.db, event.sender, held(rule))
    return any(case.outcome == ACCEPTED for case in before)


async def _show(scene: Scene, event: AnyEvent, subject: str, rule: str) -> None:
    """A case for staff; what the same rule finds about the same person (or room) belongs to the one that is open."""
    if await case_store.open_about(scene.db, kind_of(rule), subject) is None:
        await cases.show(scene, KINDS, f"{kind_of(rule)}/{event.id}", kind_of(rule), subject, event.room)


async def _show_held(scene: Scene, event: AnyEvent, who: str, rule: str) -> None:
    """A case for staff: may they write? Those who look after the place are called, since somebody waits."""
    if await case_store.open_about(scene.db, held(rule), who) is None:
        say = await authority.named(scene.db, scene.config)
        called = say.moderators or scene.config.community.owners
        await cases.show(scene, KINDS, f"{rule}/held/{event.id}", held(rule), who, event.room, called)


def held(rule: str) -> str:
    """What a case is called of somebody whom this protection holds."""
    return f"held/{rule}"


def kind_of(rule: str) -> str:
    """What a case of this protection is called."""
    return f"protection/{rule}"


def _event_of(case: Case) -> str:
    return case.key.removeprefix(f"{case.kind}/")


async def _about(scene: Scene, case: Case) -> Text:
    entry = await ledger.by_event(scene.db, _event_of(case))
    matched = entry.reason if entry and entry.reason else "?"
    room = await rooms.by_id(scene.db, case.subject)
    if room is not None:
        where = {"room": room.room, "alias": room.alias, "name": room.alias or room.key}
        return words("Something goes on in %(room)s: %(matched)s", room=where, matched=matched)
    return words(
        "The protection %(rule)s found something by %(who)s (%(event)s): %(matched)s",
        rule={"code": case.kind.removeprefix("protection/")},
        who={"user": case.subject, "with_id": True},
        event={"event": _event_of(case), "room": case.room},
        matched=matched,
    )


async def _about_held(scene: Scene, case: Case) -> Text:
    event = case.key.rpartition("/held/")[2]
    entry = await ledger.by_event(scene.db, event)
    return words(
        "%(who)s waits for somebody to look at what they wrote (%(event)s): %(matched)s",
        who={"user": case.subject, "with_id": True},
        event={"event": event, "room": case.room},
        matched=entry.reason if entry and entry.reason else "?",
    )


async def _accept(_scene: Scene, _case: Case, _actor: str, _entry: int) -> None:
    """It was right. What else is to be done, staff does by command."""


async def _refuse(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    """It was a false alarm: who can only read since then can write again, and hears that this was a mistake; so does whose words were removed."""
    freed = await holding.free(scene, _event_of(case), entry)
    row = await queue.get(scene.db, f"protect/{_event_of(case)}")
    parts = []
    if row is not None:
        parts.append(words("I took away something that you wrote, and that was a mistake. I am sorry. Please write it again if you like."))  # fmt: skip
    if freed:
        parts.append(words("That you could only read was a mistake. I am sorry. You can write again."))
    if parts:
        key = f"protect/sorry/{_event_of(case)}"
        language = await language_of(scene, case.subject)
        scene.puts.append(Put(Tell(key=key, user=case.subject, text=lines(*parts), language=language), intent=entry))


def _hold_ms(config: Config) -> int:
    told: Any = config.protections
    return int(told.hold_hours) * holding.HOUR_MS


_FOUND = {
    kind_of(name): Kind(
        about=_about,
        question=words(
            "Yes says that this was right, no that it was a false alarm: then whatever it did to somebody ends, and they hear that it was a mistake."
        ),
        accept=_accept,
        refuse=_refuse,
    )
    for name in protections()
    if name != care.CRISIS
}
_HELD = {
    held(name): Kind(
        about=_about_held,
        question=words("Yes lets them write. No leaves it so that they can only read, and takes away what they wrote."),
        accept=holding.let,
        refuse=holding.keep,
        claims=True,
        term_ms=_hold_ms,
    )
    for name in protections()
    if name != care.CRISIS
}

KINDS: Mapping[str, Kind] = {**_FOUND, **_HELD}
"""The kinds of case that protections raise."""


# --- what came of it -----------------------------------------------------------------------------------------------------------------


async def done(scene: Scene, entry: ledger.Entry) -> None:
    """Everything that a finding asked for is settled: the outcome goes into the ledger, and staff hears of what could not be removed."""
    rows = await queue.of_intent(scene.db, entry.id)
    refused = {}
    for row in rows:
        effect = load(row.kind, row.key, row.payload) if row.state == "dead" and row.payload else None
        if isinstance(effect, Redact | Mute):
            refused[effect.room] = row.error or "?"
    await ledger.settle(
        scene.db, entry.id, {"done": sum(row.state != "dead" for row in rows), "refused": refused}, scene.now_ms
    )
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None and refused and entry.event and entry.room:
        text = words(
            "I could not do what a rule asks for (%(event)s; %(rule)s), because the homeserver refused it: %(code)s. Give me the power that I lack there, please.",
            event={"event": entry.event, "room": entry.room},
            rule={"code": entry.rule or "?"},
            code={"code": next(iter(refused.values()))},
        )
        key = f"protect/refused/{entry.event}"
        scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


async def _settled(scene: Scene, entry: ledger.Entry) -> None:
    rows = await queue.of_intent(scene.db, entry.id)
    await ledger.settle(scene.db, entry.id, {"done": sum(row.state == "done" for row in rows)}, scene.now_ms)


INTENT_DONE = {PROTECT: done, **{f"{said} {kind}": _settled for kind in KINDS for said in ("accept", "refuse")}}
"""By the ledger's action: what happens when the last effect of it is settled."""
