"""Who loses what when the configuration names other people: nobody who was not named, and nobody of a circle that is gone."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config
from bridge.rooms import demoting
from bridge.store.named import MODERATOR, OWNER, Named

ANN, MOD, OLGA = "@ann:a.test", "@mod:a.test", "@olga:a.test"
HEARTH = "@hearth:a.test"

PLACE = st.sampled_from([OWNER, MODERATOR, "circle/sleep", "circle/gone"])


@given(before=st.sets(st.tuples(st.sampled_from([ANN, MOD, OLGA]), PLACE)))
def test_only_who_was_named_loses_anything_and_a_circle_that_is_gone_takes_nothing(
    before: set[tuple[str, str]],
) -> None:
    config = Config.model_validate(
        {
            "matrix": {"homeserver": "http://x.test", "user_id": HEARTH, "access_token": "t"},
            "community": {
                "space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}, "owners": [OLGA], "moderators": [MOD],
                "circles": [{"name": "Sleep", "tag": "sleep", "curators": [], "former": [ANN]}],
            },
        }
    )  # fmt: skip
    out = demoting.lost(config, [Named(user, place) for user, place in before])
    assert out <= before - demoting.places(config)
    assert not any(place == "circle/gone" or (user, place) == (ANN, "circle/sleep") for user, place in out)
    assert demoting.lost(config, [Named(user, place, 1) for user, place in before]) == frozenset()
