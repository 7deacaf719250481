"""Decides which words of a thread stand in another room, and which answers from there stand in the thread itself; pure. Never sees a text, and never asks what happened before.

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
class Offer:
    """The author of the root was asked whether it may be shared together with this one reply, whose own author (`by`) put the tag there.

    `agreed` is None until they answered, at `answered_ms` (UTC).
    """

    reply: str
    by: str
    agreed: bool | None = None
    answered_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """All that is known of a thread, as far as one room is concerned into which it may be shared. `replies` are in the order in which we heard of them, `consents` are the answers of their authors.

    `agreed_ms` is when the author of the root said, without a tag, that it may be shared (UTC). `struck` are messages whose copies somebody else took
    away there, for good; `gone` are people who are not in the thread's room any more. `refused`: the author was asked for the whole, and said no.
    """

    root: Said
    replies: tuple[Said, ...] = ()
    standing: Standing | None = None
    made: tuple[Made, ...] = ()
    consents: Mapping[str, bool | None] = field(default_factory=dict)
    agreed_ms: int | None = None
    struck: Collection[str] = frozenset()
    gone: Collection[str] = frozenset()
    offers: tuple[Offer, ...] = ()
    refused: bool = False


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


def offered(thread: Thread) -> tuple[Said, ...]:
    """The replies of others that travel with the root alone: their author put the tag there, and the author of the root agreed to just that."""
    held_ms = thread.standing.at_ms if thread.standing and not thread.standing.live else None
    agreed = {
        each.reply
        for each in thread.offers
        if each.agreed and (held_ms is None or (each.answered_ms is not None and each.answered_ms > held_ms))
    }
    return tuple(
        said
        for said in thread.replies
        if said.event in agreed and _tagged_by_its_author(thread, said) and _stays(thread, said)
    )


def may_offer(thread: Thread, event: str) -> bool:
    """Whether the author of the root is asked about this reply: it carries the tag of somebody else, and they were not asked, nor have they said no.

    While somebody's question is open, they do not make another one.
    """
    said = next((each for each in thread.replies if each.event == event), None)
    if said is None or not _tagged_by_its_author(thread, said) or carrier(thread) is not None or thread.refused:
        return False
    if not _stays(thread, said) or not _stays(thread, thread.root):
        return False
    return not any(
        each.reply == event or each.agreed is False or (each.agreed is None and each.by == said.author)
        for each in thread.offers
    )


def wanted(thread: Thread, *, allowed: bool) -> tuple[Said, ...]:
    """The messages whose copies should stand in the other room, root first. `allowed` is the answer of `share_rule.may_leave`."""
    if not allowed or not _stays(thread, thread.root):
        return ()
    if carrier(thread) is None:
        alone = offered(thread)
        return (thread.root, *alone) if alone else ()
    return (thread.root, *(said for said in thread.replies if _travels(thread, said) and _stays(thread, said)))


def decide(thread: Thread, *, allowed: bool) -> Change:
    """The difference between what should stand in the common room and what does."""
    want = wanted(thread, allowed=allowed)
    whole = carrier(thread)
    asked_by = whole or next(iter(offered(thread)), None)
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
        ask=_unasked(thread) if want and whole else (),
    )


def answers(
    said: Iterable[Said],
    made: Iterable[Made],
    consents: Mapping[str, bool | None],
    *,
    shared: bool,
    allowed: bool,
    of_a_circle: bool = False,
    struck: Collection[str] = frozenset(),
    gone: Collection[str] = frozenset(),
) -> Change:
    """The difference between the answers to a thread's copies that should stand in the thread itself and those that do.

    `said` are these answers, in the order in which we heard of them, and all that stands there by now. Who answers in the common room does so before
    everybody whom the circle consists of, so nobody is asked; who said no to travelling stays. What is answered in a circle (`of_a_circle`) is
    the circle's: it goes into the common room only with its author's standing consent. What somebody was told stays when the thread is taken back,
    as long as it may stand there (`allowed`): it was their answer to keep. `struck` are answers that somebody took away there, for good; `gone` are people who are not any more where they answered.
    """
    there = {each.source for each in made if each.live}

    def travels(author: str) -> bool:
        return consents.get(author) is True if of_a_circle else consents.get(author) is not False

    want = [
        each
        for each in said
        if not each.redacted
        and each.event not in struck
        and each.author not in gone
        and travels(each.author)
        and allowed
        and (each.event in there or shared)
    ]
    wanted_now = {each.event for each in want}
    return Change(
        copy=tuple(each for each in want if each.event not in there),
        withdraw=tuple(each.source for each in made if each.live and each.source not in wanted_now),
        ask=_silent(said, consents, {*struck}, {*gone}) if of_a_circle and shared and allowed else (),
    )


def _silent(
    said: Iterable[Said], consents: Mapping[str, bool | None], struck: set[str], gone: set[str]
) -> tuple[str, ...]:
    """Who answered and has not said yet whether their words may travel."""
    here = [each.author for each in said if not (each.redacted or each.event in struck or each.author in gone)]
    return tuple(dict.fromkeys(user for user in here if consents.get(user) is None))


def only_a_wish(thread: Thread, event: str) -> bool:
    """Whether this message puts the tag on a thread that somebody else began: they should hear what becomes of it."""
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
    if said.author == thread.root.author or thread.consents.get(said.author) is True:
        return True
    return _tagged_by_its_author(thread, said)


def _tagged_by_its_author(thread: Thread, said: Said) -> bool:
    """Whether somebody else than the thread's author wants this one reply to travel; who said no to travelling stays all the same."""
    return said.tagged and said.author != thread.root.author and thread.consents.get(said.author) is not False


def _unasked(thread: Thread) -> tuple[str, ...]:
    others = (said.author for said in thread.replies if _stays(thread, said) and not _travels(thread, said))
    return tuple(dict.fromkeys(user for user in others if thread.consents.get(user) is None))
