"""A book of rules finds exactly what looking at each rule would find, whatever was put in and taken out, and however hostile it is."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.access import MOST_BYTES, server_acl
from bridge.moderation.book import Book, means, means_room, revealed
from bridge.moderation.policies import Rule, Stance, hashed, of_meowlnir, of_mjolnir, read, written

names = st.text("ab.", min_size=1, max_size=4)
users = st.builds(lambda name, server: f"@{name}:{server}", names, names)
ported = st.builds(lambda user, port: user + port, users, st.sampled_from(["", ":8448"]))
globs = st.text("ab.:@*?A", min_size=1, max_size=9)
targets = st.one_of(globs, users, names)
rules = st.one_of(
    st.builds(Rule, st.sampled_from(["user", "server", "room"]), targets),
    st.builds(lambda user: Rule("user", "", hashed(user)), users),
    st.builds(lambda server: Rule("server", "", hashed(server)), names),
    st.builds(lambda name, server, sigil: Rule("room", f"{sigil}{name}:{server}"), names, names, st.sampled_from("#!")),
    st.builds(lambda name, server: Rule("room", "", hashed(f"#{name}:{server}")), names, names),
)


@settings(max_examples=400)
@given(st.lists(rules, max_size=12), st.sets(st.integers(0, 11)), st.lists(ported, min_size=1, max_size=5))
def test_a_book_finds_what_looking_at_each_rule_would_find(many: list[Rule], gone: set[int], people: list[str]) -> None:
    book = Book()
    for number, rule in enumerate(many):
        book.put(number, Rule("user", "@other*"))  # what had the number before is gone
        book.put(number, rule)
    for number in gone:
        book.take(number)
    left = {number: rule for number, rule in enumerate(many) if number not in gone}
    assert len(book) == len(left)
    for user in people:
        assert book.meaning(user) == tuple(number for number, rule in left.items() if means(rule, user))
    for room in (each.replace("@", sigil) for each in people for sigil in "#!a"):
        assert book.naming(room) == tuple(number for number, rule in left.items() if means_room(rule, room))


def test_a_hundred_thousand_globs_without_a_beginning_or_an_end_do_not_have_to_be_looked_at() -> None:
    book = Book()
    for number in range(100_000):
        book.put(number, Rule("user", f"*spam{number}x*"))
    assert book.meaning("@aspam77xb:b.test") == (77,)
    looks = []
    for _ in range(20):
        began = time.perf_counter()
        book.meaning("@an.innocent.person:example.org")
        looks.append(time.perf_counter() - began)
    assert min(looks) < 0.005  # looking at each takes a quarter of a second


def test_what_we_write_is_what_we_read() -> None:
    for target, as_hash in (("@eve:b.test", False), ("@eve:b.test", True), ("@e*:b.test", True), ("b.test", True)):
        entity = "user" if target.startswith("@") else "server"
        kind, key, content = written(entity, target, "why", as_hash=as_hash)
        rule = read(kind, content)
        assert isinstance(rule, Rule)
        assert means(rule, "@eve:b.test")
        assert revealed(rule, "@eve:b.test") == target
        assert (target in key + str(content)) is not (as_hash and "*" not in target)
    ported = written("server", "b.test:8448", "why", as_hash=False)[2]
    assert ported["entity"] == "b.test"
    assert read("m.policy.rule.server", {**ported, "entity": "b.test:8448"}) == Rule("server", "b.test", reason="why")


def test_lists_of_other_bots_are_read_whatever_stands_there() -> None:
    links = ["https://matrix.to/#/!room:a.test?via=a.test&via=b.test", "https://matrix.to/#/%23list:c.test", "https://matrix.to/#/@eve:a.test", "no", 3, None]  # fmt: skip
    assert of_mjolnir({"references": links}) == (
        ("!room:a.test", ("a.test", "b.test"), Stance.ACT),
        ("#list:c.test", (), Stance.ACT),
    )
    lists = [{"room_id": "!a"}, {"room_id": "!b", "dont_apply": True}, {"room_id": 7}, "x", {}]
    assert of_meowlnir({"lists": lists}) == (("!a", (), Stance.ACT), ("!b", (), Stance.SHOW))
    for nothing in ({}, {"references": "x"}, {"lists": {}}):
        assert of_mjolnir(nothing) == of_meowlnir(nothing) == ()


def test_a_list_of_servers_stays_below_what_an_event_holds_and_keeps_what_was_named_first() -> None:
    many = [
        "first.test",
        *(f"a-rather-long-name-of-a-server-{number}.evil.test" for number in range(4000)),
        "last.test",
    ]
    acl = server_acl([], many, "a.test")
    assert sum(len(each) + 3 for each in acl["deny"]) <= MOST_BYTES
    assert "first.test" in acl["deny"]
    assert "last.test" not in acl["deny"]
    assert server_acl([], [*many, "*.evil.test"], "a.test")["deny"] == ["*.evil.test", "first.test", "last.test"]
