"""What follows when somebody accepts the rules; never asks them, and never decides what a shared thread needs."""

from bridge.rooms import shares
from bridge.rooms.onboarding import version
from bridge.scene import Scene
from bridge.store import onboarding
from bridge.store import shares as share_store
from bridge.tags import fold

BACK_MS = 14 * 24 * 3600 * 1000
"""Threads that waited for this no longer than so are shared now; older ones would surprise."""


async def accept(scene: Scene, user: str, cause: str) -> bool:
    """Write down when this person accepted which version of the rules; what they wanted to share and could not is shared now. False without rules.

    `cause` is the event by which they did.
    """
    which = version(scene.config.community.rules)
    if which is None:
        return False
    if await onboarding.begin(scene.db, user, "follows", scene.now_ms):  # was here before us, and does it all the same
        await onboarding.change(scene.db, user, state="done")
    before = await onboarding.get(scene.db, user)
    await onboarding.change(scene.db, user, rules_asked=which, rules_accepted=which, accepted_ms=scene.now_ms)
    if before is not None and before.rules_accepted is None:
        circles = (fold(circle.tag) for circle in scene.config.community.circles)
        tags = frozenset((fold(scene.config.community.share_tag), *circles))
        for event, room in await onboarding.tagged_by(scene.db, user, tags, scene.now_ms - BACK_MS):
            top = await share_store.top(scene.db, event)
            if top is not None and top.known and top.author == user:
                await shares.refresh(scene, top.event, room, cause)
    return True
