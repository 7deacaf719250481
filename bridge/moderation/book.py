"""Finds the rules that mean somebody among a hundred thousand, without looking at each; pure, in memory, and in step with `bridge.globs` to the letter.

A name is looked up. A glob is kept by a piece of it that has no wildcard: whoever it means has that piece at the beginning, at the end, or somewhere.
"""

import re
from collections.abc import Iterator

from bridge.globs import host_of, is_glob, matches, server_matches, server_of
from bridge.moderation.policies import Rule, hashed

_WILD = re.compile(r"[*?]+")
_LONG_ENOUGH = 3
"""A beginning or an end of so many letters is told apart well; else the longest piece is taken, wherever it stands."""

_START, _END, _WITHIN = "^", "$", "~"


class _Shelf:
    """The patterns for one kind of name (people, servers), each under one piece of it."""

    def __init__(self) -> None:
        self._exact: dict[str, set[int]] = {}
        self._pieces: dict[str, dict[str, set[int]]] = {_START: {}, _END: {}, _WITHIN: {}}
        self._lengths: dict[str, dict[int, int]] = {_START: {}, _END: {}, _WITHIN: {}}

    def put(self, id: int, pattern: str) -> None:  # noqa: A002 - what it is
        if not is_glob(pattern):
            self._exact.setdefault(pattern, set()).add(id)
            return
        where, piece = _piece(pattern)
        self._pieces[where].setdefault(piece, set()).add(id)
        self._lengths[where][len(piece)] = self._lengths[where].get(len(piece), 0) + 1

    def take(self, id: int, pattern: str) -> None:  # noqa: A002 - what it is
        if not is_glob(pattern):
            _discard(self._exact, pattern, id)
            return
        where, piece = _piece(pattern)
        _discard(self._pieces[where], piece, id)
        self._lengths[where][len(piece)] -= 1
        if not self._lengths[where][len(piece)]:
            del self._lengths[where][len(piece)]

    def candidates(self, name: str) -> Iterator[int]:
        """The ids of all patterns that may mean this name; it holds all that do."""
        yield from self._exact.get(name, ())
        size = len(name)
        for length in self._lengths[_START]:
            yield from self._pieces[_START].get(name[:length], ())
        for length in self._lengths[_END]:
            yield from self._pieces[_END].get(name[size - length :] if length <= size else "", ())
        within = self._pieces[_WITHIN]
        for length in self._lengths[_WITHIN]:
            for at in range(size - length + 1):
                if ids := within.get(name[at : at + length]):
                    yield from ids


def _piece(glob: str) -> tuple[str, str]:
    """The piece of a glob by which it is kept, and where it stands in what the glob means."""
    pieces = _WILD.split(glob)
    first, last = pieces[0], pieces[-1]
    where, best = (_START, first) if len(first) >= len(last) else (_END, last)
    longest = max(pieces, key=len)
    if len(best) >= _LONG_ENOUGH or len(longest) <= len(best):
        return where, best
    return _WITHIN, longest


def _discard(shelf: dict[str, set[int]], key: str, id: int) -> None:  # noqa: A002 - what it is
    ids = shelf.get(key)
    if ids is not None:
        ids.discard(id)
        if not ids:
            del shelf[key]


class Book:
    """Rules by their numbers. What is put in, taken out and found is told by these alone."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._users, self._servers, self._rooms = _Shelf(), _Shelf(), _Shelf()
        self._hashes: dict[str, set[int]] = {}

    def __len__(self) -> int:
        return len(self._rules)

    def put(self, id: int, rule: Rule) -> None:  # noqa: A002 - what it is
        """From now on this rule has that number; one that had it before is gone."""
        self.take(id)
        self._rules[id] = rule
        if rule.hash:
            self._hashes.setdefault(rule.hash, set()).add(id)
        elif rule.entity == "user":
            self._users.put(id, rule.target)
        elif rule.entity == "room":
            self._rooms.put(id, rule.target)
        else:
            self._servers.put(id, host_of(rule.target) if ":" in rule.target else rule.target.lower())

    def take(self, id: int) -> None:  # noqa: A002 - what it is
        """The rule with this number is gone, if there was one."""
        rule = self._rules.pop(id, None)
        if rule is None:
            return
        if rule.hash:
            _discard(self._hashes, rule.hash, id)
        elif rule.entity == "user":
            self._users.take(id, rule.target)
        elif rule.entity == "room":
            self._rooms.take(id, rule.target)
        else:
            self._servers.take(id, host_of(rule.target) if ":" in rule.target else rule.target.lower())

    def meaning(self, user: str) -> tuple[int, ...]:
        """The numbers of the rules that mean this person, by id or by server, in their order."""
        server = server_of(user)
        host = host_of(server)
        found = {one for one in self._users.candidates(user) if matches(self._rules[one].target, user)}
        for name in {host, server.lower()}:
            found |= {one for one in self._servers.candidates(name) if server_matches(self._rules[one].target, server)}
        if self._hashes:
            found |= {one for one in self._hashes.get(hashed(user), ()) if self._rules[one].entity == "user"}
            for name in {server, server.lower(), host}:
                found |= {one for one in self._hashes.get(hashed(name), ()) if self._rules[one].entity == "server"}
        return tuple(sorted(found))

    def naming(self, room: str) -> tuple[int, ...]:
        """The numbers of the rules that mean this room, by its id or address as it is given, in their order."""
        found = {one for one in self._rooms.candidates(room) if means_room(self._rules[one], room)}
        if self._hashes:
            found |= {one for one in self._hashes.get(hashed(room), ()) if self._rules[one].entity == "room"}
        return tuple(sorted(found))


def means_room(rule: Rule, room: str) -> bool:
    """Whether a rule means the room with this id or address."""
    if rule.entity != "room":
        return False
    return hashed(room) == rule.hash if rule.hash else matches(rule.target, room)


def means(rule: Rule, user: str) -> bool:
    """Whether a rule means this person; what a Book finds, rule by rule."""
    server = server_of(user)
    if rule.entity == "room":
        return False
    if rule.hash:
        names = {user} if rule.entity == "user" else {server, server.lower(), host_of(server)}
        return any(hashed(name) == rule.hash for name in names)
    return matches(rule.target, user) if rule.entity == "user" else server_matches(rule.target, server)


def revealed(rule: Rule, user: str) -> str:
    """Whom a rule is about, now that it has met this person whom it means: of a hashed one the name behind it."""
    if not rule.hash:
        return rule.target
    return user if rule.entity == "user" else host_of(server_of(user))
