"""What whoever looks at a case should know beside it, in a few lines; numbers and decisions, never anybody's words. Never changes anything."""

from collections import Counter

from bridge.moderation import enforce, orders, store
from bridge.moderation.model import REPORTS
from bridge.scene import Scene
from bridge.store import background, journal
from bridge.store import cases as case_store
from bridge.store.cases import ACCEPTED, Case
from bridge.times import DAY_MS
from bridge.words import Text, words, words_n


async def message(scene: Scene, event: str | None) -> tuple[Text, ...]:
    """When a message was written, what it is part of, whether it is still there."""
    post = await journal.post(scene.db, event) if event else None
    if post is None:
        return ()
    when = {"time_ms": post.at_ms, "zone": scene.config.zone}
    found = [words("Written %(when)s.", when=when)]
    if post.thread is not None:
        found.append(words("It belongs to a thread: %(thread)s", thread={"event": post.thread, "room": post.room, "name": words("how it began")}))  # fmt: skip
    elif post.reply_to is not None:
        found.append(words("It answers %(event)s.", event={"event": post.reply_to, "room": post.room}))
    number = await background.answers(scene.db, post.event)
    if number:
        found.append(words_n("%(count)s message answers it.", "%(count)s messages answer it.", number))
    if post.redacted:
        found.append(words("It was taken away meanwhile."))
    elif post.edited is not None:
        found.append(words("It was changed since it was written."))
    return tuple(found)


async def person(scene: Scene, case: Case) -> tuple[Text, ...]:
    """How long somebody has been here, what was decided about them, and how often something was reported of them before."""
    known = await background.of_person(scene.db, case.subject)
    found: list[Text] = []
    if known.since_ms is not None:
        days = max(0, scene.now_ms - known.since_ms) // DAY_MS
        messages = words_n("%(count)s message", "%(count)s messages", known.messages)
        found.append(words_n("Here for %(count)s day, with %(messages)s.", "Here for %(count)s days, with %(messages)s.", days, messages=messages))  # fmt: skip
    found += await _decisions(scene, case.subject)
    before = [one for one in await case_store.all_about(scene.db, case.subject, *REPORTS) if one.id != case.id]
    settled = [one for one in before if one.state != "open"]
    if settled:
        right = sum(one.outcome == ACCEPTED for one in settled)
        found.append(words_n("Reported %(count)s time before; something was done about %(right)s of them.", "Reported %(count)s times before; something was done about %(right)s of them.", len(settled), right=right))  # fmt: skip
    waiting = [str(one.id) for one in before if one.state == "open" and one.hidden == case.hidden]
    if waiting:
        found.append(words("Also waiting about them: case %(numbers)s.", numbers={"list": waiting}))
    return tuple(found)


async def _decisions(scene: Scene, user: str) -> list[Text]:
    decided = await store.of_target(scene.db, (user,))
    wider = [one for one in await store.all_standing(scene.db) if one.target != user and enforce.hits(one, user)]
    if not decided and not wider:
        return [words("Nothing was decided about them before.")]
    counts = Counter(one.kind for one, _, _ in decided) + Counter(one.kind for one in wider)
    told = [words("%(kind)s: %(number)s", kind=orders.called(kind), number=number) for kind, number in counts.items()]
    command = {"command": f"sanctions {user}"}
    return [words("Decided about them before: %(what)s. %(command)s shows all of it.", what={"list": told}, command=command)]  # fmt: skip
