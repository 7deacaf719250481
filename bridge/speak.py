"""Makes of our own words what goes over the wire: says and tells; never sends anything and never decides what is said."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bridge.effects import Effect, Say, Send, Tell, transaction_id
from bridge.errors import Refused
from bridge.events import COPY_MARK
from bridge.grammar import read_line
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.store import cases, people, queue
from bridge.text import Rendered, render
from bridge.words import Text, lines, words

MOST_REASON = 500
"""So much of what a knocker writes is quoted."""

BUTTON = "-button"
"""How the name of a list ends in which the homeserver keeps what was written to its administrators."""


class DirectRoom(Protocol):
    """Finds or makes the direct room with a person. Raises Refused or Unavailable."""

    async def __call__(self, user: str, *, insist: bool = False) -> str:
        """The room; `insist` also with who left such rooms twice."""


def content(rendered: Rendered, key: str, mentions: tuple[str, ...] = ()) -> dict[str, Any]:
    """The content of an `m.notice` with our mark. It pings nobody but `mentions` (Matrix spec, m.mentions)."""
    return {
        "msgtype": "m.notice",
        "body": rendered.body,
        "format": "org.matrix.custom.html",
        "formatted_body": rendered.formatted_body,
        "m.mentions": {"user_ids": sorted(mentions)} if mentions else {},
        COPY_MARK: transaction_id(key),
    }


def relation(thread: str | None, reply_to: str | None) -> dict[str, Any] | None:
    """The `m.relates_to` of a message in a thread, of a reply, or of a reply in a thread (Matrix spec, threading); None for neither."""
    if thread is not None:
        return {
            "rel_type": "m.thread",
            "event_id": thread,
            "is_falling_back": reply_to is None,
            "m.in_reply_to": {"event_id": reply_to or thread},
        }
    return {"m.in_reply_to": {"event_id": reply_to}} if reply_to is not None else None


async def say(desk: Desk, effect: Say) -> Send:
    """Our words in a room; as an edit of the earlier message when there is one and it was sent."""
    text = lines(effect.text, *await _reason(desk, effect), *await _quoted(desk, effect.words_at))
    rendered = render(text, effect.language, desk.names)
    said = content(rendered, effect.key, effect.mentions)
    earlier = None
    if effect.edits is not None:
        async with desk.reading() as db:
            earlier = await queue.result(db, effect.edits)
    if earlier is not None:
        said = {
            **content(Rendered(f"* {rendered.body}", f"* {rendered.formatted_body}"), effect.key),
            "m.new_content": said,
            "m.relates_to": {"rel_type": "m.replace", "event_id": earlier},
        }
    elif related := relation(effect.thread, effect.reply_to):
        said["m.relates_to"] = related
    return Send(key=effect.key, room=effect.room, type="m.room.message", content=said)


async def _reason(desk: Desk, effect: Say) -> tuple[Text, ...]:
    """What somebody wrote when they knocked, as far as it can (still) be read."""
    if len(effect.reason_of) != 2:
        return ()
    room, user = effect.reason_of
    try:
        held = await desk.read.state_content(room, "m.room.member", user) or {}
    except Refused:
        return ()
    reason = held.get("reason")
    if held.get("membership") != "knock" or not isinstance(reason, str) or not reason.strip():
        return ()
    return (words("They write: “%(reason)s”", reason=" ".join(reason.split())[:MOST_REASON]),)


async def _quoted(desk: Desk, places: Sequence[str]) -> list[Text]:
    """What people wrote to us about something, as far as it can (still) be read: nobody learns who it was."""
    found = []
    for place in places:
        first, _, rest = place.partition(" ")
        reason = (
            await _from_button(desk, first.removesuffix(BUTTON), rest)
            if first.endswith(BUTTON)
            else await _from_chat(desk, place)
        )
        if reason and reason.strip():
            found.append(words("Somebody writes: “%(reason)s”", reason=" ".join(reason.split())[:MOST_REASON]))
    return found


async def _from_chat(desk: Desk, place: str) -> str | None:
    room, event, before = place.split(" ")
    try:
        held = await desk.read.event(room, event) or {}
    except Refused:
        return None
    said = held.get("content", {}).get("body")
    return read_line(said).rest(int(before)) if isinstance(said, str) else None


async def _from_button(desk: Desk, kind: str, number: str) -> str | None:
    try:
        return await desk.read.report_reason(kind, number)
    except Refused:
        return None


def fillers(direct_room: DirectRoom) -> Mapping[type[Effect], Filler]:
    """The fillers of Say and Tell. `direct_room` is asked when something is told."""

    async def tell(desk: Desk, effect: Tell) -> Send:
        rendered = render(lines(effect.text, *await _quoted(desk, effect.words_at)), effect.language, desk.names)
        room = await direct_room(effect.user, insist=effect.insist)
        return Send(key=effect.key, room=room, type="m.room.message", content=content(rendered, effect.key))

    return {Say: say, Tell: tell}


async def told(scene: Scene, effect: Tell, state: State, result: str | None) -> None:
    """Remember what a reaction on this message answers, when it asked something."""
    if state == "done" and result is not None and effect.prompt is not None:
        await people.add_prompt(scene.db, event=result, user=effect.user, kind=effect.prompt)


async def said(scene: Scene, effect: Say, state: State, result: str | None) -> None:
    """Remember by which message staff sees a case, and what somebody's reaction on it answers."""
    if state == "done" and result is not None and effect.asks is not None and effect.prompt is not None:
        await people.add_prompt(scene.db, event=result, user=effect.asks, kind=effect.prompt)
    if state == "done" and result is not None and effect.case is not None and effect.edits is None:
        await cases.shown(scene.db, effect.case, result)


SETTLERS: Mapping[type[Effect], Settler] = {Tell: told, Say: said}
