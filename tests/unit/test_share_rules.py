from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.share import (
    Change,
    Made,
    Offer,
    Said,
    Standing,
    Thread,
    answer,
    answers,
    audience,
    decide,
    may_offer,
    only_a_wish,
    wanted,
)

CASES = sorted((Path(__file__).parent.parent / "cases" / "share").glob("*.yaml"))


def said(event: str, raw: dict[str, Any]) -> Said:
    return Said(event, raw["by"], raw.get("seen", 0), raw.get("tagged", False), raw.get("redacted", False))


def thread(raw: dict[str, Any]) -> Thread:
    decided = raw.get("standing")
    return Thread(
        root=said("root", raw["root"]),
        replies=tuple(said(each["id"], each) for each in raw.get("replies", ())),
        standing=Standing(decided["live"], decided["at"]) if decided else None,
        made=tuple(Made(each["source"], each["live"], each.get("copy")) for each in raw.get("made", ())),
        consents=raw.get("consents", {}),
        struck=raw.get("struck", ()),
        gone=raw.get("gone", ()),
        offers=tuple(
            Offer(each["reply"], each["by"], each.get("agreed"), each.get("at")) for each in raw.get("offers", ())
        ),
        refused=raw.get("refused", False),
    )


def plain(change: Change) -> dict[str, Any]:
    shown = {
        "begin": change.begin,
        "end": change.end,
        "copy": [each.event for each in change.copy],
        "wait": [each.event for each in change.wait],
        "withdraw": list(change.withdraw),
        "ask": list(change.ask),
    }
    return {name: value for name, value in shown.items() if value}


BACK = sorted((Path(__file__).parent.parent / "cases" / "answers").glob("*.yaml"))


@pytest.mark.parametrize("path", BACK, ids=lambda path: path.stem)
def test_what_comes_back(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = case["given"]
    change = answers(
        [said(each["id"], each) for each in given["said"]],
        [Made(each["source"], each["live"], each.get("copy")) for each in given.get("made", ())],
        given.get("consents", {}),
        shared=given.get("shared", True),
        allowed=given.get("allowed", True),
        of_a_circle=given.get("of_a_circle", False),
        struck=given.get("struck", ()),
        gone=given.get("gone", ()),
    )
    assert plain(change) == case["expected"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_shared(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    change = decide(thread(case["given"]), allowed=case["given"].get("allowed", True))
    assert plain(change) == case["expected"]


PEOPLE = st.sampled_from(["ann", "ben", "cleo"])
SAID = st.builds(Said, st.just(""), PEOPLE, st.integers(0, 9), st.booleans(), st.booleans())


@st.composite
def threads(draw: st.DrawFn) -> Thread:
    messages = [
        replace(each, event=f"m{number}") for number, each in enumerate(draw(st.lists(SAID, min_size=1, max_size=6)))
    ]
    sources = draw(st.lists(st.sampled_from([each.event for each in messages]), unique=True))
    made = tuple(Made(source, draw(st.booleans()), draw(st.none() | st.just(f"c-{source}"))) for source in sources)
    standing = draw(st.none() | st.builds(Standing, st.booleans(), st.integers(0, 9)))
    consents = draw(st.dictionaries(PEOPLE, st.none() | st.booleans()))
    struck = draw(st.frozensets(st.sampled_from([each.event for each in messages]), max_size=2))
    gone = draw(st.frozensets(PEOPLE, max_size=2))
    return Thread(messages[0], tuple(messages[1:]), standing, made, consents, struck=struck, gone=gone)


def applied(before: Thread, change: Change) -> Thread:
    live = {each.source: each for each in before.made}
    for each in (*change.copy, *change.wait):
        live[each.event] = Made(each.event, True, live[each.event].copy if each.event in live else None)
    for source in change.withdraw:
        live[source] = replace(live[source], live=False)
    standing = None if change.end else before.standing
    if change.begin:
        standing = Standing(True, 10)
    return replace(before, made=tuple(live.values()), standing=standing)


@given(threads(), st.booleans())
def test_one_step_reaches_what_is_wanted_and_the_next_does_nothing(before: Thread, allowed: bool) -> None:
    after = applied(before, decide(before, allowed=allowed))
    assert {each.source for each in after.made if each.live} == {each.event for each in wanted(before, allowed=allowed)}
    again = decide(after, allowed=allowed)
    assert (again.begin, again.end, again.copy, again.wait, again.withdraw) == (None, False, (), (), ())


@given(threads(), st.booleans())
def test_nobodys_words_travel_without_their_own_yes(before: Thread, allowed: bool) -> None:
    for each in wanted(before, allowed=allowed):
        own_tag = each.tagged and before.consents.get(each.author) is not False
        assert each is before.root or each.author == before.root.author or before.consents.get(each.author) or own_tag
        assert not each.redacted
        assert allowed


OFFERING = {
    "a tag of somebody else": ({}, True),
    "no tag": ({"tagged": False}, False),
    "their own thread": ({"by": "ann"}, False),
    "redacted": ({"redacted": True}, False),
}


@pytest.mark.parametrize("how", OFFERING)
def test_what_is_offered(how: str) -> None:
    change, asked = OFFERING[how]
    reply = said("r1", {"by": "ben", "tagged": True, **change})
    assert may_offer(Thread(Said("root", "ann"), (reply,)), "r1") is asked


@pytest.mark.parametrize(
    "against",
    [
        {"consents": {"ben": False}},
        {"refused": True},
        {"gone": {"ann"}},
        {"struck": {"root"}},
        {"offers": (Offer("r1", "ben"),)},
        {"offers": (Offer("r0", "ben"),)},
        {"offers": (Offer("r0", "cleo", False, 1),)},
        {"root": Said("root", "ann", tagged=True)},
        {"root": Said("root", "ann", redacted=True)},
    ],
)
def test_what_speaks_against_asking(against: dict[str, Any]) -> None:
    asking = Thread(Said("root", "ann"), (Said("r1", "ben", tagged=True),), offers=(Offer("r0", "ben", True, 1),))
    assert may_offer(asking, "r1")
    assert not may_offer(replace(asking, **against), "r1")


def test_only_somebody_elses_tag_is_only_a_wish() -> None:
    story = Thread(Said("root", "ann"), (Said("r1", "ben", tagged=True), Said("r2", "ann", tagged=True)))
    assert only_a_wish(story, "r1")
    assert not only_a_wish(story, "r2")
    assert not only_a_wish(story, "root")


@pytest.mark.parametrize(
    ("key", "meant"),
    [("👍", True), ("👍🏽", True), ("✅", True), ("✔️", True), ("👎🏿", False), ("❌", False), ("🎉", None), ("", None)],
)
def test_a_reaction_as_an_answer(key: str, meant: bool | None) -> None:
    assert answer(key) is meant


def test_the_audience_is_named_by_servers_with_most_people_first() -> None:
    members = ["@hearth:a.test", "@ann:a.test", "@ben:b.test", "@cleo:b.test", "@d:b.test"]
    assert audience(members, "@hearth:a.test") == (4, ("b.test", "a.test"), 0)
    many = [f"@x:{number}.test" for number in range(9)]
    assert audience(many, "@hearth:a.test")[2] == 5
