"""Which circle a newcomer gets in each case of cases/assign: the file's name is the rule. And what holds whatever the case."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.assign import Circle, Newcomer, assign, kept_from

CASES = sorted((Path(__file__).parent / "assign").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_circle_is(path: Path) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    held = case["given"]
    found = assign(
        Newcomer(**held["newcomer"]),
        [Circle(**circle) for circle in held["circles"]],
        held.get("members", {}),
        [frozenset(pair) for pair in held.get("apart", ())],
    )
    assert found == case["expected"]


USERS = st.sampled_from([f"@{name}:a.test" for name in "abcdefgh"])
LANGUAGES = st.sampled_from([None, "en", "ru", "de"])
KEYS = [f"circle/{number}" for number in range(5)]


@st.composite
def communities(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.lists(st.sampled_from(KEYS), unique=True))
    return {
        "newcomer": Newcomer(draw(USERS), draw(LANGUAGES)),
        "circles": [Circle(key, draw(st.integers(1, 6)), draw(LANGUAGES)) for key in keys],
        "members": {key: draw(st.sets(USERS)) for key in keys},
        "apart": draw(st.sets(st.frozensets(USERS, min_size=2, max_size=2))),
    }


@given(communities())
def test_who_is_assigned_has_room_is_understood_and_meets_nobody_they_should_not(community: dict[str, Any]) -> None:
    found = assign(**community)
    newcomer, members = community["newcomer"], community["members"]

    def fits(circle: Circle) -> bool:
        return (
            len(members[circle.key]) < circle.size
            and (None in (circle.language, newcomer.language) or circle.language == newcomer.language)
            and not kept_from(newcomer.user, members[circle.key], community["apart"])
        )

    possible = {circle.key for circle in community["circles"] if fits(circle)}
    assert (found in possible) if possible else found is None


@given(communities(), st.randoms())
def test_the_order_of_circles_and_people_does_not_matter(community: dict[str, Any], random: Any) -> None:
    shuffled = list(community["circles"])
    random.shuffle(shuffled)
    assert assign(**{**community, "circles": shuffled}) == assign(**community)


@given(communities())
def test_assigned_one_by_one_no_circle_outgrows_its_size(community: dict[str, Any]) -> None:
    members = {key: set(list(inside)[:1]) for key, inside in community["members"].items()}
    sizes = {circle.key: circle.size for circle in community["circles"]}
    for number in range(40):
        found = assign(Newcomer(f"@new{number}:b.test"), community["circles"], members, community["apart"])
        if found is None:
            assert all(len(members[key]) >= size for key, size in sizes.items())
            break
        members[found].add(f"@new{number}:b.test")
    assert all(len(members[key]) <= size for key, size in sizes.items())
