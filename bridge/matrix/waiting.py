"""Which encrypted events wait for their key, kept over restarts; never the events themselves."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bridge.matrix.private_file import read_private, write_private

_MOST = 1000


class Unread(NamedTuple):
    """An event that we could not decrypt, and the key that it wants."""

    room: str
    session: str
    event: str


class Waiting:
    """The newest thousand of them, in the order of arrival."""

    def __init__(self, file: Path) -> None:
        """Read what a former process left. A damaged file counts as none: these are few, and late already."""
        self._file = file
        self._events: dict[Unread, None] = {}
        try:
            held = json.loads(read_private(file) or "[]")
            self._events = {Unread(*map(str, item)): None for item in held}
        except (ValueError, TypeError):
            self._events = {}

    def __iter__(self) -> Iterator[Unread]:
        return iter(list(self._events))

    def add(self, events: Iterable[Unread]) -> None:
        """Keep these too."""
        fresh = [event for event in events if event not in self._events]
        if fresh:
            self._events.update(dict.fromkeys(fresh))
            self._events = dict.fromkeys(list(self._events)[-_MOST:])
            self._save()

    def remove(self, events: Iterable[Unread]) -> None:
        """These have been read, or never will be."""
        gone = [event for event in events if event in self._events]
        if gone:
            for event in gone:
                del self._events[event]
            self._save()

    def _save(self) -> None:
        write_private(self._file, json.dumps(list(self._events)))
