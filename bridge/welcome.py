"""Leads newcomers through the first steps in their direct room, one at a time; what an answer means and which step follows is decided in `rooms/onboarding.py`.

Who was in the space before the first cursor is at home already and is asked nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

from bridge.catalogues import spellings
from bridge.context import language_of
from bridge.daylight import awake, days_later, noon
from bridge.digest import rhythm
from bridge.digest import store as digest_store
from bridge.digest.model import Reason
from bridge.effects import Effect, Put, React, Tell
from bridge.events import AnyEvent, MemberChanged, Message, Reacted
from bridge.rooms import hello, naming, questions
from bridge.rooms.accepting import accept
from bridge.rooms.onboarding import (
    OFFERED,
    PROMPT,
    STEPS,
    WORDS,
    Reading,
    Step,
    after,
    read_emoji,
    read_word,
    version,
)
from bridge.scene import Scene, Settler, State
from bridge.store import authority, community_names, due, onboarding, people, rooms
from bridge.store import shares as share_store
from bridge.store.onboarding import Guided, Wish
from bridge.tags import fold
from bridge.times import near_zones
from bridge.words import Text, lines, words

DUE = "onboarding"
"""The kind of our rows in the table of what is due: the one reminder."""

REMIND_AFTER_DAYS = 2
MOST_TAGS = 3
MOST_CURATORS = 2
MOST_AT_ONCE = 50
"""So many people are asked about new rules in one go: answers of everybody else must not wait behind them."""

_ANSWERABLE = frozenset({"open", "paused"})


@cache
def _spelt() -> Mapping[str, str]:
    return spellings((word.source for word in WORDS), "choice")


# --- what happens --------------------------------------------------------------------------------------------------------------------


async def react(scene: Scene, event: AnyEvent) -> None:
    """Begin with whoever enters the space for the first time; hear what they answer by a reaction."""
    match event:
        case MemberChanged(membership="join") if scene.news and event.user != scene.me:
            await _entered(scene, event)
        case Reacted() if event.sender != scene.me:
            await _reacted(scene, event)
    await hello.react(scene, event)


async def heard(scene: Scene, event: Message, text: str) -> bool:
    """Take this as an answer if it can be one; False when we asked nothing. `text` is what somebody wrote in their direct room, and is no command."""
    guided = await onboarding.get(scene.db, event.sender)
    if guided is None or guided.state not in _ANSWERABLE or not await _is_here(scene, event.sender):
        return False
    step = cast("Step", guided.step)
    reading = read_word(step, text, _spelt(), [target for kind, target in guided.offer if kind == "tag"])
    if guided.state == "paused" and reading.meaning != "resume":
        return False
    await _answered(scene, _Answer(guided, step, reading, event.id, text, event))
    return True


async def catch_up(scene: Scene, user: str) -> None:
    """Go on when the question that is open was answered in another way, by a command."""
    guided = await onboarding.get(scene.db, user)
    if guided is not None and guided.state == "open" and guided.step in await _passed(scene, user):
        await _go_on(scene, user, cast("Step", guided.step))


async def _entered(scene: Scene, event: MemberChanged) -> None:
    room = scene.here
    if room is None or not scene.config.community.onboarding:
        return
    if room.kind == "space" and await onboarding.first_time(scene.db, room.room, event.user):
        await _begin(scene, event.user)
    elif room.kind == "circle":
        guided = await onboarding.get(scene.db, event.user)
        if guided is None:
            return
        await hello.entered(scene, room, event.user)
        if guided.state == "waiting":
            await _go_on(scene, event.user, "name")


async def _reacted(scene: Scene, event: Reacted) -> None:
    if all(read_emoji(step, event.key) is None for step in STEPS):
        return  # most reactions end here, without a look into the database
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or prompt.user != event.sender or not prompt.kind.startswith(PROMPT):
        return
    step = cast("Step", prompt.kind.removeprefix(PROMPT))
    reading = read_emoji(step, event.key)
    guided = await onboarding.get(scene.db, event.sender)
    if reading is None or guided is None or not await _is_here(scene, event.sender):
        return
    if guided.step == step and guided.state in _ANSWERABLE:
        await _answered(scene, _Answer(guided, step, reading, event.id))
    elif reading.meaning == "accept":
        await accept(scene, event.sender, event.id)
        await _tell(scene, event.sender, f"accepted/{event.id}", _accepted())
    elif reading.meaning == "language":
        await people.change(scene.db, event.sender, language=reading.value)
        said = words("From now on I write to you in: %(language)s.", language={"lang": reading.value})
        await _tell(scene, event.sender, f"language/{event.id}", said)


# --- answers -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    """What somebody answered to the question of a step; `cause` is the event, `text` its words, empty for a reaction."""

    guided: Guided
    step: Step
    reading: Reading
    cause: str
    text: str = ""
    message: Message | None = None

    @property
    def user(self) -> str:
        return self.guided.user


async def _answered(scene: Scene, answer: _Answer) -> None:
    user, step, reading = answer.user, answer.step, answer.reading
    match reading.meaning:
        case "later":
            await _pause(scene, user, answer.cause)
        case "resume":
            await _ask_again(scene, answer.guided, answer.cause)
        case "skip":
            await _go_on(scene, user, step, questions.not_accepted() if step == "rules" else None)
        case "accept":
            await accept(scene, user, answer.cause)
            await _go_on(scene, user, step, _accepted())
        case "language":
            await people.change(scene.db, user, language=reading.value)
            await _go_on(scene, user, step)
        case "zone":
            await people.change(scene.db, user, zone=reading.value)
            await due.look_again(scene.db, user, scene.now_ms)
            here = {"time_ms": scene.now_ms, "zone": reading.value}
            said = words("Your time zone is now %(zone)s; there it is %(now)s.", zone={"code": reading.value}, now=here)
            await _go_on(scene, user, step, said)
        case "name" if answer.message is not None:
            wrong = await naming.claim(scene, answer.message, answer.text)
            if wrong is None:
                said = words("Good. From now on I call you that, wherever I name you.")
                await _go_on(scene, user, step, said)
            else:
                await _tell(scene, user, f"onboarding/{user}/unclear/{answer.cause}", lines(wrong, questions.passing()))
        case "follow" if wishes := _chosen(answer.guided.offer, reading):
            await _go_on(scene, user, step, await _follow(scene, user, wishes))
        case _:
            near = near_zones(answer.text) if step == "zone" else ()
            await _tell(scene, user, f"onboarding/{user}/unclear/{answer.cause}", questions.unclear(step, near))


def _chosen(offer: Sequence[Wish], reading: Reading) -> tuple[Wish, ...]:
    """What of the offer is wanted; nothing when a number is not in it."""
    if reading.numbers is None:
        return tuple(offer)
    if any(not 1 <= number <= len(offer) for number in reading.numbers):
        return ()
    picked = [offer[number - 1] for number in reading.numbers]
    return tuple(dict.fromkeys([*picked, *(("tag", tag) for tag in reading.tags)]))


async def _follow(scene: Scene, user: str, wishes: Sequence[Wish]) -> Text:
    first = await rhythm.never_decided(scene, user)
    for kind, target in wishes:
        await digest_store.follow(scene.db, user, Reason(kind, target), scene.now_ms)  # type: ignore[arg-type]
    by_id = {room.room: room for room in await rooms.all_rooms(scene.db)}
    said = words("You now follow %(what)s.", what={"list": [questions.wish_in_words(wish, by_id) for wish in wishes]})
    if not first:
        return said
    next_ms, zone = await rhythm.begin(scene, user, "daily")
    begun = words(
        "From now on you get a digest every day when there is something new; the first one: %(next)s. %(digest)s changes that.",
        next={"time_ms": next_ms, "zone": zone}, digest={"command": "help digest"},
    )  # fmt: skip
    return lines(said, begun)


def _accepted() -> Text:
    return words("Thank you. You have accepted what holds here for everybody.")


# --- steps ---------------------------------------------------------------------------------------------------------------------------


async def _begin(scene: Scene, user: str) -> None:
    step = after(None, await _passed(scene, user))
    if await onboarding.begin(scene.db, user, step or STEPS[-1], scene.now_ms):
        await _ask(scene, user, step, questions.welcome(scene.config))


async def _go_on(scene: Scene, user: str, step: Step, said: Text | None = None) -> None:
    await due.remove(scene.db, DUE, user)
    await _ask(scene, user, after(step, await _passed(scene, user)), said)


async def _ask(scene: Scene, user: str, step: Step | None, said: Text | None) -> None:
    """Put the question of this step (None: there is none left), behind what is to be said before."""
    if step is None:
        await onboarding.change(scene.db, user, state="done")
        await _tell(scene, user, f"onboarding/{user}/done", _joined(said, questions.all_done()))
        return
    offer = await _offer(scene, user) if step == "follows" else ()
    if step == "follows" and not offer:
        await onboarding.change(scene.db, user, state="waiting", step=step)
        await _tell(scene, user, f"onboarding/{user}/waiting", _joined(said, questions.all_for_now()))
        return
    await onboarding.change(scene.db, user, state="open", step=step, offer=offer)
    if step == "rules":
        await onboarding.change(scene.db, user, rules_asked=version(scene.config.community.rules))
    await _put_question(scene, user, step, offer, f"onboarding/{user}/{step}", said)


async def _ask_again(scene: Scene, guided: Guided, cause: str, said: Text | None = None) -> None:
    await due.remove(scene.db, DUE, guided.user)
    await onboarding.change(scene.db, guided.user, state="open")
    key = f"onboarding/{guided.user}/{guided.step}/{cause}"
    await _put_question(scene, guided.user, cast("Step", guided.step), guided.offer, key, said)


async def _put_question(
    scene: Scene, user: str, step: Step, offer: Sequence[Wish], key: str, said: Text | None
) -> None:
    text = questions.question(
        step,
        language=await language_of(scene, user),
        config=scene.config,
        zone=await _zone(scene, user),
        offer=offer,
        rooms={room.room: room for room in await rooms.all_rooms(scene.db)},
    )
    await _tell(scene, user, key, _joined(said, text), prompt=f"{PROMPT}{step}")


async def _pause(scene: Scene, user: str, cause: str) -> None:
    zone = await _zone(scene, user)
    slot = days_later(scene.now_ms, zone, REMIND_AFTER_DAYS)
    await onboarding.change(scene.db, user, state="paused")
    await due.set_next(scene.db, DUE, user, noon(slot, zone), slot)
    await _tell(scene, user, f"onboarding/{user}/paused/{cause}", questions.paused(noon(slot, zone), zone))


async def _passed(scene: Scene, user: str) -> frozenset[str]:
    """The steps that are not to be asked: we know the answer, or there is nothing to ask."""
    person = await people.get(scene.db, user)
    guided = await onboarding.get(scene.db, user)
    rules = version(scene.config.community.rules)
    known = {
        "language": person.language is not None,
        "rules": rules is None or (guided is not None and guided.rules_accepted is not None),
        "zone": person.zone is not None,
        "name": await community_names.get(scene.db, user) is not None,
        "follows": bool(await digest_store.follows_of(scene.db, [user])),
    }
    return frozenset(step for step, so in known.items() if so)


async def _offer(scene: Scene, user: str) -> tuple[Wish, ...]:
    """What a newcomer could follow to begin with: their circles, who looks after these, and the tags most used in their rooms."""
    mine = set(await people.rooms_of(scene.db, user))
    here = [room for room in await rooms.in_use(scene.db) if room.room in mine]
    circles = [room for room in here if room.kind == "circle"]
    if not circles:
        return ()
    own = {room.tag for room in circles}
    say = await authority.named(scene.db, scene.config)
    curators = [
        curator
        for circle in scene.config.community.circles
        if fold(circle.tag) in own
        for curator in say.leads(circle)
        if curator != user
    ]
    tags = await share_store.tag_counts(scene.db, [room.room for room in here], MOST_TAGS)
    return (
        *(("circle", room.room) for room in circles),
        *(("person", curator) for curator in dict.fromkeys(curators[:MOST_CURATORS])),
        *(("tag", tag) for tag, _number in tags),
    )


# --- by the clock --------------------------------------------------------------------------------------------------------------------


async def tick(scene: Scene) -> None:
    """Remind whoever wanted to go on later, once; ask for a hello; show rules that changed to those who were shown other ones, once, and not at night."""
    for row in await due.claim_due(scene.db, DUE, scene.now_ms, MOST_AT_ONCE):
        at_ms = noon(row.slot, await _zone(scene, row.subject))
        guided = await onboarding.get(scene.db, row.subject)
        if guided is None or guided.state != "paused" or not await _is_here(scene, row.subject):
            await due.remove(scene.db, DUE, row.subject)
        elif at_ms > scene.now_ms:  # they have told us another time zone since
            await due.set_next(scene.db, DUE, row.subject, at_ms, row.slot)
        else:
            await _ask_again(scene, guided, row.slot, questions.reminder())
    await hello.tick(scene)
    which = version(scene.config.community.rules)
    if which is not None and scene.config.community.onboarding:
        for guided in await onboarding.behind_the_rules(scene.db, which, MOST_AT_ONCE):
            await _show_changed_rules(scene, guided, which)


async def _show_changed_rules(scene: Scene, guided: Guided, which: str) -> None:
    user = guided.user
    if awake(scene.now_ms, await _zone(scene, user)) > scene.now_ms:
        return
    await onboarding.change(scene.db, user, rules_asked=which)
    if await _is_here(scene, user):
        key = f"onboarding/{user}/rules/{which}"
        await _put_question(scene, user, "rules", (), key, questions.changed_rules())


# --- saying it -----------------------------------------------------------------------------------------------------------------------


async def _is_here(scene: Scene, user: str) -> bool:
    space = await rooms.by_key(scene.db, "space")
    return space is not None and await people.membership(scene.db, space.room, user) == "join"


async def _zone(scene: Scene, user: str) -> str:
    return (await people.get(scene.db, user)).zone or scene.config.zone


def _joined(said: Text | None, text: Text) -> Text:
    return lines(said, text) if said is not None else text


async def _tell(scene: Scene, user: str, key: str, text: Text, prompt: str | None = None) -> None:
    language = await language_of(scene, user)
    scene.puts.append(Put(Tell(key=key, user=user, text=text, language=language, prompt=prompt)))


async def _asked(scene: Scene, effect: Tell, state: State, result: str | None) -> None:
    """A question stands: put under it what one touch can answer."""
    step = (effect.prompt or "").removeprefix(PROMPT)
    if state != "done" or result is None or not effect.prompt or not effect.prompt.startswith(PROMPT):
        return
    room = (await people.get(scene.db, effect.user)).direct_room
    if room is None:
        return
    for emoji in OFFERED.get(cast("Step", step), ()):
        scene.puts.append(Put(React(key=f"offered/{result}/{emoji}", room=room, event=result, emoji=emoji)))


SETTLERS: Mapping[type[Effect], Settler] = {Tell: _asked}
