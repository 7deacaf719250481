"""Choosing what a digest holds: nothing that its reader may not see, the same whatever the order of rows, the quiet beside the loud."""

import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.config import Choosing
from bridge.digest.board import MOST_OF_A_SOURCE, Board, board
from bridge.digest.compose import best_first, candidates, compose, weighed
from bridge.digest.model import (
    Copied,
    Digest,
    Follow,
    Item,
    Member,
    Place,
    Post,
    Reason,
    Span,
    dump_reasons,
    load_reasons,
)
from bridge.digest.reader import Reader
from bridge.digest.visible import openings

HOUR_MS = 3600 * 1000
ME = "@me"


def member(*reasons: Reason, rooms: tuple[str, ...] = ("!a", "!b")) -> Member:
    follows = tuple(Follow(n, ME, reason) for n, reason in enumerate(reasons))
    return Member(ME, follows, tuple(Span(room, "join", 0) for room in rooms))


def post(seq: int, author: str = "@ann", room: str = "!a", **more: object) -> Post:
    return Post(seq, f"$e{seq}", room, author, seq, **more)  # type: ignore[arg-type]


def choose(
    who: Member,
    posts: list[Post],
    copies: tuple[Copied, ...] = (),
    *,
    most: int = 10,
    places: list[Place] | None = None,
) -> Digest | None:
    rooms = places if places is not None else [Place("!a"), Place("!b"), Place("!c")]
    return compose(who, made(posts, rooms, copies), since_seq=0, most_items=most)


def made(posts: list[Post], rooms: list[Place], copies: tuple[Copied, ...] = (), **more: object) -> Board:
    given = {"since_seq": 0, "until_seq": 1000, "now_ms": 1000, "weights": Choosing(), **more}
    return board(posts, rooms, copies, **given)  # type: ignore[arg-type]


def points_of(reader: Reader) -> dict[str, float]:
    """What every conversation counts for this member, each of them looked at as closely as can be."""
    return {root: -weighed(reader, root)[0] for _, _, root, _ in candidates(reader)}


def shown(digest: Digest | None) -> list[str]:
    return [item.event for item in digest.items] if digest else []


def test_reasons_are_added_up_and_the_strongest_comes_first() -> None:
    digest = choose(
        member(Reason("tag", "sleep"), Reason("person", "@ann"), Reason("circle", "!a")),
        [post(1, tags=frozenset({"sleep"}))],
    )
    assert digest == Digest(
        ME, (Item("$e1", "!a", (Reason("person", "@ann"), Reason("circle", "!a"), Reason("tag", "sleep"))),)
    )


def test_a_thread_is_one_item_that_shows_where_to_read_on() -> None:
    posts = [post(1), post(2, "@ben", thread="$e1"), post(3, "@cleo", thread="$e1"), post(4, "@ben", thread="$e1")]
    digest = choose(member(Reason("circle", "!a"), Reason("person", "@ben")), posts)
    assert digest is not None
    assert [(item.event, item.replies) for item in digest.items] == [("$e2", 3)]


def test_kinds_are_shown_in_their_order_and_the_best_first_within_one() -> None:
    posts = [
        post(1, "@dora", room="!b"),
        post(2, "@ann"),
        post(3, "@ben", tags=frozenset({"sleep"})),
        post(4, "@cleo", thread="$old"),
        post(5, "@cleo", thread="$e2"),
    ]
    wishes = (Reason("tag", "sleep"), Reason("person", "@ann"), Reason("circle", "!b"), Reason("thread", "$old"))
    assert shown(choose(member(*wishes), posts)) == ["$e4", "$e2", "$e1", "$e3"]


def test_more_people_and_replies_weigh_more_and_age_weighs_less() -> None:
    busy = [post(1, tags=frozenset({"t"})), post(2, "@ben", thread="$e1"), post(3, "@cleo", thread="$e1")]
    quiet = [post(4, "@dora", tags=frozenset({"t"}))]
    assert shown(choose(member(Reason("tag", "t")), busy + quiet)) == ["$e1", "$e4"]
    aged = [Post(p.seq, p.event, p.room, p.author, p.at_ms - 200 * HOUR_MS, p.thread, p.tags) for p in busy]
    assert shown(choose(member(Reason("tag", "t")), aged + quiet)) == ["$e4", "$e1"]


def test_equals_the_newest_comes_first_and_then_the_id_decides() -> None:
    same = [
        Post(n, event, "!a", f"@{event}", 1200, None, frozenset({"t"}))
        for n, event in ((1, "$b"), (2, "$a"), (3, "$c"))
    ]
    later = Post(4, "$z", "!b", "@z", 1500, None, frozenset({"t"}))
    assert shown(choose(member(Reason("tag", "t")), [*same, later])) == ["$z", "$a", "$b", "$c"]


def test_neither_a_room_nor_a_voice_takes_all_the_places() -> None:
    posts = [post(n, f"@p{n}") for n in range(1, 9)] + [post(n, "@ann", room="!b") for n in range(9, 15)]
    digest = choose(member(Reason("circle", "!a"), Reason("circle", "!b")), posts)
    assert digest is not None
    assert [item.room for item in digest.items].count("!a") == 3
    assert [item.room for item in digest.items].count("!b") == 2
    assert digest.more == 9


def test_what_is_too_much_becomes_a_number() -> None:
    rooms = [f"!r{n}" for n in range(8)]
    posts = [post(n * 10 + k, f"@p{n}{k}", room=room) for n, room in enumerate(rooms) for k in (1, 2)]
    digest = choose(
        member(*(Reason("circle", room) for room in rooms), rooms=tuple(rooms)), posts, places=[Place(r) for r in rooms]
    )
    assert digest is not None
    assert (len(digest.items), digest.more) == (10, 6)


def test_only_what_is_after_the_mark_and_up_to_now() -> None:
    seen = made([post(n, f"@p{n}") for n in range(1, 6)], [Place("!a")], until_seq=4, now_ms=9)
    digest = compose(member(Reason("circle", "!a")), seen, since_seq=2, most_items=10)
    assert sorted(shown(digest)) == ["$e3", "$e4"]


def test_an_answer_to_a_copy_belongs_to_the_thread_that_was_copied() -> None:
    copies = (Copied("$e1", "!c", "$copy", 2),)
    posts = [post(1), post(3, "@ben", room="!c", thread="$copy")]
    both = choose(member(Reason("thread", "$e1"), rooms=("!a", "!c")), posts, copies)
    assert both is not None
    assert [(item.event, item.room, item.replies) for item in both.items] == [("$e1", "!a", 1)]
    assert shown(choose(member(Reason("thread", "$copy"), rooms=("!c",)), posts, copies)) == ["$copy"]


def test_reasons_survive_the_table() -> None:
    reasons = (Reason("person_tag", "@ann", "sleep"), Reason("tag", "тревога"))
    assert load_reasons(dump_reasons(reasons)) == reasons


# --- any history at all ------------------------------------------------------------------------------------------------------------------

ROOMS = ("!a", "!b", "!c")
PEOPLE = ("@me", "@ann", "@ben")
said = st.tuples(
    st.just("post"), st.sampled_from(ROOMS[:2]), st.sampled_from(PEOPLE), st.integers(0, 9),
    st.sampled_from(["", "tagged", "reply", "call", "program"]),
)  # fmt: skip
moved = st.tuples(st.sampled_from(["join", "join", "join", "leave", "invite", "ban"]), st.sampled_from(ROOMS))
changed = st.one_of(
    st.tuples(st.just("redact"), st.integers(0, 9)),
    st.tuples(st.sampled_from(["copy", "copy", "coming"]), st.integers(0, 9), st.sampled_from(ROOMS)),
)
histories = st.sampled_from(["joined", "invited", "shared", "world_readable"])
ruled = st.tuples(st.just("rule"), st.sampled_from(ROOMS), histories)
steps = st.one_of(said, said, said, moved, changed, ruled)
wishes = st.sets(
    st.one_of(
        st.builds(Reason, st.just("person"), st.sampled_from(PEOPLE[1:]), st.just("")),
        st.builds(Reason, st.just("circle"), st.sampled_from(ROOMS), st.just("")),
        st.builds(Reason, st.just("tag"), st.just("t"), st.just("")),
        st.builds(Reason, st.just("thread"), st.sampled_from([f"$e{n}" for n in range(8)]), st.just("")),
        st.builds(Reason, st.just("person_tag"), st.sampled_from(PEOPLE[1:]), st.just("t")),
    ),
    min_size=1,
)
everything = tuple(Follow(n, ME, Reason("circle", room)) for n, room in enumerate(ROOMS))


@dataclass
class Past:
    """A community's past, played step by step; beside the rows that Hearth would keep, it notes what a person would simply know."""

    rules: dict[str, str]
    seq: int = 0
    posts: list[Post] = field(default_factory=list)
    copies: list[Copied] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    mine: dict[str, str] = field(default_factory=dict)
    readable: dict[str, str] = field(
        default_factory=dict
    )  # event -> room, of what I could see when it came, or may look up
    gone: set[str] = field(default_factory=set)
    changes: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def places(self) -> list[Place]:
        return [
            Place(room, history, kind="circle" if room == "!a" else "common", changes=tuple(self.changes.get(room, ())))
            for room, history in self.rules.items()
        ]

    def become(self, room: str, membership: str) -> None:
        ended = [replace(s, until_seq=self.seq) if s.room == room and s.until_seq is None else s for s in self.spans]
        self.spans = [*ended, Span(room, membership, self.seq)]
        self.mine[room] = membership

    def appear(self, event: str, room: str) -> int:
        enough = {"joined": {"join"}, "invited": {"join", "invite"}}.get(self.rules[room])
        if enough is None or self.mine.get(room) in enough:
            self.readable[event] = room
        self.seq += 1
        return self.seq

    def say(self, room: str, author: str, thread: int, how: str) -> None:
        n = len(self.posts)
        root = f"$e{thread}" if thread < n else None
        seq = self.appear(f"$e{n}", room)
        new = Post(
            seq, f"$e{n}", room, author, seq, None if how == "reply" else root, frozenset({"t"} if how == "tagged" else ()),
            reply_to=root if how == "reply" else None, mentions=frozenset({ME} if how == "call" else ()), automatic=how == "program",
        )  # fmt: skip
        self.posts.append(new)

    def copy(self, post: Post, room: str, *, there: bool) -> None:
        """Carry a post into a room, where it stands once; or the homeserver has taken it (not `there`) and we have yet to hear of it."""
        before = next((one for one in self.copies if (one.source, one.room) == (post.event, room)), None)
        if post.room == room or (before is not None and (before.seq is not None or not there)):
            return
        name = before.copy if before is not None else f"$c{len(self.copies)}"
        self.copies = [one for one in self.copies if one is not before]
        self.copies.append(Copied(post.event, room, name, self.appear(name, room) if there else None))

    def step(self, what: tuple) -> None:  # type: ignore[type-arg]
        match what:
            case ("post", room, author, thread, how):
                self.say(room, author, thread, how)
            case ("rule", room, history) if history != self.rules[room]:
                self.changes.setdefault(room, [(0, self.rules[room])])
                self.changes[room] = [one for one in self.changes[room] if one[0] != self.seq] + [(self.seq, history)]
                self.rules = {**self.rules, room: history}
            case ("redact", n) if n < len(self.posts):
                self.posts[n] = replace(self.posts[n], redacted=True)
                self.gone |= {f"$e{n}", *(c.copy for c in self.copies if c.source == f"$e{n}")}
            case ("copy" | "coming", n, room) if n < len(self.posts) and not self.posts[n].redacted:
                self.copy(self.posts[n], room, there=what[0] == "copy")
            case ("join" | "leave" | "invite" | "ban", room):
                self.become(room, what[0])

    def visible(self) -> set[tuple[str, str]]:
        """What I may be shown now: where I am, what I could read, and nothing that is gone."""
        return {(e, r) for e, r in self.readable.items() if self.mine.get(r) == "join" and e not in self.gone}


def play(rules: dict[str, str], story: list[tuple]) -> Past:  # type: ignore[type-arg]
    past = Past(rules)
    for what in story:
        past.step(what)
    return past


def digest_of(past: Past, who: Member, seed: int | None = None, most: int = 100) -> Digest | None:
    rows = [list(past.posts), past.places(), list(past.copies)]
    if seed is not None:
        for part in rows:
            random.Random(seed).shuffle(part)
    seen = made(rows[0], rows[1], tuple(rows[2]), until_seq=past.seq, now_ms=past.seq)  # type: ignore[arg-type]
    return compose(who, seen, since_seq=0, most_items=most)


stories = st.builds(
    lambda rules, begin, story: (rules, [("join", room) for room in sorted(begin)] + story),
    st.fixed_dictionaries(dict.fromkeys(ROOMS, histories)),
    st.sets(st.sampled_from(ROOMS)),
    st.lists(steps, min_size=12, max_size=30),
)


@settings(max_examples=600)
@given(stories)
def test_a_post_can_be_opened_just_where_it_can_be_seen(story: tuple) -> None:  # type: ignore[type-arg]
    past = play(*story)
    places = {place.room: place for place in past.places()}
    for post in past.posts:
        copies = [copied for copied in past.copies if copied.source == post.event and copied.seq is not None]
        found = {(opening.event, opening.room) for opening in openings(past.spans, places, post, copies)}
        everywhere = {(post.event, post.room), *((copied.copy, copied.room) for copied in copies)}
        assert found == everywhere & past.visible()


@settings(max_examples=500)
@given(stories)
def test_nobody_is_shown_what_they_may_not_see(story: tuple) -> None:  # type: ignore[type-arg]
    past = play(*story)
    digest = digest_of(past, Member(ME, everything, tuple(past.spans)))
    visible = past.visible()
    own = {post.event for post in past.posts if post.author == ME}
    sources = {copied.copy: copied.source for copied in past.copies}
    for item in digest.items if digest else ():
        assert (item.event, item.room) in visible
        assert sources.get(item.event, item.event) not in own


@settings(max_examples=500)
@given(stories)
def test_whoever_follows_everything_misses_nothing_of_what_they_saw(story: tuple) -> None:  # type: ignore[type-arg]
    rules, story_steps = story
    past = play(rules, [step for step in story_steps if step[0] not in ("copy", "coming")])
    digest = digest_of(past, Member(ME, everything, tuple(past.spans)))
    parent = {
        post.event: post.thread or post.reply_to
        for post in past.posts
        if (post.thread or post.reply_to) and post.event not in past.gone
    }

    def top(event: str) -> str:
        return top(parent[event]) if event in parent else event

    theirs = {post.event for post in past.posts if post.author != ME and not post.automatic}
    expected = {top(event) for event, _ in past.visible() if event in theirs}
    found = len(digest.items) + digest.more if digest else 0
    assert found == len(expected)


@given(stories, wishes, wishes, st.integers(0, 2**32), st.integers(1, 12))
def test_the_order_of_rows_changes_nothing(
    story: tuple, follows: set[Reason], mutes: set[Reason], seed: int, most: int  # type: ignore[type-arg]
) -> None:  # fmt: skip
    past = play(*story)
    rows = [Follow(n, ME, reason) for n, reason in enumerate(sorted(follows))]
    rows += [Follow(n, ME, reason, "mute") for n, reason in enumerate(sorted(mutes - follows), start=99)]
    spans = list(past.spans)
    plain = digest_of(past, Member(ME, tuple(rows), tuple(spans)), most=most)
    random.Random(seed).shuffle(rows)
    random.Random(seed).shuffle(spans)
    assert repr(digest_of(past, Member(ME, tuple(rows), tuple(spans)), seed, most)) == repr(plain)


carried = [
    *(("join", room) for room in ROOMS[1:]),
    ("post", "!a", "@ann", 9, ""),
    ("copy", 0, "!c"),
    ("coming", 0, "!b"),
]


@settings(max_examples=400)
@given(stories, wishes, st.sampled_from([2, 100]), st.sampled_from([0, 1, 6]))
@example((dict.fromkeys(ROOMS, "shared"), carried), {Reason("person", "@ann")}, 2, 6)
def test_the_short_way_and_the_long_way_find_the_same(
    story: tuple, follows: set[Reason], most: int, few: int  # type: ignore[type-arg]
) -> None:  # fmt: skip
    """Also where more is ranked on the board, for everybody, or where all is ranked for each."""
    past = play(*story)
    who = Member(ME, tuple(Follow(n, ME, reason) for n, reason in enumerate(sorted(follows))), tuple(past.spans))
    short = digest_of(past, who, most=most)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bridge.digest.compose.FEW", few)
        assert repr(digest_of(past, who, most=most)) == repr(short)
        patched.setattr(Reader, "whole", lambda *_: set())
        assert repr(digest_of(past, who, most=most)) == repr(short)


@settings(max_examples=300)
@given(stories, wishes, st.floats(0, 20))
def test_what_is_looked_at_only_when_it_matters_has_the_same_place(
    story: tuple, follows: set[Reason], odd: float
) -> None:  # type: ignore[type-arg]
    past = play(*story)
    who = Member(ME, tuple(Follow(n, ME, reason) for n, reason in enumerate(sorted(follows))), tuple(past.spans))
    weights = Choosing(tag=odd, reply=odd, half_life_hours=1e-6)
    seen = made(past.posts, past.places(), tuple(past.copies), until_seq=past.seq, now_ms=past.seq, weights=weights)
    reader = Reader(who, seen, 0)
    found = candidates(reader)
    closely = {root: weighed(reader, root) for *_, root, _ in found}
    assert found.number == len(closely)
    for *most, root, sure in found:
        assert most == list(closely[root][:2]) if sure else most <= list(closely[root][:2])
    assert list(best_first(reader, found)) == [root for *_, root, _ in sorted(closely.values())]


def test_a_loud_person_under_a_popular_tag_leaves_room_for_the_quiet_ones() -> None:
    tagged = frozenset({"t"})
    loud = [post(n, "@ann", tags=tagged, reactions=50) for n in range(100, 100 + 3 * MOST_OF_A_SOURCE)]
    quiet = [post(n, f"@p{n}", tags=tagged) for n in range(1, 10)]
    seen = made([*loud, *quiet], [Place("!a")], until_seq=5000)
    ((_, _, strands),) = seen.found("!a", [(1, Reason("tag", "t"), ("tag", "t"))])
    assert len(strands) == MOST_OF_A_SOURCE
    assert {post.author for post in quiet} < {strand.entries[0].post.author for strand in strands}
    digest = compose(member(Reason("tag", "t")), seen, since_seq=0, most_items=3)
    assert digest is not None
    authors = [seen.posts[item.event].author for item in digest.items]
    assert authors.count("@ann") == 2
    assert len(authors) == 3


def test_in_the_common_room_each_member_is_shown_others_whom_nobody_answered() -> None:
    rooms = [Place("!a", kind="circle"), Place("!c", kind="common")]
    posts = [post(n, f"@p{n}", room="!c") for n in range(1, 40)] + [
        post(50, "@near"),
        post(51, "@x"),
        post(52, "@y", reply_to="$e51"),
    ]
    seen = made(posts, rooms)
    found: set[str] = set()
    for n in range(60):
        who = Member(f"@m{n}", (), (Span("!a", "join", 0), Span("!c", "join", 0)))
        digest = compose(who, seen, since_seq=0, most_items=10)
        assert digest is not None
        unheard = [item.event for item in digest.items if item.reasons[0].kind == "unheard"]
        assert unheard[0] == "$e50"
        found.add(unheard[1])
    assert len(found) > 25


def test_what_weighs_how_much_can_be_changed() -> None:
    posts = [post(1, "@ann", tags=frozenset({"t"})), post(2, "@ben", tags=frozenset({"u"}))]
    who = member(Reason("person", "@ann"), Reason("tag", "u"))

    def first(weights: Choosing) -> list[str]:
        digest = compose(who, made(posts, [Place("!a")], weights=weights), since_seq=0, most_items=1)
        return shown(digest)

    assert first(Choosing()) == ["$e1"]
    assert first(Choosing(tag=9, most_reasons=20)) == ["$e2"]


def test_the_points_are_those_that_are_promised() -> None:
    """Reasons times 4, 2 for each further person up to 6, half a point for each reply up to 20, 1.5 log2(1 + reactions), halved every 36 hours."""
    thread = [post(1, "@p1", reactions=3), *(post(n, f"@p{n}", thread="$e1") for n in range(2, 4))]
    long = [post(100, "@q"), *(post(n, f"@q{n}", thread="$e100") for n in range(101, 141))]
    seen = made([*thread, *long], [Place("!a")], now_ms=36 * HOUR_MS + 3)
    reader = Reader(member(Reason("circle", "!a"), Reason("person", "@p1")), seen, 0)
    scores = points_of(reader)
    assert scores["$e1"] == pytest.approx((4 * 5 + 2 * 2 + 0.5 * 2 + 1.5 * 2) / 2)
    assert scores["$e100"] == pytest.approx((4 * 2 + 6 + 10) / 2, rel=1e-4)
    everything = member(
        *(
            Reason(kind, target)
            for kind, target in (("thread", "$e1"), ("person", "@p1"), ("circle", "!a"), ("person", "@p2"))
        )
    )
    assert points_of(Reader(everything, seen, 0))["$e1"] == pytest.approx((4 * 8 + 4 + 1 + 3) / 2)
