"""The sync loop against a homeserver that fails, lies and forgets."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.config import Matrix as Settings
from bridge.events import Batch, Invited, MemberChanged, Message
from bridge.matrix import sync
from bridge.matrix.connect import Matrix, connect
from tests.fake import FakeHomeserver, Member


class Listener:
    """Follows the loop in the background, and can be killed at any batch."""

    def __init__(self, hs: FakeHomeserver, matrix: Matrix) -> None:
        self.hs = hs
        self.matrix = matrix
        self.batches: list[Batch] = []
        self.troubles: list[str | None] = []
        self.cursor: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, *, stop_after: Callable[[Batch], bool] = lambda _: False) -> None:
        self._task = asyncio.create_task(self._follow(stop_after))

    async def _follow(self, stop_after: Callable[[Batch], bool]) -> None:
        loop = sync.batches(self.matrix, self.cursor, trouble=self.troubles.append, timeout_ms=500)
        async for batch in loop:
            if stop_after(batch):
                await loop.aclose()  # type: ignore[attr-defined]
                return
            self.batches.append(batch)
            if batch.final:
                self.cursor = batch.cursor

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled() and (error := self._task.exception()):
                raise error

    @property
    def words(self) -> list[str]:
        return [e.content.body for batch in self.batches for e in batch.events if isinstance(e, Message)]

    async def until(self, look: Callable[[], Any], what: str = "") -> Any:
        async with asyncio.timeout(60):
            while not (found := look()):
                if self._task and self._task.done():
                    self._task.result()
                await asyncio.sleep(0.01)
        return found


@pytest.fixture
async def hs(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeHomeserver]:
    monkeypatch.setattr(sync, "_FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(sync, "_TOKEN_PAUSE_SECONDS", 0.05)
    async with FakeHomeserver() as running:
        yield running


@pytest.fixture
async def ann(hs: FakeHomeserver) -> Member:
    return await hs.user("@ann")


@pytest.fixture
async def room(ann: Member) -> str:
    return await ann.create(preset="public_chat")


@pytest.fixture
async def listener(hs: FakeHomeserver, room: str, tmp_path: Path) -> AsyncIterator[Listener]:
    bot = await hs.user("@bot")
    await bot.join(room)
    settings = Settings(
        homeserver=hs.url, user_id=bot.user_id, access_token=SecretStr(bot.token("DEV")), encryption=False
    )
    async with connect(settings, tmp_path) as matrix:
        held = Listener(hs, matrix)
        held.start()
        await held.until(lambda: held.cursor)
        yield held
        await held.stop()


async def test_messages_arrive_once_and_in_order(listener: Listener, ann: Member, room: str) -> None:
    for number in range(20):
        await ann.say(room, f"m{number}")
    await listener.until(lambda: len(listener.words) == 20)
    assert listener.words == [f"m{number}" for number in range(20)]
    assert listener.troubles == []


@pytest.mark.parametrize("kind", ["status", "drop_before", "drop_after", "garbage", "garbage_after"])
async def test_trouble_is_told_and_costs_no_message(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str, kind: Any
) -> None:
    hs.faults.add(kind, path="/sync", times=4)
    await ann.say(room, "through it all")
    await listener.until(lambda: listener.words)
    await ann.say(room, "and after")
    await listener.until(lambda: len(listener.words) == 2)
    assert listener.words == ["through it all", "and after"]
    await listener.until(lambda: listener.troubles and listener.troubles[-1] is None)
    assert "does not answer" in str(listener.troubles[0])
    assert len([words for words in listener.troubles if words is None]) == 1


async def test_a_rate_limit_a_lost_token_and_a_dead_server_are_told_in_their_own_words(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str
) -> None:
    for more, words in (
        ({"status": 429, "retry_after_ms": 10}, "slow down"),
        ({"status": 401, "errcode": "M_UNKNOWN_TOKEN"}, "access token"),
        ({"status": 403, "errcode": "M_FORBIDDEN"}, "M_FORBIDDEN"),
    ):
        listener.troubles.clear()
        hs.faults.add("status", path="/sync", **more)
        await listener.until(lambda: listener.troubles[-1:] == [None])
        assert words in str(listener.troubles[0])
    await hs.down()
    await listener.until(lambda: listener.troubles[-1] is not None)
    await ann.say(room, "said meanwhile")
    await hs.up()
    await listener.until(lambda: "said meanwhile" in listener.words)


async def test_a_gap_is_filled_in_pages_before_the_newest_events(listener: Listener, ann: Member, room: str) -> None:
    await listener.stop()
    listener.batches.clear()
    said = [f"m{number}" for number in range(430)]
    for words in said:
        await ann.say(room, words)
    listener.start()
    await listener.until(lambda: said[-1] in listener.words)
    assert listener.words == said
    assert [batch.final for batch in listener.batches if batch.events] == [False] * 4 + [True]


async def test_killed_between_the_pages_of_a_gap_it_begins_the_gap_again(
    listener: Listener, ann: Member, room: str
) -> None:
    await listener.stop()
    listener.batches.clear()
    said = [f"m{number}" for number in range(330)]
    for words in said:
        await ann.say(room, words)
    before = listener.cursor
    for kill_at in range(3):
        seen = iter(range(100))
        listener.start(stop_after=lambda _, seen=seen, kill_at=kill_at: next(seen) == kill_at)  # type: ignore[misc]
        await listener.until(lambda: listener._task and listener._task.done())
        assert listener.cursor == before
    listener.start()
    await listener.until(lambda: said[-1] in listener.words)
    assert set(listener.words) == set(said)
    assert listener.words[-330:] == said


@pytest.mark.parametrize("kind", ["status", "drop_after", "garbage"])
async def test_trouble_within_a_gap_costs_no_message(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str, kind: Any
) -> None:
    await listener.stop()
    listener.batches.clear()
    said = [f"m{number}" for number in range(230)]
    for words in said:
        await ann.say(room, words)
    hs.faults.add(kind, path="/messages", times=3, skip=1)
    listener.start()
    await listener.until(lambda: said[-1] in listener.words)
    assert listener.words == said


async def test_a_gap_in_a_room_that_we_may_no_longer_read_ends(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str
) -> None:
    await listener.stop()
    for number in range(80):
        await ann.say(room, f"m{number}")
    hs.faults.add("status", path="/messages", status=403, errcode="M_FORBIDDEN", times=None)
    listener.start()
    await listener.until(lambda: "m79" in listener.words)


async def test_one_malformed_event_does_not_cost_the_others(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await listener.stop()
    real = listener.matrix.client.request

    async def spoiled(method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = await real(method, path, **more)
        if path == "/sync":
            rooms = answer.setdefault("rooms", {}).setdefault("join", {})
            rooms["nonsense"] = rooms["!odd"] = 5
            rooms["!broken"] = {"timeline": [], "state": {"events": "x"}}
            for held in rooms.values():
                if isinstance(held, dict) and isinstance(held.get("timeline"), dict):
                    odd = [None, 5, [], {}, {"type": 5}, {"event_id": "$x", "sender": "@x:y", "type": "m.room.message"}]
                    held["timeline"]["events"] = [*odd, *held["timeline"]["events"], *odd]
        return answer

    monkeypatch.setattr(listener.matrix.client, "request", spoiled)
    listener.start()
    await ann.say(room, "whole")
    await listener.until(lambda: "whole" in listener.words)


async def test_an_answer_without_a_cursor_is_no_answer(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await listener.stop()
    real = listener.matrix.client.request
    spoilt = []

    async def without(method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = await real(method, path, **more)
        if path == "/sync" and len(spoilt) < 3:
            spoilt.append(answer.pop("next_batch"))
        return answer

    monkeypatch.setattr(listener.matrix.client, "request", without)
    listener.start()
    await ann.say(room, "kept")
    await listener.until(lambda: "kept" in listener.words)
    assert len(spoilt) == 3
    assert listener.words == ["kept"]


async def test_what_was_said_before_we_came_is_no_news(hs: FakeHomeserver, listener: Listener, ann: Member) -> None:
    bot = await hs.user("@bot")
    for direct in (False, True):
        other = await ann.create(preset="private_chat")
        await ann.say(other, "before the invite")
        hs.model.member(hs.room(other), ann.user_id, bot.user_id, "invite", is_direct=direct or None)
        await ann.say(other, f"after it, {direct}")
        await bot.join(other)
        await ann.say(other, f"hello, {direct}")
        await listener.until(lambda direct=direct: f"hello, {direct}" in listener.words)
    assert listener.words == ["hello, False", "after it, True", "hello, True"]


async def test_all_that_was_said_into_a_direct_room_before_we_came_is_heard(
    hs: FakeHomeserver, listener: Listener, ann: Member
) -> None:
    bot = await hs.user("@bot")
    other = await ann.create(preset="private_chat", is_direct=True, invite=[bot.user_id])
    early = [f"early {number}" for number in range(120)]  # more than a timeline holds, and than a page
    for words in early:
        await ann.say(other, words)
    await bot.join(other)
    await ann.say(other, "hello")
    await listener.until(lambda: "hello" in listener.words)
    assert listener.words == [*early, "hello"]


async def test_a_slow_look_back_into_one_room_keeps_nobody_else_waiting(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "LOOK_BACK_SECONDS", 0.2)
    bot = await hs.user("@bot")
    other = await ann.create(preset="private_chat", is_direct=True, invite=[bot.user_id])
    for number in range(60):
        await ann.say(other, f"early {number}")
    held = hs.faults.add("hang", path="/messages$", times=None)
    await bot.join(other)
    await ann.say(other, "hello")
    await ann.say(room, "help")
    await listener.until(lambda: {"hello", "help"} <= set(listener.words))
    assert held.hits
    held.release()


async def test_who_could_not_be_given_a_key_is_tried_again_although_nothing_happens(
    hs: FakeHomeserver, tmp_path: Path
) -> None:
    bot = await hs.user("@bot")
    settings = Settings(homeserver=hs.url, user_id=bot.user_id, access_token=SecretStr(bot.token("DEV")))
    async with connect(settings, tmp_path) as matrix:
        assert matrix.crypto
        asked: list[float] = []
        waits = matrix.crypto._devices.waits
        waits._until = {"@eve:b.test": (time.monotonic() + 0.4, 15.0), "@long:gone.test": (0.0, 15.0)}

        async def tend() -> None:
            if waits.ready("@eve:b.test"):
                asked.append(time.monotonic())
                waits.reached("@eve:b.test")

        matrix.crypto.tend = tend  # type: ignore[method-assign]
        loop = sync.batches(matrix, None, trouble=lambda _: None, timeout_ms=20_000)
        async with asyncio.timeout(10):
            while not asked:
                await anext(loop)
        assert matrix.crypto.again_in_ms() is None  # nobody is left who is worth a hurry
        await loop.aclose()  # type: ignore[attr-defined]


async def test_invites_joins_and_leaves_are_told(hs: FakeHomeserver, listener: Listener, ann: Member) -> None:
    bot = await hs.user("@bot")
    other = await ann.create(preset="private_chat", is_direct=True, invite=[bot.user_id])
    events = lambda: [e for batch in listener.batches for e in batch.events]  # noqa: E731
    invite = await listener.until(lambda: next((e for e in events() if isinstance(e, Invited)), None))
    assert (invite.room, invite.sender, invite.is_direct, invite.encrypted) == (other, ann.user_id, True, False)
    await ann.say(other, "with the invite")
    await bot.join(other)
    await listener.until(lambda: any(other in batch.joined for batch in listener.batches))
    await ann.say(other, "hello")
    await listener.until(lambda: "hello" in listener.words)
    assert listener.words == ["with the invite", "hello"]
    await ann.kick(other, bot.user_id)
    await listener.until(lambda: any(other in batch.left for batch in listener.batches))
    gone = [e for e in events() if isinstance(e, MemberChanged) and e.user == bot.user_id][-1]
    assert (gone.membership, gone.sender) == ("leave", ann.user_id)


async def test_how_far_others_have_read_comes_along(listener: Listener, ann: Member, room: str) -> None:
    event = await ann.say(room, "hello")
    await ann.read(room, event)
    found = await listener.until(lambda: [one for batch in listener.batches for one in batch.receipts])
    assert [(one.room, one.user, one.event, one.thread) for one in found] == [(room, ann.user_id, event, "")]


async def test_who_came_into_one_room_and_at_once_wrote_in_another_is_known_there(
    hs: FakeHomeserver, listener: Listener, ann: Member, room: str
) -> None:
    bot = await hs.user("@bot")
    other = await ann.create(preset="public_chat")
    await bot.join(other)
    await listener.until(lambda: any(other in batch.joined for batch in listener.batches))
    await listener.stop()
    ben = await hs.user("@ben")
    await ben.join(other)
    await ann.say(room, "at once")
    listener.start()
    await listener.until(lambda: "at once" in listener.words)
    (batch,) = [each for each in listener.batches if any(isinstance(event, Message) for event in each.events)]
    assert [type(event) for event in batch.events if event.sender in (ben.user_id, ann.user_id)] == [
        MemberChanged,
        Message,
    ]
