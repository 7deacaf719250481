from hypothesis import given
from hypothesis import strategies as st

from bridge.effects import Ban, Effect, Kick, SetServerAcl, Unban
from bridge.moderation.enforce import acls, bans, hits, lifted, turned_away
from bridge.moderation.model import OurBan, Presence, Sanction

ROOMS = {"!garden": "circle/garden", "!kitchen": "circle/kitchen", "!common": "common"}
USERS = ("@ann:a.test", "@eve:b.test", "@spam1:b.test", "@spam2:c.test", "@mod:a.test")


def user(target: str, number: int = 1) -> Sanction:
    return Sanction(number, "user", target, "spam", 7)


def server(target: str, number: int = 2) -> Sanction:
    return Sanction(number, "server", target, None, 8)


def pairs(effects: tuple[Effect, ...]) -> set[tuple[str, str]]:
    return {(each.room, each.user) for each in effects if isinstance(each, Ban)}


def test_a_user_is_banned_from_every_room_even_where_they_never_were() -> None:
    assert pairs(bans([user("@eve:b.test")], ROOMS, [], ())) == {(room, "@eve:b.test") for room in ROOMS}


def test_rooms_where_the_person_wrote_last_come_first_then_those_where_they_are_then_all_in_their_order() -> None:
    eve = "@eve:b.test"
    ours = {"!z": "z", "!y": "y", "!x": "x", "!here": "here", "!active": "active", "!a": "a"}
    there = [Presence("!here", eve, "join", 5), Presence("!active", eve, "join", 6), Presence("!z", eve, "leave", 7)]
    effects = bans([user(eve)], ours, there, (), active={("!active", eve): 3, ("!y", eve): 9})
    order = [each.room for each in effects if isinstance(each, Ban)]
    assert order == ["!active", "!here", "!y", "!z", "!x", "!a"]


def test_of_a_glob_only_those_who_are_there_are_banned() -> None:
    there = [Presence("!garden", "@spam1:b.test", "join", 1), Presence("!garden", "@spam2:c.test", "leave", 2)]
    assert pairs(bans([user("@spam*")], ROOMS, there, ())) == {("!garden", "@spam1:b.test")}


def test_the_protected_are_never_banned() -> None:
    there = [Presence("!garden", "@mod:a.test", "join", 1), Presence("!garden", "@ann:a.test", "join", 2)]
    assert pairs(bans([server("a.test")], ROOMS, there, {"@mod:a.test"})) == {("!garden", "@ann:a.test")}


def test_who_was_let_in_again_by_hand_is_banned_again_under_a_new_key() -> None:
    first = bans(
        [user("@eve:b.test")], {"!garden": "circle/garden"}, [Presence("!garden", "@eve:b.test", "join", 1)], ()
    )
    again = bans(
        [user("@eve:b.test")], {"!garden": "circle/garden"}, [Presence("!garden", "@eve:b.test", "join", 9)], ()
    )
    assert first[0].key != again[0].key


def test_every_room_gets_the_acl_once_for_one_cause() -> None:
    effects = acls(("b.test",), dict.fromkeys(ROOMS, ()), "a.test", "8")
    assert {each.room for each in effects if isinstance(each, SetServerAcl)} == set(ROOMS)
    assert effects == acls(("b.test",), dict.fromkeys(ROOMS, ()), "a.test", "8")


def test_a_room_for_certain_servers_stays_so_when_another_is_banned() -> None:
    (effect,) = acls(("b.test",), {"!garden": ("a.test", "b.test", "c.test")}, "a.test", "8")
    assert isinstance(effect, SetServerAcl)
    assert (effect.content["allow"], effect.content["deny"]) == (["a.test", "b.test", "c.test"], ["b.test"])


def test_who_is_of_another_server_is_put_out_also_of_an_invitation_and_a_knock() -> None:
    there = [
        Presence("!garden", "@eve:evil.test", "join", 1),
        Presence("!garden", "@dan:evil.test", "invite", 2),
        Presence("!garden", "@kim:evil.test", "knock", 3),
        Presence("!garden", "@ann:b.test", "join", 4),
        Presence("!garden", "@bot:a.test:8448", "join", 5),
        Presence("!garden", "@gone:evil.test", "leave", 6),
        Presence("!kitchen", "@eve:evil.test", "join", 7),
    ]
    kicks = turned_away({"!garden": ("*b.test",), "!kitchen": ()}, there, "@me:a.test:8448", "why")
    assert [(each.room, each.user) for each in kicks if isinstance(each, Kick)] == [
        ("!garden", "@eve:evil.test"), ("!garden", "@dan:evil.test"), ("!garden", "@kim:evil.test"),
    ]  # fmt: skip


def test_lifting_one_sanction_keeps_who_another_still_names() -> None:
    ours = [
        OurBan("!garden", "@eve:b.test", 1),
        OurBan("!kitchen", "@eve:b.test", 2),
        OurBan("!garden", "@spam1:b.test", 1),
    ]
    undo, keep = lifted(ours, {1}, [user("@eve*", 3)], "99")
    assert [(each.room, each.user) for each in undo if isinstance(each, Unban)] == [("!garden", "@spam1:b.test")]
    assert keep == (OurBan("!garden", "@eve:b.test", 3),)


sanctions = st.lists(
    st.one_of(
        st.sampled_from([*USERS, "@spam*", "@*:b.test"]).map(user),
        st.sampled_from(["b.test", "c.test", "*.test"]).map(server),
    ),
    max_size=4,
)
presences = st.dictionaries(
    st.tuples(st.sampled_from(sorted(ROOMS)), st.sampled_from(USERS)),
    st.tuples(st.sampled_from(["join", "leave", "ban", "invite", "knock"]), st.integers(1, 99)),
)


@given(sanctions, presences)
def test_after_doing_what_is_asked_nothing_more_is_asked_and_nobody_sanctioned_is_left(
    decided: list[Sanction], there: dict[tuple[str, str], tuple[str, int]]
) -> None:
    protected = {"@mod:a.test"}
    before = [Presence(room, who, membership, row) for (room, who), (membership, row) in there.items()]
    asked = bans(decided, ROOMS, before, protected)
    after = {(each.room, each.user): each for each in before}
    for effect in asked:
        assert isinstance(effect, Ban)
        assert effect.user not in protected
        after[effect.room, effect.user] = Presence(effect.room, effect.user, "ban", 100)
    assert bans(decided, ROOMS, after.values(), protected) == ()
    for each in after.values():
        if each.membership == "join" and each.user not in protected:
            assert not any(hits(sanction, each.user) for sanction in decided)
