"""Who knocks is a case for staff: yes is an invitation, no a kind word. Writes wishes, never decides whether somebody may come in."""

from bridge import cases
from bridge.cases import Kind
from bridge.context import language_of
from bridge.effects import Kick, Put, Say
from bridge.errors import UsageError
from bridge.events import MemberChanged
from bridge.rooms import terms_words
from bridge.rooms.admit import (
    KNOCK,
    admit,
    greeting,
    invite_next,
    is_barred,
    is_shut,
    refuse_ended,
)
from bridge.rooms.joining import settled
from bridge.rooms.tell import address
from bridge.scene import Scene
from bridge.store import authority, ledger, people, rooms
from bridge.store import cases as store
from bridge.store.cases import ACCEPTED, REFUSED, Case
from bridge.text import render
from bridge.words import Text, lines, words

WITHDRAWN = "withdrawn"


async def react(scene: Scene, event: MemberChanged) -> None:
    """Somebody knocks at a room of ours, or a knock was answered or taken back in another way than by a case."""
    if event.user == scene.me or scene.here is None:
        return
    case = await store.open_about(scene.db, KNOCK, event.user, event.room)
    if event.membership == "knock":
        if (
            case is None
            and not await is_barred(scene, event.user)
            and not await _is_shut(scene, event.room, event.user)
        ):
            await cases.show(scene, KINDS, f"knock/{event.id}", KNOCK, event.user, event.room)
        return
    if case is None and event.membership in ("invite", "join"):
        case = await _at_an_old_door(scene, event)
    if case is not None:
        outcome, text = _ended(event)
        await cases.close(scene, KINDS, case, outcome, event.sender, text)


async def _at_an_old_door(scene: Scene, event: MemberChanged) -> Case | None:
    """The open case of who knocked at a room in whose place this one goes on, and got in here by another way."""
    for old in await rooms.former(scene.db, event.room):
        case = await store.open_about(scene.db, KNOCK, event.user, old.room)
        if case is not None:
            return case
    return None


async def sweep(scene: Scene) -> None:
    """Who has been knocking since before we listened, or while invites were off, is a case, too; by the clock."""
    for room, user in await people.knocking(scene.db):
        known = await store.any_about(scene.db, KNOCK, user, room)
        if not known and not await is_barred(scene, user) and not await _is_shut(scene, room, user):
            await cases.show(scene, KINDS, f"knock/{room}/{user}", KNOCK, user, room)


async def _is_shut(scene: Scene, room: str, user: str) -> bool:
    """Whether invites are off there: whoever knocks waits until they are on again."""
    return await is_shut(scene, user, await rooms.by_id(scene.db, room))


def _ended(event: MemberChanged) -> tuple[str, Text]:
    if event.membership in ("invite", "join"):
        return ACCEPTED, words("They have been let in meanwhile.")
    if event.membership == "leave" and event.sender == event.user:
        return WITHDRAWN, words("They took it back.")
    return REFUSED, words("They have been sent away meanwhile.")


async def _about(scene: Scene, case: Case) -> Text:
    room = await rooms.by_id(scene.db, case.room or "")
    who = {"user": case.subject, "with_id": True}
    if room is None or room.kind == "space":
        text = words("%(who)s knocks and would like to come into the community.", who=who)
    else:
        text = words("%(who)s knocks and would like to come into %(room)s.", who=who, room=address(room))
    if await authority.has_ended(scene.db, scene.config, case.subject):
        return lines(text, terms_words.over_for_staff(case.subject))
    return text


async def _accept(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    if await is_barred(scene, case.subject):
        raise UsageError(words("%(who)s is banned, and a ban beats a knock.", who={"user": case.subject}))
    await refuse_ended(scene, case.subject)
    if await _is_shut(scene, case.room or "", case.subject):
        raise UsageError(words("Invites are off there now, so they cannot be let in; %(on)s lets people be invited again.", on={"command": "invites on"}))  # fmt: skip
    room = await _knocked_at(scene, case)
    by = f"case/{case.id}"
    if room == "space":
        reason = await greeting(scene, case.subject)
        await admit(scene, case.subject, None, by, by=by, intent=entry, reason=reason)
    else:
        # If another invitation is open, this one follows when that is answered.
        await invite_next(scene, case.subject, by, intent=entry)


async def _refuse(scene: Scene, case: Case, _actor: str, entry: int) -> None:
    await _knocked_at(scene, case)
    text = words("Thank you for asking. We cannot let you in here at the moment. All the best to you!")
    reason = render(text, await language_of(scene, case.subject), scene.names).body
    kick = Kick(key=f"refuse/{case.id}", room=case.room or "", user=case.subject, reason=reason)
    scene.puts.append(Put(kick, intent=entry))


async def _knocked_at(scene: Scene, case: Case) -> str:
    """What kind of room it is where they still knock; UsageError when they do not any more."""
    room = await rooms.by_id(scene.db, case.room or "")
    if room is None or await people.membership(scene.db, room.room, case.subject) != "knock":
        raise UsageError(words("%(who)s does not knock there any more.", who={"user": case.subject}))
    return room.kind


async def done(scene: Scene, entry: ledger.Entry) -> None:
    """What a decision about a knock asked for is done, or was refused: then staff hears of it."""
    error = await settled(scene, entry)
    staff = await rooms.by_key(scene.db, "staff")
    if error is None or staff is None:
        return
    text = words(
        "%(who)s could not be answered at the door: a homeserver refused it (%(code)s).",
        who={"user": entry.target, "with_id": True},
        code={"code": error},
    )
    key = f"knock/failed/{entry.id}"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


KINDS = {
    KNOCK: Kind(
        about=_about,
        question=words("Yes sends them an invitation, no a kind word that it is not possible."),
        accept=_accept,
        quotes=True,
        refuse=_refuse,
    )
}
"""The kinds of case that are looked after here."""

INTENT_DONE = {f"accept {KNOCK}": done, f"refuse {KNOCK}": done}
"""By the ledger's action: what happens when the last effect of it is settled."""
