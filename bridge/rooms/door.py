"""How many strangers we listen to, and for how long somebody who guesses; pure, and never anybody's words."""

from collections.abc import Sequence

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS

STRANGERS_AN_HOUR = 20
"""So many new direct rooms of people whom we do not know are entered within any hour; others wait for their turn."""

LONGEST_WAIT_MS = 6 * HOUR_MS
"""Whoever would have to wait longer is not waited for: so many at once are no newcomers."""

ROOMS_OF_ONE = 3
"""So many rooms one stranger may bring us into within a day."""

STAY_MS = DAY_MS
"""So long we stay in a stranger's room where nothing comes of it."""

WRONG_TRIES = 5
WINDOW_MS = HOUR_MS
"""So many wrong codes within this time, and then silence for as long."""


def turn(newest: Sequence[int], now_ms: int) -> int | None:
    """When the next stranger's room may be entered (UTC ms; not before now), or None: it would take too long.

    `newest` are the turns given so far, the latest first; STRANGERS_AN_HOUR of them are enough.
    """
    if len(newest) < STRANGERS_AN_HOUR:
        return now_ms
    at_ms = max(now_ms, newest[STRANGERS_AN_HOUR - 1] + HOUR_MS)
    return at_ms if at_ms - now_ms <= LONGEST_WAIT_MS else None


def counted(wrong: int, since_ms: int, now_ms: int) -> tuple[int, int]:
    """After one more wrong code: how many there are, and since when. Those of more than an hour ago do not count."""
    if not wrong or now_ms - since_ms >= WINDOW_MS:
        return 1, now_ms
    # With the last one silence begins, and its hour with it.
    return (WRONG_TRIES, now_ms) if wrong + 1 >= WRONG_TRIES else (wrong + 1, since_ms)


def silent(wrong: int, since_ms: int, now_ms: int) -> bool:
    """Whether this person is not listened to for now."""
    return wrong >= WRONG_TRIES and now_ms - since_ms < WINDOW_MS
