"""For whom a message is encrypted, when the sync loop sees a change at the very moment at which we ask the homeserver."""

from typing import Any, cast

from bridge.matrix.client import Client
from bridge.matrix.rooms import Rooms

ROOM, ME, ANN, EVE = "!room:one.test", "@hearth:one.test", "@ann:one.test", "@eve:two.test"


def member(user: str, membership: str) -> dict[str, Any]:
    return {"type": "m.room.member", "state_key": user, "content": {"membership": membership}}


class Homeserver:
    """Answers what was true a moment ago; meanwhile the sync loop hears what is new."""

    def __init__(self, *news: dict[str, Any]) -> None:
        self.news, self.rooms = list(news), Rooms(cast("Client", self), None)

    async def request(self, _method: str, path: str, **_more: Any) -> dict[str, Any]:
        if path.endswith("/members"):
            answer: dict[str, Any] = {"chunk": [member(ME, "join"), member(ANN, "join")]}
        else:
            answer = {"history_visibility": "joined"}
        while self.news:
            self.rooms.saw(ROOM, self.news.pop())
        return answer


async def test_who_comes_or_goes_while_we_ask_is_counted() -> None:
    server = Homeserver(member(EVE, "join"), member(ANN, "leave"))
    assert await server.rooms.recipients(ROOM) == [EVE, ME]
    assert await server.rooms.recipients(ROOM) == [EVE, ME]


async def test_a_new_rule_of_who_reads_what_takes_nothing_away_while_we_ask() -> None:
    rule = {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": "joined"}}
    server = Homeserver(rule, member(EVE, "invite"))
    assert await server.rooms.recipients(ROOM) == [ANN, ME]
    server.news = [rule]
    assert await server.rooms.recipients(ROOM) == [ANN, ME]
