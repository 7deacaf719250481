from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.arguments import (
    Circle,
    Directory,
    Duration,
    Lang,
    LocalTime,
    Place,
    Rest,
    RoomRef,
    Tag,
    Target,
    Thread,
    User,
    Weekday,
    Zone,
)
from bridge.commands import CIRCLE, DIRECT, Book, Command, command
from bridge.errors import UsageError
from bridge.grammar import read_line
from bridge.roles import Role
from bridge.understanding import arguments
from bridge.words import Text


class People:
    known: ClassVar[Mapping[str, Sequence[str]]] = {
        "anna maria": ["@am:one.test"],
        "bob": ["@bob:one.test"],
        "eve": ["@eve:one.test", "@eve:two.test"],
        "spam": [],
    }

    def find(self, name: str) -> Sequence[str]:
        return self.known.get(name.casefold(), [])


SLEEP = Place("!sleep", "circle/sleep", "circle", "sleep", "#hearth-sleep:one.test", "Sleeping well")
GRIEF = Place("!grief", "circle/trauer", "circle", "trauer", "#grief:one.test", "Trauer")
TWIN = Place("!twin", "room/twin", "room", None, "#twin:one.test", "Sleeping well")
COMMON = Place("!common:one.test", "common", "common", None, "#common:one.test", "Common room")
DIRECTORY = Directory((SLEEP, GRIEF, COMMON), People(), {"täglich": "daily", "сейчас": "now"})


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@command(where=DIRECT | CIRCLE, examples=("follow #sleep",))
async def follow(ctx: Any, who: User | Tag | Circle | Thread, tag: Tag | None = None) -> None:
    """Hear of something.

    A second paragraph
    on two lines.
    """


@command(role=Role.MODERATOR)
async def ban(ctx: Any, who: Target, long: Duration | None = None, reason: Rest = Rest("")) -> None:
    """Ban."""


@command()
async def digest_now(ctx: Any) -> None:
    """Now."""


@command()
async def digest(ctx: Any, what: Literal["now", "daily", "weekly"], at: LocalTime | None = None) -> None:
    """Digest."""


@command(name="all")
async def everything(
    ctx: Any,
    number: int,
    word: str,
    day: Weekday,
    zone: Zone,
    language: Lang,
    colour: Colour,
    room: RoomRef,
    rest: Rest,
) -> None:
    """One of each."""


@command()
async def move(ctx: Any, circle: Circle, *who: User) -> None:
    """Move people."""


@command()
async def about(ctx: Any, what: Thread | User) -> None:
    """About a message or somebody."""


@command()
async def tags_(ctx: Any, tags: tuple[Tag, ...] = ()) -> None:
    """Tags."""


@command()
async def shut(
    ctx: Any, which: RoomRef | Literal["all"], long: Duration | None = None, reason: Rest = Rest("")
) -> None:
    """Shut a room."""


@command()
async def hush(
    ctx: Any,
    state: Literal["off", "on"],
    which: RoomRef | Literal["all"] = "all",
    long: Duration | None = None,
    reason: Rest = Rest(""),
) -> None:
    """Hush a room, or all."""


COMMANDS = (follow, ban, digest_now, digest, everything, move, tags_)
BOOK = Book({one.name: one for one in COMMANDS}, {"подписаться": "follow", "дайджест сейчас": "digest now"})


def read(one: Command, text: str, formatted: str | None = None) -> list[object]:
    return arguments(one, read_line(text, formatted), 0, DIRECTORY)


def mistake(one: Command, text: str, directory: Directory = DIRECTORY) -> Text:
    with pytest.raises(UsageError) as caught:
        arguments(one, read_line(text), 0, directory)
    assert isinstance(caught.value.text, Text)
    return caught.value.text


@pytest.mark.parametrize(
    ("one", "text", "same"),
    [
        (shut, "1h #sleep raid", "#sleep 1h raid"), (shut, "2 hours all", "all 2 hours"), (shut, "1h sleep", "sleep 1h"),
        (hush, "off 1h #sleep", "off #sleep 1h"), (hush, "1h off #sleep", "off #sleep 1h"), (hush, "#sleep off", "off #sleep"),
    ],
)  # fmt: skip
def test_arguments_are_read_in_another_order_where_only_one_fits(one: Command, text: str, same: str) -> None:
    assert read(one, text) == read(one, same)


def test_what_may_be_absent_is_not_looked_for_among_the_words_of_a_reason() -> None:
    assert read(hush, "off 1h sleep well") == ["off", "all", Duration(3_600_000), "sleep well"]
    assert "1h" in str(mistake(shut, "1h").values)
    assert "shut" in str(mistake(shut, "1h nowhere"))


def test_name_help_and_usage_come_from_the_function() -> None:
    assert [one.name for one in COMMANDS] == ["follow", "ban", "digest now", "digest", "all", "move", "tags"]
    assert (follow.help, follow.explanation) == ("Hear of something.", ("A second paragraph on two lines.",))
    assert [(item.name, item.required) for item in ban.parameters] == [
        ("who", True),
        ("long", False),
        ("reason", False),
    ]
    assert ("reason", "argument") in ban.sources()
    assert ("daily", "choice") in digest.sources()


def test_a_function_that_cannot_be_a_command_stops_the_start() -> None:
    async def silent(ctx: Any) -> None: ...

    async def strange(ctx: Any, what: bytes) -> None:
        """Strange."""

    async def greedy(ctx: Any, what: Rest, more: str) -> None:
        """Greedy."""

    for function in (silent, strange, greedy):
        with pytest.raises(TypeError):
            command()(function)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#Sleep", [Tag("sleep"), None]),
        ("sleep", [Circle("!sleep", "sleep"), None]),
        ("Sleeping well", [Circle("!sleep", "sleep"), None]),
        ("#hearth-sleep:one.test", [Circle("!sleep", "sleep"), None]),
        ("https://matrix.to/#/!sleep", [Circle("!sleep", "sleep"), None]),
        ("walking", [Tag("walking"), None]),
        ("#Ёлка,", [Tag("елка"), None]),
        ("@x:one.test #sleep", [User("@x:one.test"), Tag("sleep")]),
        ("Anna Maria sleep", [User("@am:one.test"), Tag("sleep")]),
        ("„Anna Maria“", [User("@am:one.test"), None]),
        ("@bob", [User("@bob:one.test"), None]),
        ("$event", [Thread("$event"), None]),
        ("https://matrix.to/#/!sleep/$e?via=one.test", [Thread("$e", "!sleep"), None]),
        ("https://matrix.to/#/%23hearth-sleep%3Aone.test/$e", [Thread("$e", "!sleep"), None]),
    ],
)
def test_the_plainest_reading_of_a_union_wins(text: str, expected: list[object]) -> None:
    assert read(follow, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@eve:two.test it's spam", [Target("user", "@eve:two.test"), None, "it's spam"]),
        ("bob 3d  two  blanks", [Target("user", "@bob:one.test"), Duration(259_200_000), "two  blanks"]),
        ("bob 2 hours loud", [Target("user", "@bob:one.test"), Duration(7_200_000), "loud"]),
        ("evil.test", [Target("server", "evil.test"), None, ""]),
        ("Evil.Test:8448 x", [Target("server", "evil.test:8448"), None, "x"]),
        ("*.evil.test", [Target("server", "*.evil.test"), None, ""]),
        ("@*spam*:evil.test", [Target("user", "@*spam*:evil.test"), None, ""]),
        ("anna maria -- 3d x", [Target("user", "@am:one.test"), Duration(259_200_000), "x"]),
        ("bob 1d «so it is»", [Target("user", "@bob:one.test"), Duration(86_400_000), "so it is"]),
    ],
)
def test_targets_spans_and_reasons(text: str, expected: list[object]) -> None:
    assert read(ban, text) == expected


def test_a_pill_beats_the_name_in_the_body() -> None:
    assert read(ban, "Eve spam", '<a href="https://matrix.to/#/@eve:two.test">Eve</a> spam') == [
        Target("user", "@eve:two.test"),
        None,
        "spam",
    ]


def test_one_of_each_kind() -> None:
    values = read(everything, "7 word Mi New York русский blue Common room the rest")
    assert values == [
        7,
        "word",
        Weekday.WEDNESDAY,
        Zone("America/New_York"),
        Lang("ru"),
        Colour.BLUE,
        RoomRef("!common:one.test", "common", "common"),
        "the rest",
    ]
    assert str(LocalTime(485)) == "08:05"


def test_several_values() -> None:
    assert read(move, "sleep bob @x:y.test") == [Circle("!sleep", "sleep"), User("@bob:one.test"), User("@x:y.test")]
    assert read(tags_, "#a #b") == [(Tag("a"), Tag("b"))]
    assert read(tags_, "") == [()]


def test_choices_are_known_in_translation() -> None:
    assert read(digest, "Täglich 8 Uhr") == ["daily", LocalTime(480)]


@pytest.mark.parametrize(
    ("one", "text", "begins"),
    [
        (follow, "", "Something is missing"),
        (follow, "eve", "Several people"),
        (follow, "#a #b #c", "I do not know what to do with"),
        (follow, "#a https://example.org", "I cannot read"),
        (ban, "nobody", "I do not know anybody"),
        (about, "nobody", "I do not know anybody"),
        (about, "https://example.org", "I cannot read"),
        (ban, "@*:*", "%(given)s would mean everybody"),
        (ban, "*.*", "%(given)s would mean everybody"),
        (digest, "hourly", "I cannot read %(given)s here"),
        (digest, "daily soon", "I cannot read %(given)s as"),
        (move, "sleep", "Something is missing"),
        (move, "slep bob", "I know no circle"),
        (everything, "x", "I cannot read %(given)s as"),
        (everything, "1 w Mo Berln", "I know no time zone"),
        (everything, "1 w Mo Berlin xx", "I do not speak"),
    ],
)
def test_a_mistake_names_the_argument_and_shows_the_usage(one: Command, text: str, begins: str) -> None:
    found = mistake(one, text)
    assert found.source.startswith(begins)
    assert found.more[-1].values["usage"] == one.usage


def test_a_name_that_two_rooms_have_asks_which() -> None:
    @command()
    async def show(ctx: Any, room: RoomRef) -> None:
        """Show."""

    found = mistake(show, "sleeping well", Directory((SLEEP, TWIN), People()))
    assert found.source.startswith("Several rooms")


def test_the_longest_name_wins_and_translations_work() -> None:
    def at(text: str) -> tuple[str, int] | None:
        found = BOOK.at(read_line(text))
        return found and (found[0].name, found[1])

    assert at("digest now") == ("digest now", 2)
    assert at("digest daily") == ("digest", 1)
    assert at("DIGEST  Now please") == ("digest now", 2)
    assert at("Подписаться #сон") == ("follow", 1)
    assert at("дайджест сейчас") == ("digest now", 2)
    assert at("nothing") is None


def test_mistyped_names_suggest_what_the_asker_may_use() -> None:
    assert BOOK.near("folow #sleep", Role.MEMBER, ()) == ("follow",)
    longer = Book({**BOOK.commands, "follows": BOOK.commands["follow"]}, {})
    assert longer.near("folow #sleep", Role.MEMBER, ())[:2] == ("follow", "follows")
    assert (
        BOOK.near("подписатся", Role.MEMBER, {"подписаться"})
        == BOOK.near("подписатся", Role.MEMBER, ())
        == ("подписаться",)
    )
    german = Book({"digest": BOOK.commands["digest"]}, {"schutz aus": "digest"})
    assert german.near("status", Role.MEMBER, ()) == ()
    assert german.near("schuz aus", Role.MEMBER, ()) == ("schutz aus",)
    assert BOOK.near("bann", Role.MEMBER, ()) == ()
    assert BOOK.near("bann", Role.MODERATOR, ())[0] == "ban"
    assert BOOK.beginning("digest", Role.MEMBER) == ("digest now",)


@given(
    st.sampled_from(COMMANDS), st.text() | st.text(alphabet="@#!$:*?.\"'„“«» -abc19", max_size=60), st.text(max_size=30)
)
def test_whatever_is_written_is_read_or_is_a_usage_error(one: Command, text: str, pill: str) -> None:
    line = read_line(text, f'<a href="https://matrix.to/#/@bob:one.test">{pill}</a>')
    BOOK.at(line)
    with suppress(UsageError):
        arguments(one, line, 0, DIRECTORY)
