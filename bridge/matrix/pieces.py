"""Reads a long JSON array of objects piece by piece as it arrives, so that neither memory nor the event loop holds all of it; never a request."""

import asyncio
import codecs
import json
import re
from collections.abc import AsyncIterator
from typing import Any

MOST_CHARACTERS = 1024 * 1024
"""No single object is longer: an event has 64 KiB at most."""

_SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


async def objects(chunks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """The objects of an array that comes in these chunks; what else stands in it is passed over. ValueError when it is no such array, or ends too soon."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    held, begun = "", False
    async for chunk in chunks:
        held, at = held + decode(chunk), 0
        while True:
            at = _space(held, at)
            if at == len(held):
                break
            if not begun:
                begun = _begins(held[at])
                at += 1
            elif held[at] == "]":
                return
            elif held[at] == ",":
                at += 1
            else:
                try:
                    value, at = _decoder.raw_decode(held, at)
                except ValueError:  # it goes on in the next chunk
                    break
                if isinstance(value, dict):
                    yield value
        held = held[at:]
        if len(held) > MOST_CHARACTERS:
            raise ValueError("no object ends")
        await asyncio.sleep(0)
    raise ValueError("the array has no end")


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _begins(sign: str) -> bool:
    if sign != "[":
        raise ValueError("not an array")
    return True
