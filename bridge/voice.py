"""Prepares the power levels in which somebody may only read, or may write again; never decides who, and never sends anything.

What stands in the database at the moment of doing counts: a mute and the grace of an ended membership are looked at together.
"""

from collections.abc import Mapping

from bridge.effects import Effect, Mute, SetState, SetVoice
from bridge.errors import Refused
from bridge.power import powers_seen, voice_of, with_voice
from bridge.scene import Desk, Filler
from bridge.store import voices

LEVELS = "m.room.power_levels"
NO_POWER = "M_HEARTH_NO_POWER"
"""Our own error code: they have as much power there as we have."""


async def fill(desk: Desk, effect: SetVoice) -> SetState | None:
    """The power levels with this one person's changed, read at this moment: nothing else of ours changes that room meanwhile, since it is one lane.

    A mute of somebody whom we do not outrank is Refused (NO_POWER).
    """
    async with desk.reading() as db:
        silent = await voices.is_silent(db, effect.room, effect.user)
    levels = await desk.read.state_content(effect.room, LEVELS)
    create = await desk.read.state_content(effect.room, "m.room.create")
    if levels is None or create is None:
        return None
    powers = powers_seen(desk.me, levels, create)
    content = with_voice(powers, effect.user, desk.me, silent=silent)
    if content is not None:
        return SetState(key=effect.key, room=effect.room, type=LEVELS, content=content)
    if (
        isinstance(effect, Mute)
        and silent
        and voice_of(powers, effect.user)
        and not powers.outranks(desk.me, effect.user)
    ):
        raise Refused(0, NO_POWER, "PUT power_levels")
    return None


FILLERS: Mapping[type[Effect], Filler] = {SetVoice: fill, Mute: fill}
