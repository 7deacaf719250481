"""Finds a circle for newcomers who have none, and tells them and its curators; when none has room, staff is asked. Writes wishes, never moves anybody.

Who is kept apart from whom is said in the staff room and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import replace

from bridge import cases
from bridge.cases import Kind
from bridge.community import circle_by_key, circle_key, leaders, most
from bridge.context import language_of
from bridge.effects import Put, Say, Tell
from bridge.errors import UsageError
from bridge.events import MemberChanged
from bridge.rooms.admit import invite_next, is_inside, named
from bridge.rooms.assign import Circle, Newcomer, assign, kept_from
from bridge.scene import Scene
from bridge.store import authority, belongs, due, ledger, onboarding, people, rooms
from bridge.store import cases as store
from bridge.store.cases import Case
from bridge.words import Text, words

ASSIGN = "assign"
"""A kind of case, of occasion, and what the ledger calls it."""

PATIENCE_MS = 24 * 60 * 60 * 1000
"""So long a newcomer may take to say which language they speak, where circles differ in that."""

LED_MS = 15 * 60 * 1000
"""So long one who is being led through the first steps is not interrupted."""

LOOK_AGAIN_MS = 20 * 1000
MOST_AT_ONCE = 50
ENDLESS = 10**6


async def react(scene: Scene, event: MemberChanged) -> None:
    """Somebody came into the space: they may need a circle. Or into a circle where somebody is whom they are not to meet: staff is warned."""
    room = scene.here if event.membership == "join" else None
    if room is None or event.user == scene.me or event.was == "join":
        return
    if room.kind == "space" and await _needs_circle(scene, event.user):
        deadline = scene.now_ms + PATIENCE_MS
        await due.set_next(scene.db, ASSIGN, event.user, scene.now_ms, str(deadline))
    elif room.kind == "circle":
        await warn_staff(scene, event.user, room.key, event.id)


async def sweep(scene: Scene) -> None:
    """Everybody who has come in without a circle since the last look; by the clock."""
    for each in await due.claim_due(scene.db, ASSIGN, scene.now_ms, MOST_AT_ONCE):
        if await _wait_for(scene, each) and await _needs_circle(scene, each.subject):
            await due.set_next(scene.db, ASSIGN, each.subject, scene.now_ms + LOOK_AGAIN_MS, each.slot)
            continue
        await due.remove(scene.db, ASSIGN, each.subject)
        if await is_inside(scene, each.subject) and await _needs_circle(scene, each.subject):
            await _find(scene, each.subject, each.slot)


async def warn_staff(scene: Scene, user: str, circle: str, by: str) -> bool:
    """Tell staff when somebody in this circle is to be kept apart from this person; whether it is so. `by` tells this occasion from others."""
    mine = [pair for pair in await pairs(scene) if user in pair]
    if not mine:
        return False  # that is so for nearly everybody, and then nothing else is read
    room = await rooms.by_key(scene.db, circle)
    staff = await rooms.by_key(scene.db, "staff")
    others = kept_from(user, (await crowd(scene)).get(circle, frozenset()), mine)
    if not others or room is None or staff is None:
        return bool(others)
    text = words(
        "%(who)s is to be kept apart from %(others)s, but both are now in %(circle)s, or expected there. Please look after it.",
        who={"user": user},
        others={"list": [{"user": other} for other in others]},
        circle=named(room),
    )
    key = f"apart/{user}/{circle}/{by}"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))
    return True


async def pairs(scene: Scene) -> frozenset[frozenset[str]]:
    """Who is not to be with whom: by the configuration, and by command."""
    return frozenset(map(frozenset, scene.config.community.apart)) | frozenset(await belongs.all_apart(scene.db))


async def crowd(scene: Scene) -> Mapping[str, frozenset[str]]:
    """Who is in each circle, or is expected there because it is theirs; by its key. Who has left the space is not expected."""
    space = await rooms.by_key(scene.db, "space")
    gone: set[str] = set()
    if space is not None:
        for membership in ("leave", "ban"):
            gone |= set(await people.members(scene.db, space.room, membership))
    theirs = await belongs.by_circle(scene.db)
    found = {}
    for circle in scene.config.community.circles:
        key = circle_key(circle)
        room = await rooms.by_key(scene.db, key)
        inside = set(await people.members(scene.db, room.room)) if room else set()
        expected = {*circle.members, *leaders(circle), *theirs.get(key, ())}
        found[key] = frozenset((inside | (expected - gone)) - {scene.me})
    return found


async def _needs_circle(scene: Scene, user: str) -> bool:
    """Whether somebody has no circle, neither by the configuration nor otherwise, and there are any; staff needs none."""
    community = scene.config.community
    if not community.circles or not community.assign or user in {*community.owners, *community.moderators}:
        return False
    keys = {circle_key(circle) for circle in community.circles}
    if keys & set(await belongs.circles_of(scene.db, user)):
        return False
    if any(user in (*circle.members, *leaders(circle)) for circle in community.circles):
        return False
    there = await people.memberships_of(scene.db, user)
    return not any(
        room.key in keys and there.get(room.room) in ("join", "invite") for room in await rooms.all_rooms(scene.db)
    )


async def _wait_for(scene: Scene, each: due.Due) -> bool:
    """Whether it is too early: they are being led through the first steps, or have not said their language and it would matter."""
    deadline = int(each.slot)
    if scene.now_ms >= deadline:
        return False
    guided = await onboarding.get(scene.db, each.subject)
    if guided is not None and guided.state == "open" and scene.now_ms < deadline - PATIENCE_MS + LED_MS:
        return True
    differ = any(circle.language is not None for circle in scene.config.community.circles)
    return differ and (await people.get(scene.db, each.subject)).language is None


async def _choose(scene: Scene, user: str, *, however_full: bool = False) -> str | None:
    newcomer = Newcomer(user, await language_of(scene, user))
    circles = [
        Circle(circle_key(circle), most(circle, scene.config), circle.language)
        for circle in scene.config.community.circles
        if await rooms.by_key(scene.db, circle_key(circle))
    ]
    inside = await crowd(scene)
    if however_full:  # then the one with the fewest people, whatever its size
        circles = [replace(circle, size=ENDLESS) for circle in circles]
    return assign(newcomer, circles, inside, await pairs(scene))


async def _find(scene: Scene, user: str, slot: str) -> None:
    key = await _choose(scene, user)
    if key is None:
        await cases.show(scene, KINDS, f"{ASSIGN}/{user}/{slot}", ASSIGN, user)
        return
    entry = await ledger.write(scene.db, scene.me, ASSIGN, user, None, key, None, None, scene.now_ms)
    await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)
    await _give(scene, user, key, f"ledger/{entry}")


async def _give(scene: Scene, user: str, key: str, cause: str) -> None:
    """This is their circle now: they hear it, and so do its curators."""
    room, circle = await rooms.by_key(scene.db, key), circle_by_key(scene.config, key)
    if room is None or circle is None:
        return
    await belongs.add(scene.db, user, key, cause, scene.now_ms)
    await invite_next(scene, user, cause)
    theirs = words("Your circle is %(circle)s. Write there, people are glad to hear from you.", circle=named(room))
    await _tell(scene, user, f"circle/{user}/{key}/{cause}", theirs)
    new = words(
        "%(who)s is new, and your circle %(circle)s is theirs from now on. A kind word from you helps them to begin.",
        who={"user": user},
        circle=named(room),
    )
    for curator in (await authority.named(scene.db, scene.config)).leads(circle):
        await _tell(scene, curator, f"circle/{user}/{key}/{cause}/{curator}", new)


async def _tell(scene: Scene, user: str, key: str, text: Text) -> None:
    language = await language_of(scene, user)
    scene.puts.append(Put(Tell(key=key, user=user, text=text, language=language)))


async def _about(_scene: Scene, case: Case) -> Text:
    return words("%(who)s has come in, and no circle has room for them.", who={"user": case.subject, "with_id": True})


async def _accept(scene: Scene, case: Case, _actor: str, _entry: int) -> None:
    if not await is_inside(scene, case.subject):
        raise UsageError(words("%(who)s is not in this community.", who={"user": case.subject, "with_id": True}))
    if not await _needs_circle(scene, case.subject):
        raise UsageError(words("%(who)s has a circle by now.", who={"user": case.subject}))
    key = await _choose(scene, case.subject, however_full=True)
    if key is None:
        raise UsageError(
            words(
                "I find no circle for %(who)s, however full. You can choose one yourself, with %(invite)s.",
                who={"user": case.subject},
                invite={"command": f"invite {case.subject} #…"},
            )
        )
    await _give(scene, case.subject, key, f"case/{case.id}")


async def _refuse(_scene: Scene, _case: Case, _actor: str, _entry: int) -> None:
    """Nothing: staff looks after it otherwise."""


async def close_settled(scene: Scene, user: str) -> None:
    """A person who has a circle by now waits for none."""
    case = await store.open_about(scene.db, ASSIGN, user)
    if case is not None and not await _needs_circle(scene, user):
        await cases.close(scene, KINDS, case, "settled", scene.me, words("They have a circle by now."))


KINDS = {
    ASSIGN: Kind(
        about=_about,
        question=words(
            "Yes puts them into the circle with the fewest people, although it is full; with no they stay without one, and you can look for another way."
        ),
        accept=_accept,
        refuse=_refuse,
    )
}
"""The kinds of case that are looked after here."""
