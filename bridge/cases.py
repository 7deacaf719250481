"""What waits for staff: shown in the staff room, looked after and settled there by reaction or command. Never decides, and knows a kind of case only by what it is given.

One message in the staff room is one case; when it is settled, the message says by whom and how. What is about somebody of staff is told to others of them,
one by one, and shown to nobody else. A new kind is a `Kind` in `kinds.py`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from bridge.config import Config
from bridge.context import language_of
from bridge.effects import Put, Say, Tell
from bridge.errors import UsageError
from bridge.scene import Scene
from bridge.store import authority, cases, due, ledger, reports, rooms
from bridge.store.cases import ACCEPTED, REFUSED, Case
from bridge.words import Text, in_a_room, lines, words

PROMPT = "case/"
"""How the name of a private question begins that shows a case to somebody; behind it stands its number."""

DEADLINE = "case"
"""What the clock calls it that a case has waited too long."""

FIRST, LATE = "0", "1"
"""The occasions of a deadline: a reminder halfway, and the first time that others are called."""

HOUR_MS = 60 * 60 * 1000

PLEASE = words("Please look at it, and settle it by 👍 or 👎 on the case.")
PLEASE_ALONE = words("Please look at it, or find somebody who does. React with 👍 or 👎 to settle it.")

Decide = Callable[[Scene, Case, str, int], Awaitable[None]]
"""Puts what follows from a decision: the case, who decided, and the ledger row for the effects. UsageError when it cannot be done (any more)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of case: what it is about, in one sentence; what yes and no mean; and what follows from either."""

    about: Callable[[Scene, Case], Awaitable[Text]]
    question: Text
    accept: Decide
    refuse: Decide
    nameless: bool = False
    """Whether nothing may be kept of whom it was about: the ledger names only the case."""
    quotes: bool = False
    """Whether the message shows what its subject wrote when they knocked at its room."""
    claims: bool = False
    """Whether somebody can say that they look after it, before it is settled."""
    term_ms: Callable[[Config], int] | None = None
    """How long it may wait; None: for ever."""
    please: Text = PLEASE
    """What is asked of everybody once it has waited too long."""
    please_alone: Text = PLEASE_ALONE
    """What is asked of the owners then."""
    around: Callable[[Scene, Case], Awaitable[tuple[Text, ...]]] | None = None
    """What else whoever looks at it should know, a line each."""
    barred: Callable[[Scene, Case], Awaitable[Collection[str]]] | None = None
    """Who must not decide it: whom it is about, and who decided what it is about."""


async def show(
    scene: Scene,
    kinds: Mapping[str, Kind],
    key: str,
    kind: str,
    subject: str,
    room: str | None = None,
    mentions: tuple[str, ...] = (),
    *,
    alone: tuple[str, ...] = (),
    words_at: str | None = None,
) -> int | None:
    """Open a case and show it to staff, calling on `mentions`; its number, or None when there was one with this key.

    Shown to `alone`, if these are given, and nowhere else. `words_at` is where to read what was written about it (as in `store.reports`).
    """
    number = await cases.open_case(scene.db, key, kind, subject, room, scene.now_ms, hidden=bool(alone))
    case = await cases.get(scene.db, number) if number is not None else None
    if case is None:
        return number
    await set_deadline(scene, kinds[kind], case)
    staff = await rooms.by_key(scene.db, "staff")
    text = lines(*await _told(scene, kinds[kind], case), kinds[kind].question, _how(kinds[kind], case))
    quoted = (words_at,) if words_at else ()
    for user in alone:
        await tell(scene, case, _key(case), user, text, words_at=quoted)
    if case.hidden or staff is None:
        return number
    shown = Say(
        key=_key(case),
        room=staff.room,
        text=in_a_room(text),
        language=scene.config.language,
        case=case.id,
        mentions=mentions,
        reason_of=_reason_of(kinds[kind], case),
        words_at=quoted,
    )
    scene.puts.append(Put(shown))
    return number


async def show_again(scene: Scene, kinds: Mapping[str, Kind], case: Case, cause: str, news: Text | None = None) -> None:
    """Something about an open case has changed: the message that shows it says so. Of a hidden one the others hear `news`. `cause` names the change."""
    kind, staff = kinds[case.kind], await rooms.by_key(scene.db, "staff")
    about = await _told(scene, kind, case)
    said = await reports.words(scene.db, case.id)
    held = [words("%(who)s looks after this.", who={"user": case.owner})] if case.owner else []
    if case.hidden:
        for user in await confidants(scene, case.subject):
            text = lines(*([news] if news else []), *about, *held, kind.question, _how(kind, case))
            await tell(scene, case, f"{_key(case)}/{cause}", user, text, words_at=said)
    elif staff is not None:
        shown = Say(
            key=f"{_key(case)}/{cause}",
            room=staff.room,
            text=in_a_room(lines(*about, *held, kind.question, _how(kind, case))),
            language=scene.config.language,
            edits=_key(case),
            reason_of=_reason_of(kind, case),
            words_at=said,
        )
        scene.puts.append(Put(shown))


async def tell(
    scene: Scene, case: Case, key: str, user: str, text: Text, intent: int | None = None, words_at: tuple[str, ...] = ()
) -> None:
    """Tell one person about a case, privately; their reaction on it settles it, or says that they look after it."""
    told = Tell(
        key=f"{key}/{user}",
        user=user,
        text=text,
        language=await language_of(scene, user),
        prompt=f"{PROMPT}{case.id}",
        words_at=words_at,
    )
    scene.puts.append(Put(told, intent=intent))


async def confidants(scene: Scene, subject: str) -> tuple[str, ...]:
    """Who is told of a case about somebody of staff: the owners but for that person; where there is no other one, the rest of staff."""
    owners = tuple(user for user in scene.config.community.owners if user != subject)
    say = await authority.current(scene.db, scene.config)
    return owners or tuple(sorted(say.staff - {subject, scene.me}))


async def is_one_of_staff(scene: Scene, user: str) -> bool:
    """Whether somebody reads the staff room, or has a say there: nothing about them is shown in it."""
    return user != scene.me and user in (await authority.current(scene.db, scene.config, user)).staff


async def decide(
    scene: Scene, kinds: Mapping[str, Kind], case: Case, *, yes: bool, actor: str, event: str, room: str
) -> None:
    """Settle a case: write it into the ledger, put what follows, and let its message say so. `event` in `room` is the reaction or command of `actor`.

    UsageError when it was settled before, or cannot be done any more, or not by them; the caller undoes what was written.
    """
    kind = kinds.get(case.kind)
    if kind is not None:
        await _refuse_barred(scene, kind, case, actor)
    if kind is None or not await cases.settle(scene.db, case.id, ACCEPTED if yes else REFUSED, actor, scene.now_ms):
        raise UsageError(words("Case %(number)s is settled already.", number=case.id))
    await due.remove(scene.db, DEADLINE, str(case.id))
    entry = await _write_down(scene, kind, case, f"{'accept' if yes else 'refuse'} {case.kind}", actor, event, room)
    before = len(scene.puts)
    await (kind.accept if yes else kind.refuse)(scene, case, actor, entry)
    if not any(put.intent == entry for put in scene.puts[before:]):
        await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)
    who = {"user": actor}
    await tell_end(
        scene, kinds, case, words("Yes, said %(who)s.", who=who) if yes else words("No, said %(who)s.", who=who)
    )


async def claim(
    scene: Scene, kinds: Mapping[str, Kind], case: Case, owner: str, *, actor: str, event: str, room: str
) -> None:
    """From now on `owner` looks after an open case, says `actor` (themselves, or who hands it over), by `event` in `room`. Its time begins anew.

    UsageError when it is settled, is theirs already, or is about them.
    """
    kind = kinds.get(case.kind)
    if kind is None or case.state != "open":
        raise UsageError(words("Case %(number)s is settled already.", number=case.id))
    for user in dict.fromkeys((actor, owner)):
        await _refuse_barred(scene, kind, case, user)
    if case.owner == owner:
        raise UsageError(words("%(who)s looks after case %(number)s already.", who={"user": owner}, number=case.id))
    await cases.claim(scene.db, case.id, owner, scene.now_ms)
    entry = await _write_down(scene, kind, case, f"claim {case.kind}", actor, event, room)
    await ledger.settle(scene.db, entry, {"owner": owner}, scene.now_ms)
    now = await cases.get(scene.db, case.id) or case
    await set_deadline(scene, kind, now)
    await show_again(scene, kinds, now, event)
    if owner != actor and not (case.hidden and owner in await confidants(scene, case.subject)):
        text = lines(
            words("%(who)s asks you to look after a case.", who={"user": actor}),
            await head(scene, kind, now),
            kind.question,
        )
        await tell(scene, now, f"{_key(case)}/{event}", owner, text)


async def release(scene: Scene, kinds: Mapping[str, Kind], case: Case) -> None:
    """Who looked after an open case has no say any more, so nobody does."""
    await cases.claim(scene.db, case.id, None, scene.now_ms)
    now = await cases.get(scene.db, case.id) or case
    news = words("Nobody looks after case %(number)s any more: %(who)s is not one of staff now.", number=case.id, who={"user": case.owner})  # fmt: skip
    cause = f"free/{case.claimed_ms}"
    await show_again(scene, kinds, now, cause, news)
    if not case.hidden:
        await say(scene, case, f"{cause}/said", news)


async def say(scene: Scene, case: Case, name: str, text: Text, mentions: tuple[str, ...] = ()) -> None:
    """Say something about a case in the staff room, calling on `mentions`; `name` tells it from all else that is said about it."""
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None:
        key = f"{_key(case)}/{name}"
        said = Say(key=key, room=staff.room, text=in_a_room(text), language=scene.config.language, mentions=mentions)
        scene.puts.append(Put(said))


async def close(scene: Scene, kinds: Mapping[str, Kind], case: Case, outcome: str, actor: str, end: Text) -> None:
    """The case has ended by itself; `end` says how, in the place of its question."""
    if await cases.settle(scene.db, case.id, outcome, actor, scene.now_ms):
        await due.remove(scene.db, DEADLINE, str(case.id))
        await tell_end(scene, kinds, case, end)


async def tell_end(scene: Scene, kinds: Mapping[str, Kind], case: Case, end: Text) -> None:
    """The message that shows a case now says how it ended."""
    staff = await rooms.by_key(scene.db, "staff")
    text = lines(await head(scene, kinds[case.kind], case), end)
    key = f"{_key(case)}/end"
    if case.hidden:
        for user in await confidants(scene, case.subject):
            told = Tell(key=f"{key}/{user}", user=user, text=text, language=await language_of(scene, user))
            scene.puts.append(Put(told))
    elif staff is not None:
        said = Say(key=key, room=staff.room, text=in_a_room(text), language=scene.config.language, edits=_key(case))
        scene.puts.append(Put(said))


async def _refuse_barred(scene: Scene, kind: Kind, case: Case, user: str) -> None:
    if kind.barred is not None and user in await kind.barred(scene, case):
        raise UsageError(
            words(
                "Case %(number)s is about %(who)s or about what they decided, so somebody else has to look at it.",
                number=case.id,
                who={"user": user},
            )
        )


async def _write_down(scene: Scene, kind: Kind, case: Case, action: str, actor: str, event: str, room: str) -> int:
    name = f"case {case.id}"
    nameless = kind.nameless or case.hidden
    place = None if case.hidden else room
    return await ledger.write(
        scene.db, actor, action, name if nameless else case.subject, None, name, place, event, scene.now_ms
    )


async def set_deadline(scene: Scene, kind: Kind, case: Case) -> None:
    """The time of an open case begins (anew)."""
    if kind.term_ms is not None:
        term_ms = kind.term_ms(scene.config)
        first = term_ms >= HOUR_MS  # what is urgent needs no reminder
        next_ms = scene.now_ms + (term_ms // 2 if first else term_ms)
        await due.set_next(scene.db, DEADLINE, str(case.id), next_ms, FIRST if first else LATE)


def _reason_of(kind: Kind, case: Case) -> tuple[str, ...]:
    return (case.room, case.subject) if kind.quotes and case.room is not None else ()


def _how(kind: Kind, case: Case) -> Text:
    yes, no = {"command": f"accept {case.id}"}, {"command": f"refuse {case.id}"}
    how = words("React with 👍 or 👎, or write %(yes)s or %(no)s.", yes=yes, no=no)
    if not kind.claims:
        return how
    return lines(how, words("👀 says that you look after it; %(claim)s does the same.", claim={"command": f"claim {case.id}"}))  # fmt: skip


async def _told(scene: Scene, kind: Kind, case: Case) -> tuple[Text, ...]:
    """What a case is about, and what is around it."""
    return (await head(scene, kind, case), *(await kind.around(scene, case) if kind.around else ()))


async def head(scene: Scene, kind: Kind, case: Case) -> Text:
    """What a case is about, with its number."""
    return words("**Case %(number)s:** %(about)s", number=case.id, about=await kind.about(scene, case))


def _key(case: Case) -> str:
    """The name of the message that shows it."""
    return f"case/{case.id}"
