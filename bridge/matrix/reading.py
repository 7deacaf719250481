"""What may be read from the homeserver, decrypted: events, state, members; never changes anything in a room."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from bridge.errors import Refused, TokenLost
from bridge.matrix import translate
from bridge.matrix.admin import AdminReports
from bridge.matrix.client import Client
from bridge.matrix.crypto import Crypto

_EDITS_PER_PAGE = 50
_PAGE = 100
_GONE = frozenset({"M_NOT_FOUND", "M_FORBIDDEN"})


class Reading:
    """Reads as our account. What is gone, or never was readable for us, is None."""

    def __init__(self, client: Client, crypto: Crypto | None, reports: AdminReports | None = None) -> None:
        """Without `crypto` everything encrypted counts as unreadable."""
        self._client = client
        self._crypto = crypto
        self._reports = reports

    async def event(self, room: str, event: str) -> Mapping[str, Any] | None:
        """One event, decrypted, with its newest edit applied to `content`; None when it is gone, redacted or unreadable. Raises Unavailable.

        The relation is the original's: an edit cannot move a message into another thread.
        """
        raw = await self._get("/rooms/{room}/event/{event}", {"room": room, "event": event})
        if raw is None or not isinstance(raw.get("content"), dict) or not raw["content"]:
            return None
        unsigned = raw.get("unsigned")
        bundled = unsigned.get("m.relations") if isinstance(unsigned, dict) else None
        if isinstance(unsigned, dict) and unsigned.get("redacted_because"):
            return None
        original = self.opened(raw, room)
        if original is None or "state_key" in raw:
            return original
        edit = bundled.get("m.replace") if isinstance(bundled, dict) else None
        if edit is None:
            return original
        told = self.opened(edit, room) if _is_whole(edit) else None
        # The newest that we can read: while a key is missing, the words of before hold, and not those of the beginning.
        edits = [told] if told else [self.opened(one, room) for one in await self._edits(room, event)]
        newest = translate.newest_edit(original, edits)
        if newest is None:
            return original
        content = dict(newest["content"]["m.new_content"])
        relation = translate.relation(original["content"])
        return {**original, "content": {**content, "m.relates_to": relation} if relation else content}

    async def unreadable(self, room: str, event: str) -> bool:
        """Whether this event is there, encrypted, and we have no key for it. Raises Unavailable."""
        raw = await self._get("/rooms/{room}/event/{event}", {"room": room, "event": event})
        if raw is None or raw.get("type") != "m.room.encrypted" or not raw.get("content"):
            return False
        return self.opened(raw, room) is None

    def opened(self, raw: Mapping[str, Any], room: str) -> Mapping[str, Any] | None:
        """The raw event as it is when it is not encrypted, else what it holds; None when we cannot read it."""
        if raw.get("type") != "m.room.encrypted" or "state_key" in raw:
            return raw
        return self._crypto.decrypt(raw, room) if self._crypto else None

    async def state(self, room: str) -> Sequence[Mapping[str, Any]]:
        """All current state events of a room. Raises Refused or Unavailable."""
        events = await self._client.request_list("/rooms/{room}/state", parts={"room": room})
        return [event for event in events if isinstance(event, dict)]

    async def each_state(self, room: str) -> AsyncIterator[Mapping[str, Any]]:
        """All current state events of a room that may have very many, one by one. Raises Refused or Unavailable, also in the middle."""
        async with aclosing(self._client.objects("/rooms/{room}/state", parts={"room": room})) as events:
            async for event in events:
                yield event

    async def state_content(self, room: str, kind: str, state_key: str = "") -> Mapping[str, Any] | None:
        """The content of one state event; None when there is none or we may not see it. Raises Unavailable."""
        return await self._get("/rooms/{room}/state/{kind}/{key}", {"room": room, "kind": kind, "key": state_key})

    async def state_event(self, room: str, kind: str, state_key: str = "") -> Mapping[str, Any] | None:
        """One whole state event; None when there is none or we may not see it. Raises Unavailable.

        A homeserver that knows no `format=event` gives the content alone: then the event has no sender.
        """
        parts = {"room": room, "kind": kind, "key": state_key}
        answer = await self._get("/rooms/{room}/state/{kind}/{key}", parts, {"format": "event"})
        if answer is None:
            return None
        whole = answer.get("type") == kind and isinstance(answer.get("content"), dict)
        return answer if whole else {"type": kind, "state_key": state_key, "content": answer}

    async def account_data(self, user: str, kind: str) -> Mapping[str, Any] | None:
        """What our own account keeps for itself under this name (spec: "Client Config"); None when there is nothing. Raises Unavailable."""
        return await self._get("/user/{user}/account_data/{kind}", {"user": user, "kind": kind})

    async def membership(self, room: str, user: str) -> str | None:
        """What this user is in the room; None when nothing is known. Raises Unavailable."""
        content = await self.state_content(room, "m.room.member", user)
        membership = content.get("membership") if content else None
        return membership if isinstance(membership, str) else None

    async def resolve_alias(self, alias: str) -> str | None:
        """The room id behind an alias, or None. Raises Unavailable."""
        answer = await self._get("/directory/room/{alias}", {"alias": alias})
        room = answer.get("room_id") if answer else None
        return room if isinstance(room, str) else None

    async def children(self, space: str) -> Sequence[Mapping[str, Any]]:
        """What may be seen of the rooms that a space shows: room_id, name, canonical_alias (spec: GET /hierarchy). Raises Refused or Unavailable."""
        path, query = "/_matrix/client/v1/rooms/{room}/hierarchy", {"max_depth": "1", "limit": "50"}
        found: list[Mapping[str, Any]] = []
        while True:
            answer = await self._client.request("GET", path, parts={"room": space}, query=query, timeout_seconds=120)
            rooms = answer.get("rooms")
            found += [room for room in rooms if isinstance(room, dict)] if isinstance(rooms, list) else []
            following = answer.get("next_batch")
            if not isinstance(following, str) or query.get("from") == following:
                return [room for room in found if room.get("room_id") != space]
            query = {**query, "from": following}

    async def local_aliases(self, room: str) -> Sequence[str]:
        """The addresses on our own server that lead to a room, sorted; none where we may not ask. Raises Unavailable."""
        answer = await self._get("/rooms/{room}/aliases", {"room": room})
        found = answer.get("aliases") if answer else None
        return sorted(alias for alias in found if isinstance(alias, str)) if isinstance(found, list) else []

    async def joined_rooms(self) -> Sequence[str]:
        """The ids of all rooms that we are in, sorted. Raises Refused or Unavailable."""
        rooms = (await self._client.request("GET", "/joined_rooms")).get("joined_rooms")
        return sorted(room for room in rooms if isinstance(room, str)) if isinstance(rooms, list) else []

    async def report_reason(self, kind: str, number: str) -> str | None:
        """What somebody wrote when they used their client's report button, by its number in the homeserver's list; None when it cannot be read. Raises Unavailable."""
        return await self._reports.reason(kind, number) if self._reports else None

    async def members(self, room: str) -> Mapping[str, str | None]:
        """Who is joined, with display names where they have one. For memory only: names are never stored. Raises Refused or Unavailable."""
        answer = await self._client.request(
            "GET", "/rooms/{room}/joined_members", parts={"room": room}, timeout_seconds=120
        )
        joined = answer.get("joined")
        names = {}
        for user, profile in joined.items() if isinstance(joined, dict) else ():
            name = profile.get("display_name") if isinstance(profile, dict) else None
            names[user] = name if isinstance(name, str) else None
        return names

    async def recent(self, room: str, most: int) -> Sequence[Mapping[str, Any]]:
        """The newest events of a room that we can read, newest first. Raises Refused or Unavailable."""
        opened = [self.opened(raw, room) for raw in await self.raw_recent(room, most)]
        return [raw for raw in opened if raw is not None]

    async def raw_recent(self, room: str, most: int) -> Sequence[Mapping[str, Any]]:
        """The newest events of a room as the homeserver has them, newest first. Raises Refused or Unavailable."""
        query: dict[str, str | int] = {"dir": "b", "limit": most}
        answer = await self._client.request("GET", "/rooms/{room}/messages", parts={"room": room}, query=query)
        chunk = answer.get("chunk")
        return [raw for raw in chunk if isinstance(raw, dict)] if isinstance(chunk, list) else []

    async def written_by(
        self, room: str, senders: Sequence[str], *, since_ms: int | None, most: int | None
    ) -> Sequence[dict[str, Any]]:
        """The raw events of these people, the newest first: all from a moment on (UTC ms, by their servers), or at least so many messages.

        Pages until there is no more (spec: GET /rooms/{roomId}/messages); edits, reactions and state come along. Raises Refused or Unavailable.
        """
        chosen = json.dumps({"senders": list(senders), "limit": _PAGE}, separators=(",", ":"))
        query: dict[str, str | int] = {"dir": "b", "limit": _PAGE, "filter": chosen}
        found: list[dict[str, Any]] = []
        messages = 0
        while True:
            answer = await self._client.request("GET", "/rooms/{room}/messages", parts={"room": room}, query=query)
            chunk = answer.get("chunk")
            page = [raw for raw in chunk if isinstance(raw, dict)] if isinstance(chunk, list) else []
            found += page
            messages += sum(
                "state_key" not in raw and translate.relation(raw.get("content")).get("rel_type") in (None, "m.thread")
                for raw in page
            )
            end = answer.get("end")
            old = since_ms is not None and page and all(_sent_ms(raw) < since_ms for raw in page)
            if not isinstance(end, str) or end == query.get("from") or old or (most is not None and messages >= most):
                return found
            query = {**query, "from": end}

    async def about(self, room: str, event: str) -> Sequence[dict[str, Any]]:
        """An event and all that relates to it, directly or through others, raw (spec: GET /relations with `recurse`). Raises Refused or Unavailable."""
        itself = await self._get("/rooms/{room}/event/{event}", {"room": room, "event": event})
        if itself is None:
            return []
        path, query = "/_matrix/client/v1/rooms/{room}/relations/{event}", {"limit": str(_PAGE), "recurse": "true"}
        found = [itself]
        while True:
            answer = await self._client.request("GET", path, parts={"room": room, "event": event}, query=query)
            chunk = answer.get("chunk")
            found += [raw for raw in chunk if isinstance(raw, dict)] if isinstance(chunk, list) else []
            following = answer.get("next_batch")
            if not isinstance(following, str) or following == query.get("from"):
                return found
            query = {**query, "from": following}

    async def edits(self, room: str, event: str) -> Sequence[str]:
        """The ids of all edits of an event that are not redacted, newest first (spec: GET /relations). None of what is unknown. Raises Unavailable."""
        path = "/_matrix/client/v1/rooms/{room}/relations/{event}/m.replace"
        query: dict[str, str | int] = {"limit": _EDITS_PER_PAGE}
        found: list[str] = []
        while (answer := await self._get(path, {"room": room, "event": event}, query)) is not None:
            chunk = answer.get("chunk")
            raw = [each for each in chunk if isinstance(each, dict)] if isinstance(chunk, list) else []
            # What is encrypted still shows its relation; what was redacted has lost it.
            found += [str(each["event_id"]) for each in raw if isinstance(each.get("event_id"), str)]
            following = answer.get("next_batch")
            if not isinstance(following, str) or query.get("from") == following:
                break
            query = {**query, "from": following}
        return found

    async def _edits(self, room: str, event: str) -> list[Mapping[str, Any]]:
        path = "/_matrix/client/v1/rooms/{room}/relations/{event}/m.replace"
        answer = await self._client.request(
            "GET", path, parts={"room": room, "event": event}, query={"limit": _EDITS_PER_PAGE}
        )
        chunk = answer.get("chunk")
        return [raw for raw in chunk if isinstance(raw, dict)] if isinstance(chunk, list) else []

    async def _get(
        self, path: str, parts: Mapping[str, str], query: Mapping[str, str | int] | None = None
    ) -> dict[str, Any] | None:
        try:
            return await self._client.request("GET", path, parts=parts, query=query)
        except TokenLost:
            raise
        except Refused as no:
            # A malformed id in somebody's message is as gone as an unknown one.
            if no.errcode in _GONE or no.status in {400, 403, 404}:
                return None
            raise


def _is_whole(edit: Any) -> bool:
    """Homeservers before version 1.7 of the spec told only the edit's id."""
    return isinstance(edit, dict) and isinstance(edit.get("content"), dict)


def _sent_ms(raw: Mapping[str, Any]) -> int:
    """When an event was sent (UTC ms), by its sender's server; zero when it does not say."""
    at_ms = raw.get("origin_server_ts")
    return at_ms if isinstance(at_ms, int) else 0
