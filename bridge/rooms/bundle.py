"""Decides whether the next thread that is shared stands on its own or in a bundle, and what a bundle says; pure. Never knows which threads these are."""

from collections.abc import Iterable

from bridge.words import Text, words_n

HOUR_MS = 3_600_000
"""Within so long the shares of one room into another are counted; and so long a bundle takes further ones."""


def alone(began_ms: Iterable[int], *, now_ms: int, after: int) -> bool:
    """Whether the next share from a room into another stands on its own. `began_ms` is when the other live ones between these rooms began (UTC)."""
    return sum(now_ms - HOUR_MS < each <= now_ms for each in began_ms) < after


def takes(began_ms: int, now_ms: int) -> bool:
    """Whether a bundle that was begun then (UTC ms) takes another thread."""
    return now_ms - HOUR_MS < began_ms


def head(count: int, tag: str | None) -> Text:
    """What the message says with which a bundle of so many threads begins. `tag` is that of the circle they come from, None for the common room."""
    if tag is None:
        return words_n(
            "More from the common room: %(count)s thread, in this thread.",
            "More from the common room: %(count)s threads, in this thread.",
            count,
        )
    return words_n(
        "More from %(circle)s: %(count)s thread, in this thread.",
        "More from %(circle)s: %(count)s threads, in this thread.",
        count,
        circle=f"#{tag}",
    )
