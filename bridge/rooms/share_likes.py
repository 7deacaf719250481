"""Reactions to the beginning of a shared thread, there and on its copies: the thread's line follows their numbers. Never says who reacted."""

from bridge.rooms import summary
from bridge.scene import Scene
from bridge.store import summaries


async def react(scene: Scene) -> None:
    """A reaction came or went: where it was on a shared thread's first message or a copy of that, its lines are looked at."""
    if scene.liked is not None:
        for root, room in await summaries.lines_of(scene.db, scene.liked):
            await summary.look(scene, root, room)
