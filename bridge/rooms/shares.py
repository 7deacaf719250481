"""What follows for shared threads when something happens; writes wishes and what they rest on, never sends and never decides by itself."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bridge.events import AnyEvent, Edited, Message, Reacted, Redacted
from bridge.rooms import bundles, echoes, share, share_final, summary
from bridge.rooms import share_told as told
from bridge.rooms import share_wishes as wish
from bridge.rooms.onboarding import may_be_shared, version
from bridge.rooms.share_asking import CONSENT, ask
from bridge.rooms.share_back import answered, bring_back
from bridge.rooms.share_rule import may_leave, refusal
from bridge.rooms.share_targets import Target, all_targets, former_of, targets_of
from bridge.scene import Scene
from bridge.store import offers, onboarding, people, reaching, rooms, share_requests, versions
from bridge.store import shares as store
from bridge.store.rooms import Room
from bridge.tags import find


@dataclass(frozen=True, slots=True)
class Wish:
    """A message (`about`) carries the tag by which its thread could be carried from `source` into `target`."""

    about: str
    top: store.Top
    source: Room
    target: Target


async def react(scene: Scene, event: AnyEvent) -> tuple[Wish, ...]:
    """Look whether a thread is, or should be, shared: after every message, edit and redaction, and every answer to our question.

    Gives what the message's own tags ask for.
    """
    match event:
        case Reacted():
            await _heard(scene, event)
        case Message(marked=False) if event.sender != scene.me:
            return await _said(scene, event, event.id)
        case Edited(marked=False) if event.sender != scene.me:
            return await _said(scene, event, event.target)
        case Redacted():
            await _said(scene, event, await versions.target_of(scene.db, event.target, event.room) or event.target)
            await _edit_redacted(scene, event)
            await _copy_redacted(scene, event)
    return ()


async def refresh(
    scene: Scene, root: str, source_room: str, cause: str, *, news: bool = True
) -> dict[str, share.Change]:
    """Make the copies of a thread what they should be, as wishes; what changes in each room. `cause` is the event that this answers.

    A thread that was shared into a room which was replaced appears in the new one as soon as there is something new in it (`news`).
    """
    source = await rooms.by_id(scene.db, source_room)
    if source is None:
        return {}
    await _keep_up(scene, root, source, cause)
    changes = {}
    for target in await targets_of(scene, source, root):
        change = await _into(scene, root, source, target, cause, news=news)
        if change is not None:
            changes[target.room.room] = change
    return changes


async def thread(scene: Scene, root: str, source: Room, target: Target) -> share.Thread | None:
    """All that counts for a thread's copies in one room; None when its root is unknown."""
    found = await store.thread(scene.db, root, target.room.room, tag=target.tag, me=scene.me)
    return await share_final.limited(scene.db, found, source.room, target.room.room) if found else None


async def _into(
    scene: Scene, root: str, source: Room, target: Target, cause: str, *, news: bool
) -> share.Change | None:
    found = await thread(scene, root, source, target)
    if found is None:
        return None
    room = target.room
    allowed = may_leave(scene.config, source, room) and await _accepted(scene, found.root.author)
    change = share.decide(found, allowed=allowed)
    if change.begin and not news and await _shared_before(scene, root, room):
        return share.Change()
    if change.begin:
        await bundles.begin(scene, root, source, room, author=found.root.author, cause=change.begin)
    if change.end:
        await bundles.end(scene, root, room.room)
    await store.want(scene.db, (*change.copy, *change.wait), root, room.room)
    await store.unwant(scene.db, change.withdraw, room.room)
    scene.puts += [wish.copy(room.room, source.room, said.event, root, cause) for said in change.copy]
    scene.puts += [wish.withdraw(room.room, each, cause) for each in change.withdraw]
    for user in change.ask:
        await ask(scene, user, source, room)
    await summary.look(scene, root, room.room)
    return change


async def _shared_before(scene: Scene, root: str, room: Room) -> bool:
    """Whether the thread is shared into a room that was replaced by this one."""
    decided = [await store.standing(scene.db, root, old.room) for old in await rooms.former(scene.db, room.room)]
    return any(each is not None and each.live for each in decided)


async def take_back(scene: Scene, root: str, source_room: str, cause: str) -> bool:
    """Withdraw a shared thread from wherever it was carried and hold it back, whatever tag it still carries. False when it was not shared."""
    shared = await store.shared_into(scene.db, root)
    for room in shared:
        await bundles.hold_back(scene, root, room, cause)
    if shared:
        await share_requests.withdraw(scene.db, root, scene.now_ms)
        await offers.withdraw(scene.db, root, scene.now_ms)
        await _hold_back_anew(scene, root, source_room, shared, cause)
        await refresh(scene, root, source_room, cause)
    return bool(shared)


async def _hold_back_anew(scene: Scene, root: str, source_room: str, shared: Collection[str], cause: str) -> None:
    """Where the thread was shared into a room that was replaced, its tag shall not share it into the new one either."""
    top = await store.top(scene.db, root)
    for each in shared:
        room = await rooms.by_id(scene.db, each)
        anew = room.replaced_by if room else None
        if top is not None and anew is not None and await store.standing(scene.db, root, anew) is None:
            await store.begin(
                scene.db, root, source_room=source_room, room=anew, author=top.author, cause=cause, now_ms=scene.now_ms
            )
            await store.hold_back(scene.db, root, anew, cause=cause, now_ms=scene.now_ms)


async def _keep_up(scene: Scene, root: str, source: Room, cause: str) -> None:
    """Copies in a room that was replaced are edited and taken back like all others; but nothing new comes there."""
    for old in await former_of(scene, source, root):
        found = await thread(scene, root, source, old)
        if found is None or not found.made:
            continue
        change = share.decide(found, allowed=may_leave(scene.config, source, old.room))
        if change.end:
            await bundles.end(scene, root, old.room.room)
        await store.unwant(scene.db, change.withdraw, old.room.room)
        scene.puts += [wish.withdraw(old.room.room, each, cause) for each in change.withdraw]
        await summary.look(scene, root, old.room.room)


async def consent(scene: Scene, user: str, answer: bool, cause: str) -> None:
    """Remember whether this person's replies may travel, and add or withdraw what they said in threads that are shared now, here and there."""
    await people.change(scene.db, user, consent=answer)
    touched = await store.threads_of(scene.db, user)
    for root in dict.fromkeys(root for root, _ in touched):
        home = await store.room_of(scene.db, root)
        if home:
            await refresh(scene, root, home, cause, news=False)
    for root, room in touched:
        here = await rooms.by_id(scene.db, room)
        if here is not None:
            await bring_back(scene, root, cause, here)


async def _said(scene: Scene, event: Message | Edited | Redacted, about: str) -> tuple[Wish, ...]:
    alone = isinstance(event, Message) and event.thread is None and event.reply_to is None
    if scene.ordinary:
        return ()  # nearly every message ends here: nobody tagged it and nothing answers it
    here = await rooms.by_id(scene.db, event.room)
    if here is None or here.kind not in ("circle", "common"):
        return ()
    if alone and not await store.concerned(scene.db, about, about, await _tags(scene, here)):
        return ()
    top = await store.top(scene.db, about)
    if top is None:
        return ()
    if not top.known or top.author == scene.me:
        known = await answered(scene, event, about, here) or top.known
        found = frozenset() if known or isinstance(event, Redacted) else find(event.content)
        if found and not found.isdisjoint(await _tags(scene, here)) and not await echoes.recognised(scene, event):
            await told.tell(scene, event.sender, f"share/unseen/{top.event}/{event.sender}", told.unseen())
    elif (
        top.room == here.room
        and await store.concerned(scene.db, about, top.event, await _tags(scene, here))
        and not await echoes.recognised(scene, event)
    ):
        possible = await all_targets(scene, here)
        put_there = await store.tags_of(scene.db, about)
        wishes = tuple(Wish(about, top, here, each) for each in possible if each.tag in put_there)
        await _said_in_thread(scene, event, wishes, top, here)
        return wishes
    return ()


async def _tags(scene: Scene, here: Room) -> list[str]:
    """The tags by which a thread of this room can be carried anywhere."""
    return [each.tag for each in await all_targets(scene, here)]


async def _said_in_thread(
    scene: Scene, event: Message | Edited | Redacted, wishes: Iterable[Wish], top: store.Top, here: Room
) -> None:
    """A thread may be, or become, shared."""
    changes = await refresh(scene, top.event, here.room, event.id, news=not isinstance(event, Redacted))
    for each in wishes:
        await _explain(scene, event, each)
    if isinstance(event, Edited):
        for room, change in changes.items():
            await wish.follow_edit(scene, event, change, room)
        for old in await former_of(scene, here, top.event):
            await wish.follow_edit(scene, event, share.Change(), old.room.room)


async def _explain(scene: Scene, event: Message | Edited | Redacted, tagged: Wish) -> None:
    """Tell the author who put the tag why it does nothing, if it does nothing; once for each thread."""
    source, room, root = tagged.source, tagged.target.room, tagged.top.event
    found = await thread(scene, root, source, tagged.target)
    if (
        found is None
        or isinstance(event, Redacted)
        or share.only_a_wish(found, tagged.about)
        or not share.carrier(found)
    ):
        return
    why = refusal(scene.config, source, room)
    if why is not None:
        refused = told.refused(scene.config, source, room)
        await told.tell(scene, event.sender, f"share/refused/{why}/{room.room}/{root}", refused)
        if why == "untold":
            await reaching.await_notice(scene.db, root, source.room, scene.now_ms)
    elif not await _accepted(scene, found.root.author):
        await told.tell(scene, event.sender, f"share/rules/{root}", told.rules_first(source))


async def _accepted(scene: Scene, author: str) -> bool:
    """Whether nothing about the rules keeps this person's threads from being shared."""
    rules = version(scene.config.community.rules)
    guided = await onboarding.get(scene.db, author) if rules else None
    return may_be_shared(rules=rules, begun=guided is not None, accepted=guided.rules_accepted if guided else None)


async def _edit_redacted(scene: Scene, event: Redacted) -> None:
    """An author emptied an edit: its words leave the copies too, and what they wrote before holds again."""
    found = await store.edited_by(scene.db, event.target, event.room)
    if found:
        source, there = found
        for room in there:
            await wish.empty_edits(scene, source, room)
            scene.puts.append(wish.edit(room, event.room, source, event.id))


async def _copy_redacted(scene: Scene, event: Redacted) -> None:
    """A moderator emptied a copy: that is final, and when it was the root's, the thread is shared no longer. Of a bundle's message it means all in it."""
    root = await share_final.redacted(scene, event)
    for each in (root,) if root else await bundles.redacted(scene, event):
        home = await store.source_room(scene.db, each)
        if home:
            await refresh(scene, each, home, event.id, news=False)


async def _heard(scene: Scene, event: Reacted) -> None:
    answer = share.answer(event.key)
    if answer is None:
        return
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or prompt.kind != CONSENT or prompt.user != event.sender:
        return
    await consent(scene, event.sender, answer, event.id)
    await told.tell(scene, event.sender, f"consent/{event.id}", told.heard_you(answer))
