"""Carries out what staff asks about all rooms, while Hearth runs: plan, apply, adopt; and answers in the staff room. Never decides anything itself.

It may be killed at any point: what was not written down as done is done again, and a plan that was carried out halfway is carried out to its end.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from bridge.config import Config
from bridge.context import language_of, later_answer
from bridge.effects import Put, Say
from bridge.rooms import terms_wanted
from bridge.rooms.adopt_told import kept_for
from bridge.rooms.build import Outcome, Progress, Site, build, look
from bridge.rooms.diff import Row, in_numbers, rows, why
from bridge.rooms.forecast import forecast
from bridge.rooms.guard import Hold, holds
from bridge.rooms.model import Change, Desired, Note
from bridge.rooms.plan import notes
from bridge.rooms.tell import explain
from bridge.scene import Scene
from bridge.store import ledger, queue, settings
from bridge.store.db import Connection
from bridge.store.settings import Asked
from bridge.words import Text, in_a_room, lines, words, words_n

ON_A_PAGE = 25
"""So many changes are one message."""
PATIENCE_MS = 30_000
"""What takes longer than this says how far it is, and again every minute."""
MINUTE_MS = 60_000
MOST_REFUSED = 10


@dataclass(frozen=True, slots=True)
class House:
    """What is needed here: where it is built, our own id, the file as it stands now, and how it is made the one that holds.

    `overlaid` gives the configuration with what commands decided over the file.
    """

    site: Site
    me: str
    file: Config
    overlaid: Callable[[Connection, Config], Awaitable[Config]]
    take: Callable[[Connection, Config], Awaitable[None]]
    scene_in: Callable[[Connection], Scene]

    async def wanted(self) -> Desired:
        """What should exist."""
        async with self.site.database.reading() as db:
            return await terms_wanted.wanted(db, await self.overlaid(db, self.file), self.me)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is said to who asked, what the ledger keeps of it, and whether all went well."""

    text: Text
    outcome: Mapping[str, Any]
    done: bool = True


async def carry_out(house: House, ask: Asked) -> None:
    """Do one thing that was asked for, and answer. Raises Unavailable when the homeserver cannot be read; then it is tried again later."""
    match ask.what:
        case "plan":
            said = await _plan(house, int(ask.value))
        case "apply":
            said = await _apply(house, ask, force=bool(ask.value))
        case _:
            said = await _adopt(house, ask, *ask.value)
    await answer(house, ask, said.text, said.outcome, done=said.done)


async def answer(house: House, ask: Asked, text: Text, outcome: Mapping[str, Any], *, done: bool = True) -> None:
    """What was asked for is done: write down what came of it, and tell who asked."""
    async with house.site.database.writing() as db:
        scene = house.scene_in(db)
        await settings.applied(db, [ask.id], scene.now_ms)
        await ledger.settle(db, ask.cause, outcome, scene.now_ms)
        entry = await ledger.get(db, ask.cause)
        if entry and entry.event and entry.room:
            scene.puts += await later_answer(scene, entry.event, entry.room, entry.actor, text, done=done)
        await queue.put(db, scene.puts, scene.now_ms)
    house.site.wake()


def mistaken(mistakes: Sequence[object]) -> Text:
    """The file cannot be used, and why."""
    named = [Text("- %(mistake)s", {"mistake": {"code": str(each)}}) for each in mistakes]
    return lines(words("The configuration cannot be used like this, so I go on with what I read before:"), *named)


# --- plan ----------------------------------------------------------------------------------------------------------------------------


async def _plan(house: House, page: int) -> _Answer:
    wanted = await house.wanted()
    actual = (await look(house.site, wanted)).actual
    steps = forecast(wanted, actual)
    text = planned(wanted, steps, notes(wanted, actual), holds(wanted, actual, steps), page)
    return _Answer(text, {"steps": len(steps)})


def planned(
    wanted: Desired, steps: tuple[Change, ...], told: tuple[Note, ...], reasons: tuple[Hold, ...], page: int
) -> Text:
    """A plan in words, one page of it (the first is 1)."""
    shown = rows(wanted, steps)
    pages = max(1, -(-len(shown) // ON_A_PAGE))
    page = min(max(page, 1), pages)
    if not shown:
        return lines(words("Nothing to change: the rooms are as they should be."), *map(explain, told))
    parts = [words("This is what %(apply)s would do:", apply={"command": "apply"})]
    for key, changed in groupby(shown[(page - 1) * ON_A_PAGE : page * ON_A_PAGE], key=lambda row: row.key):
        parts += [Text("**%(room)s**", {"room": key}), *(_line(row) for row in changed)]
    if page < pages:
        following = {"command": f"plan {page + 1}"}
        parts.append(words("Page %(page)s of %(pages)s; %(next)s shows the next.", page=page, pages=pages, next=following))  # fmt: skip
        return lines(*parts)
    parts.append(words("In all: %(numbers)s.", numbers={"list": list(in_numbers(steps))}))
    parts += [explain(note) for note in told]
    if reasons:
        parts += [words("%(apply)s will ask for a second word:", apply={"command": "apply"}), *_reasons(reasons)]
    return lines(*parts)


def _line(row: Row) -> Text:
    what = {"code": f"{row.sign} {row.text}"}
    if row.by is None:
        return Text("- %(what)s", {"what": what})
    who = {"user": row.by}
    if row.field is None:
        return words("- %(what)s (done by hand, by %(who)s)", what=what, who=who)
    keep = {"command": f"adopt {row.key} {row.field}"}
    return words("- %(what)s (done by hand, by %(who)s; %(keep)s keeps it)", what=what, who=who, keep=keep)


def _reasons(reasons: tuple[Hold, ...]) -> list[Text]:
    return [Text("- %(reason)s", {"reason": why(hold)}) for hold in reasons]


# --- apply ---------------------------------------------------------------------------------------------------------------------------


async def _apply(house: House, ask: Asked, *, force: bool) -> _Answer:
    wanted = await house.wanted()
    actual = (await look(house.site, wanted)).actual
    reasons = () if force else holds(wanted, actual, forecast(wanted, actual))
    if reasons:
        return _Answer(refused(reasons), {"done": 0, "held": [hold.about for hold in reasons]}, done=False)
    async with house.site.database.writing() as db:
        await house.take(db, house.file)
    told = _Told(house, ask)
    outcome = await build(house.site, wanted, told.hear, force=force, pause=told.pause)
    failures = {each.key: each.error for each in outcome.failures}
    return _Answer(applied(outcome), {"done": outcome.done, "refused": failures}, done=not failures)


def refused(reasons: tuple[Hold, ...]) -> Text:
    """Why nothing was done."""
    return lines(
        words("I have not done anything yet, because this needs a second word:"),
        *_reasons(reasons),
        words("If all of that is meant, write %(force)s.", force={"command": "apply force"}),
    )


def applied(outcome: Outcome) -> Text:
    """What came of it."""
    told = [explain(note) for note in outcome.notes]
    if outcome.holds:
        force = {"command": "apply force"}
        told += [
            words("Left undone, because this needs a second word (%(force)s):", force=force),
            *_reasons(outcome.holds),
        ]
    if outcome.delayed:
        told.append(words_n("%(count)s invite waits for a server that does not answer. I go on trying.", "%(count)s invites wait for servers that do not answer. I go on trying.", outcome.delayed))  # fmt: skip
    if not outcome.failures:
        if not outcome.done and not outcome.delayed:
            return lines(words("Nothing to change: the rooms are as they should be."), *told)
        return lines(words_n("That is done: %(count)s step.", "That is done: %(count)s steps.", outcome.done), *told)
    named = [
        Text("- %(key)s: %(code)s", {"key": {"code": each.key}, "code": {"code": each.error}})
        for each in outcome.failures[:MOST_REFUSED]
    ]
    total = outcome.done + len(outcome.failures)
    head = words("%(done)s of %(total)s steps are done; the homeserver refused these:", done=outcome.done, total=total)
    values = {"check": {"code": "hearth check"}, "apply": {"command": "apply"}}
    more = words("%(check)s on Hearth's machine says more; then write %(apply)s again.", **values)
    return lines(head, *named, *told, more)


class _Told:
    """Says in the staff room how far it is: not before it has taken its time, and once a minute in one and the same message."""

    def __init__(self, house: House, ask: Asked) -> None:
        self.house, self.ask = house, ask
        self.next_ms = house.site.clock() + PATIENCE_MS
        self.progress: Progress | None = None

    def hear(self, progress: Progress) -> None:
        """This is how far it is."""
        self.progress = progress

    async def pause(self) -> None:
        """Wait a moment, and tell if it is time."""
        now_ms = self.house.site.clock()
        if self.progress and now_ms >= self.next_ms:
            self.next_ms = now_ms + MINUTE_MS
            await self._say(self.progress, now_ms)
        await asyncio.sleep(0.2)

    async def _say(self, progress: Progress, now_ms: int) -> None:
        async with self.house.site.database.writing() as db:
            scene = self.house.scene_in(db)
            entry = await ledger.get(db, self.ask.cause)
            if entry is None or entry.event is None or entry.room is None:
                return
            first = f"progress/{entry.event}"
            again = await queue.get(db, first) is not None
            said = Say(
                key=f"{first}/{now_ms // MINUTE_MS}" if again else first,
                room=entry.room,
                text=in_a_room(how_far(progress)),
                language=await language_of(scene, entry.actor),
                reply_to=entry.event,
                edits=first if again else None,
            )
            await queue.put(db, [Put(said)], now_ms)
        self.house.site.wake()


def how_far(progress: Progress) -> Text:
    """How far it is and how long the rest takes, in words."""
    values = {"rooms": progress.rooms, "of_rooms": progress.of_rooms, "done": progress.done, "total": progress.total}
    here = words("%(rooms)s of %(of_rooms)s rooms are there, %(done)s of %(total)s steps are done.", **values)
    parts = [here]
    if progress.left_ms:
        whole = -(-progress.left_ms // MINUTE_MS) * MINUTE_MS
        parts.append(words("It takes about %(time)s more.", time={"duration_ms": whole}))
    if progress.limited:
        check = {"code": "hearth check"}
        parts.append(words("The homeserver lets me do only so much at a time; %(check)s on Hearth's machine tells how to lift that.", check=check))  # fmt: skip
    return lines(*parts)


# --- adopt ---------------------------------------------------------------------------------------------------------------------------


async def _adopt(house: House, ask: Asked, key: str, field: str) -> _Answer:
    wanted = await house.wanted()
    actual = (await look(house.site, wanted)).actual
    value, told = kept_for(wanted, actual, key, field)
    if value is None:
        return _Answer(told, {"done": 0}, done=False)
    async with house.site.database.writing() as db:
        await settings.decide(db, key, field, value, ask.cause, house.site.clock(), is_so=True)
    return _Answer(told, {"done": 1})
