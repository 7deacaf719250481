"""How long from a redaction to its copy being gone from somebody's screen, beside a bare bot that redacts on the same homeserver."""

import time
from pathlib import Path

from bridge.bench.report import Figure, percentile
from bridge.bench.share import Person, Seen, by_turns

MOST_SECONDS = 2.0


async def measure(venv: Path) -> list[Figure]:
    """Have messages copied by Hearth and by the bare bot, by turns; redact each, and time it until a reader's sync shows the redaction of the copy."""
    mine, bare = await by_turns(venv, _round)
    value, baseline = percentile(mine, 95), percentile(bare, 95)
    ratio = value / baseline
    middle, middle_bare = percentile(mine, 50), percentile(bare, 50)
    return [
        Figure("redact: redaction to copy gone, p50", _ms(middle), "ms", _ms(middle_bare), round(middle / middle_bare, 3),
               "for information", holds=True),
        Figure("redact: redaction to copy gone, p95", _ms(value), "ms", _ms(baseline), round(ratio, 3),
               f"at most {MOST_SECONDS:g} s", holds=value <= MOST_SECONDS),
    ]  # fmt: skip


async def _round(writer: Person, room: str, target: str, text: str, word: str, seen: Seen) -> float:
    path, parts = "/rooms/{room}/send/m.room.message/{txn}", {"room": room, "txn": f"redact-{word}"}
    said = await writer.request("PUT", path, parts=parts, body={"msgtype": "m.text", "body": text})
    await seen.wait(target, word)
    copy = seen.event(target, word)
    parts = {"room": room, "event": str(said["event_id"]), "txn": f"gone-{word}"}
    began = time.perf_counter()
    await writer.request("PUT", "/rooms/{room}/redact/{event}/{txn}", parts=parts, body={})
    return await seen.wait_gone(copy) - began


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
