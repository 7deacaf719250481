"""A tag in a reply to somebody else's thread: the author of that is asked whether it may be shared with just this reply. Never shares without their yes.

The tag is the replier's own consent for this one reply. Nothing else of the thread travels, until its author shares all of it.
"""

from collections.abc import Iterable

from bridge.events import AnyEvent, Edited, Message, Reacted
from bridge.rooms import share, share_rule, share_told, shares
from bridge.rooms.ask import SILENCE_MS
from bridge.rooms.share_targets import all_targets
from bridge.rooms.shares import Wish
from bridge.scene import Scene
from bridge.store import offers, people, reaching, rooms, tagged
from bridge.store import shares as store
from bridge.store.offers import Asked
from bridge.store.rooms import Room
from bridge.words import Text, lines, words

_PROMPT = "offer/"
"""Before the room and the reply's event id: what a reaction on our question answers."""


async def react(scene: Scene, event: AnyEvent, wishes: Iterable[Wish]) -> None:
    """Somebody puts tags on a reply of theirs (`wishes`); or the author of the thread answers our question."""
    if isinstance(event, Message | Edited):
        for each in wishes:
            await _offer(scene, event.sender, each)
        if isinstance(event, Message) and not scene.ordinary:
            await _came_before(scene, event)
    elif isinstance(event, Reacted) and event.sender != scene.me:
        await _answered(scene, event)


async def forget_silence(scene: Scene) -> None:
    """What was not answered for three days is forgotten."""
    await offers.expire(scene.db, scene.now_ms - SILENCE_MS)


async def _came_before(scene: Scene, event: Message) -> None:
    """Replies that carry a tag and that we heard of before what they answer: now it is known whom they could be shared with."""
    late = await tagged.heard_before(scene.db, event.id)
    here = await rooms.by_id(scene.db, event.room) if late else None
    top = await store.top(scene.db, event.id) if here is not None else None
    if here is not None and top is not None and top.known and top.room == here.room:
        targets = await all_targets(scene, here)
        for said in late:
            for each in targets:
                if each.tag in said.tags:
                    await _offer(scene, said.author, Wish(said.event, top, here, each))


async def _offer(scene: Scene, user: str, wish: Wish) -> None:
    about, top, source, target = wish.about, wish.top, wish.source, wish.target
    thread = await shares.thread(scene, top.event, source, target)
    if thread is None or not share.only_a_wish(thread, about) or share.carrier(thread) is not None:
        return
    said = await _reason(scene, user, thread, source, target.room)
    if said is None:
        if share.may_offer(thread, about):
            asked = Asked(about, target.room.room, top.event, top.author)
            await offers.ask(scene.db, asked, user, scene.now_ms)
            question = await _question(scene, user, asked, source, target.room)
            prompt = f"{_PROMPT}{target.room.room}/{about}"
            await share_told.tell(scene, top.author, f"offer/ask/{target.room.room}/{about}", question, prompt=prompt)
        # The same words whether they are asked now, were before, or said no: that is theirs to tell.
        said = words(
            "I have asked the person who began that thread whether it may be read in %(common)s together with this reply of yours, and nothing else of it. If they agree, it will be; if not, it stays in %(circle)s.",
            circle=share_told.name(source),
            common=share_told.name(target.room),
        )
    await share_told.tell(scene, user, f"share/hint/{target.room.room}/{top.event}/{user}", said)


async def _reason(scene: Scene, user: str, thread: share.Thread, source: Room, target: Room) -> Text | None:
    """Why nobody is asked; None when they can be."""
    why = share_rule.refusal(scene.config, source, target)
    if why not in (None, "untold"):
        return share_told.refused(scene.config, source, target)
    if share_rule.rule_of(scene.config, source) == "authors":
        return words(
            "In %(circle)s only those who began a thread share it, of their own accord.", circle=share_told.name(source)
        )
    if thread.consents.get(user) is False:
        return words(
            "You once said that your replies stay where you write them, so this one does, too. Write %(command)s if you change your mind; then put the tag on it again.",
            command={"command": "consent yes"},
        )
    if thread.root.author in thread.gone:
        return words(
            "Whoever began that thread is not in %(circle)s any more, so I cannot ask them.",
            circle=share_told.name(source),
        )
    return None


async def _question(scene: Scene, user: str, asked: Asked, source: Room, target: Room) -> Text:
    return lines(
        words(
            "%(who)s answered in a thread that you began in %(circle)s, and would like that answer to be read in %(common)s: %(reply)s. The message with which you began would be read there with it; these two, and nothing else of the thread.",
            who={"user": user},
            circle=share_told.name(source),
            common=share_told.name(target),
            reply={"event": asked.reply, "room": source.room},
        ),
        *await share_told.reach(scene, source, target),
        words(
            "May I share these two? Answer with 👍 or 👎 on this message. Without an answer they stay where they are, and in three days I forget the question. You can take it back at any time with %(command)s.",
            command={"command": "unshare"},
        ),
    )


async def _answered(scene: Scene, event: Reacted) -> None:
    yes = share.answer(event.key)
    prompt = await people.prompt(scene.db, event.target) if yes is not None else None
    if yes is None or prompt is None or prompt.user != event.sender or not prompt.kind.startswith(_PROMPT):
        return
    room, _, reply = prompt.kind.removeprefix(_PROMPT).partition("/")
    asked = await offers.get(scene.db, reply, room)
    target = await rooms.by_id(scene.db, room)
    home = await store.room_of(scene.db, asked.root) if asked else None
    source = await rooms.by_id(scene.db, home) if home else None
    if asked is None or target is None or source is None:
        said = words("I do not know that thread any more.")
    else:
        await offers.answer(scene.db, asked, yes, scene.now_ms)
        await shares.refresh(scene, asked.root, source.room, event.id)
        if yes and share_rule.refusal(scene.config, source, target) == "untold":
            await reaching.await_notice(scene.db, asked.root, source.room, scene.now_ms)
            said = share_told.refused(scene.config, source, target)
        else:
            said = _thanks(source, target, yes=yes)
    await share_told.tell(scene, event.sender, f"offer/answered/{event.id}", said)


def _thanks(source: Room, target: Room, *, yes: bool) -> Text:
    if not yes:
        return words("Then it stays in %(circle)s. I will not ask about it again.", circle=share_told.name(source))
    return words(
        "Thank you. These two messages go into %(common)s. Take them back at any time with %(command)s.",
        common=share_told.name(target),
        command={"command": "unshare"},
    )
