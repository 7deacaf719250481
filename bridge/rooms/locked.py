"""The rooms as they should be while some are locked; pure. Asked twice, it says the same."""

from dataclasses import replace

from bridge.locks import LOCKED_INVITE, LOCKED_WRITE, Shut
from bridge.rooms.model import Desired, DesiredRoom


def locked(desired: Desired, shut: Shut) -> Desired:
    """What should exist, with the powers to write and to invite as a lock asks; `plan` then finds nothing to put right."""
    if not shut:
        return desired
    return replace(desired, rooms=tuple(_locked(room, shut) for room in desired.rooms))


def _locked(room: DesiredRoom, shut: Shut) -> DesiredRoom:
    power = dict(room.power)
    writers = room.writers
    if shut.writing(room.key):
        writers = max(writers, LOCKED_WRITE)
        if "write" in power:
            power["write"] = writers
    if shut.inviting(room.key):
        power["invite"] = max(power.get("invite", room.guarded), LOCKED_INVITE)
    return replace(room, writers=writers, power=power)
