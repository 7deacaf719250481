"""A new database file that somebody else prepares at the same moment is waited for; nothing else is, and not for ever."""

import sqlite3
from collections.abc import Iterator
from itertools import repeat

import pytest
from sqlalchemy.util import greenlet_spawn

from bridge.store import engines

BUSY, FULL = sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL


class Cursor:
    """Fails with these codes, one each time; then it does what it is asked."""

    def __init__(self, codes: Iterator[int]) -> None:
        self.codes = codes
        self.asked: list[str] = []

    def execute(self, sql: str) -> None:
        self.asked.append(sql)
        code = next(self.codes, None)
        if code is not None:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = code
            raise error


@pytest.mark.parametrize(("codes", "asked"), [((), 1), ((BUSY, BUSY), 3), ((BUSY | 1 << 8,), 2)])
async def test_whoever_is_at_it_is_waited_for(codes: tuple[int, ...], asked: int) -> None:
    cursor = Cursor(iter(codes))
    await greenlet_spawn(engines._patiently, cursor, "PRAGMA journal_mode=WAL")
    assert cursor.asked == ["PRAGMA journal_mode=WAL"] * asked


@pytest.mark.parametrize(("codes", "asked"), [(repeat(BUSY), 1), (iter([FULL]), 1)])
async def test_but_not_for_ever_and_not_for_anything_else(
    codes: Iterator[int], asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_PATIENCE_SECONDS", -1.0)
    cursor = Cursor(codes)
    with pytest.raises(sqlite3.OperationalError):
        await greenlet_spawn(engines._patiently, cursor, "PRAGMA journal_mode=WAL")
    assert len(cursor.asked) == asked
