"""A small community on a fake homeserver, and what its people do and see; never looks into Hearth."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bridge.app import opened
from bridge.clock import now_ms
from bridge.config import Config
from bridge.hearth import Hearth
from bridge.rooms.build import build
from tests.fake import FakeHomeserver, Member, Seen

START = "2026-01-05 10:00"  # a Monday
ZONE = "Europe/Berlin"
HEARTH = "@hearth:a.test"
PEOPLE = {
    name: f"@{name}:{server}"
    for server, names in {"a.test": "olga mod ann ben cleo", "b.test": "dan eve zed"}.items()
    for name in names.split()
}
CIRCLES: dict[str, dict[str, Any]] = {
    "sleep": {"name": "Sleeping well", "curators": ["ann"], "members": ["ben", "eve"]},
    "garden": {"name": "The garden", "curators": ["cleo"], "members": ["dan", "zed"]},
}
STAFF = ("olga", "mod")


class Clock:
    """Real time, moved to where the test wants it; it runs on, so that what waits a second waits a second."""

    def __init__(self, start: str = START) -> None:
        self.offset_ms = 0
        self.turn_to(start)

    def __call__(self) -> int:
        return now_ms() + self.offset_ms

    def turn_to(self, moment: str, zone: str = ZONE) -> None:
        """Turn to a moment like `2026-01-06 08:00` on the wall of that zone."""
        there = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone))
        self.offset_ms = int(there.timestamp() * 1000) - now_ms()

    def forward(self, ms: int) -> None:
        """Turn forward by so many milliseconds."""
        self.offset_ms += ms


def settings(homeserver: str, token: str, folder: Path, url: str | None = None, **matrix: Any) -> dict[str, Any]:
    """The configuration of this community, as it would stand in a file."""

    def full(circle: Mapping[str, Any]) -> dict[str, Any]:
        return {name: [PEOPLE[each] for each in value] if isinstance(value, list) else value for name, value in circle.items()}  # fmt: skip

    encrypted = {"encrypted": bool(matrix.get("encryption"))}
    return {
        "matrix": {"homeserver": homeserver, "user_id": HEARTH, "access_token": token, "encryption": False, **matrix},
        "data_dir": str(folder),
        "database": {"url": url},
        "zone": ZONE,
        "community": {
            "space": {"name": "Lantern"},
            "common": {"name": "Common room", **encrypted},
            "staff": {"name": "Staff room", **encrypted},
            "circles": [{"tag": tag, **full(circle), **encrypted} for tag, circle in CIRCLES.items()],
            "owners": [PEOPLE["olga"]],
            "moderators": [PEOPLE["mod"]],
            "assign": False,  # the tests of that switch it on
        },
    }


class Community:
    """People are called `ann` or `@ann`, rooms `#sleep`, `#common`, `#staff`, `#space`, direct rooms `@ann`."""

    def __init__(self, hs: FakeHomeserver, clock: Clock) -> None:
        self.hs = hs
        self.clock = clock
        self.rooms: dict[str, str] = {}
        self.people: dict[str, Member] = {}
        hs.use_clock(clock)

    async def arrive(self, token: str | None = None) -> str:
        """Everybody has an account; gives Hearth's token, which is this one if it has one already."""
        hearth = await self.hs.user(HEARTH)
        for name, user in PEOPLE.items():
            self.people[name] = await self.hs.user(user)
            self.hs.model.set_profile(self.people[name].user, displayname=name.capitalize())
        return token or hearth.token("HEARTH")

    async def move_in(self, config: Config) -> None:
        """Hearth makes the rooms, and everybody enters theirs."""
        for _ in range(2):  # the staff room invites who has come into the space
            await self.made(config)
            for member in self.people.values():
                await member.join(self.rooms["#space"])
        for name, member in self.people.items():
            await member.join(self.rooms["#common"])
            for tag, circle in CIRCLES.items():
                if name in (*circle["curators"], *circle["members"]):
                    await member.join(self.rooms[f"#{tag}"])
        for name in STAFF:
            await self.people[name].join(self.rooms["#staff"])

    async def made(self, config: Config) -> None:
        """Hearth makes the rooms that the configuration asks for."""
        async with opened(config, clock=self.clock) as hearth:
            rooms = await _built(hearth)
        self.rooms |= {f"#{key.rpartition('/')[2]}": room for key, room in rooms.items()}

    # --- who and where -----------------------------------------------------------------------------------------------

    def member(self, name: str) -> Member:
        return self.people[name.removeprefix("@").partition(":")[0]]

    def room(self, name: str) -> str:
        return self.rooms.get(name, name)

    def name_of(self, room: str) -> str:
        """`#sleep` for a room of ours, `@ann` for the direct room of a person, else its id."""
        return next((name for name, id_ in self.rooms.items() if id_ == room), room)

    # --- what people do ----------------------------------------------------------------------------------------------

    async def say(self, room: str, who: str, text: str, **content: Any) -> str:
        return await self.member(who).say(self.room(room), text, **content)

    async def answer(self, room: str, who: str, root: str, text: str, **content: Any) -> str:
        """Write into a thread."""
        return await self.member(who).thread(self.room(room), root, text, **content)

    async def edit(self, room: str, who: str, event: str, text: str) -> str:
        return await self.member(who).edit(self.room(room), event, text)

    async def redact(self, room: str, who: str, event: str) -> str:
        return await self.member(who).redact(self.room(room), event)

    async def react(self, room: str, who: str, event: str, key: str) -> str:
        return await self.member(who).react(self.room(room), event, key)

    async def direct(self, who: str) -> str:
        """The person's direct room with Hearth; what Hearth invited them to is accepted, and without that they open one."""
        member = self.member(who)
        name = f"@{member.user_id[1:].partition(':')[0]}"
        if name not in self.rooms:
            invited = [
                room for room in member.invites() if HEARTH in self.hs.members(room) and room not in self._ours()
            ]
            if invited:
                self.rooms[name] = await member.join(invited[0])
            else:
                made = await member.create(preset="trusted_private_chat", is_direct=True, invite=[HEARTH])
                await self.hs.until(lambda: HEARTH in self.hs.members(made), what="Hearth in the direct room")
                self.rooms[name] = made
        return self.rooms[name]

    async def write_to_hearth(self, who: str, text: str) -> str:
        return await self.say(await self.direct(who), who, text)

    # --- what people see ---------------------------------------------------------------------------------------------

    def sees(self, room: str, who: str | None = None) -> list[Seen]:
        """What stands in a room for this person (or for somebody who is in it), without what was redacted."""
        inside = self.hs.members(self.room(room))
        reader = self.member(who or next(name for name, user in PEOPLE.items() if user in inside))
        return [seen for seen in reader.sees(self.room(room)) if not seen.redacted]

    def from_hearth(self, room: str, who: str | None = None) -> list[Seen]:
        """What Hearth said in a room."""
        return [seen for seen in self.sees(room, who) if seen.sender == HEARTH]

    def told(self, who: str) -> list[str]:
        """What Hearth said to this person alone, in whatever room."""
        member = self.member(who)
        alone = [room for room in (*member.rooms(), *member.invites()) if room not in self._ours()]
        return [
            seen.body
            for room in alone
            for seen in (member.sees(room) if room in member.rooms() else [])
            if seen.sender == HEARTH and not seen.redacted
        ]

    def _ours(self) -> set[str]:
        return {room for name, room in self.rooms.items() if name.startswith("#")}

    def banned(self, who: str) -> set[str]:
        """The names of the rooms in which somebody is banned."""
        user = PEOPLE.get(who.removeprefix("@"), who)
        return {self.name_of(room) for room in self.hs.banned(user)}

    def everywhere(self) -> set[str]:
        """The names of all rooms of the community."""
        return {name for name in self.rooms if name.startswith("#")}

    def acl(self, room: str) -> Mapping[str, Any]:
        return self.hs.room(self.room(room)).content("m.room.server_acl")

    def said_by_hearth(self) -> Counter[str]:
        """Every message and reaction that Hearth sent and nobody redacted, as it went over the wire; without marks and times."""
        found: Counter[str] = Counter()
        for room in self.hs.model.rooms:
            for event in self.hs.timeline(room):
                if event.sender == HEARTH and event.state_key is None and not event.redacted_because:
                    content = {name: value for name, value in event.content.items() if name != "org.hearth.key"}
                    found[json.dumps([self.name_of(room), event.type, content], sort_keys=True)] += 1
        return found


async def _built(hearth: Hearth) -> dict[str, str]:
    """What `apply` does, without its patience: it looks after the outbox many times a second."""
    outbox = asyncio.create_task(hearth.outbox.run())
    try:
        wanted = await hearth.wanted()
        outcome = await build(await hearth.site(), wanted, pause=lambda: asyncio.sleep(0.005))
    finally:
        outbox.cancel()
        await asyncio.gather(outbox, return_exceptions=True)
    assert not outcome.failures, outcome.failures
    return await hearth.rooms()
