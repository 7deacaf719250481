"""The commands `digest ...`: one now, how often, at what time, none; never chooses what is in one."""

from bridge.arguments import LocalTime, Weekday
from bridge.commands import command
from bridge.context import Context
from bridge.digest import rhythm, store
from bridge.digest.make import Turn, choose, look, write
from bridge.errors import UsageError
from bridge.store import due, happened, people
from bridge.words import Text, lines, words, words_n


@command(examples=("digest",))
async def digest(ctx: Context) -> Text:
    """See when your digest comes.

    A digest is one message with what is new among the people, tags, circles and threads that you follow. When nothing is new, none comes.
    """
    person = await people.get(ctx.db, ctx.sender)
    pending = await due.get(ctx.db, "digest", ctx.sender)
    if person.digest == "off" or pending is None:
        return words(
            "Your digest is off. %(daily)s or %(weekly)s switches it on; %(now)s gives you one at once.",
            daily={"command": "digest daily"}, weekly={"command": "digest weekly"}, now={"command": "digest now"},
        )  # fmt: skip
    return _set(ctx, person, pending.next_ms)


@command(examples=("digest now",))
async def digest_now(ctx: Context) -> Text | None:
    """Get a digest at once; the regular one comes all the same."""
    person = await people.get(ctx.db, ctx.sender)
    waiting = await store.waiting(ctx.db, ctx.sender)
    since_seq = waiting.since_seq if waiting else await rhythm.since(ctx.db, person, ctx.scene.now_ms)
    turn = Turn(ctx.sender, f"{ctx.sender}/now/{ctx.event.id}", since_seq, None, person.digest_most)
    until_seq = await happened.newest_seq(ctx.db)
    mine = await people.rooms_of(ctx.db, ctx.sender)
    what = await look(ctx.db, turn.since_seq, until_seq, ctx.config, ctx.scene.now_ms, rooms=mine)
    chosen = await choose(ctx.db, [turn], what, ctx.config)
    if await write(ctx.db, chosen, ctx.scene.now_ms):
        return None
    if chosen.crashed:
        raise UsageError(words("That did not work, and the people who look after me know. Please try again later."))
    return words("Nothing new among what you follow. %(follows)s shows what that is.", follows={"command": "follows"})


@command(examples=("digest daily", "digest daily 8:30"))
async def digest_daily(ctx: Context, time: LocalTime | None = None) -> Text:
    """Get a digest every day."""
    return await _begin(ctx, "daily", time)


@command(examples=("digest weekly", "digest weekly monday 18:00"))
async def digest_weekly(ctx: Context, day: Weekday | None = None, time: LocalTime | None = None) -> Text:
    """Get a digest every week."""
    return await _begin(ctx, "weekly", time, day)


@command(examples=("digest at 18:00",))
async def digest_at(ctx: Context, time: LocalTime) -> Text:
    """Choose the hour at which your digest comes."""
    person = await people.get(ctx.db, ctx.sender)
    return await _begin(ctx, "weekly" if person.digest == "weekly" else "daily", time, pause=person.digest_pause)


@command(examples=("digest off",))
async def digest_off(ctx: Context) -> Text:
    """Get no more digests. What you follow is kept."""
    if await rhythm.end(ctx.scene, ctx.sender):
        return words("No more digests from now on. What you follow is kept; %(daily)s brings them back.", daily={"command": "digest daily"})  # fmt: skip
    return words("Your digest is off already.")


async def _begin(
    ctx: Context, how: str, time: LocalTime | None, day: Weekday | None = None, *, pause: str | None = None
) -> Text:
    await people.change(ctx.db, ctx.sender, digest_pause=pause)
    next_ms, _ = await rhythm.begin(
        ctx.scene,
        ctx.sender,
        how,
        minute=time.minute if time is not None else None,
        weekday=int(day) if day is not None else None,
    )
    return _set(ctx, await people.get(ctx.db, ctx.sender), next_ms)


def _set(ctx: Context, person: people.Person, next_ms: int) -> Text:
    at = {"minute": rhythm.comes_at(person, ctx.config)}
    zone = rhythm.zone_of(person, ctx.config)
    weekday = rhythm.weekday_of(person)
    if weekday is None:
        how = words("Your digest comes every day at %(at)s (%(zone)s).", at=at, zone=zone)
    else:
        how = words("Your digest comes every %(day)s at %(at)s (%(zone)s).", day={"weekday": weekday}, at=at, zone=zone)
    few = person.digest_most
    if few is not None:
        how = lines(
            how, words_n("It shows %(count)s conversation at most.", "It shows %(count)s conversations at most.", few)
        )
    paused = rhythm.paused_until(person, ctx.config, ctx.scene.now_ms) is not None
    end = words("It pauses until then; %(daily)s ends that.", daily={"command": f"digest {person.digest}"})
    following = words("The next one: %(next)s.", next={"time_ms": next_ms, "zone": zone})
    return lines(how, following, end) if paused else lines(how, following)
