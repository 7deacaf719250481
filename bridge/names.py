"""Display names and the names that people chose for this community, in memory only; never in a table, never in a log. Fills `scene.Names`.

A name chosen for this community goes before a display name everywhere. While we know only that there is one, nothing else is shown in its place.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from bridge import markup
from bridge.events import AnyEvent, MemberChanged
from bridge.skeleton import skeleton

NOT_YET_KNOWN = "…"
"""Stands for a name that was chosen and cannot be read at the moment: the other name is just what should not be shown."""

MOST_CHARACTERS = 80
"""So much of a display name is shown. A homeserver may let its people have one of 60,000 letters, and no message could hold it."""

_looks = lru_cache(maxsize=100_000)(skeleton)


def fit(name: str) -> str:
    """What is shown of a display name: one line of bounded length; nothing when there is nothing to be seen of it."""
    found = markup.shown(name[: 8 * MOST_CHARACTERS])
    if not markup.is_seen(found):
        return ""
    return found if len(found) <= MOST_CHARACTERS else f"{found[: MOST_CHARACTERS - 1].rstrip()}…"


def _key(name: str) -> str:
    return fit(name).casefold()


class NameBook:
    """The names of everybody whom we have seen in a room of ours."""

    def __init__(self, key: bytes = b"") -> None:
        """Start empty. `key` is a secret: with it nobody can find a name by trying."""
        self._key = key
        self._names: dict[str, str] = {}
        self._chosen: dict[str, str] = {}
        self._unknown: set[str] = set()
        # Whoever is named is looked up here, to know whether others are called the same: in a large community several times for each digest.
        self._called: dict[str, set[str]] = {}

    def learn(self, members: Mapping[str, str | None]) -> None:
        """Take in the members of a room: user id -> display name or None."""
        for user, name in members.items():
            if name and (shown := fit(name)):
                self._put(self._names, user, shown)

    def hear(self, events: Iterable[AnyEvent]) -> None:
        """Take in what a batch of events says about names."""
        for event in events:
            if isinstance(event, MemberChanged) and event.membership == "join" and event.display_name:
                self.learn({event.user: event.display_name})

    def expect(self, users: Iterable[str]) -> None:
        """These people have chosen a name that we do not know yet."""
        self._unknown |= {user for user in users if user not in self._chosen}

    def call(self, user: str, name: str | None) -> None:
        """From now on this person is called so here; None: by their display name."""
        self._unknown.discard(user)
        self._put(self._chosen, user, name)

    def _put(self, names: dict[str, str], user: str, name: str | None) -> None:
        before = names.pop(user, None)
        if name is not None:
            names[user] = name
            self._called.setdefault(_key(name), set()).add(user)
        still = {_key(known[user]) for known in (self._names, self._chosen) if user in known}
        if before is not None and (old := _key(before)) not in still:
            self._called[old].discard(user)
            if not self._called[old]:
                del self._called[old]

    def of(self, user: str) -> str:
        """The name by which people know this user: the one they chose here, or their display name, or else the local part of their id."""
        if user in self._unknown:
            return NOT_YET_KNOWN
        return self._chosen.get(user) or self._names.get(user) or user.removeprefix("@").partition(":")[0]

    def profile(self, user: str) -> str:
        """The display name of this user, or else the local part of their id; whatever they are called here."""
        return self._names.get(user) or user.removeprefix("@").partition(":")[0]

    def find(self, name: str) -> Sequence[str]:
        """The users with this name, folded for case; sorted."""
        return sorted(self._called.get(_key(name), ()))

    def like(self, name: str) -> frozenset[str]:
        """The users with a name, of either kind, that can be taken for this one."""
        wanted = _looks(fit(name))
        named = (*self._names.items(), *self._chosen.items())
        return frozenset(user for user, known in named if _looks(known) == wanted)

    def seal(self, name: str) -> str:
        """What can be stored of a name: the same for names that look alike, and of no use without the key."""
        return hmac.new(self._key, _looks(name).encode(), hashlib.sha256).hexdigest()

    def fingerprint(self, text: str) -> str:
        """What can be kept for a while of something that was said, to know it again: the same for texts that look alike, and of no use without the key."""
        return hmac.new(self._key, b"said:" + skeleton(text).encode(), hashlib.sha256).hexdigest()
