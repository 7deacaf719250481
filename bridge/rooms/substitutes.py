"""Somebody looks after a circle while its curator is away, until a moment that was agreed; then it ends by itself. Never touches a room."""

from bridge.community import circle_by_key
from bridge.rooms import circles
from bridge.scene import Scene
from bridge.store import due, ledger, rooms, settings
from bridge.words import words

KIND = "substitute"
"""What their end is called among the things that are due."""


async def until(scene: Scene, key: str, user: str, end_ms: int) -> None:
    """This person stands in for the curators of the circle with this key until then (UTC ms)."""
    await due.set_next(scene.db, KIND, f"{key} {user}", end_ms, str(end_ms))


async def end(scene: Scene) -> None:
    """Take back the rights of those whose time is over, and tell them."""
    for each in await due.claim_due(scene.db, KIND, scene.now_ms, 50):
        await due.remove(scene.db, KIND, each.subject)
        key, _, user = each.subject.rpartition(" ")
        circle, room = circle_by_key(scene.config, key), await rooms.by_key(scene.db, key)
        if circle is None or room is None or user not in circle.substitutes:
            continue  # it ended before: they were taken off, or are a curator now
        cause = await ledger.write(
            scene.db, actor=scene.me, action="substitute ended", target=key, reason=None, rule=KIND, room=None,
            event=None, now_ms=scene.now_ms,
        )  # fmt: skip
        left = [each for each in circle.substitutes if each != user]
        former = [*circle.former, *([user] if user not in (*circle.former, *circle.curators) else [])]
        for field, value in (("substitutes", left), ("former", former)):
            await settings.decide(scene.db, key, field, value, cause, scene.now_ms)
        text = words(
            "Your time of looking after %(circle)s is over. Thank you for standing in!", circle=circles.name(room)
        )
        await circles.tell(scene, user, f"substitute/{room.room}/{user}/{each.slot}", text)
