"""Our own sync loop: what happened, in order, in batches whose cursor is stored with their consequences. Never stores anything itself.

Spec: "Syncing". The next batch is asked for only when the former was taken, so that whoever takes them may commit in between.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from bridge.errors import Refused, TokenLost, Unavailable
from bridge.events import AnyEvent, Batch, Invited, Receipt, Undecryptable
from bridge.matrix import entering, translate
from bridge.matrix.client import Client
from bridge.matrix.crypto import Crypto
from bridge.matrix.entering import own_join
from bridge.matrix.rooms import Rooms
from bridge.matrix.waiting import Unread, Waiting
from bridge.moderation.policies import TYPES

T = TypeVar("T")
Trouble = Callable[[str | None], None]
"""Told in plain words what is wrong with the homeserver, and None when all is well again."""

_PAGE = 100
LOOK_BACK_SECONDS = 20.0
"""What was said to us before we came may have to be fetched from somebody else's server: while that takes its time, nobody else would be heard."""

_TOKEN_PAUSE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_NOTHING: Mapping[str, Any] = {"not_types": ["*"]}
_QUIET: Mapping[str, Any] = {"presence": _NOTHING, "account_data": _NOTHING}
_FIRST_FILTER = {
    **_QUIET,
    "room": {"timeline": {"limit": 1}, "state": _NOTHING, "ephemeral": _NOTHING, "account_data": _NOTHING},
}
_FILTER = {
    **_QUIET,
    "room": {
        "timeline": {"limit": 50},
        # The rules of a list that we enter are read apart from this: there may be a hundred thousand of them. So are members, and whoever comes or
        # goes is in the timeline: to add who wrote what (`lazy_load_members`) costs a homeserver more than all else in a response.
        "state": {"not_types": sorted({*TYPES, "m.room.member"})},
        "ephemeral": {"types": ["m.receipt"]},
        "account_data": _NOTHING,
    },
}


class Account(Protocol):
    """What the loop needs: our client and id, encryption if we have it, and where it tells what it sees of rooms."""

    @property
    def client(self) -> Client: ...  # noqa: D102 - said above
    @property
    def user(self) -> str: ...  # noqa: D102
    @property
    def rooms(self) -> Rooms: ...  # noqa: D102
    @property
    def crypto(self) -> Crypto | None: ...  # noqa: D102
    @property
    def waiting(self) -> Waiting | None: ...  # noqa: D102


def batches(account: Account, since: str | None, *, trouble: Trouble, timeout_ms: int = 30_000) -> AsyncIterator[Batch]:
    """Batch after batch, for ever, from the cursor `since` on. At most one such loop for an account.

    Without `since` the first batch only sets the cursor: it tells our rooms and invites, no old events. A batch that is not
    `final` belongs before the next one: store its consequences, not its cursor. Trouble with the homeserver never ends it:
    it tells, waits up to half a minute and goes on where it was. `timeout_ms` is how long the homeserver may keep us waiting.
    """
    return _Loop(account, trouble, timeout_ms).batches(since)


class _Loop:
    def __init__(self, account: Account, trouble: Trouble, timeout_ms: int) -> None:
        self.client = account.client
        self.user = account.user
        self.rooms = account.rooms
        self.crypto = account.crypto
        self.waiting = account.waiting
        self.trouble = trouble
        self.timeout_ms = timeout_ms
        self._troubled = False
        self._heard = False

    async def batches(self, since: str | None) -> AsyncIterator[Batch]:
        cursor = since
        while True:
            response = await self._insist(lambda at=cursor: self._ask(at))  # type: ignore[misc]
            self._heard = True
            if self.crypto:
                self.crypto.receive(response)
                await self._tend(self.crypto)
            if cursor is not None:
                async for batch in self._late(cursor):
                    yield batch
                tails: dict[str, list[dict[str, Any]]] = {}
                async for batch in self._gaps(response, cursor, tails):
                    yield batch
                yield self._batch(response, cursor, tails, await self._waiting_for_us(response))
            else:
                yield self._first(response)
            cursor = str(response["next_batch"])

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _ask(self, since: str | None) -> dict[str, Any]:
        query: dict[str, str | int] = {"set_presence": "offline", "timeout": 0}
        if since is None:
            query["filter"] = json.dumps(_FIRST_FILTER)
        else:
            query |= {"filter": json.dumps(_FILTER), "since": since}
            # At the start and in trouble we want to hear at once that all is well, also when nothing is new.
            query["timeout"] = self._patience_ms() if self._heard and not self._troubled else 0
        seconds = 300 if since is None else 120 + self.timeout_ms / 1000
        response = await self.client.request("GET", "/sync", query=query, timeout_seconds=seconds)
        if not isinstance(response.get("next_batch"), str):
            raise Unavailable("GET /sync without next_batch")
        return response

    def _patience_ms(self) -> int:
        """Somebody who could not be reached with a key is tried again in time, also when nothing happens meanwhile."""
        again_ms = self.crypto.again_in_ms() if self.crypto else None
        return self.timeout_ms if again_ms is None else min(self.timeout_ms, again_ms)

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of the call, however long it takes to get one."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                result = await call()
            except TokenLost:
                self._tell(
                    "The homeserver does not accept Hearth's access token any more. Give it a new one and restart."
                )
                await asyncio.sleep(_TOKEN_PAUSE_SECONDS)
            except Refused as no:
                # Seen on Synapse for a moment while a room is being joined over federation: it need not be for ever.
                self._tell(f"The homeserver refuses to tell what is new ({no.errcode}).")
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            except Unavailable as trouble:
                asked = (trouble.retry_after_ms or 0) / 1000
                limited = "The homeserver asks Hearth to slow down."
                self._tell(
                    limited if trouble.limited else "The homeserver does not answer, or not as a homeserver does."
                )
                await asyncio.sleep(max(asked, pause * random.uniform(0.7, 1.3)))  # noqa: S311 - so that not all come back at once
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._tell(None)
                return result

    def _tell(self, words: str | None) -> None:
        if words is not None or self._troubled:
            self.trouble(words)
        self._troubled = words is not None

    async def _tend(self, crypto: Crypto) -> None:
        try:
            await crypto.tend()
        except (Refused, Unavailable):
            # What was not told now is told after the next response; the events do not wait for it.
            return

    # --- translating ------------------------------------------------------------------------------------------------

    def _first(self, response: Mapping[str, Any]) -> Batch:
        joined = frozenset(room for room, _ in translate.rooms(response, "join"))
        return Batch(str(response["next_batch"]), tuple(self._invites(response, "")), joined=joined)

    def _batch(
        self,
        response: Mapping[str, Any],
        since: str,
        tails: Mapping[str, list[dict[str, Any]]],
        heads: Mapping[str, list[dict[str, Any]]],
    ) -> Batch:
        events: list[AnyEvent] = list(self._invites(response, since))
        joined: set[str] = set()
        left: set[str] = set()
        receipts: list[Receipt] = []
        for section, names in (("join", joined), ("leave", left)):
            # Rooms have no order. Who came into one of them and at once wrote to us in another is known there.
            for room, held in sorted(translate.rooms(response, section), key=_nobody_came):
                names.add(room)
                receipts += translate.receipts(translate.raw_events(held, "ephemeral"), room, self.user)
                state = translate.raw_events(held, "state")
                timeline = translate.raw_events(held, "timeline")
                start = 0 if room in heads else own_join(self.user, timeline)
                before = [raw for raw in timeline[: start or 0] if "state_key" in raw]
                rest = timeline[start or 0 :]
                events += self._read(room, [*state, *before, *heads.get(room, []), *rest, *tails.get(room, [])])
                if section == "leave":
                    self.rooms.left(room)
        return Batch(
            str(response["next_batch"]),
            tuple(events),
            joined=frozenset(joined),
            left=frozenset(left),
            receipts=tuple(receipts),
        )

    def _invites(self, response: Mapping[str, Any], since: str) -> Iterable[Invited]:
        now_ms = time.time_ns() // 1_000_000
        for room, held in translate.rooms(response, "invite"):
            found = translate.invite(translate.raw_events(held, "invite_state"), room, self.user, now_ms, since)
            if found:
                yield found

    def _read(self, room: str, raws: Iterable[dict[str, Any]]) -> list[AnyEvent]:
        """The raw events of one room as ours, decrypted where we can; the others wait for their keys."""
        events: list[AnyEvent] = []
        unread = []
        for raw in raws:
            if "state_key" in raw:
                self.rooms.saw(room, raw)
            found = self._event(room, raw)
            if isinstance(found, Undecryptable) and found.session and found.sender != self.user:
                unread.append(Unread(room, found.session, str(raw["event_id"])))
            if found is not None:
                events.append(found)
        if unread and self.waiting:
            self.waiting.add(unread)
        return events

    def _event(self, room: str, raw: dict[str, Any]) -> AnyEvent | None:
        if self.crypto and raw.get("type") == "m.room.encrypted" and "state_key" not in raw:
            opened = self.crypto.decrypt(raw, room)
            if opened is not None:
                return translate.event(opened, room, encrypted=True)
        return translate.event(raw, room)

    # --- gaps and latecomers ----------------------------------------------------------------------------------------

    async def _gaps(
        self, response: Mapping[str, Any], since: str, tails: dict[str, list[dict[str, Any]]]
    ) -> AsyncIterator[Batch]:
        """Page by page what a cut timeline left out; what turns out to be newer than the timeline goes into `tails`."""
        for section in ("join", "leave"):
            for room, held in translate.rooms(response, section):
                part = held.get("timeline")
                timeline = translate.raw_events(held, "timeline")
                if (
                    not isinstance(part, dict)
                    or part.get("limited") is not True
                    or own_join(self.user, timeline) is not None
                ):
                    continue
                # The whole state is told only of a room that we have just entered.
                entering = any(raw.get("type") == "m.room.create" for raw in translate.raw_events(held, "state"))
                async for page in self._pages(room, since, timeline, tails.setdefault(room, []), entering=entering):
                    yield Batch(since, tuple(self._read(room, page)), final=False)

    async def _pages(
        self, room: str, since: str, timeline: list[dict[str, Any]], tail: list[dict[str, Any]], *, entering: bool
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Forward from the last cursor to the room's end: a homeserver orders these otherwise than a timeline, so none may be cut off."""
        known = {raw.get("event_id") for raw in timeline}
        last = timeline[-1].get("event_id") if timeline else None
        token: str | None = since
        passed = False
        while token is not None:
            try:
                answer = await self._insist_unless_refused(room, token)
            except Refused:
                return  # we may no longer read there
            chunk = answer.get("chunk")
            raws = [raw for raw in chunk if isinstance(raw, dict)] if isinstance(chunk, list) else []
            page: list[dict[str, Any]] = []
            for raw in raws:
                passed = passed or raw.get("event_id") == last
                if raw.get("event_id") not in known:
                    (tail if passed else page).append(raw)
            if entering and (start := own_join(self.user, page)) is not None:
                page, entering = page[start:], False
            if entering:
                page = [raw for raw in page if "state_key" in raw]
            if page:
                yield page
            end = answer.get("end")
            token = end if raws and isinstance(end, str) and end != token else None

    async def _waiting_for_us(self, response: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
        """By room, what was said to us before we came and is not in the timeline."""
        found: dict[str, list[dict[str, Any]]] = {}
        for room, held in translate.rooms(response, "join"):
            token = _token_before(held)
            timeline = translate.raw_events(held, "timeline")
            if token and entering.invited_directly(self.user, timeline):
                look = partial(self._insist_unless_refused, room, direction="b")
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_BACK_SECONDS):
                        found[room] = await entering.said_before(self.user, timeline, token, look)
        return found

    async def _insist_unless_refused(self, room: str, token: str, direction: str = "f") -> dict[str, Any]:
        async def ask() -> dict[str, Any] | Refused:
            query: dict[str, str | int] = {"from": token, "dir": direction, "limit": _PAGE}
            try:
                return await self.client.request(
                    "GET", "/rooms/{room}/messages", parts={"room": room}, query=query, timeout_seconds=120
                )
            except TokenLost:
                raise
            except Refused as no:
                return no

        answer = await self._insist(ask)
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def _late(self, cursor: str) -> AsyncIterator[Batch]:
        """Events whose key has come meanwhile. They are forgotten only when the batch that holds them was taken."""
        if not (self.waiting and self.crypto):
            return
        ready = [unread for unread in self.waiting if self.crypto.has_key(unread.room, unread.session)]
        for unread in ready:
            parts = {"room": unread.room, "event": unread.event}
            try:
                raw = await self.client.request("GET", "/rooms/{room}/event/{event}", parts=parts)
            except Unavailable:
                return
            except Refused:
                raw = {}
            found = self._event(unread.room, raw)
            if found is not None and not isinstance(found, Undecryptable):
                yield Batch(cursor, (found,), final=False)
            self.waiting.remove([unread])


def _nobody_came(found: tuple[str, Mapping[str, Any]]) -> bool:
    return not any(raw.get("type") == "m.room.member" for raw in translate.raw_events(found[1], "timeline"))


def _token_before(held: Any) -> str | None:
    """Where to look back from the beginning of a room's timeline."""
    part = held.get("timeline") if isinstance(held, dict) else None
    token = part.get("prev_batch") if isinstance(part, dict) else None
    return token if isinstance(token, str) else None
