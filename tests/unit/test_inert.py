"""Words that were made harmless: nothing in them calls on anybody, or leads to a person, room or message by id."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rooms.dress import dress
from bridge.rooms.inert import Inert
from bridge.text import Rendered

ANN, BEN = "@ann:one.test", "@ben:b.test"
ROOM, LATER_ROOM = "!sleep0123456789abcdef:one.test", "!NxAWTpcWAEZVw9vyzlmCPUH2xgEZxbdbrVGSm9AMkqo"
EVENT, OLD_EVENT = "$Xh2Ej0123456789abcdefghijklmnopqrstuvwxyz_-", "$15294815841KRPVs:one.test"
ALIAS = "#sleeping-well:one.test"
HEADING = Rendered("Ann:", "<strong>Ann</strong>:")


class Names:
    def of(self, user: str) -> str:
        return {ANN: "Ann", BEN: "Ben", "@odd:b.test": BEN, "@all:b.test": "@room"}.get(
            user, user[1:].partition(":")[0]
        )

    def find(self, name: str) -> list[str]:
        return []


INERT = Inert(Names())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{ANN}: hi", "Ann: hi"),
        (f"ask {BEN.upper()}", "ask BEN"),
        ("x@odd:b.test y", "x… y"),
        ("and @all:b.test", "and @\u200broom"),
        ("@room @ROOM @everyone @here @all @channel", "@\u200broom @\u200bROOM @\u200beveryone @\u200bhere @\u200ball @\u200bchannel"),
        ("@roommate, @hereby", "@roommate, @hereby"),
        (f"in {ROOM} and wow{LATER_ROOM}!", "in … and wow…!"),
        (f"in {ALIAS}, too", "in …, too"),
        ("#sleep: a tag; #schlaf #тревога:", "#sleep: a tag; #schlaf #тревога:"),
        ("#заметки:сервер.example.org", "#заметки:сервер.example.org"),
        ("#сон:one.test", "…"),
        ("#local:localhost:8448 #x:[::1]", "… …"),
        (f"see {EVENT} or {OLD_EVENT}", "see … or …"),
        ("costs $5 or $1,000:00", "costs $5 or $1,000:00"),
        (f"https://matrix.to/#/{ROOM}/{EVENT}?via=one.test", "…"),
        (f"HTTP://MATRIX.TO/#/{ROOM}", "…"),
        (f"(https://matrix.to/#/{ALIAS}).", "(…)."),
        (f"matrix.to/#/{quote(ALIAS, safe='')}", "…"),
        (f"https://matrix.to/#/{quote(BEN, safe='')}, hello", "Ben, hello"),
        ("matrix:u/ben:b.test?action=chat", "Ben"),
        ("MATRIX:U/ben:b.test", "Ben"),
        ("matrix:r/sleeping-well:one.test", "…"),
        ("matrix:roomid/sleep0123:one.test/e/Xh2Ej", "…"),
        ("matrix://one.test/r/sleeping-well:one.test", "…"),
        (f"https://app.element.io/#/room/{ROOM}/{EVENT}", "…"),
        (f"https://app.element.io/#/user/{BEN}", "Ben"),
        (f"https://chat.example.org/#/room/{quote(quote(ROOM, safe=''), safe='')}", "…"),
        (f"element://vector/webapp/#/room/{ALIAS}", "…"),
        ("io.element.desktop:/room/x", "…"),
        (f"im.fluffychat://chat/{LATER_ROOM}", "…"),
        (f"https://app.cinny.in/{LATER_ROOM}/", "…"),
        (f"https://view.matrix.org/room/{quote(ROOM, safe='')}/", "…"),
        (f"https://evil.test/?u={quote('https://matrix.to/#/' + ROOM, safe='')}", "…"),
        (f"{quote(ROOM, safe='')} and {quote(BEN, safe='')}", "… and …"),
        ("https://example.org/a%20b?c=1#d", "https://example.org/a%20b?c=1#d"),
        ("https://example.org/@ben and mail ann@example.org", "https://example.org/@ben and mail ann@example.org"),
        ("50% of #sleep! now", "50% of #sleep! now"),
        ("well!antidisestablishmentarianism", "well!antidisestablishmentarianism"),
    ],
)  # fmt: skip
def test_plain_text(text: str, shown: str) -> None:
    assert INERT.text(text) == shown
    assert INERT.text(shown) == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (f'<a href="https://matrix.to/#/{BEN}">Benny</a>', "<strong>Benny</strong>"),
        (f'<a href="https://matrix.to/#/{BEN}">{BEN}</a>', "<strong>Ben</strong>"),
        (f"<a href='http://matrix.to/#/{quote(BEN)}'>Benny</a>", "<strong>Benny</strong>"),
        (f'<a href="https://app.element.io/#/user/{BEN}">Benny</a>', "<strong>Benny</strong>"),
        ('<a href="matrix:u/ben:b.test">Benny</a>', "Benny"),
        (f'<a href="https://MATRIX.to/#/{ROOM}/{EVENT}">here</a>', "here"),
        (f'<a href="https://app.element.io/#/room/{ALIAS}">here</a>', "here"),
        (f'<a href="mailto:x?subject={quote(ROOM)}">write</a>', "write"),
        (f'<img src="mxc://a.test/1" alt="{BEN} @room" title="{ROOM}">', '<img src="mxc://a.test/1" alt="Ben @\u200broom" title="…">'),
        (f'<span data-mx-spoiler="{ROOM}">x</span>', '<span data-mx-spoiler="…">x</span>'),
        (f'<ol start="{ROOM}"><li>x</li></ol>', "<ol><li>x</li></ol>"),
        (f'<code class="language-{EVENT}">x</code>', "<code>x</code>"),
        ("&#64;room and &commat;ben&colon;b.test", "@\u200broom and Ben"),
        ("@ann<!-- -->:one.test", "Ann"),
        (f"<b>{ROOM}</b>{EVENT}", "<b>…</b>…"),
    ],
)  # fmt: skip
def test_html(source: str, shown: str) -> None:
    assert INERT.html(source) == shown


def test_whoever_wants_to_be_anonymous_is_not_named_by_those_who_call_on_them() -> None:
    veiled = Inert(Names(), veiled={ANN: "somebody"})
    assert veiled.text("Ann: thanks, Annette", [ANN]) == "somebody: thanks, Annette"
    assert veiled.text("Ann is a fine name", [BEN]) == "Ann is a fine name"
    assert veiled.text(f"thanks {ANN}") == "thanks somebody"
    assert veiled.html(f'<a href="https://matrix.to/#/{ANN}">Ann</a>: hi', [ANN]) == "<strong>somebody</strong>: hi"


SECRETS = [ANN, ROOM, LATER_ROOM, EVENT, OLD_EVENT, ALIAS, "!common", "!sleep-circle-000000:one.test"]
CODED = st.sampled_from([str, lambda x: quote(x, safe=""), lambda x: quote(quote(x, safe=""), safe=""), str.upper])
GLUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="%"), max_size=6) | st.sampled_from(
    [
        "https://matrix.to/#/",
        '<a href="',
        '">',
        "</a>",
        "matrix:",
        " ",
        "@",
        "&#64;",
        "<b>",
        "<!--",
        "/",
        "?via=",
        "(",
        "\n> ",
    ]
)
EMBEDDED = st.lists(st.tuples(GLUE, st.sampled_from(SECRETS), CODED, GLUE), min_size=1, max_size=4).map(
    lambda parts: "".join(before + code(secret) + after for before, secret, code, after in parts)
)
FORMAT = st.sampled_from(["org.matrix.custom.html", "other"])
ANYTHING = st.fixed_dictionaries(
    {"msgtype": st.sampled_from(["m.text", "m.emote", "m.notice", "m.image", "m.file", "m.audio", "m.location"]) | EMBEDDED, "body": EMBEDDED},
    optional={
        "formatted_body": EMBEDDED, "format": FORMAT, "filename": EMBEDDED, "url": EMBEDDED | st.just("mxc://a.test/1"), "geo_uri": EMBEDDED,
        "m.alt_text": EMBEDDED, "m.location": st.fixed_dictionaries({"uri": st.just("geo:1,2"), "description": EMBEDDED}),
        "info": st.dictionaries(st.sampled_from(["mimetype", "xyz.amorgan.blurhash", "thumbnail_url", "w"]), EMBEDDED),
        "m.relates_to": st.just({"m.in_reply_to": {"event_id": EVENT}}), "m.mentions": st.just({"user_ids": [ANN]}),
        "m.poll": st.fixed_dictionaries({"question": st.fixed_dictionaries({"m.text": EMBEDDED}), "answers": st.lists(st.fixed_dictionaries({"m.text": EMBEDDED}), max_size=2)}),
    },
)  # fmt: skip


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@given(ANYTHING, st.sampled_from(["m.room.message", "m.sticker", "m.poll.start", "org.example.odd"]), st.booleans())
def test_whatever_is_said_no_id_of_where_it_came_from_is_left(content: dict[str, Any], kind: str, file: bool) -> None:
    inert = Inert(Names(), hidden=frozenset(SECRETS))
    made = dress(kind, content, heading=HEADING, placeholder=Rendered("(?)", "(?)"), inert=inert, file=file)
    found = "\n".join(strings(made)).casefold()
    for secret in SECRETS:
        assert secret.casefold() not in found
        assert quote(secret, safe="").casefold() not in found
    assert made["m.mentions"] == {}
    assert "@room" not in json.dumps(made).casefold()
