"""When somebody gets their digest: begins it, changes it, ends it; never makes one."""

from datetime import date, timedelta

from bridge.config import Config
from bridge.daylight import Quiet
from bridge.digest import store
from bridge.digest.due import MORNING, NIGHT, Wall, next_run, outside
from bridge.scene import Scene
from bridge.store import due, happened, people
from bridge.store.db import Connection
from bridge.store.people import Person
from bridge.wall import is_zone, local_date
from bridge.words import Text, words

DAY_MS = 24 * 3600 * 1000

AT_NIGHT = Quiet(NIGHT * 60, MORNING * 60)
"""When who has chosen no quiet hours is told nothing at once. Digests come at the hour that each person wants, at night, too."""

NOWHERE = "UTC"
"""The zone of a community that has said of none that it is theirs."""

NO_HOURS = Quiet(0, 0)
"""What somebody has chosen who wants no quiet hours."""


def minute_of(person: Person, config: Config) -> int:
    """The minute of the local day that this person wants their digest at."""
    if person.digest_minute is not None:
        return person.digest_minute
    hours, minutes = config.digest.default_time.split(":")
    return int(hours) * 60 + int(minutes)


def comes_at(person: Person, config: Config) -> int:
    """The minute of the local day at which their digest comes: the one that they want, or the end of the quiet hours that it lies in."""
    return outside(minute_of(person, config), quiet_of(person))


def quiet_of(person: Person) -> Quiet | None:
    """The hours in which nothing comes to this person unasked, None when they have not chosen any; none at all where they chose to have none."""
    if person.quiet_from is None or person.quiet_until is None:
        return None
    return Quiet(person.quiet_from, person.quiet_until)


def undisturbed(person: Person, config: Config) -> Quiet | None:
    """The hours in which this person is told nothing at once: the quiet ones that they chose, and of who chose nothing, the night.

    None where it is not known when that is: neither they nor the community said where they live.
    """
    chosen = quiet_of(person)
    known = person.zone is not None or config.zone != NOWHERE
    return AT_NIGHT if chosen is None and known else chosen


def zone_of(person: Person, config: Config) -> str:
    """The time zone in which this person lives, as far as we know. One that is no longer in the time zone database is none."""
    return person.zone if person.zone and is_zone(person.zone) else config.zone


def weekday_of(person: Person) -> int | None:
    """The weekday of this person's digest, None when it comes every day."""
    return (person.digest_weekday or 0) if person.digest == "weekly" else None


def wall_of(person: Person, config: Config) -> Wall:
    """By what clock this person's digests come."""
    return Wall(zone_of(person, config), comes_at(person, config), weekday_of(person), quiet_of(person))


def paused_until(person: Person, config: Config, now_ms: int) -> str | None:
    """The local date from which this person's digests come again, None when they are not paused."""
    today = local_date(now_ms, zone_of(person, config))
    return person.digest_pause if person.digest_pause is not None and person.digest_pause > today else None


async def since(db: Connection, person: Person, now_ms: int) -> int:
    """After which `seq` a digest begins that this person is given now: where their last one ended; of who has none, a day ago at most; never more than a month ago."""
    has_one = person.digest != "off" and person.digest_mark
    return max(person.digest_mark, await happened.seq_before(db, now_ms - (store.LOOK_BACK_MS if has_one else DAY_MS)))


async def begin(
    scene: Scene, user: str, rhythm: str, *, minute: int | None = None, weekday: int | None = None
) -> tuple[int, str]:
    """From now on this person gets a daily or weekly digest; gives the first occasion as (UTC ms, zone).

    What is not said stays as it was; a pause does, too. The very first digest looks back one day; of who had none for a while it begins at most
    one day back, too.
    """
    person = await people.get(scene.db, user)
    mark = person.digest_mark
    if person.digest == "off":
        mark = await since(scene.db, person, scene.now_ms)
    await people.change(
        scene.db,
        user,
        digest=rhythm,
        digest_minute=minute_of(person, scene.config) if minute is None else minute,
        digest_weekday=person.digest_weekday if weekday is None else weekday,
        digest_mark=mark,
        digest_rests=None,
        # Whether one covers more than usual is a matter of the rhythm.
        digest_ms=person.digest_ms if person.digest == rhythm else None,
    )
    return await plan(scene, user)


async def plan(scene: Scene, user: str) -> tuple[int, str]:
    """Plan this person's next digest by all that they want now; gives it as (UTC ms, zone). No slot has two, and none comes in a pause."""
    person = await people.get(scene.db, user)
    zone, minute, day = zone_of(person, scene.config), comes_at(person, scene.config), weekday_of(person)
    pause = paused_until(person, scene.config, scene.now_ms)
    used = (date.fromisoformat(pause) - timedelta(days=1)).isoformat() if pause else None
    next_ms, slot = next_run(scene.now_ms, zone, minute, day, after=used)
    while await store.exists(scene.db, f"{user}/{slot}"):
        next_ms, slot = next_run(scene.now_ms, zone, minute, day, after=slot)
    await due.set_next(scene.db, store.DUE, user, next_ms, slot)
    return next_ms, zone


def begun(next_ms: int, zone: str) -> Text:
    """What somebody is told whose digests begin because they follow something; `next_ms` is when the first one comes (UTC ms)."""
    return words(
        "From now on you get a digest every day when there is something new; the first one: %(next)s. %(digest)s changes that.",
        next={"time_ms": next_ms, "zone": zone}, digest={"command": "help digest"},
    )  # fmt: skip


def off_now(person: Person) -> Text | None:
    """What somebody is told besides who follows something although their digests are off: else they would wait for it in vain. None when they come."""
    if person.digest != "off":
        return None
    return words("Your digest is off, though, so you would not hear of it. %(daily)s switches it on.", daily={"command": "digest daily"})  # fmt: skip


async def end(scene: Scene, user: str) -> bool:
    """No digests any more; False when there were none. What the person follows stays."""
    person = await people.get(scene.db, user)
    # The hour is written down even where it was never chosen: whoever has one has decided about digests, and following does not begin them again.
    minute = minute_of(person, scene.config)
    await people.change(scene.db, user, digest="off", digest_minute=minute, digest_pause=None, digest_rests=None)
    await due.remove(scene.db, store.DUE, user)
    return person.digest != "off"


async def never_decided(scene: Scene, user: str) -> bool:
    """Whether this person has neither had nor refused digests so far."""
    person = await people.get(scene.db, user)
    return person.digest == "off" and person.digest_minute is None
