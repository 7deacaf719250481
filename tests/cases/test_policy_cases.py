"""What the rules of other people's lists say and what becomes of them, in each case of cases/policies: the file's name is the rule."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.moderation.book import Book
from bridge.moderation.judge import judge
from bridge.moderation.policies import Rule, read

CASES = sorted((Path(__file__).parent / "policies").glob("*.yaml"))
KIND = {"user": "m.policy.rule.user", "server": "m.policy.rule.server", "room": "m.policy.rule.room"}


def as_read(case: dict[str, Any]) -> list[Any]:
    """What each state event says: `entity target`, with what is more than a ban; or why it says nothing."""
    found: list[Any] = []
    for event in case["given"]["events"]:
        rule = read(event.get("type", KIND["user"]), event["content"])
        if not isinstance(rule, Rule):
            found.append(str(rule))
            continue
        more = [name for name, has in (("takedown", rule.takedown), (f"because {rule.reason}", rule.reason)) if has]
        found.append(" ".join([rule.entity, rule.target or f"hash {rule.hash}", *more]))
    return found


def as_judged(case: dict[str, Any]) -> dict[str, Any]:
    """What becomes of each rule, by its number from 1 on, and how many people those that are held mean."""
    given = case["given"]
    book = Book()
    for number, line in enumerate(given["rules"], 1):
        entity, target = line.split()
        book.put(number, Rule(entity, target))
    ours = {number for user in given.get("spared", ()) for number in book.meaning(user)}
    hit: dict[int, set[str]] = {}
    people = [f"@{name}:b.test" for name in given["people"]]
    for user in people:
        for number in book.meaning(user):
            hit.setdefault(number, set()).add(user)
    members, lately = given.get("members", len(people)), given.get("lately", 0)
    numbers = list(range(1, len(given["rules"]) + 1))
    frozen = {number: frozenset(users) for number, users in hit.items()}
    judged = judge(given["stance"], numbers, frozen, ours, members=members, lately=lately)
    found = {"followed": judged.on, "asked": judged.asked, "held": judged.held, "shown": judged.shown}
    assert sorted(number for each in found.values() for number in each) == numbers
    said: dict[str, Any] = {name: list(each) for name, each in found.items() if each}
    return said | ({"people": len(judged.people), "why": judged.why} if judged.held else {})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_list_of_rules(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: Any = as_read(case) if "events" in case["given"] else as_judged(case)
    assert found == case["expected"]
