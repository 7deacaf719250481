"""What time it is; the one place that asks. Never used by anything that decides: to those, the time is an argument."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the time in integer milliseconds UTC."""


def now_ms() -> int:
    """The time of this machine, in milliseconds UTC."""
    return time.time_ns() // 1_000_000
