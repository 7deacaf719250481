"""Reads what a homeserver's own people reported by their clients' button, from Synapse's admin API; never changes anything there.

Matrix passes such reports on to the administrators of the reporter's own homeserver and to nobody else (client-server API, "Reporting Content").
"""

from collections.abc import Mapping
from typing import Any

from bridge.errors import Refused
from bridge.events import Pressed
from bridge.matrix.client import Client

_PAGE = 50
_LISTS = {"event": "event_reports", "user": "user_reports"}


class AdminReports:
    """The lists of one homeserver, read with an administrator's token."""

    def __init__(self, client: Client) -> None:
        """`client` has the token of an administrator, and does nothing else."""
        self._client = client

    async def newer(self, kind: str, than: int) -> tuple[Pressed, ...]:
        """The reports of a kind (event, user) with a higher number, the oldest first (Synapse admin API, "event_reports", "user_reports"). Raises Refused or Unavailable.

        Whatever is not as it should be is passed over.
        """
        found: list[Pressed] = []
        at = 0
        while True:
            query: dict[str, str | int] = {"dir": "b", "from": at, "limit": _PAGE}
            answer = await self._client.request("GET", f"/_synapse/admin/v1/{_LISTS[kind]}", query=query)
            page = answer.get(_LISTS[kind])
            rows = [each for each in page if isinstance(each, dict)] if isinstance(page, list) else []
            new = [one for row in rows if (one := _read(kind, row)) is not None and one.number > than]
            found += new
            if len(rows) < _PAGE or len(new) < len(rows):
                return tuple(sorted(set(found), key=lambda one: one.number))
            at += _PAGE

    async def reason(self, kind: str, number: str) -> str | None:
        """What the reporter wrote; None when that is nothing, or gone. Raises Unavailable."""
        path = f"/_synapse/admin/v1/{_LISTS[kind]}/{{number}}"
        try:
            answer = await self._client.request("GET", path, parts={"number": number})
        except Refused:
            return None
        reason = answer.get("reason")
        return reason if isinstance(reason, str) else None


def _read(kind: str, row: Mapping[str, Any]) -> Pressed | None:
    number, at_ms, reporter = row.get("id"), row.get("received_ts"), row.get("user_id")
    user = row.get("sender" if kind == "event" else "target_user_id")
    room, event = row.get("room_id"), row.get("event_id")
    if not (isinstance(number, int) and isinstance(at_ms, int) and isinstance(reporter, str) and isinstance(user, str)):
        return None
    if kind == "user":
        return Pressed(number, at_ms, reporter, user)
    return Pressed(number, at_ms, reporter, user, room, event) if isinstance(room, str) and isinstance(event, str) else None  # fmt: skip
