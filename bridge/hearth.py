"""One community's bot: the parts wired together, and the loops over them. Never decides anything itself.

sync loop -> handle (one transaction for one response) -> outbox -> gateway; ticks -> outbox.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge import direct, handle, journal_log, mishaps, speak, welcome
from bridge.clock import Clock
from bridge.config import Config
from bridge.config_file import ConfigError
from bridge.digest import dispatch as digest_dispatch
from bridge.digest import tick as digest_tick
from bridge.effects import CreateRoom, Effect, ReplaceRoom, Send
from bridge.errors import Refused, Unavailable
from bridge.events import Batch
from bridge.matrix.connect import Matrix
from bridge.matrix.private_file import read_private, write_private
from bridge.matrix.sync import batches
from bridge.moderation import dispatch as moderation_dispatch
from bridge.moderation import react as moderation
from bridge.names import NameBook
from bridge.outbox import Outbox, Performed
from bridge.rooms import (
    alarms,
    asked,
    assigning,
    furnish,
    ground,
    joining,
    knocks,
    leaving,
    naming,
    replacing,
    splits,
    substitutes,
    terms_dispatch,
    terms_paid,
    terms_tick,
    terms_wanted,
    uninvited,
)
from bridge.rooms import apply as provisioning
from bridge.rooms import dispatch as rooms_dispatch
from bridge.rooms.ask import forget_silence
from bridge.rooms.build import Outcome, Progress, Site, build, look
from bridge.rooms.decided import carry_out
from bridge.rooms.guard import Hold, holds
from bridge.rooms.model import Change, Desired, Note
from bridge.rooms.plan import forecast, notes, plan
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.schedule import Tick, ticking
from bridge.store import (
    claims,
    community_names,
    confirmations,
    cursors,
    due,
    failures,
    journal,
    ledger,
    people,
    queue,
    settings,
)
from bridge.store import rooms as room_store
from bridge.store.community_names import Sealed
from bridge.store.db import Connection, Database
from bridge.store.errors import StoreUnavailable
from bridge.store.settings import Overlay
from bridge.web.app import application, serve

DAY_MS = 24 * 60 * 60 * 1000
KEEP_DAYS = 60
"""How long we remember which events were handled and which effects done: far longer than a homeserver would send one again."""

PEOPLE = "people"
"""The name under which it stands that those who were in our rooms before the first cursor are written down."""

READ_AT_ONCE = 8
"""So many names are read from the homeserver side by side at the start."""

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
        self._read_again = read_again
        self.clock = clock
        self.database = database
        self.matrix = matrix
        self.me = matrix.user
        self.names = NameBook(names_key(config.data_dir))
        self._names_read = False
        self._reading_names = asyncio.Lock()
        self.troubles = journal_log.Troubles()
        self._fillers: Mapping[type[Effect], Filler] = {
            **speak.fillers(self.direct_room),
            **rooms_dispatch.FILLERS,
            **furnish.FILLERS,
            **leaving.FILLERS,
            **terms_dispatch.FILLERS,
            **digest_dispatch.fillers(self.direct_room),
            **naming.fillers(self.direct_room),
        }
        self.outbox = Outbox(
            database,
            clock,
            self.perform,
            settlers=together(
                speak.SETTLERS,
                direct.SETTLERS,
                welcome.SETTLERS,
                naming.SETTLERS,
                provisioning.SETTLERS,
                rooms_dispatch.SETTLERS,
                furnish.SETTLERS,
                leaving.SETTLERS,
                replacing.SETTLERS,
                uninvited.SETTLERS,
                digest_dispatch.SETTLERS,
                moderation_dispatch.SETTLERS,
                {CreateRoom: _decided_before, ReplaceRoom: _decided_before},
            ),
            intent_done={
                **moderation_dispatch.INTENT_DONE,
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
        return Scene(db, self.config, self.me, self.clock(), self.names)

    async def perform(self, effect: Effect, first_tried_ms: int | None) -> Performed:
        """Prepare an effect and let the gateway do it. What has been in doubt for long is looked for in the room before it is sent again."""
        again = first_tried_ms is not None
        filler = self._fillers.get(type(effect))
        wire: Effect | None = effect
        if filler:
            await self._read_names()
            desk = Desk(
                self.database.reading, self.matrix.gateway, self.names, self.config, self.me, self.clock(), again
            )
            wire = await filler(desk, effect)
        if wire is None:
            return Performed(skipped=True)
        if isinstance(wire, Send) and first_tried_ms is not None and self.clock() - first_tried_ms > IN_DOUBT_MS:
            found = await self.matrix.gateway.already_sent(wire)
            if found:
                return Performed(found)
        return Performed(await self.matrix.gateway.perform(wire, again=again))

    async def direct_room(self, user: str) -> str:
        """The direct room with a person, found or made, and remembered before it is used: also whether it is encrypted, however it came about."""
        async with self.database.reading() as db:
            person = await people.get(db, user)
        gateway = self.matrix.gateway
        room = await gateway.direct_room(user, person.direct_room, encrypted=self.config.matrix.encryption)
        encrypted = await gateway.is_encrypted(room)
        if (room, encrypted) != (person.direct_room, person.direct_encrypted):
            async with self.database.writing() as db:
                await people.change(db, user, direct_room=room, direct_encrypted=encrypted)
        return room

    # --- rooms -----------------------------------------------------------------------------------------------------------------------

    async def plan(self) -> Planned:
        """What the file asks for that is not so yet, down to the last step. Raises Unavailable."""
        wanted = await self.wanted()
        found = await look(await self._site(), wanted)
        steps = forecast(wanted, found.actual)
        return Planned(wanted, steps, notes(wanted, found.actual), holds(wanted, found.actual, steps))

    async def adopt(self, room: str, field: str) -> bool:
        """Take what the room with this key has by hand for what is wanted; False when there is nothing that could be taken. Raises Unavailable."""
        wanted = await self.wanted()
        value = asked.value_of(wanted, (await look(await self._site(), wanted)).actual, room, field)
        if value is not None:
            async with self.database.writing() as db:
                now_ms = self.clock()
                cause = await ledger.write(db, self.me, "adopt", room, field, None, None, None, now_ms)
                await ledger.settle(db, cause, {"done": 1}, now_ms)
                await settings.decide(db, room, field, value, cause, now_ms, is_so=True)
        return value is not None

    async def apply(self, tell: Callable[[Progress], None], *, force: bool = False) -> Outcome:
        """Make it so, with the outbox running meanwhile; what `guard.holds` speaks against only when forced. Raises Unavailable."""
        site = await self._site()
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

    async def _site(self) -> Site:
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
        await self._look_around()
        if since is not None and known is None:
            await self._write_down_who_is_there()  # the very first start was cut off before it came to that
        async with asyncio.TaskGroup() as group:
            group.create_task(self.outbox.run(), name="outbox")
            group.create_task(self._listen(since, ready), name="sync")
            group.create_task(ticking(self.ticks(), self._crashed), name="ticks")
            group.create_task(self.database.watch(), name="database")
            webhook = self.config.membership.webhook if self.config.membership else None
            if webhook:
                hooks = application(self.database, self.clock, webhook)
                group.create_task(serve(hooks, webhook, self.troubles.tell), name="webhook")

    async def _look_around(self) -> None:
        """Learn who is in our rooms, and take up rooms that a crash kept us from writing down."""
        wanted = await self.wanted()
        found = await look(await self._site(), wanted)
        async with self.database.writing() as db:
            await provisioning.record(db, found, plan(wanted, found.actual), self.clock())
            await room_store.retag(db, {room.key: room.tag for room in wanted.rooms})
        for room in (await self.rooms()).values():
            await self._learn_names(room)

    async def _write_down_who_is_there(self) -> None:
        """At the very first start, after the first response: no event will tell of those who came before it, and all who come later are in events."""
        found = await look(await self._site(), await self.wanted())
        async with self.database.writing() as db:
            await provisioning.seed(db, found.members, self.clock(), everywhere=True)
            await cursors.save(db, PEOPLE, "known")

    async def _read_names(self) -> None:
        """Before anybody is named: read the names that people chose for this community, a few at a time. Raises Unavailable."""
        async with self._reading_names:
            if self._names_read:
                return
            async with self.database.reading() as db:
                chosen = await community_names.everybody(db)
            self.names.expect(one.user for one in chosen)
            few = asyncio.Semaphore(READ_AT_ONCE)

            async def read(one: Sealed) -> None:
                async with few:
                    content = await self.matrix.gateway.state_content(one.room or "", naming.NAME) if one.room else None
                name = content.get("name") if content else None
                # In a room of two the other one may write there, too: only what they told us to keep counts.
                if isinstance(name, str) and self.names.seal(name) == one.seal:
                    self.names.call(one.user, name)

            await asyncio.gather(*(read(one) for one in chosen))
            self._names_read = True

    async def _learn_names(self, room: str) -> None:
        try:
            self.names.learn(await self.matrix.gateway.members(room))
        except Refused as error:
            if error.status not in (403, 404):  # else we are out of that room: what was ours goes on without it
                raise

    async def _listen(self, since: str | None, ready: Callable[[], None]) -> None:
        listening = False
        async for batch in batches(self.matrix, since, trouble=lambda words: self.troubles.tell("homeserver", words)):
            self.names.hear(batch.events)
            await self._handled(batch)
            if batch.final and not listening:
                listening = True
                if since is None:
                    await self._write_down_who_is_there()
                journal_log.listening(self.me)
                ready()

    async def _handled(self, batch: Batch) -> None:
        """Handle a batch; a database that is full or away is waited for, since the cursor has not moved."""
        while True:
            try:
                wanted = await handle.handle(
                    self.database, batch, overlay=self.overlay, me=self.me, names=self.names, now_ms=self.clock()
                )
            except StoreUnavailable as error:
                self.troubles.tell("database", type(error).__name__)
                await asyncio.sleep(1)
            else:
                self.troubles.tell("database", None)
                if wanted:
                    self.outbox.wake()
                return

    def ticks(self) -> tuple[Tick, ...]:
        """Everything that happens by the clock."""
        return (
            Tick("digests", 2, self._digests),
            Tick("newcomers", 30, self._newcomers),
            Tick("sanctions", 60 * 60, self._sanctions),
            Tick("leaving", 15, self._leaving),
            Tick("leaving again", 60 * 60, self._leaving_again),
            Tick("rooms", 60 * 60, self._look_at_all_rooms),
            Tick("footing", 2, self._look_at_rooms),
            Tick("memberships", 5, self._memberships),
            Tick("payments", 2, self._payments),
            Tick("expired", 60 * 60, self._expired),
            Tick("replaced", 1, self._finish_replacing),
            Tick("decided", 1, self._build_what_was_decided),
            Tick("asked", 1, self._do_what_was_asked),
            Tick("circles", 30, self._look_after_circles),
            Tick("failures", 60, self._tell_failures),
            Tick("requests", 60 * 60, self._forget_requests),
            Tick("strangers", 10 * 60, self._leave_strangers),
            Tick("assign", 3, self._assign),
            Tick("retention", 6 * 60 * 60, self._forget),
        )

    async def _digests(self) -> None:
        if await digest_tick.tick(self.database.writing, self.clock(), self.config):
            self.outbox.wake()

    async def _newcomers(self) -> None:
        async with self.database.writing() as db:
            scene = self.scene(db)
            await welcome.tick(scene)
            await queue.put(db, scene.puts, scene.now_ms)
        if scene.puts:
            self.outbox.wake()

    async def _sanctions(self) -> None:
        async with self.database.writing() as db:
            scene = self.scene(db)
            await moderation.sweep(scene)
            await queue.put(db, scene.puts, scene.now_ms)
        self.outbox.wake()

    async def _leaving(self, *, again: bool = False) -> None:
        """Who is out of the space leaves its rooms."""
        async with self.database.writing() as db:
            scene = self.scene(db)
            await leaving.sweep(scene, again=again)
            await queue.put(db, scene.puts, scene.now_ms)
        if scene.puts:
            self.outbox.wake()

    async def _leaving_again(self) -> None:
        """Once more where it was refused: somebody may have given us the power since."""
        await self._leaving(again=True)

    async def _look_at_all_rooms(self) -> None:
        async with self.database.writing() as db:
            await ground.look_at_all(db, self.clock())

    async def _look_at_rooms(self) -> None:
        """How we stand in rooms where that may have changed."""
        async with self.database.reading() as db:
            asked = await due.waiting(db, ground.LOOK, self.clock())
        for each in asked:
            try:
                found = await ground.seen(self.matrix.gateway, each.subject, self.me)
            except Unavailable:
                return  # the next time
            async with self.database.writing() as db:
                scene = self.scene(db)
                await ground.tell(scene, each, found)
                await queue.put(db, scene.puts, scene.now_ms)
            if scene.puts:
                self.outbox.wake()

    async def _memberships(self) -> None:
        if await terms_tick.tick(self.database, self.scene):
            self.outbox.wake()

    async def _payments(self) -> None:
        if await terms_paid.tick(self.database, self.scene):
            self.outbox.wake()

    async def _expired(self) -> None:
        if await terms_tick.sweep(self.database, self.scene):
            self.outbox.wake()

    async def _finish_replacing(self) -> None:
        """All that follows when a room goes on in a new one, until nothing of it is left."""
        async with self.database.reading() as db:
            asked = await due.waiting(db, replacing.FINISH, self.clock())
        for each in asked:
            try:
                await self._follow_up(each)
            except Unavailable:
                return  # the next time

    async def _follow_up(self, asked: due.Due) -> None:
        async with self.database.reading() as db:
            ours = await room_store.all_rooms(db)
        old = next((room for room in ours if room.room == asked.subject), None)
        found = await replacing.find(self.matrix.gateway, ours, old, self.me) if old and old.replaced_by else None
        if old is None or found is None:
            return
        async with self.database.writing() as db:
            scene = self.scene(db)
            keys = await replacing.go_on(scene, old, found)
            await queue.put(db, scene.puts, scene.now_ms)
            waits = await replacing.waits(db, keys)
        self.outbox.wake()
        if waits:
            return
        # A new space is a new parent and a new door for every room; any other room concerns only itself.
        everything = {room.key for room in ours if room.replaced_by is None}
        only = everything if old.kind in replacing.SPACES else {found.case.new.key}
        decided = [(key, "entry") for key in only] if old.kind == "space" else ()
        outcome = await build(await self._site(), await self.wanted(), only=only, decided=decided)
        async with self.database.writing() as db:
            scene = self.scene(db)
            await replacing.finish(scene, asked, old, found, [failure.error for failure in outcome.failures])
            await queue.put(db, scene.puts, scene.now_ms)
        self.outbox.wake()

    async def _build_what_was_decided(self) -> None:
        """What commands decided about rooms since the last look."""
        async with self.database.reading() as db:
            pending = await settings.pending(db)
        if pending:
            site, wanted = await self._site(), await self.wanted()
            if await carry_out(site, wanted, pending, self.scene):
                self.outbox.wake()
            async with self.database.writing() as db:  # what could not be is taken back, and with it a tag
                wanted = await terms_wanted.wanted(db, await self.overlay.config(db), self.me)
                await room_store.retag(db, {room.key: room.tag for room in wanted.rooms})

    async def _do_what_was_asked(self) -> None:
        """What staff asked about all rooms since the last look. It may take its time, and everything else goes on meanwhile."""
        async with self.database.reading() as db:
            asks = await settings.asked(db)
        if not asks:
            return
        try:
            await self._do(asks)
        except Unavailable:
            return  # the homeserver is away: we look again at the next tick

    async def _do(self, asks: Sequence[settings.Asked]) -> None:
        site, file, mistakes = await self._site(), self.overlay.file, None
        try:
            if self._read_again:
                again = await asyncio.to_thread(self._read_again)
                file = file.model_copy(update={"community": again.community})  # all else needs a restart
        except ConfigError as error:
            mistakes = error.mistakes
        house = asked.House(site, self.me, file, self.overlay.over, self.overlay.take, self.scene)
        for ask in asks:
            if mistakes:
                await asked.answer(house, ask, asked.mistaken(mistakes), {"done": 0}, done=False)
            else:
                await asked.carry_out(house, ask)

    async def _look_after_circles(self) -> None:
        """Those that nobody looks after, those that are too large, and who stood in for a curator long enough."""
        async with self.database.writing() as db:
            await self.overlay.config(db)
            scene = self.scene(db)
            await substitutes.end(scene)
            await splits.watch(scene)
            await alarms.look(scene)
            wanted = await queue.put(db, scene.puts, scene.now_ms)
        if wanted:
            self.outbox.wake()

    async def _tell_failures(self) -> None:
        async with self.database.writing() as db:
            scene = self.scene(db)
            await mishaps.tell(scene)
            await queue.put(db, scene.puts, scene.now_ms)
        if scene.puts:
            self.outbox.wake()

    async def _assign(self) -> None:
        async with self.database.writing() as db:
            scene = self.scene(db)
            await assigning.sweep(scene)
            await queue.put(db, scene.puts, scene.now_ms)
        if scene.puts:
            self.outbox.wake()

    async def _leave_strangers(self) -> None:
        async with self.database.writing() as db:
            scene = self.scene(db)
            await direct.leave_strangers(scene)
            await knocks.sweep(scene)
            await queue.put(db, scene.puts, scene.now_ms)
        if scene.puts:
            self.outbox.wake()

    async def _crashed(self, _tick: str, error: Exception) -> None:
        async with self.database.writing() as db:
            newest = await failures.newest(db, 1)
            # A tick that crashes every time it rings is one thing to know.
            if not newest or (newest[0].where, newest[0].error) != (failures.place(error), type(error).__name__):
                await failures.record(db, None, None, error, self.clock())

    async def _forget_requests(self) -> None:
        async with self.database.writing() as db:
            await forget_silence(self.scene(db))

    async def _forget(self) -> None:
        before = self.clock() - KEEP_DAYS * DAY_MS
        async with self.database.writing() as db:
            await journal.prune_early(db, before)
            await claims.prune(db, before)
            await confirmations.prune(db, before)
            await queue.prune(db, before)
        await self.database.tidy()


async def _decided_before(scene: Scene, _effect: CreateRoom | ReplaceRoom, state: State, room: str | None) -> None:
    """A new room begins with the sanctions that stand."""
    if state == "done" and room is not None:
        await moderation.room_made(scene, room)


def names_key(folder: Path) -> bytes:
    """The secret by which names are sealed, made at the first start."""
    file = folder / "names-key"
    known = read_private(file)
    if known is None:
        known = secrets.token_hex(32)
        write_private(file, known)
    return known.strip().encode()


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
