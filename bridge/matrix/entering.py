"""Where in a room's events we came in, and what was said to us before; never what is done about it.

Spec: "Room membership", "Room event format" (for what stands in `unsigned`) and `GET /rooms/{room}/messages`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bridge.errors import Refused
from bridge.events import MemberChanged
from bridge.matrix import translate

_PAGES = 5
"""So many pages of what was said before we came are read, at most."""


def own_join(user: str, timeline: Sequence[dict[str, Any]]) -> int | None:
    """Where in the timeline we (`user`) entered the room, None when we did not: what stands before it was said before we came, and is not news.

    Into a direct room we enter by the invite: clients send it together with the first message.
    """
    entered = None
    for place in range(len(timeline) - 1, -1, -1):
        found = translate.event(timeline[place], "") if timeline[place].get("state_key") == user else None
        if not isinstance(found, MemberChanged):
            continue
        if entered is not None:
            return place if found.membership == "invite" and found.is_direct else entered
        if found.membership == "join" and found.was != "join":
            entered = place
    return entered


def invited_directly(user: str, timeline: Sequence[dict[str, Any]]) -> bool:
    """Whether we came into a direct room by an invite that stands before this timeline."""
    start = own_join(user, timeline)
    if start is None or not _is_own(user, timeline[start], "join"):
        return False
    unsigned = timeline[start].get("unsigned")
    before = unsigned.get("prev_content") if isinstance(unsigned, dict) else None
    return isinstance(before, dict) and before.get("membership") == "invite" and before.get("is_direct") is True


async def said_before(
    user: str, timeline: Sequence[dict[str, Any]], token: str, look_back: Callable[[str], Awaitable[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The raw events between our invite and this timeline, oldest first; `token` is where the timeline begins.

    A homeserver that had nobody in the room before does not have them, and fetches them from the others only when somebody looks back.
    """
    known = {raw.get("event_id") for raw in timeline}
    found: list[dict[str, Any]] = []
    for _ in range(_PAGES):
        try:
            answer = await look_back(token)
        except Refused:
            break  # we may not read there any more
        chunk = answer.get("chunk")
        page = [raw for raw in chunk if isinstance(raw, dict)] if isinstance(chunk, list) else []
        invited = next((place for place, raw in enumerate(page) if _is_own(user, raw, "invite")), None)
        found += [raw for raw in page[:invited] if raw.get("event_id") not in known]
        end = answer.get("end")
        if invited is not None or not page or not isinstance(end, str):
            break
        token = end
    return found[::-1]


def _is_own(user: str, raw: Mapping[str, Any], membership: str) -> bool:
    content = raw.get("content")
    return (
        raw.get("type") == "m.room.member"
        and raw.get("state_key") == user
        and isinstance(content, dict)
        and content.get("membership") == membership
    )
