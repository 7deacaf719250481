"""An invitation that is refused for good is told to staff, once for each person and room, with what to do. Never invites anybody, never tries again.

What only fails for now (a server that is down, a limit) is the outbox's: it goes on trying.
"""

from bridge.effects import Effect, Invite, Put, Say
from bridge.rooms.tell import address
from bridge.scene import Scene, Settler, State
from bridge.store import queue, rooms
from bridge.store.rooms import Room
from bridge.words import Text, lines, words

BLOCKED = ("M_INVITE_BLOCKED", "ORG.MATRIX.MSC4155.M_INVITE_BLOCKED", "ORG.MATRIX.MSC4380.M_INVITE_BLOCKED")
"""The person lets nobody invite them (MSC4380, MSC4155)."""


async def refused(scene: Scene, effect: Invite, state: State, _result: str | None) -> None:
    """Tell staff, unless the invitation belongs to a decision whose own answer says it."""
    row = await queue.get(scene.db, effect.key) if state == "dead" else None
    staff = await rooms.by_key(scene.db, "staff")
    room = await rooms.by_id(scene.db, effect.room)
    if row is None or row.intent is not None or staff is None or room is None:
        return
    text = explained(effect.user, room, row.error or "?")
    key = f"uninvited/{effect.room}/{effect.user}"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


def explained(user: str, room: Room, error: str) -> Text:
    """Why somebody could not be invited, and what can be done."""
    who, where = {"user": user, "with_id": True}, address(room)
    if error in BLOCKED:
        why = words("%(who)s accepts no invitations, so I could not invite them to %(room)s.", who=who, room=where)
        what = words("Please ask them, some other way, to allow invitations from me for a moment.")
    elif error == "M_FORBIDDEN":
        why = words("I could not invite %(who)s to %(room)s: it was forbidden.", who=who, room=where)
        what = words(
            "Either their server or their settings refuse invitations, or their server may not take part in that room, or I lack the power there."
        )
    else:
        why = words(
            "I could not invite %(who)s to %(room)s: the homeserver refused it (%(code)s).",
            who=who,
            room=where,
            code={"code": error},
        )
        what = words("Perhaps the address of the person is misspelt.")
    return lines(why, what)


SETTLERS: dict[type[Effect], Settler] = {Invite: refused}
