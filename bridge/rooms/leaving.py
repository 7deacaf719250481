"""Whoever is out of the space leaves its rooms: at once when they were removed, after a grace when they went. Writes wishes, never acts."""

from collections.abc import Collection

from bridge.effects import Effect, Kick, Put, Say
from bridge.events import AnyEvent, MemberChanged
from bridge.rooms import cascade
from bridge.rooms.tell import address
from bridge.rooms.term import ENDED
from bridge.scene import Desk, Filler, Scene, Settler, State
from bridge.store import due, leavers, people, queue, rooms, terms
from bridge.text import render
from bridge.words import Text, words

KEY = "cascade/"
LOOK = "leaving"
"""The kind of occasion that asks for a look at one person; its slot is the event that made us look."""

MOST_AT_ONCE = 200


async def react(scene: Scene, event: AnyEvent) -> None:
    """Who goes out of the space, or comes into a room without being in the space, is looked at by `sweep` when it is time.

    Who was taken out of the space by somebody else goes now: there is nothing to wait for.
    """
    if not isinstance(event, MemberChanged) or event.user == scene.me or event.was == event.membership:
        return
    if event.membership in cascade.INSIDE:
        if event.was not in cascade.INSIDE and await leavers.is_out(scene.db, event.user):
            await due.set_next(scene.db, LOOK, event.user, scene.now_ms, event.id)
        return
    if scene.here is not None and scene.here.key == "space":
        await due.set_next(scene.db, LOOK, event.user, scene.now_ms, event.id)
        if event.membership == "leave" and event.sender != event.user:
            await _remove(scene, event.room, event.user, removed=(event.user,))


async def sweep(scene: Scene) -> None:
    """Everybody of whom something was heard that may end in their leaving our rooms, when their time has come; by the clock."""
    found = await due.claim_due(scene.db, LOOK, scene.now_ms, MOST_AT_ONCE)
    space = await rooms.by_key(scene.db, "space") if found else None
    for each in found:
        wait_ms = await _remove(scene, space.room, each.subject) if space else None
        if wait_ms is None:
            await due.remove(scene.db, LOOK, each.subject)
        else:
            await due.set_next(scene.db, LOOK, each.subject, wait_ms, each.slot)


async def sweep_all(scene: Scene) -> None:
    """Everybody who is out of the space and still in a room of ours, whatever was heard; what was refused before is tried once more. At the start and every hour."""
    space = await rooms.by_key(scene.db, "space")
    if space:
        await _remove(scene, space.room, again=True)


async def _remove(
    scene: Scene, space: str, user: str | None = None, *, removed: Collection[str] = (), again: bool = False
) -> int | None:
    """Put what takes people out; for one `user`, until when they have time to think better of it (UTC ms), or None."""
    history = await leavers.histories(scene.db, space, user)
    if not history:
        return None
    owners = scene.config.community.owners
    ended = set(await terms.users(scene.db, ENDED)) - set(owners) if scene.config.membership else set()
    for each in cascade.removals(
        history,
        space=space,
        me=scene.me,
        owners=owners,
        owners_inside=await leavers.joined(scene.db, space, owners),
        now_ms=scene.now_ms,
        removed=removed,
    ):
        if each.user in ended:
            continue  # the end of a membership takes them out of every room anyway
        key = f"{KEY}{each.room}/{each.user}/{each.row}"
        reason = render(_reason(by_themselves=each.by_themselves), scene.config.language, scene.names).body
        scene.puts.append(Put(Kick(key=key, room=each.room, user=each.user, reason=reason)))
        if again:
            await queue.retry(scene.db, key)
    ends = [was.since_ms + cascade.GRACE_MS for was in history if was.room == space and was.now]
    return ends[0] if user is not None and user not in removed and ends[0] > scene.now_ms else None


def _reason(*, by_themselves: bool) -> Text:
    if by_themselves:
        return words(
            "You left this community’s space, so its rooms let you go, too. You are welcome back at any time: join the space again, and they are open to you."
        )
    return words("You are not in this community’s space any more, so its rooms let you go, too.")


async def fill(desk: Desk, effect: Kick) -> Kick | None:
    """The kick; None when it was for leaving the space and the person is back by now."""
    if not effect.key.startswith(KEY):
        return effect
    async with desk.reading() as db:
        space = await rooms.by_key(db, "space")
        back = space is not None and await people.membership(db, space.room, effect.user) == "join"
    return None if back else effect


async def kicked(scene: Scene, effect: Kick, state: State, _result: str | None) -> None:
    """Somebody could not be taken out of a room: staff hears of it, once for each person and room."""
    staff = await rooms.by_key(scene.db, "staff")
    room = await rooms.by_id(scene.db, effect.room)
    if state != "dead" or not effect.key.startswith(KEY) or staff is None or room is None:
        return
    text = words(
        "%(who)s is out of the space, but I could not take them out of %(room)s: I have too little power there, or they have as much as I do. They can leave it themselves, or somebody with more power can remove them.",
        who={"user": effect.user, "with_id": True},
        room=address(room),
    )
    key = f"{KEY}refused/{effect.room}/{effect.user}"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


FILLERS: dict[type[Effect], Filler] = {Kick: fill}
SETTLERS: dict[type[Effect], Settler] = {Kick: kicked}
