"""What was worded anew is shown only to those who were there; everything else about who may read what is in tests/cases/digest and test_compose.py."""

import pytest

from bridge.digest.model import Place, Span
from bridge.digest.visible import may_read_edit

ROOM = "!room"
HERE = Span(ROOM, "join", 5)
WAS = Span(ROOM, "join", 0, 3)
GONE = Span(ROOM, "leave", 3, 5)
ASKED = Span(ROOM, "invite", 3, 5)


def place(*histories: str) -> Place:
    """A room with this history visibility now, which had the others before."""
    now, *before = histories
    changes = tuple(enumerate(reversed(histories))) if before else ()
    return Place(ROOM, now, changes=changes)


@pytest.mark.parametrize(
    ("spans", "histories", "edit_seq", "may"),
    [
        ((HERE,), ("joined",), 6, True),
        ((HERE,), ("joined",), None, True),
        ((HERE,), ("joined",), 5, False),  # at the moment of coming: perhaps before it
        ((WAS, GONE, HERE), ("joined",), 4, False),
        ((WAS, GONE, HERE), ("joined",), 3, False),  # at the moment of leaving: perhaps after it
        ((WAS, GONE, HERE), ("joined",), 2, True),
        ((WAS, GONE, HERE), ("shared",), 4, True),
        ((WAS, GONE, HERE), ("shared", "joined"), 4, False),
        ((WAS, GONE, HERE), ("joined", "shared"), 4, False),
        ((WAS, GONE, HERE), ("world_readable", "shared"), 4, True),
        ((ASKED, HERE), ("invited",), 4, True),
        ((ASKED, HERE), ("invited", "shared"), 4, True),
        ((ASKED, HERE), ("joined",), 4, False),
        ((ASKED, HERE), ("invited", "joined"), 4, False),
        ((ASKED, HERE), ("joined", "invited"), 4, False),
        ((GONE, HERE), ("invited",), 4, False),
        ((Span("!other", "join", 0), HERE), ("joined",), 4, False),
    ],
)
def test_an_edit_is_theirs_who_were_there(
    spans: tuple[Span, ...], histories: tuple[str, ...], edit_seq: int | None, may: bool
) -> None:
    assert may_read_edit(spans, place(*histories), edit_seq) is may
