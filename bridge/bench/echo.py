"""The bare baseline: a bot that copies every message of one room into another, redacts the copy of what is redacted, and does nothing else at all.

`python -m bridge.bench.echo HOMESERVER SOURCE TARGET` with the token in HEARTH_BENCH_TOKEN; prints "ready" when it listens.
"""

import asyncio
import itertools
import json
import os
import sys

import aiohttp

FILTER = json.dumps(
    {"room": {"timeline": {"types": ["m.room.message", "m.room.redaction"]}}, "presence": {"types": []}}
)


async def run(homeserver: str, source: str, target: str, token: str) -> None:
    """Copy until killed."""
    headers = {"Authorization": f"Bearer {token}"}
    numbers = itertools.count()
    copies: dict[str, str] = {}
    async with aiohttp.ClientSession(homeserver, headers=headers) as http:
        query = {"timeout": "0", "filter": FILTER}
        while True:
            async with http.get("/_matrix/client/v3/sync", params=query) as response:
                answer = await response.json()
            if "since" in query:
                timeline = answer.get("rooms", {}).get("join", {}).get(source, {}).get("timeline", {})
                for event in timeline.get("events", []):
                    if event["type"] == "m.room.redaction":
                        about = copies.get(event["content"].get("redacts") or event.get("redacts"))
                        path = f"/_matrix/client/v3/rooms/{target}/redact/{about}/gone{os.getpid()}-{next(numbers)}"
                        async with http.put(path, json={}) as response:
                            await response.read()
                        continue
                    content = {"msgtype": "m.text", "body": event["content"].get("body", "")}
                    path = f"/_matrix/client/v3/rooms/{target}/send/m.room.message/echo{os.getpid()}-{next(numbers)}"
                    async with http.put(path, json=content) as response:
                        copies[event["event_id"]] = (await response.json())["event_id"]
            else:
                print("ready", flush=True)  # noqa: T201 - the benchmark waits for this word
            query = {"timeout": "30000", "filter": FILTER, "since": answer["next_batch"]}


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3], os.environ["HEARTH_BENCH_TOKEN"]))
