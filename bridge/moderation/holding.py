"""A protection lets somebody only read: for a time, or until staff has looked. Writes wishes, never decides that it is needed.

In Matrix nothing can be held back before it is seen, so what is held is that they write on. Each ends by itself, also when nobody looks.
"""

from typing import Any

from bridge.context import language_of
from bridge.effects import Put, Redact, Tell
from bridge.moderation import enforce, measures, store
from bridge.moderation.model import MUTE, Act, Finding
from bridge.scene import Scene
from bridge.store import journal, ledger, people, rooms
from bridge.store.cases import Case
from bridge.words import Text, lines, words

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
PROTECT = "protect"
"""What the ledger calls it that a protection does something."""

_NO_PLACE = ("staff", "space", "district")


async def mute(scene: Scene, who: str, rule: str, finding: Finding, entry: int) -> None:
    """Let somebody only read everywhere, for as long as the configuration says. Whoever is muted already stays as they are."""
    standing = await store.standing(scene.db, MUTE)
    if any(enforce.is_one(each) and each.target == who and not each.scope for each in standing):
        return
    told: Any = scene.config.protections
    until_ms = scene.now_ms + told.mute_minutes * MINUTE_MS
    await measures.take(scene, MUTE, "user", who, f"protection: {rule}", entry, until_ms=until_ms)
    parts = [
        words("For now you can read in our rooms, and not write: %(matched)s.", matched=finding.matched),
        await _until(scene, who, until_ms),
        words("A rule of this community asks me to (%(rule)s). If that was a mistake, %(appeal)s lets somebody look at it.", rule={"code": rule}, appeal={"command": "appeal"}),
    ]  # fmt: skip
    await _tell(scene, who, f"protect/muted/{entry}", lines(*parts), entry)


async def hold(scene: Scene, who: str, rule: str, finding: Finding, entry: int) -> None:
    """Let somebody only read in the rooms where they are, until staff has looked; and tell them kindly."""
    told: Any = scene.config.protections
    until_ms = scene.now_ms + told.hold_hours * HOUR_MS
    held = {each.scope for each in await store.standing(scene.db, MUTE) if enforce.is_one(each) and each.target == who}
    if "" in held:
        return
    mine = set(await people.rooms_of(scene.db, who))
    for room in await rooms.in_use(scene.db):
        if room.room in mine and room.kind not in _NO_PLACE and room.key not in held:
            await measures.take(scene, MUTE, "user", who, f"protection: {rule}", entry, scope=room.key, until_ms=until_ms)  # fmt: skip
    if Act.REDACT in finding.acts:
        what = words("I took away what you wrote for now. Once somebody has looked, please write it again.")
    else:
        what = words("What you wrote stands there, and everybody can read it.")
    parts = [
        words("Welcome! A person of ours looks before you write on: %(matched)s. Until then you can read, and not write.", matched=finding.matched),
        what,
        await _until(scene, who, until_ms),
        words("If you are in need, write to me here: then people are called at once."),
    ]  # fmt: skip
    await _tell(scene, who, f"protect/held/{entry}", lines(*parts), entry)


async def _until(scene: Scene, who: str, until_ms: int) -> Text:
    zone = (await people.get(scene.db, who)).zone or scene.config.zone
    return words("At the latest this ends by itself: %(when)s.", when={"time_ms": until_ms, "zone": zone})


async def _tell(scene: Scene, who: str, key: str, text: Text, entry: int | None) -> None:
    scene.puts.append(Put(Tell(key=key, user=who, text=text, language=await language_of(scene, who)), intent=entry))


async def of_event(scene: Scene, event: str) -> list[int]:
    """The numbers of the mutes that stand because of what was found in this event."""
    entry = await ledger.by_event(scene.db, event)
    return [each.id for each in await store.standing(scene.db, MUTE) if entry is not None and each.cause == entry.id]


async def free(scene: Scene, event: str, entry: int) -> bool:
    """Whatever stands because of what was found in this event ends now, under the ledger row `entry`; whether anything did."""
    ids = await of_event(scene, event)
    gone = [each for each in await store.standing(scene.db, MUTE) if each.id in ids]
    if gone:
        await measures.lift(scene, gone, entry)
    return bool(gone)


async def free_for_help(scene: Scene, who: str) -> None:
    """Somebody may be in danger of their life: nothing that a protection did keeps them from writing any more."""
    gone = []
    for each in await store.standing(scene.db, MUTE):
        cause = await ledger.get(scene.db, each.cause) if enforce.is_one(each) and each.target == who else None
        if cause is not None and cause.action == PROTECT:
            gone.append(each)
    if gone:
        entry = await ledger.write(scene.db, scene.me, "unmute", who, None, PROTECT, None, None, scene.now_ms)
        await measures.lift(scene, gone, entry)


# --- what staff says -----------------------------------------------------------------------------------------------------------------


async def let(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    """Staff has looked: they can write."""
    event = case.key.rpartition("/held/")[2]
    post = await journal.post(scene.db, event)
    await free(scene, event, entry)
    parts = [words("Somebody has looked, and you can write now. We are glad that you are here.")]
    if post is None or post.redacted:
        parts.append(words("What I took away you can write again, please."))
    await _tell(scene, case.subject, f"case/{case.id}/let", lines(*parts), entry)


async def keep(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    """Staff has looked, and it stays so: for good, and what they wrote from then on is taken away."""
    event = case.key.rpartition("/held/")[2]
    ids = await of_event(scene, event)
    for each in ids:
        await store.change(scene.db, each, until_ms=None, cause=entry)
    for message, room in await store.wrote_from(scene.db, case.subject, event):
        scene.puts.append(Put(Redact(key=f"held/{message}", room=room, event=message), intent=entry))
    parts = [words("Somebody has looked at what you wrote, and took it away.")]
    if ids:
        parts.append(words("You can read, and not write."))
    parts.append(words("If you think that this is a mistake, %(appeal)s lets somebody else look at it.", appeal={"command": "appeal"}))  # fmt: skip
    await _tell(scene, case.subject, f"case/{case.id}/kept", lines(*parts), entry)
