"""What follows for shared threads when something happens; writes wishes and what they rest on, never sends and never decides by itself."""

from bridge.events import AnyEvent, Edited, Message, Reacted, Redacted
from bridge.rooms import share, share_final, summary
from bridge.rooms import share_told as told
from bridge.rooms import share_wishes as wish
from bridge.rooms.onboarding import may_be_shared, version
from bridge.rooms.share_back import answered, bring_back
from bridge.rooms.share_rule import may_leave, refusal
from bridge.scene import Scene
from bridge.store import onboarding, people, rooms, share_requests, versions
from bridge.store import shares as store
from bridge.store.rooms import Room
from bridge.tags import fold
from bridge.words import lines, words

CONSENT = "consent"
"""What a reaction on our question to a replier answers."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look whether a thread of a circle is, or should be, shared: after every message, edit and redaction there, and every answer to our question."""
    match event:
        case Reacted():
            await _heard(scene, event)
        case Message(marked=False) if event.sender != scene.me:
            await _said(scene, event, event.id)
        case Edited(marked=False) if event.sender != scene.me:
            await _said(scene, event, event.target)
        case Redacted():
            await _said(scene, event, await versions.target_of(scene.db, event.target, event.room) or event.target)
            await _edit_redacted(scene, event)
            await _copy_redacted(scene, event)


async def refresh(scene: Scene, root: str, source_room: str, cause: str, *, news: bool = True) -> share.Change | None:
    """Make the copies of a thread what they should be, as wishes. `cause` is the event that this answers; None when there is nothing to share into.

    A thread that was shared into a common room which was replaced appears in the new one as soon as there is something new in it (`news`).
    """
    source = await rooms.by_id(scene.db, source_room)
    common = await rooms.by_key(scene.db, "common")
    if source is None or common is None or source.kind != "circle":
        return None
    thread = await store.thread(scene.db, root, common.room, tag=_share_tag(scene), me=scene.me)
    if thread is None:
        return None
    await _keep_up(scene, root, source, cause)
    thread = await share_final.limited(scene.db, thread, source.room, common.room)
    allowed = may_leave(scene.config, source, common) and await _accepted(scene, thread.root.author)
    change = share.decide(thread, allowed=allowed)
    if change.begin and not news and await _shared_before(scene, root, common):
        return share.Change()
    if change.begin:
        await store.begin(
            scene.db, root, source_room=source.room, room=common.room, author=thread.root.author,
            cause=change.begin, now_ms=scene.now_ms,
        )  # fmt: skip
    if change.end:
        await store.end(scene.db, root, common.room)
    await store.want(scene.db, (*change.copy, *change.wait), root, common.room)
    await store.unwant(scene.db, change.withdraw, common.room)
    scene.puts += [wish.copy(common.room, source.room, said.event, root, cause) for said in change.copy]
    scene.puts += [wish.withdraw(common.room, each, cause) for each in change.withdraw]
    for user in change.ask:
        await _ask(scene, user, source, common)
    await summary.look(scene, root, common.room)
    return change


async def _shared_before(scene: Scene, root: str, common: Room) -> bool:
    """Whether the thread is shared into a common room that was replaced by this one."""
    decided = [await store.standing(scene.db, root, old.room) for old in await rooms.former(scene.db, common.room)]
    return any(each is not None and each.live for each in decided)


async def take_back(scene: Scene, root: str, source_room: str, cause: str) -> bool:
    """Withdraw a shared thread and hold it back, whatever tag it still carries. False when it was not shared."""
    common = await rooms.by_key(scene.db, "common")
    shared = False
    for room in (common, *await rooms.former(scene.db, common.room)) if common else ():
        decided = await store.standing(scene.db, root, room.room)
        if decided is not None and decided.live:
            await store.hold_back(scene.db, root, room.room, cause=cause, now_ms=scene.now_ms)
            shared = True
    if common is not None and shared:
        await share_requests.withdraw(scene.db, root, scene.now_ms)
        if await store.standing(scene.db, root, common.room) is None:
            await _hold_back_anew(scene, root, source_room, common, cause)
        await refresh(scene, root, source_room, cause)
    return shared


async def _hold_back_anew(scene: Scene, root: str, source_room: str, common: Room, cause: str) -> None:
    """The thread was shared into a room that was replaced: its tag shall not share it into the new one either."""
    top = await store.top(scene.db, root)
    if top is not None:
        await store.begin(
            scene.db, root, source_room=source_room, room=common.room, author=top.author, cause=cause, now_ms=scene.now_ms,
        )  # fmt: skip
        await store.hold_back(scene.db, root, common.room, cause=cause, now_ms=scene.now_ms)


async def _keep_up(scene: Scene, root: str, source: Room, cause: str) -> None:
    """Copies in a common room that was replaced are edited and taken back like all others; but nothing new comes there."""
    common = await rooms.by_key(scene.db, "common")
    for old in await rooms.former(scene.db, common.room) if common else ():
        thread = await store.thread(scene.db, root, old.room, tag=_share_tag(scene), me=scene.me)
        if thread is None or not thread.made:
            continue
        thread = await share_final.limited(scene.db, thread, source.room, old.room)
        change = share.decide(thread, allowed=may_leave(scene.config, source, old))
        if change.end:
            await store.end(scene.db, root, old.room)
        await store.unwant(scene.db, change.withdraw, old.room)
        scene.puts += [wish.withdraw(old.room, each, cause) for each in change.withdraw]
        await summary.look(scene, root, old.room)


async def consent(scene: Scene, user: str, answer: bool, cause: str) -> None:
    """Remember whether this person's replies may travel, and add or withdraw what they said in threads that are shared now."""
    await people.change(scene.db, user, consent=answer)
    common = await rooms.by_key(scene.db, "common")
    if common is None:
        return
    for room in (common, *await rooms.former(scene.db, common.room)):
        for root in await store.threads_of(scene.db, user, room.room):
            source_room = await store.source_room(scene.db, root)
            if source_room:
                await refresh(scene, root, source_room, cause, news=False)
                await bring_back(scene, root, cause, room)


async def _said(scene: Scene, event: Message | Edited | Redacted, about: str) -> None:
    alone = isinstance(event, Message) and event.thread is None and event.reply_to is None
    if scene.ordinary:
        return  # nearly every message ends here: nobody tagged it and nothing answers it
    if alone and not await store.concerned(scene.db, about, about, _share_tag(scene)):
        return
    common = await rooms.by_key(scene.db, "common")
    if common is None:
        return
    here = await rooms.by_id(scene.db, event.room)
    if here is not None and here.kind == "common":  # or one that was replaced
        await answered(scene, event, about, here)
    else:
        await _said_in_circle(scene, event, about, common)


async def _said_in_circle(scene: Scene, event: Message | Edited | Redacted, about: str, common: Room) -> None:
    """A circle's thread may be, or become, shared."""
    tag = _share_tag(scene)
    top = await store.top(scene.db, about)
    if top is None or not await store.concerned(scene.db, about, top.event, tag):
        return
    tagged = await store.tagged(scene.db, about, tag)
    circle = await rooms.by_id(scene.db, event.room)
    if circle is None or circle.kind != "circle" or top.room != circle.room:
        return
    if not top.known:
        if tagged:
            await told.tell(scene, event.sender, f"share/unseen/{top.event}/{event.sender}", told.unseen())
        return
    change = await refresh(scene, top.event, circle.room, event.id, news=not isinstance(event, Redacted))
    if change is None:
        return
    if tagged:
        await _explain(scene, event, about, top, circle, common)
    if isinstance(event, Edited):
        await wish.follow_edit(scene, event, change, common.room)
        for old in await rooms.former(scene.db, common.room):
            await wish.follow_edit(scene, event, share.Change(), old.room)


async def _explain(
    scene: Scene, event: Message | Edited | Redacted, about: str, top: store.Top, circle: Room, common: Room
) -> None:
    """Tell the person who put the tag why it does nothing, if it does nothing; once for each thread."""
    thread = await store.thread(scene.db, top.event, common.room, tag=_share_tag(scene), me=scene.me)
    if thread is None or isinstance(event, Redacted):
        return
    if share.only_a_wish(thread, about):
        await told.tell(scene, event.sender, f"share/hint/{top.event}/{event.sender}", told.not_yours(circle, common))
    elif share.carrier(thread) and not may_leave(scene.config, circle, common):
        await told.tell(
            scene,
            event.sender,
            f"share/refused/{refusal(scene.config, circle, common)}/{top.event}",
            told.refused(scene.config, circle, common),
        )
    elif share.carrier(thread) and not await _accepted(scene, thread.root.author):
        await told.tell(scene, event.sender, f"share/rules/{top.event}", told.rules_first(circle))


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
    """A moderator emptied a copy: that is final, and when it was the root's, the thread is shared no longer."""
    root = await share_final.redacted(scene, event)
    home = await store.source_room(scene.db, root) if root else None
    if root and home:
        await refresh(scene, root, home, event.id, news=False)


async def _heard(scene: Scene, event: Reacted) -> None:
    answer = share.answer(event.key)
    if answer is None:
        return
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or prompt.kind != CONSENT or prompt.user != event.sender:
        return
    await consent(scene, event.sender, answer, event.id)
    await told.tell(scene, event.sender, f"consent/{event.id}", told.heard_you(answer))


async def _ask(scene: Scene, user: str, circle: Room, common: Room) -> None:
    if await store.asked(scene.db, user, CONSENT):
        return
    text = lines(
        words(
            "A thread in %(circle)s that you answered in was shared into %(common)s by the person who began it. Your own replies stay in the circle unless you say yes.",
            circle=told.name(circle),
            common=told.name(common),
        ),
        await told.audience(scene, common),
        words(
            "React with 👍 for yes or 👎 for no, or write %(yes)s or %(no)s here. Your answer holds for every shared thread, and you can change it at any time.",
            yes={"command": "consent yes"},
            no={"command": "consent no"},
        ),
    )
    await told.tell(scene, user, f"consent/ask/{user}", text, prompt=CONSENT)


def _share_tag(scene: Scene) -> str:
    return fold(scene.config.community.share_tag)
