"""Every kind of case by its name, the reactions of staff on cases, and their deadlines; never what a kind does."""

from collections.abc import Mapping
from typing import cast

from bridge import cases, deadlines
from bridge.cases import Kind
from bridge.context import language_of
from bridge.effects import Put, Say, Tell
from bridge.emoji import emoji
from bridge.errors import UsageError
from bridge.events import AnyEvent, Reacted
from bridge.moderation import appeals, care, findings, holds, reports
from bridge.rooms import assigning, knocks, splits, terms_paid
from bridge.rooms.share import answer
from bridge.scene import Scene
from bridge.store import authority, people, rooms
from bridge.store import cases as store
from bridge.store.cases import Case
from bridge.words import Text, in_a_room

KINDS: Mapping[str, Kind] = {
    **knocks.KINDS,
    **assigning.KINDS,
    **splits.KINDS,
    **terms_paid.KINDS,
    **findings.KINDS,
    **care.KINDS,
    **reports.KINDS,
    **appeals.KINDS,
    **holds.KINDS,
}


CLAIM = "👀"
"""The reaction by which somebody says that they look after a case; by somebody else's it goes over to them."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """A reaction on a message that shows a case settles it, or says that somebody looks after it: by somebody in the staff room there, or by whom we asked privately about it.

    Their membership has to last, and who was asked has to be in a room of ours still. Anybody else's, or any other, is let be.
    """
    if not isinstance(event, Reacted) or event.sender == scene.me:
        return
    yes, claims = answer(event.key), emoji(event.key) == CLAIM
    if yes is None and not claims:
        return
    case = await store.by_event(scene.db, event.target)
    staff = await rooms.by_key(scene.db, "staff")
    asked = case is None
    if case is None:
        case = await _asked(scene, event)
    if case is None or case.state != "open" or staff is None or (not asked and event.room != staff.room):
        return
    inside = await _may_answer(scene, event.sender) if asked else await _is_staff(scene, staff.room, event.sender)
    if not inside:
        return
    who, place = event.sender, {"event": event.id, "room": event.room}
    before = len(scene.puts)
    try:
        async with scene.db.begin_nested():
            if yes is not None:
                await cases.decide(scene, KINDS, case, yes=yes, actor=who, **place)
            elif case.kind in KINDS and KINDS[case.kind].claims:
                await cases.claim(scene, KINDS, case, who, actor=who, **place)
    except UsageError as error:
        del scene.puts[before:]
        text, key = cast("Text", error.text), f"case/{case.id}/{event.id}"
        wrong = Say(key=key, room=staff.room, text=in_a_room(text), language=scene.config.language)
        alone = Tell(key=key, user=who, text=text, language=await language_of(scene, who)) if asked else wrong
        scene.puts.append(Put(alone))


async def tick(scene: Scene) -> None:
    """What has waited too long is brought back to mind."""
    await deadlines.tick(scene, KINDS)


async def _is_staff(scene: Scene, room: str, user: str) -> bool:
    """Whether somebody is in the staff room and has a say there."""
    if await people.membership(scene.db, room, user) != "join":
        return False
    return user in (await authority.current(scene.db, scene.config, user)).staff


async def _may_answer(scene: Scene, user: str) -> bool:
    """Whether somebody whom we asked privately is still one of us."""
    return bool(await people.rooms_of(scene.db, user)) and not await authority.has_ended(scene.db, scene.config, user)


async def _asked(scene: Scene, event: Reacted) -> Case | None:
    """The case about which we asked this person privately, by the message on which they react, or None."""
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or prompt.user != event.sender or not prompt.kind.startswith(cases.PROMPT):
        return None
    return await store.get(scene.db, int(prompt.kind.removeprefix(cases.PROMPT)))
