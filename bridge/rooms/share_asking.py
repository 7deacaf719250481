"""Asks repliers whether their words may travel with a shared thread: each person once. Writes wishes, never decides what follows."""

from bridge.rooms import share_told as told
from bridge.scene import Scene
from bridge.store import rooms
from bridge.store import shares as store
from bridge.store.rooms import Room
from bridge.words import Text, lines, words

CONSENT = "consent"
"""What a reaction on our question to a replier answers."""


async def ask(scene: Scene, user: str, source: Room, target: Room) -> None:
    """Ask somebody who said something in `source` that would be read in `target`."""
    question = words(
        "A thread in %(circle)s that you answered in was shared into %(common)s by the person who began it. Your own replies stay in %(circle)s unless you say yes.",
        circle=told.name(source),
        common=told.name(target),
    )
    await _ask_once(scene, user, question, target)


async def ask_answerer(scene: Scene, user: str, circle: Room, home: Room) -> None:
    """Ask somebody who answered in a circle to a thread that was carried there from the common room, where everybody would read it."""
    question = words(
        "In %(circle)s you answered a thread that was carried there from %(home)s. Your answer stays in %(circle)s unless you say yes; then whoever reads %(home)s reads it there, too.",
        circle=told.name(circle),
        home=told.name(home),
    )
    await _ask_once(scene, user, question, home)


async def _ask_once(scene: Scene, user: str, question: Text, target: Room) -> None:
    """The question, who would read it, and how to answer; nothing when this person was asked before. The answer holds for the common room in any case, so its audience is always named."""
    if await store.asked(scene.db, user, CONSENT):
        return
    common = await rooms.by_key(scene.db, "common")
    readers = [target] if common is None or common.room == target.room else [target, common]
    text = lines(
        question,
        *[await told.audience(scene, room) for room in readers],
        words(
            "React with 👍 for yes or 👎 for no, or write %(yes)s or %(no)s here. Your answer holds for every shared thread, and you can change it at any time.",
            yes={"command": "consent yes"},
            no={"command": "consent no"},
        ),
    )
    await told.tell(scene, user, f"consent/ask/{user}", text, prompt=CONSENT)
