"""What each protection finds in each case of cases/protections: the file's name begins with the protection, and is the rule. And what holds for all of them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Edited, MemberChanged, Message
from bridge.matrix import translate
from bridge.moderation.model import Facts
from bridge.moderation.protection import protections
from bridge.text import render

CASES = sorted((Path(__file__).parent / "protections").glob("*.yaml"))
ROOM, EVE = "!room:a.test", "@eve:b.test"
KINDS = {"message": Message, "edit": Edited, "poll": Message, "member": MemberChanged}


class Names:
    def of(self, user: str) -> str:
        return user

    def find(self, name: str) -> tuple[str, ...]:
        return ()


def heard(kind: str, told: dict[str, Any]) -> Any:
    """The event as the homeserver would tell it, translated."""
    raw: dict[str, Any] = {"event_id": "$e", "sender": EVE, "origin_server_ts": 1}
    if kind == "member":
        return MemberChanged("$e", ROOM, EVE, 1, user=EVE, **{"membership": "join", **told})
    if kind == "poll":
        name = "m.poll.start" if "m.poll" in told else "org.matrix.msc3381.poll.start"
        return translate.event({**raw, "type": name, "content": told}, ROOM)
    content = {"msgtype": "m.text", **told}
    if "formatted_body" in content:
        content["format"] = "org.matrix.custom.html"
    if kind == "edit":
        content = {
            **content,
            "body": "* …",
            "m.new_content": content,
            "m.relates_to": {"rel_type": "m.replace", "event_id": "$x"},
        }
    return translate.event({**raw, "type": "m.room.message", "content": content}, ROOM)


def facts(told: dict[str, Any]) -> Facts:
    lists = {name: frozenset(value) if isinstance(value, list) else value for name, value in told.items()}
    return Facts(**{"key": "circle/sleep", "kind": "circle", "now_ms": 1, **lists})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_finding_is(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    rule = protections()[case["protection"]]
    assert path.stem.startswith(rule.name.replace("_", "-"))
    assert case["events"]
    for told in case["events"]:
        ((kind, content),) = told.items()
        event = heard(kind, content)
        if event is None:  # so malformed that it is nothing
            assert case["expected"] is None
            continue
        assert isinstance(event, KINDS[kind])
        assert isinstance(event, rule.looks_at)
        found = rule(event, rule.settings.model_validate(case.get("settings", {})), facts(case.get("facts", {})))
        seen = found and {
            "acts": [act.value for act in found.acts], "matched": render(found.matched, "en", Names()).body,
        }  # fmt: skip
        assert seen == case["expected"], told


@pytest.mark.parametrize("name", list(protections()))
def test_every_protection_has_cases_of_both_kinds(name: str) -> None:
    mine = [path for path in CASES if path.stem.startswith(name.replace("_", "-"))]
    ends = [yaml.safe_load(path.read_text(encoding="utf-8"))["expected"] for path in mine]
    assert None in ends
    assert any(ends)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "body",
        "formatted_body",
        "format",
        "filename",
        "m.text",
        "m.poll",
        "m.mentions",
        "m.caption",
        "msgtype",
        "question",
        "answers",
    ]
)


@given(st.dictionaries(NAMES, ANYTHING | st.text(), max_size=8), st.sampled_from(["message", "edit", "poll"]))
def test_no_protection_stumbles_over_anything_that_somebody_can_send(content: dict[str, Any], kind: str) -> None:
    event = heard(kind, content)
    for rule in protections().values():
        if event is not None and isinstance(event, rule.looks_at):
            settings = rule.settings.model_validate({"words": ["a*", "?b"]} if rule.name == "words" else {})
            rule(event, settings, facts({}))
