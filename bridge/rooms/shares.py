"""What follows for shared threads when something happens; writes wishes and what they rest on, never sends and never decides by itself."""

from collections.abc import Iterable
from dataclasses import asdict

from bridge.community import circle_by_key
from bridge.config import Config
from bridge.context import language_of
from bridge.effects import Copy, EditCopy, Put, Redact, Tell, WithdrawCopy
from bridge.events import AnyEvent, Edited, Message, Reacted, Redacted
from bridge.rooms import share
from bridge.rooms.onboarding import may_be_shared, version
from bridge.scene import Scene
from bridge.store import answers, onboarding, people, rooms, share_requests
from bridge.store import shares as store
from bridge.store.rooms import Room
from bridge.tags import fold
from bridge.words import Text, lines, words, words_n

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
            await _said(scene, event, event.target)
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
    scene.puts += [copy(common.room, source.room, said.event, root, cause) for said in change.copy]
    scene.puts += [withdraw(common.room, each, cause) for each in change.withdraw]
    for user in change.ask:
        await _ask(scene, user, source, common)
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
        change = share.decide(thread, allowed=may_leave(scene.config, source, old))
        if change.end:
            await store.end(scene.db, root, old.room)
        await store.unwant(scene.db, change.withdraw, old.room)
        scene.puts += [withdraw(old.room, each, cause) for each in change.withdraw]


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


def copy(room: str, source_room: str, source: str, root: str, cause: str) -> Put:
    """The wish for one copy. `cause` tells it from an earlier wish for the same one that was withdrawn since."""
    return Put(Copy(key=f"share/{room}/{source}/{cause}", room=room, source_room=source_room, source=source, root=root))


def withdraw(room: str, source: str, cause: str) -> Put:
    """The wish that a copy goes."""
    return Put(WithdrawCopy(key=f"share/{room}/{source}/withdraw/{cause}", room=room, source=source))


def edit(room: str, source_room: str, source: str, cause: str) -> Put:
    """The wish that a copy shows the newest words of its source. `cause` is the edit, or what took one away."""
    key = f"share/{room}/{source}/edit/{cause}"
    return Put(EditCopy(key=key, room=room, source_room=source_room, source=source, edit=cause))


async def empty_edits(scene: Scene, source: str, room: str) -> None:
    """Redacting a copy leaves our edits of it, and they hold the same words: empty them too (spec, m.replace)."""
    for event in await store.take_edits(scene.db, source, room):
        scene.puts.append(Put(Redact(key=f"share/{room}/{source}/empty/{event}", room=room, event=event)))


def heard_you(answer: bool) -> Text:
    """What we say to somebody who told us whether their replies may travel."""
    if answer:
        return words(
            "Thank you. From now on your replies travel with a thread when its author shares it. Write %(command)s to change that at any time.",
            command={"command": "consent no"},
        )
    return words(
        "Your replies stay in the circle. What had been copied is being taken back. Write %(command)s if you change your mind.",
        command={"command": "consent yes"},
    )


async def audience(scene: Scene, common: Room) -> Text:
    """Who reads what stands in the common room, and which servers keep it."""
    number, servers, more = share.audience(await people.members(scene.db, common.room), scene.me)
    named: list[object] = list(servers)
    if more:
        named.append({"text": asdict(words_n("%(count)s other", "%(count)s others", more))})
    return words_n(
        "%(count)s person can read %(common)s, and these servers keep a copy of it: %(servers)s.",
        "%(count)s people can read %(common)s, and these servers keep a copy of it: %(servers)s.",
        number,
        common=name(common),
        servers={"list": named},
    )


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
        await _answered(scene, event, about, here)
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
            await tell(scene, event.sender, f"share/unseen/{top.event}/{event.sender}", _unseen())
        return
    change = await refresh(scene, top.event, circle.room, event.id, news=not isinstance(event, Redacted))
    if change is None:
        return
    if tagged:
        await _explain(scene, event, about, top, circle, common)
    if isinstance(event, Edited):
        await _follow_edit(scene, event, change, common.room)
        for old in await rooms.former(scene.db, common.room):
            await _follow_edit(scene, event, share.Change(), old.room)


async def _follow_edit(scene: Scene, event: Edited, change: share.Change, room: str) -> None:
    """Whoever edits their own words changes the copy of them in `room`, too; one that is made only now has the newest words anyway."""
    if event.target not in {said.event for said in change.copy}:
        errand = await store.errand(scene.db, event.target, room)
        if errand and errand.live and errand.author == event.sender:
            scene.puts.append(edit(room, event.room, event.target, event.id))


async def _answered(scene: Scene, event: Message | Edited | Redacted, about: str, common: Room) -> None:
    """Somebody answers a shared thread in the common room, or changes or takes back such an answer: the circle sees it in its own thread."""
    root = await answers.answered(scene.db, about, common.room)
    if root is None:
        return
    await bring_back(scene, root, event.id, common, edited=event if isinstance(event, Edited) else None)


async def bring_back(
    scene: Scene, root: str, cause: str, common: Room | None = None, *, edited: Edited | None = None
) -> None:
    """Make the answers that stand in a circle's thread what they should be, as wishes. `cause` is the event that this answers, `edited` it when it is an edit.

    `common` is where they were given: the common room, or one that it replaced.
    """
    common = common or await rooms.by_key(scene.db, "common")
    found = await answers.answers(scene.db, root, common.room, me=scene.me) if common else None
    circle = await rooms.by_id(scene.db, found.room) if found else None
    if common is None or found is None or circle is None:
        return
    allowed = may_leave(scene.config, common, circle)
    change = share.answers(found.said, found.made, found.consents, shared=found.live, allowed=allowed)
    await store.want(scene.db, change.copy, root, circle.room)
    await store.unwant(scene.db, change.withdraw, circle.room)
    scene.puts += [copy(circle.room, common.room, said.event, root, cause) for said in change.copy]
    scene.puts += [withdraw(circle.room, each, cause) for each in change.withdraw]
    if edited is not None:
        await _follow_edit(scene, edited, change, circle.room)


async def _explain(
    scene: Scene, event: Message | Edited | Redacted, about: str, top: store.Top, circle: Room, common: Room
) -> None:
    """Tell the person who put the tag why it does nothing, if it does nothing; once for each thread."""
    thread = await store.thread(scene.db, top.event, common.room, tag=_share_tag(scene), me=scene.me)
    if thread is None or isinstance(event, Redacted):
        return
    if share.only_a_wish(thread, about):
        await tell(scene, event.sender, f"share/hint/{top.event}/{event.sender}", _not_yours(circle, common))
    elif share.carrier(thread) and not may_leave(scene.config, circle, common):
        await tell(scene, event.sender, f"share/refused/{top.event}", refused(scene.config, circle, common))
    elif share.carrier(thread) and not await _accepted(scene, thread.root.author):
        await tell(scene, event.sender, f"share/rules/{top.event}", _rules_first(circle))


async def _accepted(scene: Scene, author: str) -> bool:
    """Whether nothing about the rules keeps this person's threads from being shared."""
    rules = version(scene.config.community.rules)
    guided = await onboarding.get(scene.db, author) if rules else None
    return may_be_shared(rules=rules, begun=guided is not None, accepted=guided.rules_accepted if guided else None)


async def _edit_redacted(scene: Scene, event: Redacted) -> None:
    """An author emptied their newest edit: its words leave the copy too, and what they wrote before holds again."""
    found = await store.edited_by(scene.db, event.target, event.room)
    if found:
        source, room = found
        await empty_edits(scene, source, room)
        scene.puts.append(edit(room, event.room, source, event.id))


async def _copy_redacted(scene: Scene, event: Redacted) -> None:
    """A moderator emptied a copy: it is gone, and nothing of ours brings it back by editing it."""
    source = await store.source_of(scene.db, event.target, event.room)
    if source:
        await store.sent(scene.db, source, event.room, None)
        await empty_edits(scene, source, event.room)


async def _heard(scene: Scene, event: Reacted) -> None:
    answer = share.answer(event.key)
    if answer is None:
        return
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or prompt.kind != CONSENT or prompt.user != event.sender:
        return
    await consent(scene, event.sender, answer, event.id)
    await tell(scene, event.sender, f"consent/{event.id}", heard_you(answer))


async def _ask(scene: Scene, user: str, circle: Room, common: Room) -> None:
    if await store.asked(scene.db, user, CONSENT):
        return
    text = lines(
        words(
            "A thread in %(circle)s that you answered in was shared into %(common)s by the person who began it. Your own replies stay in the circle unless you say yes.",
            circle=name(circle),
            common=name(common),
        ),
        await audience(scene, common),
        words(
            "React with 👍 for yes or 👎 for no, or write %(yes)s or %(no)s here. Your answer holds for every shared thread, and you can change it at any time.",
            yes={"command": "consent yes"},
            no={"command": "consent no"},
        ),
    )
    await tell(scene, user, f"consent/ask/{user}", text, prompt=CONSENT)


async def tell(scene: Scene, user: str, key: str, text: Text, prompt: str | None = None) -> None:
    """The wish to tell one person something, in their language; `prompt` names what a reaction on it answers."""
    language = await language_of(scene, user)
    scene.puts.append(Put(Tell(key=key, user=user, text=text, language=language, prompt=prompt)))


def name(room: Room) -> dict[str, object]:
    """The value for a text that names a room of ours to somebody who may know it."""
    if room.tag:
        return {"room": room.room, "alias": room.alias, "name": f"#{room.tag}"}
    common = {"text": asdict(words("the common room"))}
    return {"room": room.room, "alias": room.alias, "name": common if room.kind == "common" else room.key}


def _share_tag(scene: Scene) -> str:
    return fold(scene.config.community.share_tag)


def may_leave(config: Config, source: Room, target: Room) -> bool:
    """Whether words of one room may be carried into the other as both are now, and as the circle's own rule is."""
    return rule_of(config, source) != "never" and share.may_leave(
        source_encrypted=source.encrypted,
        target_encrypted=target.encrypted,
        encrypted_to_open=config.community.encrypted_to_open,
    )


def rule_of(config: Config, room: Room) -> str:
    """What a circle's rule about sharing is: ask, authors or never. Other rooms have none: ask."""
    circle = circle_by_key(config, room.key)
    return circle.sharing if circle else "ask"


def _not_yours(circle: Room, common: Room) -> Text:
    return words(
        "Only the person who began a thread can share it, so it stays in %(circle)s for now. You could ask them to put the tag on it. What you write in a thread of your own you can share into %(common)s yourself.",
        circle=name(circle),
        common=name(common),
    )


def refused(config: Config, circle: Room, common: Room) -> Text:
    """Why words of this circle do not go into the common room: its own rule, or its encryption."""
    if rule_of(config, circle) == "never":
        return words(
            "What is said in %(circle)s stays there: this circle does not share. If you want everybody to hear it, you can write it in %(common)s yourself.",
            circle=name(circle),
            common=name(common),
        )
    return words(
        "Your thread stays in %(circle)s: that room is encrypted and %(common)s is not, so sharing would take your words out of the encryption. If that should be possible here, please talk to the people who look after this community.",
        circle=name(circle),
        common=name(common),
    )


def _rules_first(circle: Room) -> Text:
    return words(
        "Your thread stays in %(circle)s for now: before threads are shared with everybody, each of us accepts what holds here. %(rules)s shows it, and with %(yes)s you accept it; then I share your thread at once.",
        circle=name(circle),
        rules={"command": "rules"},
        yes={"command": "rules yes"},
    )


def _unseen() -> Text:
    return words(
        "I was not there yet when this thread began, so I cannot share it. Please write what you want to share in a new message, with the tag."
    )


def released(room: str, source_room: str, sources: Iterable[str], root: str, cause: str) -> list[Put]:
    """The wishes for copies that waited until the root's copy could be seen under the id `cause`."""
    return [copy(room, source_room, source, root, cause) for source in sources if source != root]
