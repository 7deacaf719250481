"""Runs every rule of `tests/cases/watch`: what is known of a circle, and what is said of it to those who look after it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.digest.model import Answers, Presence, Waiting, Week
from bridge.digest.watch import DAY_MS, HOUR_MS, Facts, Sight, see

CASES = sorted((Path(__file__).parent / "watch").glob("*.yaml"))
NOW_MS = 1_000 * DAY_MS
HERE, ELSEWHERE = "!here", "!elsewhere"


def ago(text: str) -> int:
    """`3h` or `2d` before now (UTC ms)."""
    return NOW_MS - int(text[:-1]) * {"h": HOUR_MS, "d": DAY_MS}[text[-1]]


def presence(text: str, room: str) -> Presence:
    user, *rest = text.split()
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    said = ago(given["said"]) if "said" in given else None
    seen = ago(given["seen"]) if "seen" in given else said
    return Presence(room, user, ago(given["joined"]), said, seen)


def facts(case: dict[str, Any], room: str) -> Facts:
    waits = [text.split() for text in case.get("waiting", ())]
    return Facts(
        [Waiting(room, event, author, ago(at)) for event, author, at in reversed(waits)],
        [presence(text, room) for text in case.get("people", ())],
        [Week(room, week, people) for week, people in enumerate(case.get("weeks", ())) if people],
        [Answers(room, user, number) for user, number in case.get("answers", {}).items()],
    )


def shown(sight: Sight) -> dict[str, Any]:
    everything = {
        "waiting": [one.event for one in sight.waiting],
        "silent": list(sight.silent),
        "unseen": list(sight.unseen),
        "quiet": list(sight.quiet or ()),
        "heavy": list(sight.heavy or ()),
    }
    return {key: value for key, value in everything.items() if value}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_rule_holds(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    since_ms = ago(case["since"]) if "since" in case else 0
    sight = see(HERE, facts(case, HERE), NOW_MS, since_ms)
    assert shown(sight) == case["says"]
    assert sight.says is bool(case["says"])
    assert not see(HERE, facts(case, ELSEWHERE), NOW_MS, since_ms).says
