"""A reaction on the answer to a decision has what was refused tried again; never decides what that is, and never acts itself."""

from bridge.context import role_in
from bridge.events import Reacted
from bridge.roles import Role
from bridge.scene import Scene
from bridge.store import ledger, people, queue, rooms

KIND = "retry/"
"""How the name of what a reaction answers begins; behind it stands the row of the ledger."""

AGAIN = "🔁"
_VARIANT = "\ufe0f"


async def react(scene: Scene, event: Reacted) -> None:
    """Try again what was refused, if whoever reacts is a moderator, or gave the order and could still give it. Anybody else's reaction is nothing."""
    if event.key.rstrip(_VARIANT) != AGAIN:
        return
    prompt = await people.prompt(scene.db, event.target)
    if prompt is None or not prompt.kind.startswith(KIND):
        return
    entry = await ledger.get(scene.db, int(prompt.kind.removeprefix(KIND)))
    if entry is None:
        return
    where = await rooms.by_id(scene.db, entry.room) if entry.room else None
    role = await role_in(scene, event.sender, where)
    if role >= Role.MODERATOR or (role >= Role.CURATOR and event.sender == entry.actor):
        await queue.retry_all(scene.db, entry.id)
