"""Every kind of case by its name, and the reactions of staff on cases; never what a kind does."""

from collections.abc import Mapping
from typing import cast

from bridge import cases
from bridge.cases import Kind
from bridge.effects import Put, Say
from bridge.errors import UsageError
from bridge.events import AnyEvent, Reacted
from bridge.rooms import assigning, knocks, splits, terms_paid
from bridge.rooms.share import answer
from bridge.scene import Scene
from bridge.store import authority, people, rooms
from bridge.store import cases as store
from bridge.words import Text, in_a_room

KINDS: Mapping[str, Kind] = {**knocks.KINDS, **assigning.KINDS, **splits.KINDS, **terms_paid.KINDS}


async def react(scene: Scene, event: AnyEvent) -> None:
    """A reaction by somebody in the staff room, whose membership lasts, on a message that shows a case settles it. Anybody else's, or any other, is let be."""
    if not isinstance(event, Reacted) or event.sender == scene.me or (yes := answer(event.key)) is None:
        return
    case = await store.by_event(scene.db, event.target)
    staff = await rooms.by_key(scene.db, "staff")
    if case is None or case.state != "open" or staff is None or event.room != staff.room:
        return
    if await people.membership(scene.db, staff.room, event.sender) != "join":
        return
    if event.sender not in (await authority.current(scene.db, scene.config, event.sender)).staff:
        return
    before = len(scene.puts)
    try:
        async with scene.db.begin_nested():
            await cases.decide(scene, KINDS, case, yes=yes, actor=event.sender, event=event.id, room=event.room)
    except UsageError as error:
        del scene.puts[before:]
        text = in_a_room(cast("Text", error.text))
        key = f"case/{case.id}/{event.id}"
        scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))
