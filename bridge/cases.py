"""What waits for staff: shown in the staff room, settled there by reaction or command. Never decides, and knows a kind of case only by what it is given.

One message in the staff room is one case; when it is settled, the message says by whom and how. A new kind is a `Kind` in `kinds.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bridge.effects import Put, Say
from bridge.errors import UsageError
from bridge.scene import Scene
from bridge.store import cases, ledger, rooms
from bridge.store.cases import ACCEPTED, REFUSED, Case
from bridge.words import Text, in_a_room, lines, words

PROMPT = "case/"
"""How the name of a private question begins that shows a case to somebody; behind it stands its number."""

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


async def show(
    scene: Scene,
    kinds: Mapping[str, Kind],
    key: str,
    kind: str,
    subject: str,
    room: str | None = None,
    mentions: tuple[str, ...] = (),
) -> int | None:
    """Open a case and show it to staff, calling on `mentions`; its number, or None when there was one with this key."""
    number = await cases.open_case(scene.db, key, kind, subject, room, scene.now_ms)
    case = await cases.get(scene.db, number) if number is not None else None
    staff = await rooms.by_key(scene.db, "staff")
    if case is None or staff is None:
        return number
    yes, no = {"command": f"accept {case.id}"}, {"command": f"refuse {case.id}"}
    text = lines(
        await _head(scene, kinds[kind], case),
        kinds[kind].question,
        words("React with 👍 or 👎, or write %(yes)s or %(no)s.", yes=yes, no=no),
    )
    reason_of = (room, subject) if kinds[kind].quotes and room is not None else ()
    shown = Say(
        key=_key(case),
        room=staff.room,
        text=in_a_room(text),
        language=scene.config.language,
        case=case.id,
        mentions=mentions,
        reason_of=reason_of,
    )
    scene.puts.append(Put(shown))
    return number


async def decide(
    scene: Scene, kinds: Mapping[str, Kind], case: Case, *, yes: bool, actor: str, event: str, room: str
) -> None:
    """Settle a case: write it into the ledger, put what follows, and let its message say so. `event` in `room` is the reaction or command of `actor`.

    UsageError when it was settled before, or cannot be done any more; the caller undoes what was written.
    """
    kind = kinds.get(case.kind)
    if kind is None or not await cases.settle(scene.db, case.id, ACCEPTED if yes else REFUSED, actor, scene.now_ms):
        raise UsageError(words("Case %(number)s is settled already.", number=case.id))
    action = f"{'accept' if yes else 'refuse'} {case.kind}"
    entry = await ledger.write(
        scene.db,
        actor,
        action,
        f"case {case.id}" if kind.nameless else case.subject,
        None,
        f"case {case.id}",
        room,
        event,
        scene.now_ms,
    )
    before = len(scene.puts)
    await (kind.accept if yes else kind.refuse)(scene, case, actor, entry)
    if not any(put.intent == entry for put in scene.puts[before:]):
        await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)
    who = {"user": actor}
    await tell_end(
        scene, kinds, case, words("Yes, said %(who)s.", who=who) if yes else words("No, said %(who)s.", who=who)
    )


async def close(scene: Scene, kinds: Mapping[str, Kind], case: Case, outcome: str, actor: str, end: Text) -> None:
    """The case has ended by itself; `end` says how, in the place of its question."""
    if await cases.settle(scene.db, case.id, outcome, actor, scene.now_ms):
        await tell_end(scene, kinds, case, end)


async def tell_end(scene: Scene, kinds: Mapping[str, Kind], case: Case, end: Text) -> None:
    """The message that shows a case now says how it ended."""
    staff = await rooms.by_key(scene.db, "staff")
    if staff is not None:
        text = in_a_room(lines(await _head(scene, kinds[case.kind], case), end))
        key = f"{_key(case)}/end"
        said = Say(key=key, room=staff.room, text=text, language=scene.config.language, edits=_key(case))
        scene.puts.append(Put(said))


async def _head(scene: Scene, kind: Kind, case: Case) -> Text:
    return words("**Case %(number)s:** %(about)s", number=case.id, about=await kind.about(scene, case))


def _key(case: Case) -> str:
    """The name of the message that shows it."""
    return f"case/{case.id}"
