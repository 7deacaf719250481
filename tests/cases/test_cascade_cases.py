"""Who leaves which room because they are out of the space, in each case of cases/cascade: the file's name is the rule."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.rooms.cascade import Was, removals

CASES = sorted((Path(__file__).parent / "cascade").glob("*.yaml"))
ME, OWNERS = "@hearth:a.test", ("@ann:a.test", "@olga:a.test")
MINUTE_MS = 60_000


def history(told: list[str]) -> Iterator[Was]:
    """From lines like `10 @eve space join`: a minute, who, where, and what they are from then on."""
    lines = [line.split() for line in told]
    for row, (minute, user, room, membership) in enumerate(lines):
        later = any(line[1:3] == [user, room] for line in lines[row + 1 :])
        yield Was(user, room, membership, row, int(minute) * MINUTE_MS, not later)


def said(case: Mapping[str, Any]) -> list[str]:
    given = case["given"]
    was = tuple(history(given["history"]))
    inside = {each.user for each in was if (each.room, each.membership, each.now) == ("space", "join", True)}
    found = removals(
        was,
        space="space",
        me=ME,
        owners=OWNERS,
        owners_inside=inside & set(OWNERS),
        now_ms=given["minute"] * MINUTE_MS,
        removed=given.get("removed", ()),
    )
    assert found == removals(
        reversed(was), space="space", me=ME, owners=OWNERS, owners_inside=inside & set(OWNERS),
        now_ms=given["minute"] * MINUTE_MS, removed=given.get("removed", ()),
    )  # fmt: skip
    return [f"{each.user} {each.room}{'' if each.by_themselves else ' taken out'}" for each in found]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_out_of_the_space(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert said(case) == case["expected"]
