"""Codes as they are made, written and compared, and how many strangers and guesses there may be."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms import codes, door

RANDOM = st.binary(min_size=codes.RANDOM_BYTES, max_size=codes.RANDOM_BYTES)
NOW_MS = 1_767_340_800_000
HOUR_MS = door.HOUR_MS


@given(RANDOM)
def test_a_code_is_read_as_it_was_made_however_it_is_written(random: bytes) -> None:
    code = codes.make(random)
    if code is None:
        return
    shown = codes.shown(code)
    for written in (shown, shown.lower(), code, shown.replace("-", "–"), f"my code: {shown}, thank you!", f"`{shown}`"):
        assert codes.written_in(written) == (code,)
    misread = shown.replace("0", "O").replace("1", "l")
    assert codes.written_in(misread) == (code,)


@given(RANDOM, RANDOM)
def test_only_the_code_itself_fits_what_is_kept_of_it(one: bytes, other: bytes) -> None:
    made, wrong = codes.make(one), codes.make(other)
    if made is None or wrong is None or made == wrong:
        return
    secret = codes.keep(made, b"salt" * 4)
    assert codes.fits(secret, made)
    assert not codes.fits(secret, wrong)
    assert made not in repr(secret)


def test_the_same_code_is_kept_differently_each_time() -> None:
    kept = {codes.keep("K7QF3MXD2PVA", secrets.token_bytes(codes.SALT_BYTES)).hash for _ in range(20)}
    assert len(kept) == 20


@pytest.mark.parametrize(
    "text",
    [
        "hello, I would like to come in",
        "photographer",
        "good-morn-ings",
        "call me: 123456789012",
        "$K7QF3MXD2PVAK7QF3MXD2PVA",
        "K7QF-3MXD-2PVA-9XYZ",
        "U7UU-7UUU-7UUU",
        "",
    ],
)
def test_what_is_no_code_is_not_taken_for_one(text: str) -> None:
    assert codes.written_in(text) == ()


def test_a_message_with_many_codes_is_looked_at_only_so_far() -> None:
    many = " ".join(f"A{n:03}-2345-6789" for n in range(50))
    assert len(codes.written_in(many)) == codes.MOST_LOOKED_AT


def test_after_five_wrong_codes_within_an_hour_there_is_silence_for_an_hour() -> None:
    wrong, since = 0, 0
    for _ in range(door.WRONG_TRIES):
        assert not door.silent(wrong, since, NOW_MS)
        wrong, since = door.counted(wrong, since, NOW_MS)
    assert door.silent(wrong, since, NOW_MS)
    assert door.silent(wrong, since, NOW_MS + HOUR_MS - 1)
    assert not door.silent(wrong, since, NOW_MS + HOUR_MS)
    assert door.counted(wrong, since, NOW_MS + HOUR_MS) == (1, NOW_MS + HOUR_MS)


def test_wrong_codes_of_more_than_an_hour_ago_do_not_count() -> None:
    wrong, since = 0, 0
    for hour in range(20):
        wrong, since = door.counted(wrong, since, NOW_MS + hour * HOUR_MS)
        assert not door.silent(wrong, since, NOW_MS + hour * HOUR_MS)


@given(st.lists(st.integers(0, 3 * HOUR_MS), max_size=200))
def test_never_more_strangers_are_let_in_within_any_hour_than_there_may_be(arrivals: list[int]) -> None:
    turns: list[int] = []
    for now_ms in sorted(arrivals):
        turn = door.turn(sorted(turns, reverse=True)[: door.STRANGERS_AN_HOUR], now_ms)
        if turn is not None:
            assert now_ms <= turn <= now_ms + door.LONGEST_WAIT_MS
            turns.append(turn)
    turns.sort()
    for first, later in zip(turns, turns[door.STRANGERS_AN_HOUR :], strict=False):
        assert later - first >= HOUR_MS
