"""How long a plan will still take, as a person is told."""

from bridge.rooms.patience import Watch, left_ms

MINUTE = 60_000


def test_before_anything_was_seen_nothing_is_said() -> None:
    assert left_ms(Watch(), {"create": 5, "invite": 2}, 0) is None


def test_at_full_speed_the_rest_takes_as_long_as_what_came_before() -> None:
    watch = Watch()
    for number in range(5):
        watch.step("CreateRoom", number * 400)
    assert left_ms(watch, {"create": 10}, 1600) == 4000


def test_after_the_first_burst_the_homeservers_own_word_counts() -> None:
    watch = Watch()
    for number in range(10):
        watch.step("CreateRoom", number * 100)
    watch.look({"create": MINUTE + 1000}, 1000)
    assert watch.limited
    assert left_ms(watch, {"create": 20}, 1000) == 20 * MINUTE


def test_later_it_is_judged_by_what_really_went_through() -> None:
    watch = Watch()
    watch.look({"create": 1000}, 0)
    for number in range(1, 4):
        watch.step("CreateRoom", number * 50_000)
        watch.look({"create": number * 50_000 + 55_000}, number * 50_000)
    assert left_ms(watch, {"create": 3}, 150_000) == 55_000 + 2 * 50_000


def test_invites_go_on_beside_the_rooms_and_links_after_them() -> None:
    watch = Watch()
    watch.look({"create": MINUTE, "invite": 3000, "rest": 5000}, 0)
    assert left_ms(watch, {"create": 2, "rest": 4, "invite": 100}, 0) == 100 * 3000
    assert left_ms(watch, {"create": 10, "rest": 4, "invite": 100}, 0) == 10 * MINUTE + 4 * 5000


def test_a_limit_that_is_over_is_not_waited_for() -> None:
    watch = Watch()
    watch.look({"create": 1000}, 0)
    assert left_ms(watch, {"create": 1}, 5000) == 0
    assert left_ms(watch, {}, 5000) is None
