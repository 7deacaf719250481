"""Runs every rule of `tests/cases/term`: a membership is given its last day, the clock runs, and this is what happens when."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from bridge.config import Membership
from bridge.rooms.term import Term, look, renewed

CASES = sorted((Path(__file__).parent / "term").glob("*.yaml"))
ME = "@me:example.org"


def at(wall: str, zone: str) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def wall(at_ms: int, zone: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M %z")


def happens(case: dict[str, Any]) -> list[str]:
    """What the tick does when it looks whenever it wants to, and at the end of an outage (`away`) or a move (`moves`)."""
    zone = case.get("zone", "Europe/Berlin")
    rules = Membership.model_validate(case.get("rules", {}))
    now_ms = at(case["given"], zone)
    away = [(at(start, zone), at(end, zone)) for start, end in case.get("away", ())]
    moves = [(at(move["at"], zone), move["zone"]) for move in case.get("moves", ())]
    gifts = [(at(gift["at"], zone), gift["until"]) for gift in case.get("renewed", ())]
    fresh = Term(user=ME, until=None, period=0, cause=1)
    term = renewed(fresh, case["until"], case["until"], 1, zone, rules, now_ms)
    found = []
    while True:
        seen = look(term, zone, rules, now_ms)
        if seen.remind is not None:
            found.append(f"{wall(now_ms, zone)} reminds {seen.remind}")
            term = replace(term, reminded=seen.remind)
        if seen.stage != term.stage:
            found.append(f"{wall(now_ms, zone)} {seen.stage}")
            term = replace(term, stage=seen.stage)
        again = look(term, zone, rules, now_ms)
        assert (again.stage, again.remind) == (term.stage, None), "looking twice is looking once"
        later = [moment for moment, _ in (*moves, *gifts) if moment > now_ms]
        soonest = min([*later, *([seen.next_ms] if seen.next_ms else [])], default=None)
        if soonest is None:
            return found
        assert soonest > now_ms
        now_ms = next((end for start, end in away if start <= soonest < end), soonest)
        zone = next((there for moment, there in reversed(moves) if moment <= now_ms), zone)
        for moment, until in gifts:
            if moment == now_ms:
                term = renewed(term, until, until, 2, zone, rules, now_ms)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_rule_holds(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert happens(case) == case["happens"]


def test_there_are_rules() -> None:
    assert len(CASES) > 10
