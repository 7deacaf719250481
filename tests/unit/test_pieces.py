"""A long array is read piece by piece, wherever the pieces end, and gives what the whole would have given; what is no such array is an error."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.matrix import pieces

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=6)  # fmt: skip
OBJECTS = st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=4), max_size=6)


async def _read(body: bytes, size: int) -> list[dict[str, object]]:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), size):
            yield body[at : at + size]

    return [each async for each in pieces.objects(chunks())]


@given(OBJECTS, st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]))
def test_pieces_give_what_the_whole_gives(
    wanted: list[dict[str, object]], size: int, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(wanted, ensure_ascii=ascii_only, indent=indent).encode()
    assert asyncio.run(_read(body, size)) == wanted


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"a": 1}', b"[", b'[{"a": 1}', b'[{"a": 1},', b'[{"a"', b'"[]"', b"[{\xff}]", b"[nonsense]"]
)
def test_what_is_no_whole_array_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"not an array|no end|decode"):
        asyncio.run(_read(body, 3))


def test_what_has_no_end_is_not_kept() -> None:
    with pytest.raises(ValueError, match="no object ends"):
        asyncio.run(_read(b'[{"a": "' + b"x" * (2 * pieces.MOST_CHARACTERS), 64 * 1024))
