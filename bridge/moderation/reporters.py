"""Who told us of something hears that we heard it, and what came of it; nobody else ever hears who it was. Never decides anything."""

import hashlib

from bridge.context import language_of
from bridge.effects import Put, Tell
from bridge.events import Message
from bridge.grammar import read_line
from bridge.scene import Scene
from bridge.store import cases as store
from bridge.store import reports
from bridge.store.cases import ACCEPTED, Case
from bridge.words import Text, lines, words

PROMPT = "report/"
"""How the name of what a reaction on our thanks answers begins; behind it stands the number of the case."""


def place(event: Message, reason: str) -> str | None:
    """Where a command's reason can be read, as `store.reports` keeps it: only that is kept, and not what it says. None when there is none."""
    said = read_line(event.content.body)
    after = next((at for at in range(len(said.words) + 1) if said.rest(at) == reason), None) if reason else None
    return None if after is None else f"{event.room} {event.id} {after}"


async def thank(scene: Scene, case: Case, user: str, cause: str, *, urgent: bool) -> None:
    """Somebody told us of something: they hear that it arrived, and can say that it is urgent (unless it is said already). `cause` is an event id or the like."""
    parts = [
        words("Thank you for telling me. Those who look after this place will look at it; nobody hears from whom it came, and you will hear what comes of it.")
    ]  # fmt: skip
    if not urgent:
        parts.append(words("If it cannot wait, react here with 🆘 when somebody may be in danger of their life, or with ‼️ when somebody is being hurt."))  # fmt: skip
    key = f"report/{cause}/thanks"
    told = Tell(key=key, user=user, text=lines(*parts), language=await language_of(scene, user), prompt=f"{PROMPT}{case.id}")  # fmt: skip
    scene.puts.append(Put(told))


async def tell_outcome(scene: Scene, case: Case) -> None:
    """The case is settled: everybody who told us of it hears what came of it, and from then on nobody knows who that was."""
    now = await store.get(scene.db, case.id)
    accepted = now is not None and now.outcome == ACCEPTED
    for user in await reports.of_case(scene.db, case.id):
        name = hashlib.sha256(f"{case.id}/{user}".encode()).hexdigest()[:24]  # a key is kept for a while
        text = _outcome(case, accepted=accepted)
        told = Tell(key=f"report/{name}/told", user=user, text=text, language=await language_of(scene, user))
        scene.puts.append(Put(told))
    await reports.forget(scene.db, case.id)


def _outcome(case: Case, *, accepted: bool) -> Text:
    if case.kind.endswith("crisis"):
        if accepted:
            return words("You told me of somebody who may be in danger. Somebody is with them now. Thank you for looking out for each other.")  # fmt: skip
        return words("You told me of somebody who may be in danger. We looked, and all is well as far as we can see. It was right to tell me.")  # fmt: skip
    if accepted:
        return words("You told me of something that should not be. We looked at it, and did something about it; what exactly stays between us and the people concerned. Thank you.")  # fmt: skip
    return words("You told me of something that should not be. We looked at it, and leave it as it is. It was right to tell me; please do it again when something worries you.")  # fmt: skip
