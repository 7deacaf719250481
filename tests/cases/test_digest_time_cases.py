"""Runs every rule of `tests/cases/digest_time`: somebody chooses when their digest comes, the clock runs, and these are the moments at which one is made, and as which day's."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from bridge.daylight import Quiet
from bridge.digest.due import Wall, look, moved, next_run, not_before, outside

CASES = sorted((Path(__file__).parent / "digest_time").glob("*.yaml"))
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def at(wall: str, zone: str) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def shown(at_ms: int, zone: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone)).strftime("%a %Y-%m-%d %H:%M %z")


def minute(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


class Story:
    """One member. `by` is their wall with the hour that they want, which is not always the hour that they get."""

    def __init__(self, case: dict[str, Any]) -> None:
        zone = case.get("zone", "Europe/Berlin")
        weekday = DAYS.index(case["weekday"]) if "weekday" in case else None
        self.by = Wall(zone, minute(case.get("hour", "08:00")), weekday)
        self.quiet(case.get("quiet"))
        self.changes = sorted(((at(one["at"], zone), one) for one in case.get("then", ())), key=lambda one: one[0])
        self.away = [(at(start, zone), at(end, zone)) for start, end in case.get("away", ())]
        self.end_ms = at(case["until"], zone)
        self.now_ms = at(case["from"], zone)
        self.row = next_run(self.now_ms, zone, self.wall.minute, weekday)
        self.made: list[str] = []

    @property
    def wall(self) -> Wall:
        return replace(self.by, minute=outside(self.by.minute, self.by.quiet))

    def quiet(self, hours: str | None) -> None:
        since, _, until = (hours or "").partition("-")
        self.by = replace(self.by, quiet=Quiet(minute(since), minute(until)) if hours else None)

    def change(self, what: dict[str, Any]) -> None:
        """What commands do, and a start with a new time zone database (`rules`: another zone's)."""
        if "zone" in what or "quiet" in what:
            self.by = replace(self.by, zone=what.get("zone", self.by.zone))
            if "quiet" in what:
                self.quiet(what["quiet"])
            self.row = (self.now_ms, self.row[1])
        if "rules" in what:
            self.by = replace(self.by, zone=what["rules"])
            self.row = (max(moved(self.by.zone, self.wall.minute, self.row[1]), self.now_ms), self.row[1])
        if "pause" in what:
            last = (date.fromisoformat(what["pause"]) - timedelta(days=1)).isoformat()
            self.row = next_run(self.now_ms, self.by.zone, self.wall.minute, self.by.weekday, after=last)

    def play(self) -> list[str]:
        slots = []
        while True:
            soonest, what = min([(self.row[0], None), *self.changes[:1]], key=lambda one: one[0])
            soonest = next((end for start, end in self.away if start <= soonest < end), soonest)
            if soonest > self.end_ms:
                assert slots == sorted(set(slots)), "no slot has two"
                return self.made
            self.now_ms = max(soonest, self.now_ms)
            if what is not None:
                self.changes.pop(0)
                self.change(what)
            if self.row[0] <= self.now_ms:
                seen = look(self.now_ms, *self.row, self.wall)
                assert seen.following[0] > self.now_ms, "nobody looks for ever"
                self.row = seen.following
                if seen.slot is not None:
                    slots.append(seen.slot)
                    day = "" if shown(self.now_ms, self.by.zone)[4:14] == seen.slot else f" for {seen.slot}"
                    self.made.append(shown(self.now_ms, self.by.zone) + day)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_rule_holds(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "sent" in case:  # one that was made in time and is under way for long
        zone, hours = case["zone"], case.get("quiet", "").partition("-")
        quiet = Quiet(minute(hours[0]), minute(hours[2])) if "quiet" in case else None
        found = [
            [at(one, zone), not_before(at(one, zone), at(case["made"], zone), zone, quiet)] for one in case["sent"]
        ]
        assert {shown(start, zone): shown(end, zone) for start, end in found} == case["comes"]
    else:
        assert Story(case).play() == case["comes"]


def test_there_are_rules() -> None:
    assert len(CASES) > 20
