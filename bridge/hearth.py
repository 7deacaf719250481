"""One community's bot: the parts wired together, and the loops over them. Never decides anything itself.

sync loop -> handle (one transaction for one response) -> outbox -> gateway; ticks -> outbox.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bridge import direct, handle, journal_log, no_chat, speak, voice, welcome
from bridge.clock import Clock
from bridge.config import Config
from bridge.digest import calls, touched
from bridge.digest import dispatch as digest_dispatch
from bridge.effects import (
    Call,
    Copy,
    CopyFile,
    CreateRoom,
    Deliver,
    EditCopy,
    Effect,
    Hand,
    ReplaceRoom,
    Say,
    Send,
    Tell,
    Unsay,
)
from bridge.events import Batch, Reacted
from bridge.known_names import KnownNames, names_key
from bridge.matrix.connect import Matrix
from bridge.matrix.sync import batches
from bridge.moderation import appeals, care, findings, publishing
from bridge.moderation import dispatch as moderation_dispatch
from bridge.moderation import react as moderation
from bridge.names import NameBook
from bridge.outbox import Outbox, Performed
from bridge.rooms import apply as provisioning
from bridge.rooms import (
    demoting,
    furnish,
    joining,
    knocks,
    leaving,
    naming,
    replacing,
    terms_dispatch,
    terms_wanted,
    uninvited,
    unread,
    untold,
    widening,
)
from bridge.rooms import dispatch as rooms_dispatch
from bridge.rooms.adopt_told import kept_for
from bridge.rooms.build import Outcome, Progress, Site, build, look
from bridge.rooms.forecast import forecast
from bridge.rooms.guard import Hold, holds
from bridge.rooms.model import Change, Desired, Note
from bridge.rooms.plan import notes, plan
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.schedule import Tick, ticking
from bridge.store import (
    cursors,
    ledger,
    people,
    settings,
)
from bridge.store import rooms as room_store
from bridge.store.db import Connection, Database
from bridge.store.errors import StoreUnavailable
from bridge.store.settings import Overlay
from bridge.store.watched import Watched
from bridge.ticks import all_ticks, record_crash
from bridge.web.app import application, serve
from bridge.words import Text

DAY_MS = 24 * 60 * 60 * 1000
KEEP_DAYS = 60
"""How long we remember which events were handled and which effects done: far longer than a homeserver would send one again."""

PEOPLE = "people"
"""The name under which it stands that those who were in our rooms before the first cursor are written down."""

READ_AT_ONCE = 8
"""So many names are read from the homeserver side by side at the start."""

FILE_AT_ONCE_SECONDS = 15
"""So long a copy waits for its file, and with it all that comes after it in that room."""

FILE_SECONDS = 240
"""So long a file is waited for that could not be had at once."""

BREATHS, BREATH_SECONDS = 300, 0.05
"""While much of moderation goes out we do not listen: what we do ourselves comes back as events, and to tell us of four bans takes a homeserver as long as one more.

But not for long: among what we would hear may be somebody who is in danger. To ask in the middle of it does not make them heard sooner: that answer takes seconds then.
"""

LAST_BREATHS = 10
"""So many of these are for the last few, among which may be one that takes long."""

WORDS, WORDS_SECONDS = frozenset(kind.__name__ for kind in (Say, Tell, Deliver, Call, Hand)), 2.0
"""Under what we say people react, and they can be quicker than our own homeserver's answer to us: so long we wait to know what they react to."""

MUCH = 16
"""So many wishes at once may be the beginning of that."""

IN_DOUBT_MS = 20 * 60 * 60 * 1000
"""A homeserver remembers our transaction ids for a day; after this long we look whether a message is there already."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What applying the file would change, what a person should know, and why it would need a second word."""

    wanted: Desired
    changes: tuple[Change, ...]
    notes: tuple[Note, ...]
    holds: tuple[Hold, ...]


class Hearth:
    """One community's bot: the parts, and the loops over them."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        database: Database,
        matrix: Matrix,
        read_again: Callable[[], Config] | None = None,
    ) -> None:
        """Wire the parts; see `opened`. `read_again` reads the file anew, for staff who ask for `plan` and `apply`; it raises ConfigError."""
        self.overlay = Overlay(config)
        self.read_again = read_again
        self.clock = clock
        self.database = database
        self.matrix = matrix
        self.me = matrix.user
        self.made: dict[str, Mapping[str, Any]] = {}
        self.names = NameBook(names_key(config.data_dir))
        self._known = KnownNames(self.names, database, matrix.gateway)
        self.troubles = journal_log.Troubles()
        self.caught_up = asyncio.Event()
        """Whether all that happened until a moment ago is known: not so at a start, nor while the homeserver is away."""
        self.watched = Watched()
        self._fillers: Mapping[type[Effect], Filler] = {
            **speak.fillers(self.direct_room),
            **rooms_dispatch.FILLERS,
            **furnish.FILLERS,
            **leaving.FILLERS,
            **terms_dispatch.FILLERS,
            **voice.FILLERS,
            **demoting.FILLERS,
            **moderation_dispatch.FILLERS,
            **digest_dispatch.fillers(self.direct_room, self.caught_up.is_set),
            **naming.fillers(self.direct_room),
            **unread.fillers(self.direct_room),
        }
        self.outbox = Outbox(
            database,
            clock,
            self.perform,
            settlers=together(
                speak.SETTLERS,
                direct.SETTLERS,
                welcome.SETTLERS,
                no_chat.SETTLERS,
                naming.SETTLERS,
                provisioning.SETTLERS,
                rooms_dispatch.SETTLERS,
                furnish.SETTLERS,
                leaving.SETTLERS,
                replacing.SETTLERS,
                uninvited.SETTLERS,
                widening.SETTLERS,
                untold.SETTLERS,
                digest_dispatch.SETTLERS,
                touched.SETTLERS,
                calls.SETTLERS,
                moderation_dispatch.SETTLERS,
                publishing.SETTLERS,
                {CreateRoom: _decided_before, ReplaceRoom: _decided_before},
            ),
            intent_done={
                **moderation_dispatch.INTENT_DONE,
                **findings.INTENT_DONE,
                **publishing.INTENT_DONE,
                **care.INTENT_DONE,
                **appeals.INTENT_DONE,
                **demoting.INTENT_DONE,
                **joining.INTENT_DONE,
                **knocks.INTENT_DONE,
                **terms_dispatch.INTENT_DONE,
            },
            scene=self.scene,
        )

    @property
    def config(self) -> Config:
        """The configuration that holds now: the file, and what commands decided since."""
        return self.overlay.current

    def scene(self, db: Connection) -> Scene:
        """What a shell is given: this open transaction, and our side of the world."""
        return Scene(db, self.config, self.me, self.clock(), self.names, watched=self.watched)

    async def perform(self, effect: Effect, first_tried_ms: int | None) -> Performed:
        """Prepare an effect and let the gateway do it. What has been in doubt for long is looked for in the room before it is sent again."""
        again = first_tried_ms is not None
        filler = self._fillers.get(type(effect))
        wire: Effect | None = effect
        if filler:
            await self._known.read()
            desk = Desk(
                self.database.reading, self.matrix.gateway, self.names, self.config, self.me, self.clock(), again
            )
            wire = await filler(desk, effect)
            if isinstance(wire, Send) and wire.files:
                seconds = FILE_SECONDS if isinstance(effect, CopyFile) else FILE_AT_ONCE_SECONDS
                brought = await self.matrix.gateway.bring(wire, seconds)
                if isinstance(effect, CopyFile):
                    return Performed(skipped=brought == "later")
                wire = brought if isinstance(brought, Send) else await filler(replace(desk, lacking=brought), effect)
                # What an earlier try may have said stands, whatever this one says: it may have had to do without the file.
                if (brought == "later" or again) and isinstance(effect, Copy | EditCopy):
                    effect = replace(effect, lacking=True)
        if wire is None or isinstance(wire, CopyFile):
            return Performed(skipped=wire is None)
        since_ms = effect.since_ms if isinstance(effect, Unsay) else first_tried_ms
        in_doubt = since_ms is not None and self.clock() - since_ms > IN_DOUBT_MS
        if isinstance(wire, Send) and (in_doubt or wire.once):
            found = await self.matrix.gateway.already_sent(wire)
            if found:
                return Performed(found)
        return Performed(await self.matrix.gateway.perform(wire, again=again), effect=effect)

    async def direct_room(self, user: str, *, insist: bool = False) -> str:
        """The direct room with a person, found or made, and remembered before it is used: also whether it is encrypted, however it came about.

        `insist`: also with who left such rooms twice.
        """
        async with self.database.reading() as db:
            person = await people.get(db, user)
        gateway = self.matrix.gateway
        encryption = self.config.matrix.encryption
        room = await gateway.direct_room(user, person.direct_room, encrypted=encryption, insist=insist)
        encrypted = await gateway.is_encrypted(room)
        if (room, encrypted) != (person.direct_room, person.direct_encrypted):
            async with self.database.writing() as db:
                await people.change(db, user, direct_room=room, direct_encrypted=encrypted)
        return room

    # --- rooms -----------------------------------------------------------------------------------------------------------------------

    async def plan(self) -> Planned:
        """What the file asks for that is not so yet, down to the last step. Raises Unavailable."""
        wanted = await self.wanted()
        found = await look(await self.site(), wanted)
        steps = forecast(wanted, found.actual)
        return Planned(wanted, steps, notes(wanted, found.actual), holds(wanted, found.actual, steps))

    async def adopt(self, room: str, field: str) -> tuple[bool, Text]:
        """Take what the room with this key has by hand for what is wanted: whether there was something to take, and what to say of it. Raises Unavailable."""
        wanted = await self.wanted()
        value, told = kept_for(wanted, (await look(await self.site(), wanted)).actual, room, field)
        if value is not None:
            async with self.database.writing() as db:
                now_ms = self.clock()
                cause = await ledger.write(db, self.me, "adopt", room, field, None, None, None, now_ms)
                await ledger.settle(db, cause, {"done": 1}, now_ms)
                await settings.decide(db, room, field, value, cause, now_ms, is_so=True)
        return value is not None, told

    async def apply(self, tell: Callable[[Progress], None], *, force: bool = False) -> Outcome:
        """Make it so, with the outbox running meanwhile; what `guard.holds` speaks against only when forced. Raises Unavailable."""
        site = await self.site()
        outbox = asyncio.create_task(self.outbox.run())
        building = asyncio.create_task(build(site, await self.wanted(), tell, force=force))
        try:
            await asyncio.wait({outbox, building}, return_when=asyncio.FIRST_COMPLETED)
            if not building.done():
                outbox.result()  # it never ends by itself, so this raises what ended it
            return await building
        finally:
            outbox.cancel()
            building.cancel()
            await asyncio.gather(outbox, building, return_exceptions=True)

    async def wanted(self) -> Desired:
        """What should exist, by the configuration that holds now. What people whose membership ends may not do for now is left out."""
        async with self.database.reading() as db:
            return await terms_wanted.wanted(db, await self.overlay.config(db), self.me)

    async def rooms(self) -> dict[str, str]:
        """The id of every room of ours by its key."""
        async with self.database.reading() as db:
            return {room.key: room.room for room in await room_store.in_use(db)}

    async def site(self) -> Site:
        """Where rooms are built, and which version the homeserver makes by default. Raises Unavailable."""
        answer = await self.matrix.client.request("GET", "/capabilities")
        version = answer.get("capabilities", {}).get("m.room_versions", {}).get("default", "10")
        return Site(
            self.database, self.matrix.gateway, self.clock, self.outbox.wake, str(version), lambda: self.outbox.pace
        )

    # --- running ---------------------------------------------------------------------------------------------------------------------

    async def run(self, *, ready: Callable[[], None] = lambda: None) -> None:
        """Listen, act, and look at the clock, until cancelled. `ready` is called once everything that came before the start is handled."""
        for number, note in enumerate(self.matrix.notes):
            self.troubles.tell(f"start {number + 1}", note)
        async with self.database.reading() as db:
            since = await cursors.load(db, handle.SYNC)
            known = await cursors.load(db, PEOPLE)
            await self.overlay.config(db)
            await self.watched.absorb(db)
        await self._look_around()
        if since is not None and known is None:
            await self._write_down_who_is_there()  # the very first start was cut off before it came to that
        async with asyncio.TaskGroup() as group:
            group.create_task(self.outbox.run(), name="outbox")
            group.create_task(self._listen(since, ready), name="sync")
            group.create_task(ticking(self.ticks(), partial(record_crash, self)), name="ticks")
            group.create_task(self.database.watch(), name="database")
            webhook = self.config.membership.webhook if self.config.membership else None
            if webhook:
                hooks = application(self.database, self.clock, webhook)
                group.create_task(serve(hooks, webhook, self.troubles.tell), name="webhook")

    def ticks(self) -> tuple[Tick, ...]:
        """Everything that happens by the clock."""
        return all_ticks(self)

    async def _look_around(self) -> None:
        """Learn who is in our rooms, and take up rooms that a crash kept us from writing down."""
        wanted = await self.wanted()
        found = await look(await self.site(), wanted)
        async with self.database.writing() as db:
            await provisioning.record(db, found, plan(wanted, found.actual), self.clock())
            await room_store.retag(db, {room.key: room.tag for room in wanted.rooms})
        for room in (await self.rooms()).values():
            await self._known.learn(room)

    async def _write_down_who_is_there(self) -> None:
        """At the very first start, after the first response: no event will tell of those who came before it, and all who come later are in events."""
        found = await look(await self.site(), await self.wanted())
        async with self.database.writing() as db:
            await provisioning.seed(db, found.members, self.clock(), everywhere=True)
            await cursors.save(db, PEOPLE, "known")

    async def _listen(self, since: str | None, ready: Callable[[], None]) -> None:
        listening = False
        async for batch in batches(self.matrix, since, trouble=self._in_trouble):
            self.names.hear(batch.events)
            # The very first response tells all rooms that we are in, whether or not anything happened there.
            if listening or since is not None:
                await self._known.meet(batch.joined)
            wanted = await self._handled(batch)
            if batch.final:
                self.caught_up.set()
                await self._breathe(wanted)
            if batch.final and not listening:
                listening = True
                if since is None:
                    await self._write_down_who_is_there()
                journal_log.listening(self.me)
                ready()

    async def _breathe(self, wanted: int) -> None:
        """Let the outbox be as long as it does much of moderation at once, but not for longer than fifteen seconds. `wanted` was put just now."""
        if wanted >= MUCH:
            await asyncio.sleep(BREATH_SECONDS)
        last = LAST_BREATHS if self.outbox.rushing else 0
        for _ in range(BREATHS):
            if not (last and self.outbox.urgent):
                return
            last -= not self.outbox.rushing
            await asyncio.sleep(BREATH_SECONDS)

    def _in_trouble(self, words: str | None) -> None:
        if words is not None:
            self.caught_up.clear()
        self.troubles.tell("homeserver", words)

    async def _handled(self, batch: Batch) -> int:
        """Handle a batch; a database that is full or away is waited for, since the cursor has not moved. How much is newly wanted."""
        if any(isinstance(event, Reacted) and event.sender != self.me for event in batch.events):
            await self.outbox.settled(WORDS, WORDS_SECONDS)
        while True:
            try:
                wanted = await handle.handle(
                    self.database,
                    batch,
                    overlay=self.overlay,
                    me=self.me,
                    names=self.names,
                    now_ms=self.clock(),
                    watched=self.watched,
                )
            except StoreUnavailable as error:
                self.troubles.tell("database", type(error).__name__)
                await asyncio.sleep(1)
            else:
                self.troubles.tell("database", None)
                if wanted:
                    self.outbox.wake()
                return wanted


async def _decided_before(scene: Scene, _effect: CreateRoom | ReplaceRoom, state: State, room: str | None) -> None:
    """A new room begins with the sanctions that stand."""
    if state == "done" and room is not None:
        await moderation.room_made(scene, room)


def together(*tables: Mapping[type[Effect], Settler]) -> Mapping[type[Effect], Settler]:
    """One table of settlers: where several areas care for one kind of effect, each gets its turn, in this order."""
    merged: dict[type[Effect], list[Settler]] = {}
    for table in tables:
        for kind, settler in table.items():
            merged.setdefault(kind, []).append(settler)
    return {kind: _one_after_another(settlers) for kind, settlers in merged.items()}


def _one_after_another(settlers: Iterable[Settler]) -> Settler:
    found = tuple(settlers)

    async def settle(scene: Scene, effect: Effect, state: State, result: str | None) -> None:
        for settler in found:
            await settler(scene, effect, state, result)

    return settle
