"""How long a plan will still take, judging by how long its steps took so far and what the homeserver lets us do; pure. Never waits, never reads a clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.pacing import REST, bucket

LOOK_BACK = 6
"""So many steps back the pace is judged by: what went through in the first burst says nothing of the rest."""


@dataclass(slots=True)
class Watch:
    """When steps of each bucket were settled (UTC ms), and the latest moment until which each was held back."""

    settled: dict[str, list[int]] = field(default_factory=dict)
    held_until: dict[str, int] = field(default_factory=dict)
    held_from: dict[str, int] = field(default_factory=dict)

    def step(self, kind: str, at_ms: int) -> None:
        """A step of this kind of effect was settled then."""
        self.settled.setdefault(bucket(kind), []).append(at_ms)

    def look(self, held: Mapping[str, int], now_ms: int) -> None:
        """These buckets are held back until these moments; what is over is let be."""
        for name, until_ms in held.items():
            if until_ms > now_ms:
                self.held_from.setdefault(name, now_ms)
                self.held_until[name] = max(until_ms, self.held_until.get(name, 0))

    @property
    def limited(self) -> bool:
        """Whether the homeserver's limits were met."""
        return bool(self.held_until)


def left_ms(watch: Watch, left: Mapping[str, int], now_ms: int) -> int | None:
    """How long the steps will take that are left, by their bucket; None while nothing can be said.

    Rooms are made one after the other and what hangs on them follows; invites go on beside both.
    """
    times = {name: _one(watch, name, number, now_ms) for name, number in left.items() if number > 0}
    if not times or all(time is None for time in times.values()):
        return None
    rooms = (times.get("create") or 0) + (times.get(REST) or 0)
    return max(rooms, times.get("invite") or 0)


def _one(watch: Watch, name: str, number: int, now_ms: int) -> int | None:
    settled = watch.settled.get(name, [])
    if name in watch.held_until:
        wait_ms = max(0, watch.held_until[name] - now_ms)
        since = [at_ms for at_ms in settled if at_ms >= watch.held_from[name]]
        told_ms = watch.held_until[name] - (since[-1] if since else watch.held_from[name])
        each_ms = _mean(since[-LOOK_BACK:]) or max(told_ms, 0)
        return wait_ms + (number - 1) * each_ms
    mean_ms = _mean(settled[-LOOK_BACK:])
    return None if mean_ms is None else number * mean_ms


def _mean(moments: Sequence[int]) -> int | None:
    """The mean distance between moments; None for fewer than two."""
    return (moments[-1] - moments[0]) // (len(moments) - 1) if len(moments) > 1 else None
