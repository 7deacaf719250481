"""The rooms to which a message leads, however it says so."""

import pytest

from bridge.events import Content
from bridge.moderation import leads


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("come to #bad:b.test, all of you", {"#bad:b.test"}),
        ("(!AbC:b.test).", {"!AbC:b.test"}),
        ("https://matrix.to/#/%23bad%3Ab.test?via=b.test", {"#bad:b.test"}),
        ("https://matrix.to/#/!v12roomid/$event", {"!v12roomid"}),
        ("MATRIX:r/bad:b.test matrix:roomid/x:b.test", {"#bad:b.test", "!x:b.test"}),
        ("#b\u200bad:b.test", {"#bad:b.test"}),
        ("#sleep is a tag, @eve:b.test a person, https://matrix.to/#/@eve:b.test too", set()),
    ],
)
def test_a_message_leads_to(body: str, wanted: set[str]) -> None:
    assert leads.rooms(Content("m.text", body)) == wanted
    assert leads.rooms(Content("m.text", "here", formatted_body=f'<a href="{body}">here</a>')) >= {
        each for each in wanted if body.startswith(("http", "MATRIX"))
    }


@pytest.mark.parametrize("text", ["#" * 60_000, "#a" * 30_000, "#" + "a" * 60_000, "matrix.to/#/" * 5_000])
def test_nothing_stalls_it(text: str) -> None:
    assert len(leads.rooms(Content("m.text", text))) <= leads.MOST
