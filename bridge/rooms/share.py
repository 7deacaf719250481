"""Decides which words of a circle's thread stand in the common room, and which answers from there stand in the circle; pure. Never sees a text, and never asks what happened before.

Only what is so now counts, so that a repeat, a crash or another order of the same events leads to the same copies.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

MOST_SERVERS = 5
"""More servers than this are named by their number."""

YES = frozenset({"👍", "✅", "✔", "☑"})
NO = frozenset({"👎", "❌", "✖", "🚫"})
_SKIN_TONES = dict.fromkeys([0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400)])


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a thread. `tagged`: its newest text carries the share tag. `seen_ms` is when we heard of it (UTC)."""

    event: str
    author: str
    seen_ms: int = 0
    tagged: bool = False
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What was decided about a thread: shared (`live`), or taken back by command at `at_ms` (UTC). `cause` is the message that asked for it."""

    live: bool
    at_ms: int
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A copy: wanted (`live`) or withdrawn; `copy` is its event id while it can be seen."""

    source: str
    live: bool
    copy: str | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """All that is known of a thread. `replies` are in the order in which we heard of them, `consents` are the answers of their authors.

    `agreed_ms` is when the author of the root said, without a tag, that it may be shared (UTC). `struck` are messages whose copies somebody else took
    away there, for good; `gone` are people who are not in the thread's room any more.
    """

    root: Said
    replies: tuple[Said, ...] = ()
    standing: Standing | None = None
    made: tuple[Made, ...] = ()
    consents: Mapping[str, bool | None] = field(default_factory=dict)
    agreed_ms: int | None = None
    struck: Collection[str] = frozenset()
    gone: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What has to become different.

    `begin` is the message by which the share begins; `end`: the thread is no longer shared, nor held back. `copy` can be copied now, `wait` must not
    be seen before the root's copy is; `withdraw` are sources whose copies go. `ask` are people whose consent is not known.
    """

    begin: str | None = None
    end: bool = False
    copy: tuple[Said, ...] = ()
    wait: tuple[Said, ...] = ()
    withdraw: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()


def carrier(thread: Thread) -> Said | None:
    """The message by which the thread's own author wants it shared; None when there is none (any more). It is the root when they said so without a tag.

    After the author took the thread back by command, only what they wrote or said later counts.
    """
    held_ms = thread.standing.at_ms if thread.standing and not thread.standing.live else None
    tagged = next((said for said in _tagged(thread) if held_ms is None or said.seen_ms > held_ms), None)
    if tagged is not None or thread.agreed_ms is None or thread.root.redacted:
        return tagged
    return thread.root if held_ms is None or thread.agreed_ms > held_ms else None


def wanted(thread: Thread, *, allowed: bool) -> tuple[Said, ...]:
    """The messages whose copies should stand in the common room, root first. `allowed` is the answer of `share_rule.may_leave`."""
    if not allowed or carrier(thread) is None or not _stays(thread, thread.root):
        return ()
    return (thread.root, *(said for said in thread.replies if _travels(thread, said) and _stays(thread, said)))


def decide(thread: Thread, *, allowed: bool) -> Change:
    """The difference between what should stand in the common room and what does."""
    asked_by = carrier(thread)
    want = wanted(thread, allowed=allowed)
    live = {each.source: each for each in thread.made if each.live}
    shared = thread.standing is not None and thread.standing.live
    add = tuple(said for said in want if said.event not in live)
    root = live.get(thread.root.event)
    rooted = root is not None and root.copy is not None
    return Change(
        begin=asked_by.event if asked_by and want and not shared else None,
        end=thread.standing is not None and not want and (shared or not _tagged(thread)),
        copy=tuple(said for said in add if rooted or said is thread.root),
        wait=tuple(said for said in add if not rooted and said is not thread.root),
        withdraw=tuple(source for source in live if source not in {said.event for said in want}),
        ask=_unasked(thread) if want else (),
    )


def answers(
    said: Iterable[Said],
    made: Iterable[Made],
    consents: Mapping[str, bool | None],
    *,
    shared: bool,
    allowed: bool,
    struck: Collection[str] = frozenset(),
    gone: Collection[str] = frozenset(),
) -> Change:
    """The difference between the answers from the common room that should stand in the circle's own thread and those that do.

    `said` are these answers, in the order in which we heard of them, and all that stands in the circle by now. Who answers does so before everybody
    whom the circle consists of, so nobody is asked; who said no to travelling stays. What somebody was told stays when the thread is taken back:
    it was their answer to keep. `struck` are answers that a curator took away there, for good; `gone` are people who are not in the common room any more.
    """
    there = {each.source for each in made if each.live}
    want = [
        each
        for each in said
        if not each.redacted
        and each.event not in struck
        and each.author not in gone
        and consents.get(each.author) is not False
        and (each.event in there or (shared and allowed))
    ]
    wanted_now = {each.event for each in want}
    return Change(
        copy=tuple(each for each in want if each.event not in there),
        withdraw=tuple(each.source for each in made if each.live and each.source not in wanted_now),
    )


def only_a_wish(thread: Thread, event: str) -> bool:
    """Whether this message puts the tag on a thread that somebody else began: they cannot share it, and should hear why."""
    return any(
        said.event == event and said.tagged and not said.redacted and said.author != thread.root.author
        for said in thread.replies
    )


def answer(key: str) -> bool | None:
    """What a reaction on our question means: yes, no, or nothing. Skin tones and emoji variants do not matter."""
    plain = key.translate(_SKIN_TONES)
    return True if plain in YES else False if plain in NO else None


def new_servers(readers: Iterable[str], source: Iterable[str]) -> tuple[str, ...]:
    """The servers that would hold a copy of words for the first time: those of the readers which have nobody in the room that the words come from; sorted."""
    held = {user.partition(":")[2] for user in source}
    return tuple(sorted({user.partition(":")[2] for user in readers} - held))


def audience(members: Iterable[str], me: str) -> tuple[int, tuple[str, ...], int]:
    """Who would read a copy: how many people, the servers that hold it (those with most people first), and how many servers are left unnamed."""
    people = [user for user in members if user != me]
    counts = Counter(user.partition(":")[2] for user in (*people, me))
    servers = sorted(counts, key=lambda server: (-counts[server], server))
    return len(people), tuple(servers[:MOST_SERVERS]), max(0, len(servers) - MOST_SERVERS)


def _tagged(thread: Thread) -> list[Said]:
    if thread.root.redacted:
        return []
    own = (thread.root, *(said for said in thread.replies if said.author == thread.root.author))
    return [said for said in own if said.tagged and not said.redacted]


def _stays(thread: Thread, said: Said) -> bool:
    """Whether nothing speaks against a copy, whatever its author wants: it is not empty, nobody took its copy away, and they are still there."""
    return not said.redacted and said.event not in thread.struck and said.author not in thread.gone


def _travels(thread: Thread, said: Said) -> bool:
    return said.author == thread.root.author or thread.consents.get(said.author) is True


def _unasked(thread: Thread) -> tuple[str, ...]:
    others = (said.author for said in thread.replies if _stays(thread, said) and not _travels(thread, said))
    return tuple(dict.fromkeys(user for user in others if thread.consents.get(user) is None))
