"""Has one room go on in another: finds its successor, makes one if there is none, and enters it. Never moves people, links or state of its own."""

from bridge.effects import ReplaceRoom
from bridge.errors import Refused
from bridge.matrix.client import Client
from bridge.matrix.reading import Reading
from bridge.power import has_endless_creators

NOT_A_SUCCESSOR = "M_HEARTH_NOT_A_SUCCESSOR"
"""The error code of a Refused of our own: the room that was named does not say that it came from the old one, so anybody's room could be it."""


class Replacing:
    """Replaces rooms as our account."""

    def __init__(self, client: Client, user: str, read: Reading) -> None:
        """`user` is our own id."""
        self._client = client
        self._user = user
        self._read = read

    async def replace(self, effect: ReplaceRoom) -> str:
        """The id of the room that goes on, in which we are now. Raises Refused, Unavailable or TokenLost.

        A tombstone that is there already names it, so a repeat makes no second room.
        """
        stone = await self._read.state_content(effect.room, "m.room.tombstone")
        named = (stone or {}).get("replacement_room")
        into = named if isinstance(named, str) and named.startswith("!") else None
        if into is None and effect.follow is not None:
            raise Refused(0, NOT_A_SUCCESSOR, "tombstone")
        if into is None:
            into = await self._upgrade(effect)
        entered = await self._enter(into, effect.via)
        create = await self._read.state_content(into, "m.room.create")
        before = (create or {}).get("predecessor")
        if not isinstance(before, dict) or before.get("room_id") != effect.room:
            if entered:
                await self._client.request("POST", "/rooms/{room}/leave", parts={"room": into})
            raise Refused(0, NOT_A_SUCCESSOR, "predecessor")
        return into

    async def _upgrade(self, effect: ReplaceRoom) -> str:
        version = effect.version or await self._default_version()
        body: dict[str, object] = {"new_version": version}
        if effect.creators and has_endless_creators(version):
            body["additional_creators"] = list(effect.creators)
        answer = await self._client.request(
            "POST", "/rooms/{room}/upgrade", parts={"room": effect.room}, body=body, timeout_seconds=180
        )
        return str(answer.get("replacement_room"))

    async def _default_version(self) -> str:
        answer = await self._client.request("GET", "/capabilities")
        return str(answer.get("capabilities", {}).get("m.room_versions", {}).get("default", "10"))

    async def _enter(self, room: str, via: str | None) -> bool:
        """Be in the room; whether we were not before."""
        if await self._read.membership(room, self._user) == "join":
            return False
        query = {"via": via, "server_name": via} if via else None
        await self._client.request("POST", "/join/{room}", parts={"room": room}, query=query, timeout_seconds=120)
        return True
