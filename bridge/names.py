"""Display names, in memory only; never in a table, never in a log. Fills `scene.Names`."""

from collections.abc import Iterable, Mapping, Sequence

from bridge.events import AnyEvent, MemberChanged


class NameBook:
    """The display name of everybody whom we have seen in a room of ours."""

    def __init__(self) -> None:
        """Start empty."""
        self._names: dict[str, str] = {}

    def learn(self, members: Mapping[str, str | None]) -> None:
        """Take in the members of a room: user id -> display name or None."""
        self._names.update({user: name for user, name in members.items() if name})

    def hear(self, events: Iterable[AnyEvent]) -> None:
        """Take in what a batch of events says about names."""
        for event in events:
            if isinstance(event, MemberChanged) and event.membership == "join" and event.display_name:
                self._names[event.user] = event.display_name

    def of(self, user: str) -> str:
        """The name by which people know this user: their display name, or else the local part of their id."""
        return self._names.get(user) or user.removeprefix("@").partition(":")[0]

    def find(self, name: str) -> Sequence[str]:
        """The users with this display name, folded for case; sorted."""
        wanted = name.casefold()
        return sorted(user for user, known in self._names.items() if known.casefold() == wanted)
