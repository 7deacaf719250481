"""What `hearth apply` says on its way: at a terminal, into a journal, and to staff who asked for it."""

import pytest

from bridge.__main__ import EVERY_SECONDS, _how_far, _now_and_then
from bridge.rooms.asked import MINUTE_MS, how_far
from bridge.rooms.build import Progress
from bridge.text import render

LIFT = "; `hearth check` tells how to lift the homeserver's limit"


def progress(*, left_ms: int | None = None, limited: bool = False) -> Progress:
    return Progress(done=9, total=40, rooms=4, of_rooms=18, left_ms=left_ms, limited=limited)


@pytest.mark.parametrize(
    ("left_ms", "limited", "said"),
    [
        (None, False, ""),
        (0, False, ""),
        (1, False, ", less than a minute left"),
        (60_000, False, ", less than a minute left"),
        (60_001, False, ", about 2 min left"),
        (14 * 60_000, True, f", about 14 min left{LIFT}"),
        (None, True, LIFT),
    ],
)
def test_one_line_says_how_far_it_is_how_long_it_takes_and_why(left_ms: int | None, limited: bool, said: str) -> None:
    assert _how_far(progress(left_ms=left_ms, limited=limited)) == f"4 of 18 rooms, 9 of 40 steps{said}"


def test_a_journal_hears_of_it_every_half_minute_and_not_at_all_of_what_is_over_before() -> None:
    now, lines = [0.0], list[str]()
    tell = _now_and_then(lines.append, lambda: now[0])
    heard = {}
    for second in range(101):
        now[0] = float(second)
        before = len(lines)
        tell(progress())
        if len(lines) > before:
            heard[second] = lines[-1]
    assert EVERY_SECONDS == 30
    assert list(heard) == [30, 60, 90]
    assert set(heard.values()) == {"4 of 18 rooms, 9 of 40 steps"}


@pytest.mark.parametrize(
    ("left_ms", "limited", "said"),
    [
        (None, False, []),
        (MINUTE_MS, False, ["It takes about 1 minute more."]),
        (MINUTE_MS + 1, False, ["It takes about 2 minutes more."]),
        (
            None,
            True,
            [
                "The homeserver lets me do only so much at a time; hearth check on Hearth's machine tells how to lift that."
            ],
        ),
    ],
)
def test_staff_hears_it_in_words(left_ms: int | None, limited: bool, said: list[str]) -> None:
    text = how_far(progress(left_ms=left_ms, limited=limited))
    body = render(text, "en", None).body  # type: ignore[arg-type] - nobody is named
    assert body.split("\n\n") == ["4 of 18 rooms are there, 9 of 40 steps are done.", *said]
