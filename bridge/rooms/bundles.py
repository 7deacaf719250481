"""A room that shares much within an hour: what comes then stands in one thread of ours, a bundle. Writes wishes, never sends; never moves what stands already.

The message with which a bundle begins goes the way of the copies of these two rooms, before them, so that its id is known when they are made. Its number
follows at most every half minute, and it goes with its last thread.
"""

from collections.abc import Mapping

from bridge import speak
from bridge.effects import Effect, Put, Redact, Send, TellBundle
from bridge.events import Redacted
from bridge.rooms import bundle as rule
from bridge.rooms import share_final, share_wishes
from bridge.rooms.summary import PAUSE_MS
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.store import bundles, queue, rooms, strikes
from bridge.store import shares as store
from bridge.store.bundles import Bundle
from bridge.store.rooms import Room
from bridge.store.strikes import Stands
from bridge.text import Rendered, render


async def begin(scene: Scene, root: str, source: Room, room: Room, *, author: str, cause: str) -> None:
    """The thread is shared from now on: on its own, or where many were shared lately in a bundle, of which the message is wished for first."""
    began = await bundles.began(scene.db, root, source.room, room.room, scene.now_ms - rule.HOUR_MS)
    found = None
    if not rule.alone(began, now_ms=scene.now_ms, after=scene.config.community.bundle_after):
        newest = await bundles.newest(scene.db, source.room, room.room)
        if newest is not None and rule.takes(newest.began_ms, scene.now_ms):
            found = newest.id
        else:
            found = await bundles.add(scene.db, source.room, room.room, scene.now_ms)
    await store.begin(
        scene.db, root, source_room=source.room, room=room.room, author=author, cause=cause, now_ms=scene.now_ms, bundle=found,
    )  # fmt: skip
    if found is not None:
        await _look(scene, found)


async def end(scene: Scene, root: str, room: str) -> None:
    """The thread is neither shared nor held back, and in its bundle there is one less."""
    left = await bundles.of_share(scene.db, root, room)
    await store.end(scene.db, root, room)
    if left is not None:
        await _look(scene, left)


async def hold_back(scene: Scene, root: str, room: str, cause: str) -> None:
    """The thread was taken back by command, and in its bundle there is one less."""
    await store.hold_back(scene.db, root, room, cause=cause, now_ms=scene.now_ms)
    left = await bundles.of_share(scene.db, root, room)
    if left is not None:
        await _look(scene, left)


async def redacted(scene: Scene, event: Redacted) -> tuple[str, ...]:
    """Somebody emptied the message of a bundle: all its threads are gone from there for good. Their roots, which have to be looked at again."""
    found = await bundles.of_event(scene.db, event.target, event.room)
    if found is None or found.closed:  # else we took it away ourselves
        return ()
    return await _taken_away(scene, found, event.id, by=event.sender)


async def fill(desk: Desk, effect: TellBundle) -> Send | Redact | None:
    """The message of a bundle with the number of its threads as it is now, new or as an edit; or its redaction. None when there is nothing to say."""
    async with desk.reading() as db:
        kept = await bundles.get(db, effect.bundle)
        count = await bundles.count(db, effect.bundle)
        source = await rooms.by_id(db, effect.source_room)
    if kept is None or source is None:
        return None
    if effect.gone:
        return Redact(key=effect.key, room=effect.room, event=kept.event) if kept.event else None
    first = effect.revision == 1
    if kept.closed or not count or first is not (kept.event is None):
        return None
    text = rule.head(count, source.tag if source.kind == "circle" else None)
    rendered = render(text, desk.config.language, desk.names)
    content = speak.content(rendered, effect.key)
    if kept.event is None:
        return _send(effect, content)
    around = speak.content(Rendered(f"* {rendered.body}", f"* {rendered.formatted_body}"), effect.key)
    relation = {"rel_type": "m.replace", "event_id": kept.event}
    return _send(effect, {**around, "m.new_content": content, "m.relates_to": relation})


async def told(scene: Scene, effect: TellBundle, state: State, result: str | None) -> None:
    """Remember the message of a bundle, or that it is gone. Where none could be said, its threads stand on their own, and the next ones get another."""
    kept = await bundles.get(scene.db, effect.bundle)
    if kept is None:
        return
    if effect.gone:
        if state == "done":
            await bundles.stands(scene.db, kept.id, None)
            await share_wishes.empty_edits(scene, _line_of(kept.id), kept.room)
    elif effect.revision > 1:
        if state == "done" and result is not None:
            await store.edit_sent(scene.db, result, _line_of(kept.id), kept.room)
    elif state == "dead":  # it stays closed, even when somebody has it tried again: by then its threads stand elsewhere
        await bundles.close(scene.db, kept.id)
    elif state == "done" and result is not None:
        await _stands(scene, kept, result)


async def _stands(scene: Scene, kept: Bundle, event: str) -> None:
    """The message of a bundle is there, whatever has happened since it was wished for."""
    await bundles.stands(scene.db, kept.id, event)
    cause = await strikes.taken_early(scene.db, event, kept.room)
    if kept.closed:
        _wish(scene, kept, kept.revision + 1, gone=True)
    elif cause is not None:
        await _taken_away(scene, kept, cause, by=None)
    elif kept.revision > 1:
        newest = await queue.get(scene.db, _key(kept, kept.revision))
        if newest is None or newest.state != "due":  # it came to nothing, for there was no message to be edited yet
            _wish(scene, kept, kept.revision + 1, not_before_ms=scene.now_ms + PAUSE_MS)
            await bundles.want(scene.db, kept.id, said=kept.said, revision=kept.revision + 1)


async def _look(scene: Scene, bundle: int) -> None:
    """A thread came into a bundle, or went: where its message should name another number, a wish for that is put; with the last one it goes."""
    kept = await bundles.get(scene.db, bundle)
    if kept is None or kept.closed:
        return
    count = await bundles.count(scene.db, bundle)
    if not count:
        await bundles.close(scene.db, bundle)
        if kept.event is not None:
            _wish(scene, kept, kept.revision + 1, gone=True)
        return
    if count == kept.said:
        return
    last = await queue.get(scene.db, _key(kept, kept.revision)) if kept.revision else None
    revision = kept.revision
    if last is None or last.state != "due" or last.first_tried_ms is not None:  # one that waits counts when it is sent
        revision += 1
        _wish(scene, kept, revision, not_before_ms=((last.settled_ms or scene.now_ms) + PAUSE_MS) if last else 0)
    await bundles.want(scene.db, bundle, said=count, revision=revision)


async def _taken_away(scene: Scene, kept: Bundle, cause: str, *, by: str | None) -> tuple[str, ...]:
    await bundles.close(scene.db, kept.id)
    await share_wishes.empty_edits(scene, _line_of(kept.id), kept.room)
    found = await bundles.threads(scene.db, kept.id)
    for root, author in found:
        first = Stands(root, kept.source_room, author, kept.room, root, live=True)
        await share_final.strike(scene, first, kept.event or "", cause, by=by)
    return tuple(root for root, _ in found)


def _wish(scene: Scene, kept: Bundle, revision: int, *, gone: bool = False, not_before_ms: int = 0) -> None:
    effect = TellBundle(
        key=_key(kept, revision), room=kept.room, source_room=kept.source_room, bundle=kept.id, revision=revision, gone=gone
    )  # fmt: skip
    scene.puts.append(Put(effect, not_before_ms=not_before_ms))


def _key(kept: Bundle, revision: int) -> str:
    return f"bundle/{kept.room}/{kept.id}/{revision}"


def _line_of(bundle: int) -> str:
    """Under what our edits of a bundle's message are kept, beside those of copies."""
    return f"bundle/{bundle}"


def _send(effect: TellBundle, content: Mapping[str, object]) -> Send:
    return Send(key=effect.key, room=effect.room, type="m.room.message", content=content)


FILLERS: Mapping[type[Effect], Filler] = {TellBundle: fill}
SETTLERS: Mapping[type[Effect], Settler] = {TellBundle: told}
