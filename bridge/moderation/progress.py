"""Says how far a large decision is, in one notice that is edited; never what came of it, and never anything about small ones.

Each notice draws on the same limit of the homeserver as the decision itself, so there is one for so many steps and not one for so much time.
"""

from bridge.effects import Put, Say
from bridge.moderation.told import ACTIONS, progress_key
from bridge.pacing import REST
from bridge.scene import Scene
from bridge.store import ledger, queue, rooms
from bridge.words import Text, words

WAIT_MS = 8_000
"""What is done sooner needs no notice."""

FEW = 12
"""So few steps need none either."""

STEPS = 50
"""After so many further steps the notice is brought up to date, if there are more than FEW left."""


async def tick(scene: Scene, held: dict[str, int]) -> None:
    """Look at every decision that is under way for a while. `held` is until when the homeserver holds us back (UTC ms), by bucket (see `Pace`)."""
    staff = await rooms.by_key(scene.db, "staff")
    if staff is None:
        return
    for number in await queue.under_way(scene.db, scene.now_ms - WAIT_MS):
        entry = await ledger.get(scene.db, number)
        if entry is None or entry.action not in ACTIONS or entry.room != staff.room or entry.event is None:
            continue
        counts = await queue.counts(scene.db, number)
        done = counts.total - counts.due
        if counts.total < FEW:
            continue
        text = in_words(done, counts.total, await left_ms(scene, entry, counts, held.get(REST, 0) > scene.now_ms))
        key = progress_key(number)
        if await queue.get(scene.db, key) is None:
            say = Say(key=key, room=staff.room, text=text, language=scene.config.language, reply_to=entry.event)
            scene.puts.append(Put(say))
        elif done // STEPS and counts.due > FEW:
            edit = f"{key}/{done // STEPS}"
            scene.puts.append(Put(Say(key=edit, room=staff.room, text=text, language=scene.config.language, edits=key)))


async def left_ms(scene: Scene, entry: ledger.Entry, counts: queue.Counts, limited: bool) -> int | None:
    """About how long the rest takes. Where the homeserver limits us a burst at the beginning says nothing: the last step tells."""
    moments = await queue.settled_last(scene.db, entry.id, 2)
    done = counts.total - counts.due
    if not moments or not done:
        return None
    mean_ms = (scene.now_ms - entry.at_ms) // done
    last_ms = max(scene.now_ms - moments[0], moments[0] - moments[-1]) if limited else 0
    return counts.due * max(mean_ms, last_ms)


def in_words(done: int, total: int, left: int | None) -> Text:
    """How far it is. `left` is in milliseconds; a guess is told in whole minutes."""
    if left is None:
        return words("%(done)s of %(total)s so far.", done=done, total=total)
    minutes = round(left / 60_000)
    if minutes < 1:
        return words("%(done)s of %(total)s, less than a minute left.", done=done, total=total)
    return words("%(done)s of %(total)s, about %(minutes)s min left.", done=done, total=total, minutes=minutes)
