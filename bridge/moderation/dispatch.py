"""What becomes of bans and server lists once Matrix has answered: recorded, and told in one answer. Never sends anything itself."""

from collections.abc import Sequence
from typing import Any

from bridge.context import language_of, later_answer
from bridge.effects import Ban, SetServerAcl, Unban
from bridge.moderation import store
from bridge.moderation.model import OurBan
from bridge.moderation.react import shown
from bridge.scene import Scene, State
from bridge.store import ledger, queue, rooms
from bridge.words import Text, lines, words, words_n


async def banned(scene: Scene, effect: Ban, state: State, _result: str | None) -> None:
    """The ban stands in that room, and is ours to lift."""
    if state == "done" and effect.sanction is not None:
        await store.record_ban(scene.db, OurBan(effect.room, effect.user, effect.sanction))


async def unbanned(scene: Scene, effect: Unban, state: State, _result: str | None) -> None:
    """The ban is lifted in that room."""
    if state == "done":
        await store.forget_ban(scene.db, effect.room, effect.user)
