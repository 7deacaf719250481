"""Asks an author whether a thread of theirs may be shared, when somebody else wants it; never shares without their yes, and never asks twice."""

from bridge.events import AnyEvent, Reacted
from bridge.rooms import share, share_final, share_rule, share_told, shares
from bridge.scene import Scene
from bridge.store import people, reaching, rooms, share_requests, strikes
from bridge.store import shares as store
from bridge.store.rooms import Room
from bridge.words import Text, lines, words

EMOJI = frozenset({"🔗", "📣"})
"""Whoever puts one of these on a message of a circle would like its thread to be heard by all."""

_VARIATION = "\ufe0f"
_PROMPT = "share/"
"""Before the root's event id: what a reaction on our question answers."""

SILENCE_MS = 72 * 60 * 60 * 1000
"""After this long, silence was a no, and nothing of the question is kept."""


async def react(scene: Scene, event: AnyEvent) -> None:
    """A reaction with the share emoji asks the author; one on our question answers it."""
    if (
        not isinstance(event, Reacted) or event.sender == scene.me or event.marked
    ):  # another Hearth marks what it shared
        return
    if event.key.replace(_VARIATION, "") in EMOJI:
        circle = await rooms.by_id(scene.db, event.room)
        if circle is not None and circle.kind == "circle":
            said = await wish(scene, event.sender, event.target, event.id)
            await share_told.tell(scene, event.sender, f"share/wish/{event.id}", said)
        return
    answer = share.answer(event.key)
    prompt = await people.prompt(scene.db, event.target) if answer is not None else None
    if prompt is not None and prompt.user == event.sender and prompt.kind.startswith(_PROMPT):
        root = prompt.kind.removeprefix(_PROMPT)
        said = await answered(scene, event.sender, root, bool(answer), event.id)
        await share_told.tell(scene, event.sender, f"share/answered/{event.id}", said)


async def wish(scene: Scene, user: str, about: str, cause: str) -> Text:
    """Somebody wants the thread of this message to be shared: its author's own wish is enough, another one's is a question. What to tell them."""
    common = await rooms.by_key(scene.db, "common")
    top = await store.top(scene.db, about)
    circle = await rooms.by_id(scene.db, top.room) if top else None
    if common is None or top is None or not top.known or circle is None or circle.kind != "circle":
        return words("I know no thread of a circle there. Perhaps I was not there yet when it began.")
    if await people.membership(scene.db, circle.room, user) != "join":
        return words("That thread is in a circle that you are not in.")
    if share_rule.refusal(scene.config, circle, common) not in (None, "untold"):
        return share_told.refused(scene.config, circle, common)
    if await strikes.is_struck(scene.db, top.event, common.room):
        return share_final.for_good(circle, common)
    if top.author == user:
        return await answered(scene, user, top.event, True, cause)
    return await _ask(scene, user, top, circle, common)


async def _ask(scene: Scene, user: str, top: store.Top, circle: Room, common: Room) -> Text:
    decided = await store.standing(scene.db, top.event, common.room)
    if decided is not None and decided.live:
        return words("That thread is shared already.")
    if share_rule.rule_of(scene.config, circle) == "authors":
        return words(
            "In %(circle)s only those who began a thread share it, of their own accord.", circle=share_told.name(circle)
        )
    if await people.membership(scene.db, circle.room, top.author) != "join":
        return words(
            "Whoever began that thread is not in %(circle)s any more, so I cannot ask them.",
            circle=share_told.name(circle),
        )
    if await share_requests.ask(scene.db, top.event, top.author, user, scene.now_ms):
        question = await _question(scene, user, top, circle, common)
        prompt = f"{_PROMPT}{top.event}"
        await share_told.tell(scene, top.author, f"share/ask/{top.event}/{scene.now_ms}", question, prompt=prompt)
    # The same words whether they were asked now or before, said no, or said nothing: that is theirs to tell.
    return words(
        "I have asked the person who began that thread. If they agree, everybody will see it in %(common)s; if not, it stays here.",
        common=share_told.name(common),
    )


async def _question(scene: Scene, user: str, top: store.Top, circle: Room, common: Room) -> Text:
    return lines(
        words(
            "%(who)s would like everybody to hear a thread that you began in %(circle)s: %(thread)s",
            who={"user": user}, circle=share_told.name(circle), thread={"event": top.event, "room": circle.room},
        ),
        *await share_told.reach(scene, circle, common),
        words(
            "May I share it? Answer with 👍 or 👎 on this message. Without an answer it stays where it is, and in three days I forget the question. You can take it back at any time with %(command)s.",
            command={"command": "unshare"},
        ),
    )  # fmt: skip


async def answered(scene: Scene, author: str, root: str, yes: bool, cause: str) -> Text:
    """The author says whether their thread may be shared; what to tell them. Too late is no answer: then nothing is kept of the question."""
    common = await rooms.by_key(scene.db, "common")
    top = await store.top(scene.db, root)
    circle = await rooms.by_id(scene.db, top.room) if top else None
    if common is None or circle is None or top is None or top.author != author:
        return words("I do not know that thread any more.")
    why = share_rule.refusal(scene.config, circle, common) if yes else None
    if why not in (None, "untold"):
        return share_told.refused(scene.config, circle, common)
    await share_requests.answer(scene.db, root, author, yes, scene.now_ms)
    if not yes and not await shares.take_back(scene, root, circle.room, cause):
        return words("Then it stays in %(circle)s. I will not ask about it again.", circle=share_told.name(circle))
    await shares.refresh(scene, root, circle.room, cause)
    if why is not None:
        await reaching.await_notice(scene.db, root, circle.room, scene.now_ms)
        return share_told.refused(scene.config, circle, common)
    if yes:
        return words(
            "Thank you. Your thread goes into %(common)s. Take it back at any time with %(command)s.",
            common=share_told.name(common),
            command={"command": "unshare"},
        )
    return words("Your thread is being taken back. It stays in %(circle)s.", circle=share_told.name(circle))


async def forget_silence(scene: Scene) -> None:
    """What was not answered for three days is forgotten."""
    await share_requests.expire(scene.db, scene.now_ms - SILENCE_MS)
