"""Which words of an edited message hold while the key of an edit is missing."""

from typing import Any

import pytest

from bridge.matrix.reading import Reading

ANN = "@ann:a.test"


def edit(event: str, at_ms: int, words: str) -> dict[str, Any]:
    content = {"msgtype": "m.text", "body": f"* {words}", "m.new_content": {"msgtype": "m.text", "body": words}}
    return {"event_id": event, "sender": ANN, "type": "m.room.message", "origin_server_ts": at_ms, "content": content}


def sealed(raw: dict[str, Any]) -> dict[str, Any]:
    return {**raw, "type": "m.room.encrypted", "content": {"ciphertext": "x"}}


FIRST = {"event_id": "$0", "sender": ANN, "type": "m.room.message", "origin_server_ts": 1, "content": {"msgtype": "m.text", "body": "zero"}}  # fmt: skip
EDITS = {"$1": edit("$1", 2, "one"), "$2": edit("$2", 3, "two"), "$3": edit("$3", 4, "three")}


class Homeserver:
    """Bundles the newest edit, as homeservers do, and lists all in an order of its own."""

    async def request(self, _method: str, path: str, **_more: Any) -> dict[str, Any]:
        if path.endswith("m.replace"):
            return {"chunk": [sealed(EDITS[event]) for event in ("$2", "$3", "$1")]}
        return {**sealed(FIRST), "unsigned": {"m.relations": {"m.replace": sealed(EDITS["$3"])}}}


class Keys:
    def __init__(self, known: set[str]) -> None:
        self.known = known

    def decrypt(self, raw: dict[str, Any], _room: str) -> dict[str, Any] | None:
        event = raw["event_id"]
        return {"$0": FIRST, **EDITS}[event] if event in self.known else None


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"$0", "$1", "$2", "$3"}, "three"),
        ({"$0", "$1", "$2"}, "two"),
        ({"$0", "$1"}, "one"),
        ({"$0"}, "zero"),
        ({"$3"}, None),
    ],
)
async def test_the_newest_words_that_can_be_read_hold(known: set[str], words: str | None) -> None:
    reading = Reading(Homeserver(), Keys(known))  # type: ignore[arg-type]
    found = await reading.event("!room", "$0")
    assert (found and found["content"]["body"]) == words
