"""The one line of ours at the end of a shared thread: what stays in the circle, in numbers. Never says who, and never more than one edit in half a minute.

Whatever changes in a thread asks `look`, which puts a wish when the line would say something else; what it says is counted when it is sent. It stays where it
was first said, though more may stand below it by now: an edit notifies nobody and adds nothing to read, while a line that followed the end of
the thread would be a message, and a removed one, for each change.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bridge import speak
from bridge.effects import Effect, Put, Redact, Send, Summarise
from bridge.rooms import share_wishes
from bridge.rooms.dress import relation
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.store import queue, rooms, summaries
from bridge.store import shares as store
from bridge.store.db import Connection
from bridge.text import Rendered, render
from bridge.words import Text, lines, words, words_n

MOST_REACTIONS = 10
"""So many kinds of them are named, those with most people."""

MEANING = frozenset({"🔗", "📣"})
"""Emoji that ask us for something (`ask.EMOJI`) say nothing about the words."""

PAUSE_MS = 30_000
"""So long no line is edited again."""


def summary(staying: int, reactions: Mapping[str, int], *, in_common: bool = False) -> Text | None:
    """What the line of a shared thread says; None when there is nothing to say, and no line then.

    `staying` is how many replies do not travel, `reactions` how many there are of each to the thread's first message. `in_common`: the thread was
    begun in the common room, and these are its copies in a circle.
    """
    parts: list[Text] = []
    if staying and in_common:
        parts.append(
            words_n("%(count)s reply stays in the common room.", "%(count)s replies stay in the common room.", staying)
        )
    elif staying:
        parts.append(words_n("%(count)s reply stays in the circle.", "%(count)s replies stay in the circle.", staying))
    if reactions:
        most_first = sorted(reactions, key=lambda key: (-reactions[key], key))
        parts.append(
            words(
                "%(reactions)s", reactions={"list": [f"{key} {reactions[key]}" for key in most_first[:MOST_REACTIONS]]}
            )
        )
    return lines(*parts) if parts else None


async def counted(db: Connection, root: str, room: str, me: str) -> Text | None:
    """What the line of this thread's copies in `room` should say as things are now; None: nothing, or it has no place."""
    if await summaries.place(db, root, room) is None:
        return None
    home = await store.source_room(db, root)
    begun_in = await rooms.by_id(db, home) if home else None
    staying = await summaries.staying(db, root, room, me)
    liked = await summaries.reactions(db, root, room, me, MEANING)
    return summary(staying, liked, in_common=begun_in is not None and begun_in.kind == "common")


async def look(scene: Scene, root: str, room: str) -> None:
    """Something changed in a shared thread: where its line in `room` says something else now, a wish for that is put."""
    text = await counted(scene.db, root, room, scene.me)
    kept = await summaries.get(scene.db, root, room) or summaries.Summary()
    said = _hash(text)
    if said == kept.said:
        return
    last = await queue.get(scene.db, _key(root, room, kept.revision)) if kept.revision else None
    revision, waits = kept.revision, last is not None and last.state == "due" and last.first_tried_ms is None
    if not waits or text is None or not kept.said:  # one that waits counts when it is sent
        revision += 1
        not_before_ms = 0
        if text is not None and last is not None:
            not_before_ms = last.next_ms if waits else (last.settled_ms or scene.now_ms) + PAUSE_MS
        _wish(scene, root, room, revision, gone=text is None, not_before_ms=not_before_ms)
    await summaries.want(scene.db, root, room, said=said, revision=revision)


async def fill(desk: Desk, effect: Summarise) -> Send | Redact | None:
    """The line as it should be now, new or as an edit of the one that stands; or the redaction of that."""
    async with desk.reading() as db:
        kept = await summaries.get(db, effect.root, effect.room) or summaries.Summary()
        text = await counted(db, effect.root, effect.room, desk.me)
        place = await summaries.place(db, effect.root, effect.room)
    if effect.gone:
        wanted_again = text is not None and not desk.again
        return (
            None if kept.event is None or wanted_again else Redact(key=effect.key, room=effect.room, event=kept.event)
        )
    if text is None or place is None:
        return None
    rendered = render(text, desk.config.language, desk.names)
    content = speak.content(rendered, effect.key)
    if kept.event is None:
        bundle, first, newest = place
        return _send(effect, {**content, "m.relates_to": relation(bundle, first, partner=None, before=newest)})
    around = speak.content(Rendered(f"* {rendered.body}", f"* {rendered.formatted_body}"), effect.key)
    replaces = {"rel_type": "m.replace", "event_id": kept.event}
    return _send(effect, {**around, "m.new_content": content, "m.relates_to": replaces})


async def told(scene: Scene, effect: Summarise, state: State, result: str | None) -> None:
    """Remember our message, or that it is gone; what is wanted otherwise by now is wished for again."""
    kept = await summaries.get(scene.db, effect.root, effect.room)
    if kept is None or state == "dead":
        return
    event = kept.event
    if effect.gone and state == "done":
        event = None
        await share_wishes.empty_edits(scene, _line_of(effect.root), effect.room)
    elif state == "done" and event is None:
        event = result
    elif state == "done" and result is not None:
        await store.edit_sent(scene.db, result, _line_of(effect.root), effect.room)
    await summaries.stands(scene.db, effect.root, effect.room, event)
    newest = await queue.get(scene.db, _key(effect.root, effect.room, kept.revision))
    if newest is not None and newest.state == "due":
        return
    text = await counted(scene.db, effect.root, effect.room, scene.me)
    revision = kept.revision
    if (event is None) is not (text is None):
        revision += 1
        _wish(scene, effect.root, effect.room, revision, gone=text is None, not_before_ms=0)
    await summaries.want(scene.db, effect.root, effect.room, said=_hash(text), revision=revision)


def _wish(scene: Scene, root: str, room: str, revision: int, *, gone: bool, not_before_ms: int) -> None:
    effect = Summarise(key=_key(root, room, revision), room=room, root=root, gone=gone)
    scene.puts.append(Put(effect, not_before_ms=not_before_ms))


def _key(root: str, room: str, revision: int) -> str:
    return f"summary/{room}/{root}/{revision}"


def _line_of(root: str) -> str:
    """Under what our edits of the line are kept, beside those of copies."""
    return f"summary/{root}"


def _hash(text: Text | None) -> str:
    return hashlib.sha256(json.dumps(asdict(text), sort_keys=True).encode()).hexdigest() if text else ""


def _send(effect: Summarise, content: Mapping[str, Any]) -> Send:
    return Send(key=effect.key, room=effect.room, type="m.room.message", content=content)


FILLERS: Mapping[type[Effect], Filler] = {Summarise: fill}
SETTLERS: Mapping[type[Effect], Settler] = {Summarise: told}
