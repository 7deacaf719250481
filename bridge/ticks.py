"""Everything that Hearth does by the clock; never decides what: each tick asks an area, in a transaction, and what it wishes goes into the outbox."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bridge import direct, kinds, mishaps, welcome
from bridge.config_file import ConfigError
from bridge.digest import at_once
from bridge.digest import tick as digest_tick
from bridge.errors import Refused, Unavailable
from bridge.moderation import button, care, ends, late, listening, progress, protect, publishing, sweeping
from bridge.moderation import react as moderation
from bridge.rooms import (
    alarms,
    ask,
    asked,
    assigning,
    decided,
    demoting,
    echoes,
    forgetting,
    ground,
    knocks,
    leaving,
    left_out,
    offers,
    replacing,
    share_leaving,
    splits,
    substitutes,
    terms_paid,
    terms_tick,
    terms_wanted,
    widening,
)
from bridge.rooms.build import build
from bridge.scene import Scene
from bridge.schedule import Tick
from bridge.store import attention, claims, confirmations, due, failures, journal, policies, queue, settings, shut_out
from bridge.store import rooms as room_store

if TYPE_CHECKING:
    from bridge.hearth import Hearth

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60
DAY_MS = DAY * 1000
KEEP_DAYS = 60
"""How long we remember which events were handled and which effects done: far longer than a homeserver would send one again."""


CATCH_UP_SECONDS = 20
"""So long a look at the digests waits for what is still to be heard; then the next look does."""


def all_ticks(hearth: "Hearth") -> tuple[Tick, ...]:
    """Everything that happens by the clock, with its interval in seconds."""

    def simple(name: str, seconds: float, *looks: Callable[[Scene], Awaitable[None]]) -> Tick:
        return Tick(name, seconds, partial(_look, hearth, looks))

    def larger(name: str, seconds: float, do: Callable[["Hearth"], Awaitable[None]]) -> Tick:
        return Tick(name, seconds, partial(do, hearth))

    return (
        larger("digests", 2, _digests),
        larger("at once", 2, _at_once),
        larger("clocks", DAY, _clocks),
        simple("newcomers", 5, welcome.tick),
        simple("assign", 3, assigning.sweep),
        simple("cases", 10, kinds.tick),
        larger("report button", 30, _reports),
        simple("help lines", 6 * HOUR, care.remind),
        simple("repeats", 10 * MINUTE, protect.tick),
        simple("sanctions", HOUR, moderation.sweep),
        simple("sanctions end", 5, ends.tick),
        larger("lists", 2, _lists),
        simple("published", 2, publishing.look),
        simple("server lists", 2, publishing.servers),
        larger("progress", 5, _progress),
        larger("redactions", 1, _redactions),
        simple("leaving", 15, leaving.sweep),
        simple("leaving again", HOUR, leaving.sweep_all),
        larger("rooms", HOUR, _look_at_all_rooms),
        larger("footing", 2, _look_at_rooms),
        simple("named", 2, demoting.tick),
        larger("memberships", 5, _memberships),
        larger("payments", 2, _payments),
        larger("expired", HOUR, _expired),
        larger("forget me", 1, _forget_people),
        larger("replaced", 1, _finish_replacing),
        larger("decided", 1, _build_what_was_decided),
        larger("asked", 1, _do_what_was_asked),
        simple("circles", 30, substitutes.end, splits.watch, alarms.look),
        simple("failures", MINUTE, mishaps.tell),
        simple("requests", HOUR, ask.forget_silence, offers.forget_silence, echoes.forget),
        simple("gone", HOUR, share_leaving.sweep, widening.sweep),
        simple("widening", 3, widening.look),
        simple("left out", 20, left_out.sweep),
        simple("strangers", 10 * MINUTE, direct.leave_strangers, knocks.sweep),
        larger("retention", 6 * HOUR, _forget),
    )


async def record_crash(hearth: "Hearth", _tick: str, error: Exception) -> None:
    """A tick crashed: staff hears of it as of every mistake of ours. One that crashes every time it rings is one thing to know."""
    async with hearth.database.writing() as db:
        newest = await failures.newest(db, 1)
        if not newest or (newest[0].where, newest[0].error) != (failures.place(error), type(error).__name__):
            await failures.record(db, None, None, error, hearth.clock())


async def _look(hearth: "Hearth", looks: Sequence[Callable[[Scene], Awaitable[None]]]) -> None:
    """Let an area look at what is so now, in one transaction."""
    async with hearth.database.writing() as db:
        await hearth.overlay.config(db)
        scene = hearth.scene(db)
        for look in looks:
            await look(scene)
        await queue.put(db, scene.puts, scene.now_ms)
    if scene.puts:
        hearth.outbox.wake()


async def _progress(hearth: "Hearth") -> None:
    held = dict(hearth.outbox.pace.held)
    await _look(hearth, (partial(progress.tick, held=held),))


async def _redactions(hearth: "Hearth") -> None:
    if await sweeping.tick(hearth.database, hearth.matrix.gateway, hearth.scene):
        hearth.outbox.wake()


async def _reports(hearth: "Hearth") -> None:
    """What people of our own homeserver reported by their client's own button."""
    if hearth.matrix.reports is None:
        return
    try:
        if await button.tick(hearth.database, hearth.matrix.reports, hearth.scene):
            hearth.outbox.wake()
        hearth.troubles.tell("report button", None)
    except Unavailable:
        return  # the next time
    except Refused as error:
        hearth.troubles.tell(
            "report button",
            f"the homeserver gives no list of reports ({error.errcode}): reports.admin_token has to be that of an administrator",
        )


async def _lists(hearth: "Hearth") -> None:
    wanted = await listening.tick(hearth.database, hearth.matrix.gateway, hearth.scene)
    async with hearth.database.reading() as db:
        await hearth.watched.absorb(db)
    if wanted:
        hearth.outbox.wake()


async def _at_once(hearth: "Hearth") -> None:
    if await at_once.tick(hearth.database, hearth.clock(), hearth.config):
        hearth.outbox.wake()


async def _digests(hearth: "Hearth") -> None:
    # After an outage one digest is to cover it: what happened meanwhile is heard of first, however long the homeserver is away.
    try:
        async with asyncio.timeout(CATCH_UP_SECONDS):
            await hearth.caught_up.wait()
    except TimeoutError:
        return
    if await digest_tick.tick(hearth.database, hearth.clock(), hearth.config):
        hearth.outbox.wake()


async def _clocks(hearth: "Hearth") -> None:
    await digest_tick.set_clocks(hearth.database, hearth.clock(), hearth.config)


async def _look_at_all_rooms(hearth: "Hearth") -> None:
    async with hearth.database.writing() as db:
        await ground.look_at_all(db, hearth.clock())


async def _look_at_rooms(hearth: "Hearth") -> None:
    """How we stand in rooms where that may have changed."""
    async with hearth.database.reading() as db:
        waiting = await due.waiting(db, ground.LOOK, hearth.clock())
    eyes = ground.Eyes(hearth.matrix.gateway, hearth.me, hearth.made)
    for each in waiting:
        try:
            found = await eyes.seen(each.subject)
        except Unavailable:
            return  # the next time
        async with hearth.database.writing() as db:
            scene = hearth.scene(db)
            await ground.tell(scene, each, found)
            await queue.put(db, scene.puts, scene.now_ms)
        if scene.puts:
            hearth.outbox.wake()


async def _memberships(hearth: "Hearth") -> None:
    if await terms_tick.tick(hearth.database, hearth.scene):
        hearth.outbox.wake()


async def _payments(hearth: "Hearth") -> None:
    if await terms_paid.tick(hearth.database, hearth.scene):
        hearth.outbox.wake()


async def _expired(hearth: "Hearth") -> None:
    if await terms_tick.sweep(hearth.database, hearth.scene):
        hearth.outbox.wake()


async def _forget_people(hearth: "Hearth") -> None:
    try:
        if await forgetting.tick(hearth.database, hearth.scene, hearth.matrix.gateway):
            hearth.outbox.wake()
    except Unavailable:
        return  # the next time


async def _finish_replacing(hearth: "Hearth") -> None:
    """All that follows when a room goes on in a new one, until nothing of it is left."""
    async with hearth.database.reading() as db:
        waiting = await due.waiting(db, replacing.FINISH, hearth.clock())
    for each in waiting:
        try:
            await _follow_up(hearth, each)
        except Unavailable:
            return  # the next time


async def _follow_up(hearth: "Hearth", occasion: due.Due) -> None:
    async with hearth.database.reading() as db:
        ours = await room_store.all_rooms(db)
    old = next((room for room in ours if room.room == occasion.subject), None)
    found = await replacing.find(hearth.matrix.gateway, ours, old, hearth.me) if old and old.replaced_by else None
    if old is None or found is None:
        return
    async with hearth.database.writing() as db:
        scene = hearth.scene(db)
        keys = await replacing.go_on(scene, old, found)
        await queue.put(db, scene.puts, scene.now_ms)
        waits = await replacing.waits(db, keys)
    hearth.outbox.wake()
    if waits:
        return
    # A new space is a new parent and a new door for every room; any other room concerns only itself.
    everything = {room.key for room in ours if room.replaced_by is None}
    only = everything if old.kind in replacing.SPACES else {found.case.new.key}
    doors = [(key, "entry") for key in only] if old.kind == "space" else ()
    outcome = await build(await hearth.site(), await hearth.wanted(), only=only, decided=doors)
    async with hearth.database.writing() as db:
        scene = hearth.scene(db)
        await replacing.finish(scene, occasion, old, found, [failure.error for failure in outcome.failures])
        await queue.put(db, scene.puts, scene.now_ms)
    hearth.outbox.wake()


async def _build_what_was_decided(hearth: "Hearth") -> None:
    """What commands decided about rooms since the last look."""
    async with hearth.database.reading() as db:
        pending = await settings.pending(db)
    if not pending:
        return
    if await decided.carry_out(await hearth.site(), await hearth.wanted(), pending, hearth.scene):
        hearth.outbox.wake()
    async with hearth.database.writing() as db:  # what could not be is taken back, and with it a tag
        wanted = await terms_wanted.wanted(db, await hearth.overlay.config(db), hearth.me)
        await room_store.retag(db, {room.key: room.tag for room in wanted.rooms})


async def _do_what_was_asked(hearth: "Hearth") -> None:
    """What staff asked about all rooms since the last look. It may take its time, and everything else goes on meanwhile."""
    async with hearth.database.reading() as db:
        asks = await settings.asked(db)
    if not asks:
        return
    try:
        await _do(hearth, asks)
    except Unavailable:
        return  # the homeserver is away: we look again at the next tick


async def _do(hearth: "Hearth", asks: Sequence[settings.Asked]) -> None:
    site, file, mistakes = await hearth.site(), hearth.overlay.file, None
    try:
        if hearth.read_again:
            again = await asyncio.to_thread(hearth.read_again)
            file = file.model_copy(
                update={"community": again.community, "protections": again.protections}
            )  # all else needs a restart
    except ConfigError as error:
        mistakes = error.mistakes
    house = asked.House(site, hearth.me, file, hearth.overlay.over, hearth.overlay.take, hearth.scene)
    for each in asks:
        if mistakes:
            await asked.answer(house, each, asked.mistaken(mistakes), {"done": 0}, done=False)
        else:
            await asked.carry_out(house, each)


async def _forget(hearth: "Hearth") -> None:
    before = hearth.clock() - KEEP_DAYS * DAY_MS
    async with hearth.database.writing() as db:
        await journal.prune_early(db, before)
        await attention.prune(db, before)
        await claims.prune(db, before)
        await policies.prune(db)
        await shut_out.prune(db, hearth.clock() - late.WATCHED_MS)
        await confirmations.prune(db, before)
        await queue.prune(db, before)
    await hearth.database.tidy()
