"""While much of moderation goes out Hearth does not listen, and it never goes without for long."""

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge import hearth

MANY, FEW = (True, 16), (False, 3)


class _Outbox:
    """How it is with the outbox at each moment: whether much of moderation is under way at once, and how much."""

    def __init__(self, moments: Iterator[tuple[bool, int]]) -> None:
        self.moments = moments
        self.rushing, self.urgent = next(moments)

    async def pass_by(self, _seconds: float) -> None:
        self.rushing, self.urgent = next(self.moments)


@pytest.mark.parametrize(
    ("wanted", "moments", "breaths"),
    [
        (1, repeat((False, 0)), 0),
        (1, repeat(FEW), 0),
        (hearth.MUCH, repeat((False, 0)), 1),
        (hearth.MUCH, chain([FEW], repeat(MANY, 40), [FEW] * 2, repeat((False, 0))), 43),
        (1, chain([MANY] * 5, [FEW], [MANY] * 5, repeat((False, 0))), 11),
        (1, chain([MANY] * 5, repeat(FEW)), 5 + hearth.LAST_BREATHS),
        (1, repeat(MANY), hearth.BREATHS),
    ],
)
async def test_how_long_it_does_not_listen(
    wanted: int, moments: Iterator[tuple[bool, int]], breaths: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, taken = _Outbox(moments), 0

    async def sleep(seconds: float) -> None:
        nonlocal taken
        assert seconds == hearth.BREATH_SECONDS
        taken += 1
        await outbox.pass_by(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await hearth.Hearth._breathe(cast("Any", SimpleNamespace(outbox=outbox)), wanted)
    assert taken == breaths
    assert pytest.approx(15) == hearth.BREATHS * hearth.BREATH_SECONDS
