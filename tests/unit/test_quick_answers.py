"""Whoever reacts in the very moment in which we asked is understood: first it is written down what we asked."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from bridge import hearth
from bridge.events import Batch, Content, Event, Message, Reacted

ME, ANN = "@hearth:one.test", "@ann:one.test"


@pytest.mark.parametrize(
    ("event", "waits"),
    [
        (Reacted("$r", "!a", ANN, 1, "$question", "👍"), True),
        (Reacted("$r", "!a", ME, 1, "$question", "👍"), False),
        (Message("$m", "!a", ANN, 1, Content("m.text", "hello")), False),
    ],
)
async def test_what_is_under_way_is_written_down_before_a_reaction_is_handled(
    event: Event, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[object] = []

    async def settled(kinds: frozenset[str], seconds: float) -> None:
        order.append((sorted(kinds), seconds))

    async def handle(*_: object, **__: object) -> int:
        order.append("handled")
        return 0

    monkeypatch.setattr("bridge.handle.handle", handle)
    outbox = SimpleNamespace(settled=settled)
    troubles = SimpleNamespace(tell=lambda *_: None)
    ours = SimpleNamespace(
        outbox=outbox, troubles=troubles, me=ME, database=None, overlay=None, names=None, clock=lambda: 1, watched=None
    )
    await hearth.Hearth._handled(cast("Any", ours), Batch("token", (event,)))
    assert order == ([(["Call", "Deliver", "Hand", "Say", "Tell"], 2.0)] if waits else []) + ["handled"]
