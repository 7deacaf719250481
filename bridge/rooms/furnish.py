"""Makes of a room's welcome what goes over the wire, and records it and the pictures that were uploaded; never sends anything."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from bridge import markup
from bridge.effects import Effect, Send, SetWelcome, Upload
from bridge.rooms.model import Actual, Desired, Welcome
from bridge.scene import Desk, Filler, Reader, Scene, Settler, State
from bridge.speak import content
from bridge.store import furnishing
from bridge.text import Rendered


async def fill_welcome(_desk: Desk, effect: SetWelcome) -> Send:
    """The welcome as Markdown; as an edit of the message that stands there, when there is one (spec: "Event replacements").

    It goes unencrypted into an encrypted room too: who comes later could never open it otherwise, and it holds nobody's words.
    """
    said = content(Rendered(*markup.convert(effect.text)), effect.key)
    if effect.edits is not None:
        said = {
            **said,
            "body": f"* {said['body']}",
            "formatted_body": f"* {said['formatted_body']}",
            "m.new_content": said,
            "m.relates_to": {"rel_type": "m.replace", "event_id": effect.edits},
        }
    return Send(key=effect.key, room=effect.room, type="m.room.message", content=said, clear=True)


def pictures(wanted: Desired) -> dict[str, str]:
    """The SHA-256 of every picture that the configuration names and that can be read, by its path. It reads files: not for the event loop."""
    found = {}
    for path in {room.avatar for room in wanted.rooms if room.avatar and not room.avatar.startswith("mxc://")}:
        try:
            found[path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        except OSError:
            continue
    return found


async def still_there(
    read: Reader, wanted: Desired, actual: Actual, welcomes: Mapping[str, Welcome]
) -> dict[str, Welcome]:
    """The welcomes that were said; one that somebody removed since has no message any more, so that it is said anew. Raises Unavailable."""
    found = dict(welcomes)
    for room in wanted.rooms:
        there = actual.rooms.get(room.key)
        was = found.get(there.room) if there and there.here and room.welcome else None
        if there and was and await read.event(there.room, was.event) is None:
            found[there.room] = Welcome("", "", was.revision)
    return found


async def welcomed(scene: Scene, effect: SetWelcome, state: State, result: str | None) -> None:
    """Remember which message is the welcome, and what it says now."""
    event = effect.edits or result
    if state == "done" and event is not None:
        await furnishing.say(scene.db, effect.room, Welcome(event, effect.digest, effect.revision))


async def uploaded(scene: Scene, effect: Upload, state: State, result: str | None) -> None:
    """Remember the address of a picture."""
    if state == "done" and result is not None:
        await furnishing.add_upload(scene.db, effect.sha256, result, scene.now_ms)


FILLERS: Mapping[type[Effect], Filler] = {SetWelcome: fill_welcome}
SETTLERS: Mapping[type[Effect], Settler] = {SetWelcome: welcomed, Upload: uploaded}
