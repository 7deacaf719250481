"""Prepares the copies of shared threads for sending, and records what became of them; never sends, and keeps no text.

Order is kept among all that goes into one room, and the database knows of every copy whether it can be seen. So what is done here looks only at what
is so now: a copy that can be seen is not made again, one that is not wanted any more is not made at all, and a withdrawal finds what there is.
"""

from collections.abc import Mapping
from typing import Any

from bridge import unsay
from bridge.effects import Copy, CopyFile, EditCopy, Effect, Put, React, Redact, Say, Send, WithdrawCopy, transaction_id
from bridge.events import COPY_MARK
from bridge.rooms import bundles, late_files, share_back, share_final, share_wishes, summary
from bridge.rooms.dress import edit, relation
from bridge.rooms.dressing import dressed
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.store import queue, rooms
from bridge.store import shares as store
from bridge.words import words

SHARED = "🔗"


async def fill_copy(desk: Desk, effect: Copy) -> Send | None:
    """The copy with the newest text of its source; None when it is there, not wanted any more, gone, or its thread cannot be seen."""
    async with desk.reading() as db:
        errand = await store.errand(db, effect.source, effect.room)
    if errand is None or errand.copy is not None:
        return None
    is_root = effect.source == effect.root
    content = None
    if errand.live and (is_root or errand.root_copy is not None):
        content = await dressed(desk, effect, errand)
    if content is None:
        return None
    found = relation(errand.bundle, None if is_root else errand.root_copy, partner=errand.partner, before=errand.before)
    if found is not None:
        content["m.relates_to"] = found
    return _send(effect, content)


async def fill_edit(desk: Desk, effect: EditCopy) -> Send | None:
    """The edit that brings a copy up to date; None when there is no copy to be seen, or nothing to say any more."""
    async with desk.reading() as db:
        errand = await store.errand(db, effect.source, effect.room)
    content = None
    if errand is not None and errand.live and errand.copy is not None:
        content = await dressed(desk, effect, errand)
    if errand is None or errand.copy is None or content is None:
        return None
    return _send(effect, edit(errand.copy, _marked(effect, content)))


async def fill_file(desk: Desk, effect: CopyFile) -> Send | CopyFile | None:
    """What has the file that is to be brought; None when there is no copy to be seen (any more), the effect itself when nothing is lacking by now."""
    async with desk.reading() as db:
        errand = await store.errand(db, effect.source, effect.room)
    content = await dressed(desk, effect, errand) if errand and errand.live and errand.copy else None
    if content is None:
        return None
    send = _send(effect, content)
    return send if send.files else effect


async def fill_withdrawal(desk: Desk, effect: WithdrawCopy) -> Redact | None:
    """The redaction of a copy; None when it cannot be seen anyway."""
    async with desk.reading() as db:
        errand = await store.errand(db, effect.source, effect.room)
    if errand is None or errand.copy is None:
        return None
    return Redact(key=effect.key, room=effect.room, event=errand.copy, reason=effect.reason)


async def copied(scene: Scene, effect: Copy, state: State, result: str | None) -> None:
    """The copy can be seen: show the author so, let the replies follow. Or it could not be made: staff should know."""
    if state == "dead":
        home = await store.source_room(scene.db, effect.root) or effect.source_room
        await _tell_staff(scene, effect.key, f"share/failed/{effect.room}/{effect.root}", home, effect.root)
        return
    if state == "done" and result is not None:
        await store.sent(scene.db, effect.source, effect.room, result)
        await share_final.was_taken(scene, effect.source, result, effect.room)
    errand = await store.errand(scene.db, effect.source, effect.room)
    if errand is None or errand.copy is None:
        return
    here = await rooms.by_id(scene.db, effect.room) if state == "done" else None
    if here is not None and await store.source_room(scene.db, effect.root):
        # Whoever answers quickly was heard before we knew the id of what they answer.
        await share_back.bring_back(scene, effect.root, errand.copy, here)
    if not errand.live:
        scene.puts.append(share_wishes.withdraw(effect.room, effect.source, errand.copy))
        return
    if effect.lacking and state == "done":
        scene.puts.append(late_files.later(effect, scene.now_ms))
    if effect.source == effect.root:
        await summary.look(scene, effect.root, effect.room)
        late = await store.waiting(scene.db, effect.root, effect.room)
        scene.puts += share_wishes.released(effect.room, effect.source_room, late, effect.root, errand.copy)
        decided = await store.standing(scene.db, effect.root, effect.room)
        if decided and decided.live and state == "done":
            mark = React(key=f"shared/{decided.cause}", room=effect.source_room, event=decided.cause, emoji=SHARED)
            scene.puts.append(Put(mark))


async def edited(scene: Scene, effect: EditCopy, state: State, result: str | None) -> None:
    """Remember that this edit holds words; if the copy went in the meantime, the edit goes too."""
    if state != "done" or result is None:
        return
    await store.edit_sent(scene.db, result, effect.source, effect.room)
    errand = await store.errand(scene.db, effect.source, effect.room)
    if errand is None or errand.copy is None:
        await share_wishes.empty_edits(scene, effect.source, effect.room)
    elif effect.lacking:
        scene.puts.append(late_files.later(effect, scene.now_ms))


async def withdrawn(scene: Scene, effect: WithdrawCopy, state: State, result: str | None) -> None:
    """The copy is gone, and so are our edits of it. If it is wanted again by now, it is made anew."""
    errand = await store.errand(scene.db, effect.source, effect.room)
    if errand is None:
        return
    source_room = await store.room_of(scene.db, effect.source)
    if state == "dead":
        key = f"share/stuck/{effect.room}/{errand.root}"
        await _tell_staff(scene, effect.key, key, source_room or effect.room, errand.root, withdrawal=True)
        return
    if (
        state != "done"
    ):  # there was none when we looked; one that came to be seen since is taken back on its own, and must not be forgotten
        return
    await store.sent(scene.db, effect.source, effect.room, None)
    await share_wishes.empty_edits(scene, effect.source, effect.room)
    if errand.live and source_room:
        again = share_wishes.copy(effect.room, source_room, effect.source, errand.root, result or effect.key)
        scene.puts.append(again)


def _marked(effect: Effect, content: Mapping[str, Any]) -> dict[str, Any]:
    return {**content, COPY_MARK: transaction_id(effect.key)}


def _send(effect: Copy | EditCopy | CopyFile, content: Mapping[str, Any]) -> Send:
    whole = _marked(effect, content)
    files = "url" in whole or "file" in whole
    return Send(key=effect.key, room=effect.room, type="m.room.message", content=whole, files=files)


async def _tell_staff(
    scene: Scene, dead: str, key: str, source_room: str, root: str, *, withdrawal: bool = False
) -> None:
    staff = await rooms.by_key(scene.db, "staff")
    if staff is None:
        return
    refused = await queue.get(scene.db, dead)
    values = {
        "thread": {"event": root, "room": source_room},
        "reason": {"code": refused.error if refused and refused.error else "?"},
    }
    if withdrawal:
        text = words("A shared thread could not be taken back (%(thread)s): %(reason)s", **values)
    else:
        text = words("A thread could not be shared (%(thread)s): %(reason)s", **values)
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


FILLERS: Mapping[type[Effect], Filler] = {
    Copy: fill_copy,
    EditCopy: fill_edit,
    CopyFile: fill_file,
    WithdrawCopy: fill_withdrawal,
    **summary.FILLERS,
    **bundles.FILLERS,
    **unsay.FILLERS,
}
SETTLERS: Mapping[type[Effect], Settler] = {
    Copy: copied,
    EditCopy: edited,
    CopyFile: late_files.brought,
    WithdrawCopy: withdrawn,
    **summary.SETTLERS,
    **bundles.SETTLERS,
    **unsay.SETTLERS,
}
