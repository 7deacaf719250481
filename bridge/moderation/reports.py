"""What members report: each becomes a case for staff, and what is told by several is one. Writes wishes, never decides on a measure, never says from whom it came.

A report about somebody of staff is told to others of staff alone; one about somebody's danger of life calls people at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from bridge import cases
from bridge.cases import Kind
from bridge.config import Config
from bridge.context import language_of
from bridge.effects import Put, Redact, Tell
from bridge.emoji import emoji
from bridge.errors import UsageError
from bridge.events import Reacted
from bridge.moderation import background, care, model, reporters
from bridge.moderation.model import CRISIS_REPORT, HARM_REPORT, OTHER_REPORT, REPORTS
from bridge.scene import Scene
from bridge.store import authority, journal, ledger, people, reports, rooms
from bridge.store import cases as store
from bridge.store.cases import Case
from bridge.words import Text, lines, words, words_n

Grade = Literal["crisis", "harm", "other"]
"""How urgent it is: danger of life, somebody is being hurt, anything else."""

NAMES: Mapping[Grade, str] = {"crisis": CRISIS_REPORT, "harm": HARM_REPORT, "other": OTHER_REPORT}
"""The kind of case for each."""

REPORT = "report"
"""What the ledger calls it. The row names neither who told us nor whom it is about."""

MOST_WAITING = 20
"""Somebody of whose reports so many wait is asked to speak with a person instead."""

MINUTE_MS = 60_000

_URGENT: Mapping[str, Grade] = {"🆘": "crisis", "‼": "harm"}


@dataclass(frozen=True, slots=True)
class About:
    """Whom a report is about, and which message of theirs, if it is about one: its room and event id."""

    user: str
    room: str | None = None
    event: str | None = None


async def take(
    scene: Scene, reporter: str, about: About, grade: Grade, *, cause: str, words_at: str | None = None
) -> Case | None:
    """Somebody told us of this: a case is opened, or joined. Gives the case while it waits; None when it was looked at before.

    `cause` is the event id or the like by which they did, `words_at` where to read what they wrote. UsageError, in words for them, when nobody could look at it.
    """
    case = await _known(scene, about, grade)
    if case is not None and case.state != "open":
        return None
    if case is None:
        case = await _opened(scene, reporter, about, grade, cause, words_at)
        await reports.add(scene.db, case.id, reporter, words_at, scene.now_ms)
    else:
        await _joined(scene, reporter, case, grade, cause, words_at)
    entry = await ledger.write(scene.db, scene.me, REPORT, f"case {case.id}", None, grade, None, None, scene.now_ms)
    await ledger.settle(scene.db, entry, {"done": 1}, scene.now_ms)
    await reporters.thank(scene, case, reporter, cause, urgent=grade == "crisis")
    return case


async def _known(scene: Scene, about: About, grade: Grade) -> Case | None:
    """The case that there is about this already: of a message in whatever state, unless it is more urgent than what was settled; of a person the open one."""
    if grade == "crisis" and (cry := await store.open_about(scene.db, care.CRISIS, about.user)):
        return cry
    if about.event is not None:
        case = await store.by_key(scene.db, f"{MESSAGE}{about.event}")
        return await store.by_key(scene.db, _anew(case, grade)) if case and _is_worse(case, grade) else case
    for kind in REPORTS:
        case = await store.open_about(scene.db, kind, about.user)
        if case is not None and case.key.startswith(PERSON):
            return case
    return None


MESSAGE, PERSON = "report/message/", "report/person/"
"""How the key of a case begins; behind it stands the message's event id, or by what we were told of a person."""


def _is_worse(case: Case, grade: Grade) -> bool:
    """Whether this is more urgent than what was settled."""
    return case.state != "open" and REPORTS.index(NAMES[grade]) < REPORTS.index(case.kind)


def _anew(case: Case, grade: Grade) -> str:
    """The key of the case that looks again at what was settled before."""
    return f"{MESSAGE}{grade}/{event_of(case)}"


async def _opened(scene: Scene, reporter: str, about: About, grade: Grade, cause: str, words_at: str | None) -> Case:
    if await reports.waiting_of(scene.db, reporter) >= MOST_WAITING:
        raise UsageError(words("So many of your reports wait already that I take no more for now. Please write to a moderator, if something is urgent."))  # fmt: skip
    hidden = await cases.is_one_of_staff(scene, about.user)
    alone = await cases.confidants(scene, about.user) if hidden else ()
    if hidden and not alone:
        raise UsageError(words("There is nobody but them who could look at that. Please speak about it with somebody whom you trust."))  # fmt: skip
    key = f"{MESSAGE}{about.event}" if about.event else f"{PERSON}{cause}"
    before = await store.by_key(scene.db, key)
    key = _anew(before, grade) if before is not None else key
    say = await authority.named(scene.db, scene.config)
    called = (say.moderators or scene.config.community.owners) if grade != "other" else ()
    number = await cases.show(
        scene, KINDS, key, NAMES[grade], about.user, about.room, called, alone=alone, words_at=words_at
    )
    case = cast("Case", await store.get(scene.db, number or 0))  # its key is new
    if grade == "crisis" and not hidden:
        await _call_curators(scene, case)
    return case


async def _joined(scene: Scene, reporter: str, case: Case, grade: Grade, cause: str, words_at: str | None) -> None:
    """One more who tells the same: staff sees the number, and what they wrote. A more urgent grade than before holds from now on."""
    new = await reports.add(scene.db, case.id, reporter, words_at, scene.now_ms)
    more = case.kind in REPORTS and REPORTS.index(NAMES[grade]) < REPORTS.index(case.kind)
    if more:
        await _raise(scene, case, grade)
    if (new or more) and case.kind in REPORTS:
        await cases.show_again(scene, KINDS, await store.get(scene.db, case.id) or case, f"more/{cause}")


async def _raise(scene: Scene, case: Case, grade: Grade) -> None:
    """It is more urgent than it seemed: its time is shorter from now on, and people are called."""
    await store.change_kind(scene.db, case.id, NAMES[grade])
    now = await store.get(scene.db, case.id) or case
    await cases.set_deadline(scene, KINDS[now.kind], now)
    if case.hidden:
        return  # all whom it may be shown to are told by its new words
    say = await authority.named(scene.db, scene.config)
    called = say.moderators or scene.config.community.owners
    await cases.say(scene, now, f"urgent/{grade}", words("Case %(number)s is more urgent than it seemed.", number=now.id), called)  # fmt: skip
    if grade == "crisis":
        await _call_curators(scene, now)


async def _call_curators(scene: Scene, case: Case) -> None:
    room = await rooms.by_id(scene.db, case.room or "")
    text = lines(await cases.head(scene, KINDS[case.kind], case), KINDS[case.kind].question, care.PLEASE_ALONE)
    for curator in await care.curators_of(scene, case.subject, room.key if room else ""):
        await cases.tell(scene, case, f"case/{case.id}/curator", curator, text)


# --- by reaction ---------------------------------------------------------------------------------------------------------------------


async def react(scene: Scene, event: Reacted) -> None:
    """The reaction that reports, on a message in a room of ours: it is taken away at once, so that few see from whom it came. And an answer to our thanks."""
    if event.sender == scene.me or event.marked:
        return
    sign = emoji(event.key)
    if sign is not None and sign in _URGENT:
        await _urgent(scene, event, _URGENT[sign])
    if sign is None or sign != emoji(scene.config.reports.emoji):
        return
    room = await rooms.by_id(scene.db, event.room)
    about = await seen_by(scene, event.sender, event.target) if room is not None else None
    if about is None:
        return
    scene.puts.append(Put(Redact(key=f"report/{event.id}", room=event.room, event=event.id)))
    before = len(scene.puts)
    try:
        async with scene.db.begin_nested():
            if await take(scene, event.sender, about, "other", cause=event.id) is None:
                await tell(scene, event.sender, event.id, LOOKED_AT)
    except UsageError as error:
        del scene.puts[before:]
        await tell(scene, event.sender, event.id, error)


LOOKED_AT = words("Thank you. We have looked at that already.")
"""What somebody hears who tells us of what is settled."""


async def _urgent(scene: Scene, event: Reacted, grade: Grade) -> None:
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or prompt.user != event.sender or not prompt.kind.startswith(reporters.PROMPT):
        return
    case = await store.get(scene.db, int(prompt.kind.removeprefix(reporters.PROMPT)))
    if case is not None and case.state == "open" and case.kind in REPORTS:
        if REPORTS.index(NAMES[grade]) < REPORTS.index(case.kind):
            await _raise(scene, case, grade)
            await cases.show_again(scene, KINDS, await store.get(scene.db, case.id) or case, f"more/{event.id}")
        await tell(scene, event.sender, event.id, words("I have called people at once. Thank you."))


async def tell(scene: Scene, user: str, cause: str, said: Text | UsageError) -> None:
    """Whoever told us something hears this; `cause` is by what they did."""
    text = cast("Text", said.text) if isinstance(said, UsageError) else said
    told = Tell(key=f"report/{cause}/told", user=user, text=text, language=await language_of(scene, user))
    scene.puts.append(Put(told))


async def seen_by(scene: Scene, user: str, event: str) -> About | None:
    """What a message of our rooms is that this person can see: whose, and where; of a copy of ours its source. None when there is none, or it is ours."""
    post = await journal.post(scene.db, event)
    if post is None or post.room not in await people.rooms_of(scene.db, user):
        return None
    if post.author != scene.me:
        return About(post.author, post.room, event)
    return await of_copy(scene, event)


async def of_copy(scene: Scene, copy: str) -> About | None:
    """What this message of ours is a copy of, so that whoever reports the one or the other reports the same; None when it is no copy."""
    found = await reports.source(scene.db, copy)
    post = await journal.post(scene.db, found[0]) if found else None
    return About(found[1], post.room, found[0]) if found and post else None


# --- the case ------------------------------------------------------------------------------------------------------------------------


def event_of(case: Case) -> str | None:
    """The message that it is about, or None."""
    return f"${case.key.partition('$')[2]}" if case.key.startswith(MESSAGE) else None


async def _about(scene: Scene, case: Case) -> Text:
    now = await store.get(scene.db, case.id)
    if case.kind == CRISIS_REPORT and (now is None or now.state != "open"):
        return words("Somebody told me of danger to life.")
    who = {"user": case.subject, "with_id": True}
    event = event_of(case)
    if event is None:
        return words("Somebody told me of %(who)s: %(what)s.", who=who, what=_what(case))
    link = {"event": event, "room": case.room}
    return words("Somebody told me of what %(who)s wrote (%(event)s): %(what)s.", who=who, event=link, what=_what(case))


def _what(case: Case) -> Text:
    match case.kind:
        case model.CRISIS_REPORT:
            return words("somebody may be in danger of their life")
        case model.HARM_REPORT:
            return words("somebody is being hurt")
        case _:
            return words("something should not be")


async def _around(scene: Scene, case: Case) -> tuple[Text, ...]:
    """What whoever looks at it should know: how many told us, what the message is part of, and what was with this person before."""
    number = await reports.number(scene.db, case.id)
    several = (words_n("%(count)s person told me of it.", "%(count)s people told me of it.", number),) if number > 1 else ()  # fmt: skip
    around = await background.message(scene, event_of(case))
    return (*several, *around, *await background.person(scene, case))


async def _end(scene: Scene, case: Case, _actor: str, _entry: int) -> None:
    """What else is to be done, staff does by command; who told us hears what came of it. Of danger of life nothing is kept."""
    await reporters.tell_outcome(scene, case)
    if case.kind == CRISIS_REPORT:
        await store.forget(scene.db, case.id)


async def barred(_scene: Scene, case: Case) -> frozenset[str]:
    """Whom it is about does not decide it."""
    return frozenset({case.subject})


def _term_ms(grade: Grade) -> Callable[[Config], int]:
    def term_ms(config: Config) -> int:
        waits = config.reports
        minutes = {"crisis": waits.crisis_minutes, "harm": waits.harm_hours * 60, "other": waits.other_hours * 60}
        return minutes[grade] * MINUTE_MS

    return term_ms


def _kind(grade: Grade) -> Kind:
    crisis = grade == "crisis"
    question = (
        words("Please look, and write to them now if it is so. Yes says that you are with them, no that all is well. Who told me hears that, and nothing more.")
        if crisis
        else words("Please look at it, and do what is needed. Yes says that you did something about it, no that nothing is to be done. Who told me hears that, and nothing more.")
    )  # fmt: skip
    more: dict[str, Any] = {"please": care.PLEASE, "please_alone": care.PLEASE_ALONE} if crisis else {}
    return Kind(
        about=_about, question=question, accept=_end, refuse=_end, nameless=crisis, claims=True, around=_around,
        term_ms=_term_ms(grade), barred=barred, **more,
    )  # fmt: skip


KINDS: Mapping[str, Kind] = {NAMES[grade]: _kind(grade) for grade in NAMES}
"""The kinds of case that members raise."""
