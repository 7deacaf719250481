"""Sanctions against random lives: whatever people do and whatever fails, once all is settled every room is as it was decided, and nothing more is asked."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config_types import BOT
from bridge.effects import Ban, Effect, Kick, Mute
from bridge.locks import LOCKED_WRITE, Shut, can_be_locked, shut, with_locks
from bridge.moderation.enforce import HERE, bans, hits, holds_in, is_one, kicks, mutes
from bridge.moderation.model import BAN, EVERY_ROOM, INVITES, KICK, LOCK, MUTE, OurMute, Presence, Sanction

ROOMS = {"!garden": "circle/garden", "!kitchen": "circle/kitchen", "!common": "common"}
NEW = ("!new", "circle/new")
USERS = ("@ann:a.test", "@eve:b.test", "@spam1:b.test", "@spam2:c.test", "@mod:a.test")
PROTECTED = frozenset({"@mod:a.test"})

kinds = st.sampled_from([BAN, MUTE, KICK])
targets = st.one_of(
    st.sampled_from([("user", user) for user in (*USERS, "@spam*", "@*:b.test")]),
    st.sampled_from([("server", server) for server in ("b.test", "c.test")]),
)
scopes = st.sampled_from(["", "circle/garden"])
decisions = st.builds(
    lambda kind, target, scope: Sanction(0, target[0], target[1], None, 0, kind, scope if kind != BAN else ""),
    kinds,
    targets,
    scopes,
)
moves = st.tuples(
    st.sampled_from([*ROOMS, NEW[0]]), st.sampled_from(USERS), st.sampled_from(["join", "leave", "invite"])
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), decisions),
        st.tuples(st.just("lift"), st.integers(0, 9)),
        st.tuples(st.just("move"), moves),
        st.tuples(st.just("room"), st.none()),
    ),
    max_size=25,
)


class Place:
    """The rooms, as a homeserver that refuses now and then, and what Hearth remembers of them."""

    def __init__(self, fails: list[bool]) -> None:
        self.rooms = dict(ROOMS)
        self.members: dict[tuple[str, str], str] = {}
        self.rows: dict[tuple[str, str], int] = {}
        self.silent: set[tuple[str, str]] = set()
        self.mutes: dict[tuple[str, str], OurMute] = {}
        self.waiting: dict[str, Effect] = {}
        self.keys: set[str] = set()
        self.standing: list[Sanction] = []
        self.banned_for: dict[tuple[str, str], int] = {}
        self.fails = fails
        self.now = 0
        self.number = 0

    def presences(self) -> list[Presence]:
        return [Presence(room, user, what, self.rows[room, user]) for (room, user), what in self.members.items()]

    def become(self, room: str, user: str, membership: str) -> None:
        if self.members.get((room, user)) != membership:
            self.now += 1
            self.members[room, user], self.rows[room, user] = membership, self.now

    def of(self, kind: str) -> list[Sanction]:
        return [each for each in self.standing if each.kind == kind]

    def wanted(self) -> list[Effect]:
        there = self.presences()
        muting = mutes(self.of(MUTE), self.rooms, there, PROTECTED, list(self.mutes.values()))
        for each in muting.silent:
            self.mutes[each.room, each.user] = each
        for each in muting.free:
            self.mutes.pop((each.room, each.user), None)
        return [
            *bans(self.of(BAN), self.rooms, there, PROTECTED),
            *kicks(self.of(KICK), self.rooms, there, PROTECTED),
            *muting.effects,
        ]

    def enforce(self) -> int:
        """Put what is asked for; how much of it is new."""
        fresh = [each for each in self.wanted() if each.key not in self.keys]
        self.keys |= {each.key for each in fresh}
        self.waiting |= {each.key: each for each in fresh}
        return len(fresh)

    def work(self) -> None:
        """One try of everything that waits; some of it fails and is tried again later."""
        for key, effect in list(self.waiting.items()):
            if self.fails and self.fails.pop():
                continue
            del self.waiting[key]
            self.do(effect)

    def do(self, effect: Effect) -> None:
        match effect:
            case Ban():
                self.become(effect.room, effect.user, "ban")
                self.banned_for[effect.room, effect.user] = effect.sanction or 0
            case Kick() if self.members.get((effect.room, effect.user)) in HERE:
                self.become(effect.room, effect.user, "leave")
            case Mute():  # what is so in the table at that moment counts
                pair = (effect.room, effect.user)
                (self.silent.add if pair in self.mutes else self.silent.discard)(pair)

    def settle(self) -> None:
        for _ in range(100):
            self.work()
            if not self.enforce() and not self.waiting:
                return
        raise AssertionError("it never comes to rest")


def meant(place: Place, kind: str, room: str, user: str) -> list[Sanction]:
    return [
        each
        for each in place.of(kind)
        if holds_in(each, place.rooms[room]) and hits(each, user) and user not in PROTECTED
    ]


def live(place: Place, what: str, value: object) -> None:
    """One thing that somebody does."""
    match what, value:
        case "decide", Sanction() as sanction:
            place.number += 1  # no number is ever given twice
            place.standing.append(replace(sanction, id=place.number, cause=place.number))
        case "lift", int(number) if place.standing:
            gone = place.standing.pop(number % len(place.standing))
            for (room, user), by in list(place.banned_for.items()):
                if by == gone.id and not meant(place, BAN, room, user):
                    place.become(room, user, "leave")
                    del place.banned_for[room, user]
        case "move", (room, user, membership):
            if room in place.rooms and place.members.get((room, user)) != "ban":
                place.become(room, user, membership)
        case "room", _:
            place.rooms[NEW[0]] = NEW[1]


def check(place: Place, room: str, user: str) -> None:
    """This person is in this room as it was decided."""
    here = place.members.get((room, user)) in HERE
    banned, muted = meant(place, BAN, room, user), meant(place, MUTE, room, user)
    assert not (here and (banned or meant(place, KICK, room, user)))
    if any(is_one(each) for each in banned):
        assert place.members[room, user] == "ban"
    if here or any(is_one(each) for each in muted):
        assert ((room, user) in place.silent) == bool(muted)
    assert muted or (room, user) not in place.silent


@settings(max_examples=150, deadline=None)
@given(steps, st.lists(st.booleans(), max_size=40))
def test_after_settling_every_room_is_as_it_was_decided(life: list[tuple[str, object]], fails: list[bool]) -> None:
    place = Place(fails)
    for what, value in life:
        live(place, what, value)
        place.enforce()
        place.work()
    place.settle()
    for room in place.rooms:
        for user in USERS:
            check(place, room, user)
    assert all(user not in PROTECTED for _, user in place.silent)
    assert place.enforce() == 0


@given(st.lists(st.sampled_from([LOCK, INVITES]), max_size=3), st.sampled_from([EVERY_ROOM, "common", "staff"]),
       st.integers(0, 100), st.integers(0, 100), st.booleans())  # fmt: skip
def test_a_lock_and_its_end_leave_a_room_as_it_was(
    which: list[str], target: str, write: int, invite: int, own: bool
) -> None:
    before = {
        "events_default": write,
        "invite": invite,
        "events": {"m.room.redaction": 0} if own and write else {},
        "ban": 50,
    }
    closed = shut(Sanction(n, "room", target, None, n, kind) for n, kind in enumerate(which))
    now = with_locks(before, (write, invite), writing=closed.writing("common"), inviting=closed.inviting("common"))
    if LOCK in which and target != "staff":
        assert now["events_default"] == max(write, LOCKED_WRITE)
    if INVITES in which and target != "staff":
        assert now["invite"] == BOT
    assert with_locks(now, (write, invite), writing=closed.writing("common"), inviting=closed.inviting("common")) is now
    opened = with_locks(now, (write, invite), writing=False, inviting=False)
    assert {**opened, "events": {}} == {**before, "events": {}}
    assert opened["events"] in (before["events"], {**before["events"], "m.room.redaction": 0})


@pytest.mark.parametrize(
    ("key", "can"), [("staff", False), ("space", False), ("district/1", False), ("circle/sleep", True)]
)
def test_the_staff_room_and_spaces_are_never_locked(key: str, can: bool) -> None:
    assert can_be_locked(key) is can
    assert Shut(locked=frozenset({EVERY_ROOM})).writing(key) is can
