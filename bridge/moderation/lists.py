"""What watched lists say, as it comes: rules are judged, followed, put before staff or taken back. Writes sanctions and wishes, never acts.

Spec: "Moderation policy lists". Who reads a whole list is `listening.py`; what is put before staff is in `holds.py`.
"""

from collections.abc import Sequence

from bridge.events import AnyEvent, Invited, MemberChanged, Redacted, StateChanged
from bridge.moderation import decision, enforce, following, holds, measures, ruled, store, told
from bridge.moderation import react as moderation
from bridge.moderation.book import Book, revealed
from bridge.moderation.following import HOUR_MS
from bridge.moderation.intake import Ready
from bridge.moderation.judge import ASK, ASKED, HELD, NEW, ON, SHOWN, Judged, judge
from bridge.moderation.model import BAN
from bridge.moderation.policies import TYPES, Rule, Stance, Unread, read
from bridge.scene import Scene
from bridge.store import ledger, policies
from bridge.store.policies import Known, List, Told
from bridge.words import in_a_room, lines, words, words_n

OUT = {"leave": "M_HEARTH_OUT", "ban": "M_HEARTH_BANNED"}
"""What is wrong with a list in whose room we are no longer."""


AWAY = "M_HEARTH_AWAY"
"""The same where our own homeserver answers, and none that has the list."""

AGAIN = "M_HEARTH_AGAIN"
"""The same while it is tried once more because somebody asked for it: they hear how that ends, whatever was told before."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """A rule comes or goes in a watched list; somebody comes whom a rule means; a list's room is lost, closed, or opens to us."""
    match event:
        case StateChanged(type="m.room.tombstone") | Redacted() | Invited():
            await _in_list(scene, event)
        case StateChanged() if event.type in TYPES:
            await _in_list(scene, event)
        case MemberChanged() if event.user == scene.me:
            if event.membership in OUT:
                await _lost(scene, event)
        case MemberChanged() if event.membership in enforce.HERE and scene.news:
            await _meet(scene, event)


async def _in_list(scene: Scene, event: StateChanged | Redacted | Invited) -> None:
    """Something happened that matters in the room of a watched list."""
    watched = await policies.by_room(scene.db, event.room)
    if watched is None or not watched.stance:
        return
    if isinstance(event, Invited):
        if watched.next_ms is not None:
            await policies.change(scene.db, watched.id, next_ms=scene.now_ms, tries=watched.tries + 1)
    elif isinstance(event, Redacted):
        gone = await policies.by_event(scene.db, watched.id, event.target)
        if gone and await policies.hear(scene.db, watched.id, [gone]):
            await judge_new(scene, watched)
    elif event.type == "m.room.tombstone":
        await _closed(scene, watched, event)
    elif watched.read_ms is not None and event.sender != scene.me:
        await _told(scene, watched, event)


async def _told(scene: Scene, watched: List, event: StateChanged) -> None:
    found = read(event.type, event.content)
    rule = found if isinstance(found, Rule) else None
    if found in (Unread.STRANGE, Unread.OTHER):
        await policies.change(scene.db, watched.id, unusable=watched.unusable + 1)
    if await policies.hear(scene.db, watched.id, [Told(event.type, event.state_key, event.id, rule)]):
        await judge_new(scene, watched)


# --- judging -------------------------------------------------------------------------------------------------------------------------


async def judge_new(scene: Scene, watched: List, ready: Ready | None = None) -> Judged | None:
    """Let the rules of a list that nobody has judged yet become what they are to be, and carry that out; None when there are none. What is gone is taken back.

    Where these are many they were made `ready` before the transaction began.
    """
    if ready is not None and ready.seq != await policies.newest(scene.db):
        ready = None  # something came or went meanwhile
    new = (ready.new if ready else await policies.of_list(scene.db, watched.id, NEW)) if watched.stance else ()
    judged = await _judge(scene, watched, new, ready.book if ready else None) if new else None
    await take_back(scene)
    await following.servers_changed(scene)
    return judged


async def _judge(scene: Scene, watched: List, new: Sequence[Known], book: Book | None) -> Judged:
    spared = await moderation.protected(scene)
    hit, ours, members = await following.meant(scene, new, spared, book)
    lately = watched.hit if scene.now_ms - watched.hit_ms < HOUR_MS else 0
    ids = [each.id for each in new]
    judged = judge(watched.stance, ids, hit, ours, members=members, lately=lately)
    rest = {Stance.ACT: ON, Stance.ASK: ASKED}.get(Stance(watched.stance), SHOWN)
    await policies.become_all(scene.db, watched.id, (NEW,), rest)
    if judged.held:
        held = set(judged.held)
        await holds.hold(scene, watched, [each for each in new if each.id in held], judged.people, judged.why or "")
    to_follow = set(judged.on)
    await following.follow(scene, watched, [each for each in new if each.id in to_follow], hit)
    return judged


async def _meet(scene: Scene, event: MemberChanged) -> None:
    """Somebody comes whom a rule means that has met nobody yet."""
    found = await ruled.unmet(scene, event.user, ON, ASKED)
    if not found or scene.here is None:
        return
    banned = any(enforce.hits(each, event.user) for each in await store.standing(scene.db, BAN))
    if banned or event.user in await moderation.protected(scene):
        return
    rule = next((each for each in found if each.state == ON), found[0])
    watched = await policies.get(scene.db, rule.list)
    if watched is None:
        return
    if rule.state == ASKED:
        await holds.hold(scene, watched, [each for each in found if each.list == rule.list], {event.user}, ASK)
        return
    if rule.rule.takedown:
        await following.take_down(scene, watched, rule, [event.user])
    scene.met = await following.write_down(scene, watched, rule, BAN, revealed(rule.rule, event.user))
    await ruled.become(scene, rule, event.user, scene.met)
    if rule.rule.hash and rule.rule.entity == "server":
        await following.every_acl(scene)
    await following.tell_followed(scene, watched, [rule], 1, event.user)


# --- taking back ---------------------------------------------------------------------------------------------------------------------


async def take_back(scene: Scene) -> None:
    """Lift what no rule asks for any more; whom another decision or another rule means stays banned, under that one."""
    free: dict[int, int] = {}
    for number in await policies.unfounded(scene.db):
        sanction = await store.by_id(scene.db, number)
        rule = await policies.rules(scene.db, [sanction.rule]) if sanction else ()
        watched = await policies.get(scene.db, rule[0].list) if rule else None
        if sanction is None:
            continue
        name = f"list {watched.address}" if watched else "list"
        entry = await ledger.write(scene.db, scene.me, "unban", sanction.target, None, name, None, None, scene.now_ms)
        if not await measures.lift(scene, [sanction], entry):
            await decision.settled(scene, entry)
        if watched:
            free[watched.id] = free.get(watched.id, 0) + 1
    for one, number in free.items():
        watched = await policies.get(scene.db, one)
        if watched is not None and watched.stance:
            text = words_n("%(list)s took back %(count)s rule that I had followed. Whom nothing else means is not banned any more.", "%(list)s took back %(count)s rules that I had followed. Whom nothing else means is not banned any more.", number, list=watched.place)  # fmt: skip
            key = f"rules/back/{one}/{await policies.newest(scene.db)}"
            await told.tell_staff(scene, key, in_a_room(text))
    await holds.close_empty(scene)


async def stop(scene: Scene, watched: List) -> None:
    """Nothing of this list is followed any more."""
    await policies.become_all(scene.db, watched.id, (NEW, ON, ASKED, HELD, SHOWN, "refused"), "gone")
    await policies.change(scene.db, watched.id, stance="", next_ms=None, read_ms=None)
    await take_back(scene)
    await following.servers_changed(scene)


# --- words ---------------------------------------------------------------------------------------------------------------------------


async def _lost(scene: Scene, event: MemberChanged) -> None:
    """We are out of a list's room: its rules hold as they were last, until we can read it again."""
    watched = await policies.by_room(scene.db, event.room)
    code = OUT[event.membership]
    if watched is None or not watched.stance or watched.trouble == code:
        return
    await policies.change(scene.db, watched.id, trouble=code, next_ms=scene.now_ms + HOUR_MS, tries=watched.tries + 1)
    await tell_trouble(scene, watched, code)


async def tell_trouble(scene: Scene, watched: List, code: str) -> None:
    """Staff hears, once for each kind of trouble, that a list cannot be read."""
    who = {"code": scene.me}
    if code == OUT["ban"]:
        why = words("I was banned from it.")
    elif code == OUT["leave"]:
        why = words("I am not in it any more.")
    elif code == AWAY:
        why = words("No server that has it answers at the moment.")
    elif code in ("M_NOT_FOUND", "M_UNKNOWN"):
        why = words("There is no such room, or no server that I know has it.")
    elif code == "M_FORBIDDEN":
        why = words("I am not let in: somebody there has to invite %(me)s.", me=who)
    else:
        why = words("The homeserver says: %(code)s.", code={"code": code})
    command = {"command": f"rules unwatch {watched.address}"}
    if watched.read_ms is None:
        kept = words("I try again every hour; %(command)s ends that.", command=command)
    else:
        kept = words("What it said before still holds. I try again every hour; %(command)s ends that.", command=command)
    text = lines(words("I cannot read %(list)s.", list=watched.place), why, kept)
    await told.tell_staff(scene, f"rules/trouble/{watched.id}/{code}/{watched.tries}", in_a_room(text))


async def _closed(scene: Scene, watched: List, event: StateChanged) -> None:
    into = event.content.get("replacement_room")
    command = {"command": f"rules watch {into} {watched.stance}"}
    closed = words("%(list)s was closed. What it said before still holds.", list=watched.place)
    where = words("It goes on in another room: %(command)s follows it there.", command=command)
    parts = [closed, where] if isinstance(into, str) and into.startswith("!") else [closed]
    await told.tell_staff(scene, f"rules/closed/{watched.id}/{event.id}", in_a_room(lines(*parts)))
