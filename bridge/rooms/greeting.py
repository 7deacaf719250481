"""When people are asked to say hello to somebody new, and whether somebody did; pure. Never asks anybody."""

import re
from collections.abc import Collection, Mapping

from bridge.daylight import awake
from bridge.events import Message

HOUR_MS = 3600 * 1000
WORDS_MS = (0, 4 * HOUR_MS, 24 * HOUR_MS)
"""So long after somebody came a word is said, as long as nobody greeted them."""

LAST = len(WORDS_MS) - 1


def due_ms(number: int, entered_ms: int, said_ms: int | None, zone: str) -> int:
    """When word `number` (from 0) is due, by day where its reader is (UTC ms). `said_ms`: when the one before was said, None when there was none.

    Between two words there is as much time as there would have been without a night or an outage, at most four hours.
    """
    at_ms = entered_ms + WORDS_MS[number]
    if said_ms is not None:
        at_ms = max(at_ms, said_ms + WORDS_MS[1])
    return awake(at_ms, zone)


def turned_to(
    message: Message, newcomers: Collection[str], names: Mapping[str, str], answered: Collection[str]
) -> tuple[str, ...]:
    """To which newcomers somebody turned with this message: by a mention, by an answer, or by their name.

    `answered` are the authors of what it answers; `names` say what the newcomers are called.
    """
    content = message.content
    found = []
    for user in newcomers:
        if user == message.sender:
            continue
        pill = user in (content.formatted_body or "") or user in content.body
        named = _named(names.get(user, ""), content.body)
        if user in content.mentions or user in answered or pill or named:
            found.append(user)
    return tuple(found)


def _named(name: str, body: str) -> bool:
    return bool(name) and re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", body.casefold()) is not None
