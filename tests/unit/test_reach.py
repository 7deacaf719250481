"""How far words may get beyond the room they were said in."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.globs import server_matches
from bridge.rooms.reach import ANY_SERVER, OPEN, Place, further, outsiders, permitted, refusal

OWN = "home.test"


@pytest.mark.parametrize(
    ("source", "target", "steps"),
    [
        (Place(encrypted=False), Place(encrypted=False), set()),
        (Place(encrypted=True), Place(encrypted=True), set()),
        (Place(encrypted=False), Place(encrypted=True), set()),
        (Place(encrypted=True), Place(encrypted=False), {OPEN}),
        (Place(True, ("a.test",)), Place(True), {ANY_SERVER}),
        (Place(True, ("a.test",)), Place(False), {OPEN, ANY_SERVER}),
        (Place(True), Place(True, ("a.test",)), set()),
        (Place(True, ("a.test",)), Place(True, ("a.test",)), set()),
        (Place(True, ("a.test",)), Place(True, ("a.test", "b.test")), {"b.test"}),
        (Place(True, ("a.test", "b.test")), Place(True, ("a.test",)), set()),
        (Place(True, ("a.test",)), Place(True, ("A.test:8448",)), set()),
        (Place(True, ("a.test",)), Place(True, (OWN,)), set()),
        (Place(True, ("*.a.test",)), Place(True, ("x.a.test",)), set()),
        (Place(True, ("*.a.test",)), Place(True, ("*.x.a.test",)), set()),
        (Place(True, ("*.a.test",)), Place(True, ("a.test",)), {"a.test"}),
        (Place(True, ("?.test",)), Place(True, ("*.test",)), {"*.test"}),
        (Place(True, ("x*.test",)), Place(True, ("x?*.test",)), {"x?*.test"}),  # in doubt it is further
        (Place(True, ("*",)), Place(True), set()),
    ],
)
def test_how_much_further_words_reach(source: Place, target: Place, steps: set[str]) -> None:
    assert further(source, target, OWN) == steps


ALLOW = list(product((False, True), (False, True)))


@pytest.mark.parametrize(("open_", "servers"), ALLOW)
@pytest.mark.parametrize("told", [set(), {OPEN}, {ANY_SERVER}, {OPEN, ANY_SERVER}, {OPEN, "b.test"}])
@pytest.mark.parametrize("steps", [set(), {OPEN}, {"b.test"}, {OPEN, "b.test"}, {ANY_SERVER}, {"b.test", "c.test"}])
def test_words_go_further_only_if_the_owner_allowed_it_and_everybody_was_told(
    steps: set[str], told: set[str], open_: bool, servers: bool
) -> None:
    why = refusal(steps, told, out_of_encryption=open_, beyond_servers=servers)
    known = told | ({"b.test", "c.test"} if ANY_SERVER in told else set())
    if OPEN in steps and not open_:
        assert why == "encryption"
    elif steps - {OPEN} and not servers:
        assert why == "servers"
    elif not steps <= known:
        assert why == "untold"
    else:
        assert why is None
    assert refusal(steps, steps, out_of_encryption=open_, beyond_servers=servers) is None or not (open_ and servers)
    allowed = permitted(steps, out_of_encryption=open_, beyond_servers=servers)
    assert refusal(allowed, allowed, out_of_encryption=open_, beyond_servers=servers) is None


def test_what_the_owner_took_back_is_refused_although_it_was_told() -> None:
    assert refusal({OPEN}, {OPEN}, out_of_encryption=False, beyond_servers=True) == "encryption"
    assert refusal({"b.test"}, {"b.test"}, out_of_encryption=True, beyond_servers=False) == "servers"


NAMES = st.text("ab.*?", min_size=1, max_size=5)
PLACES = st.builds(Place, st.booleans(), st.lists(NAMES, max_size=3).map(tuple))
SERVERS = st.text("ab.", min_size=1, max_size=5)


@given(PLACES, PLACES, SERVERS)
def test_no_server_comes_in_unnoticed(source: Place, target: Place, server: str) -> None:
    admitted = not target.servers or any(server_matches(each, server) for each in target.servers)
    if not admitted or not outsiders([server], source, OWN):
        return
    steps = further(source, target, OWN)
    assert any(each == ANY_SERVER or (each != OPEN and server_matches(each, server)) for each in steps)


@given(PLACES)
def test_a_room_is_never_further_than_itself(place: Place) -> None:
    assert further(place, place, OWN) == frozenset()


def test_who_reads_along_although_the_source_does_not_admit_them() -> None:
    source = Place(True, ("a.test",))
    assert outsiders(["a.test", OWN, "b.test"], source, OWN) == {"b.test"}
    assert outsiders(["a.test", "b.test"], source, OWN, told=[OPEN, "b.test"]) == frozenset()
    assert outsiders(["b.test"], source, OWN, told=[ANY_SERVER]) == frozenset()
    assert outsiders(["b.test"], Place(True), OWN) == frozenset()
