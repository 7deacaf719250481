"""What the rooms do when something happens: shared threads are kept as they should be. Writes wishes, never acts."""

from bridge.events import AnyEvent
from bridge.rooms import shares
from bridge.scene import Scene


async def react(scene: Scene, event: AnyEvent) -> None:
    """Look at one event; all that follows from it is appended to `scene.puts`."""
    await shares.react(scene, event)
