"""When somebody gets their digest: begins it, changes it, ends it; never makes one."""

from bridge.config import Config
from bridge.digest import store
from bridge.digest.due import next_run
from bridge.scene import Scene
from bridge.store import due, happened, people
from bridge.store.people import Person
from bridge.words import Text, words

DAY_MS = 24 * 3600 * 1000


def minute_of(person: Person, config: Config) -> int:
    """The minute of the local day at which this person wants their digest."""
    if person.digest_minute is not None:
        return person.digest_minute
    hours, minutes = config.digest.default_time.split(":")
    return int(hours) * 60 + int(minutes)


def zone_of(person: Person, config: Config) -> str:
    """The time zone in which this person lives, as far as we know."""
    return person.zone or config.zone


def weekday_of(person: Person) -> int | None:
    """The weekday of this person's digest, None when it comes every day."""
    return (person.digest_weekday or 0) if person.digest == "weekly" else None


async def begin(
    scene: Scene, user: str, rhythm: str, *, minute: int | None = None, weekday: int | None = None
) -> tuple[int, str]:
    """From now on this person gets a daily or weekly digest; gives the first occasion as (UTC ms, zone).

    What is not said stays as it was. The very first digest looks back one day; after a pause it begins at most one day back, too.
    """
    person = await people.get(scene.db, user)
    wish = Person(
        user=user,
        zone=person.zone,
        digest=rhythm,
        digest_minute=minute_of(person, scene.config) if minute is None else minute,
        digest_weekday=person.digest_weekday if weekday is None else weekday,
    )
    mark = person.digest_mark
    if person.digest == "off":
        mark = max(mark, await happened.seq_before(scene.db, scene.now_ms - DAY_MS))
    await people.change(
        scene.db,
        user,
        digest=rhythm,
        digest_minute=wish.digest_minute,
        digest_weekday=wish.digest_weekday,
        digest_mark=mark,
    )
    zone, at_minute, day = zone_of(wish, scene.config), minute_of(wish, scene.config), weekday_of(wish)
    next_ms, slot = next_run(scene.now_ms, zone, at_minute, day)
    while await store.exists(scene.db, f"{user}/{slot}"):
        next_ms, slot = next_run(scene.now_ms, zone, at_minute, day, after=slot)
    await due.set_next(scene.db, store.DUE, user, next_ms, slot)
    return next_ms, zone


def begun(next_ms: int, zone: str) -> Text:
    """What somebody is told whose digests begin because they follow something; `next_ms` is when the first one comes (UTC ms)."""
    return words(
        "From now on you get a digest every day when there is something new; the first one: %(next)s. %(digest)s changes that.",
        next={"time_ms": next_ms, "zone": zone}, digest={"command": "help digest"},
    )  # fmt: skip


async def end(scene: Scene, user: str) -> bool:
    """No digests any more; False when there were none. What the person follows stays."""
    person = await people.get(scene.db, user)
    # The hour is written down even where it was never chosen: whoever has one has decided about digests, and following does not begin them again.
    await people.change(scene.db, user, digest="off", digest_minute=minute_of(person, scene.config))
    await due.remove(scene.db, store.DUE, user)
    return person.digest != "off"


async def never_decided(scene: Scene, user: str) -> bool:
    """Whether this person has neither had nor refused digests so far."""
    person = await people.get(scene.db, user)
    return person.digest == "off" and person.digest_minute is None
