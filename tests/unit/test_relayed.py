"""What is recognised of a copy that somebody says again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.relayed import HEAD, head, places

COPY = "Ann in #sleep:\nWho is awake at this hour, and what do you do then? I walk through the house. #common"


def recognised(text: str, copy: str = COPY) -> bool:
    found = head(copy)
    return found is not None and found in set(places(text, len(found)))


@pytest.mark.parametrize(
    "text",
    [
        COPY,
        COPY.replace("\n", " "),
        f"Hearth: {COPY}",
        f"<hearth@one.test> {COPY}",
        f"**Hearth (matrix)**\n{COPY}",
        f"[bridge] Hearth · {COPY} (sent from elsewhere)",
        COPY.upper(),
        COPY[:90] + "…",
        COPY.replace("Ann", "Ａｎｎ"),
        COPY.replace("Ann", "**Ann**"),
        f"> {COPY}".replace("\n", "\n> "),
        f"{'long words of the relay ' * 5}{COPY}",
    ],
)
def test_a_relay_is_recognised(text: str) -> None:
    assert recognised(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am awake, too",
        "Who is awake at this hour, and what do you do then? I walk through the house. #common",  # said by somebody, and no copy
        "Ann in #sleep: that was a good evening",
        "Ann said in #sleep: Who is awake",
        f"> {COPY}".replace("\n", "\n> ") + "\n\nI am",
        f"{'somebody tells a long story before ' * 12}{COPY}",
    ],
)
def test_people_are_not_taken_for_a_relay(text: str) -> None:
    assert not recognised(text)


@pytest.mark.parametrize("text", ["Ann in #sleep", "Ann in #sleep:\n…", "A:\nb", ""])
def test_what_says_too_little_is_not_kept(text: str) -> None:
    assert head(text) is None


@given(st.text(max_size=40), st.text(max_size=200), st.text(max_size=100))
def test_every_copy_is_recognised_by_its_beginning(before: str, words: str, behind: str) -> None:
    copy = f"Ann in #sleep:\n{words}"
    found = head(copy)
    if found is None:
        return
    assert len(found) <= HEAD
    quoted = any(line.startswith(">") for line in f"{before} {copy} {behind}".split("\n"))
    assert quoted or recognised(f"{before} {copy} {behind}", copy)
