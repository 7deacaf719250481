"""When the next shared thread stands on its own, and what a bundle says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.effects import Copy, TellBundle
from bridge.rooms.bundle import HOUR_MS, alone, head, takes
from bridge.rooms.dress import relation

NOW_MS = 1_767_340_800_000


@pytest.mark.parametrize(
    ("ages_ms", "after", "found"),
    [
        ([], 1, True),
        ([0], 1, False),
        ([0] * 9, 10, True),
        ([0] * 10, 10, False),
        ([0] * 11, 10, False),
        ([HOUR_MS], 1, True),
        ([HOUR_MS - 1], 1, False),
        ([HOUR_MS, *[HOUR_MS - 1] * 9], 10, True),
        ([HOUR_MS, *[HOUR_MS - 1] * 10], 10, False),
        ([-1], 1, True),
    ],
)
def test_who_stands_alone(ages_ms: list[int], after: int, found: bool) -> None:
    assert alone([NOW_MS - age for age in ages_ms], now_ms=NOW_MS, after=after) is found


@given(st.lists(st.integers(NOW_MS - 2 * HOUR_MS, NOW_MS)), st.integers(1, 20))
def test_in_any_hour_so_many_and_the_order_does_not_matter(began: list[int], after: int) -> None:
    found = alone(began, now_ms=NOW_MS, after=after)
    assert found is alone(sorted(began), now_ms=NOW_MS, after=after)
    assert found is (len([each for each in began if NOW_MS - each < HOUR_MS]) < after)
    assert alone(began, now_ms=NOW_MS + 2 * HOUR_MS, after=after)


def test_a_bundle_takes_for_an_hour() -> None:
    assert takes(NOW_MS, NOW_MS)
    assert takes(NOW_MS, NOW_MS + HOUR_MS - 1)
    assert not takes(NOW_MS, NOW_MS + HOUR_MS)


@pytest.mark.parametrize("tag", ["sleep", None])
def test_what_it_says(tag: str | None) -> None:
    one, many = head(1, tag), head(12, tag)
    assert (one.count, many.count) == (1, 12)
    assert one.source.endswith("thread, in this thread.")
    assert many.plural is not None
    assert many.plural.endswith("threads, in this thread.")
    assert ("#sleep" in str(one.values)) is (tag is not None)


def test_where_copies_stand() -> None:
    assert relation(None, None, partner=None, before=None) is None
    alone_ = relation(None, "$root", partner=None, before="$before")
    assert alone_ == {"rel_type": "m.thread", "event_id": "$root", "is_falling_back": True, "m.in_reply_to": {"event_id": "$before"}}  # fmt: skip
    first = relation("$bundle", None, partner=None, before=None)
    assert first == {"rel_type": "m.thread", "event_id": "$bundle", "is_falling_back": True, "m.in_reply_to": {"event_id": "$bundle"}}  # fmt: skip
    for partner, shown in ((None, "$root"), ("$partner", "$partner")):
        reply = relation("$bundle", "$root", partner=partner, before="$before")
        assert reply == {"rel_type": "m.thread", "event_id": "$bundle", "is_falling_back": False, "m.in_reply_to": {"event_id": shown}}  # fmt: skip


def test_its_message_goes_before_the_copies_and_its_number_keeps_none_waiting() -> None:
    def tell(revision: int, *, gone: bool = False) -> str:
        return TellBundle(key="k", room="!room", source_room="!source", bundle=3, revision=revision, gone=gone).lane

    lane = Copy(key="c", room="!room", source_room="!source", source="$s", root="$s").lane
    assert tell(1) == lane
    assert len({lane, tell(2), tell(3, gone=True)}) == 3
    assert tell(2) == tell(3)
