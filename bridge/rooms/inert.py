"""Makes somebody's words harmless in another room: they call on nobody, and lead to no room, person or message by id; pure. Never shortens them otherwise.

What is an address of Matrix: the identifiers of the spec's appendix, matrix: URIs (MSC2312), matrix.to, and every link that holds one of these in
whatever coding, as clients' own permalinks do.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from bridge.scene import Names
from bridge.text import clean_html

GONE = "…"
"""Stands where something was that the reader shall not see."""

_PORT = r"(?::[0-9]{1,5})"
_NAME = r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*"
_ANY_SERVER = rf"(?:\[[0-9a-f:.]{{2,45}}\]|{_NAME}){_PORT}?"
_SURE_SERVER = (
    rf"(?:(?:\[[0-9a-f:.]{{2,45}}\]|localhost|[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}})+){_PORT}?|{_NAME}{_PORT})"
)
_ID = re.compile(
    rf"(?P<user>@[a-z0-9._=/+-]{{1,200}}:{_ANY_SERVER})"
    rf"|[!#$][^\s:<>\"'()@!#$]{{1,200}}:{_SURE_SERVER}"
    r"|\$[a-z0-9_=/+-]{20,200}"
    r"|(?<![a-z0-9_])![a-z0-9_=/+-]{16,200}"
    r"|![a-z0-9_=/+-]{43}",
    re.IGNORECASE | re.ASCII,
)
_LINK = re.compile(r"(?:[a-z][a-z0-9+.-]{0,30}://|\bmatrix:|\bio\.element\.|\bmatrix\.to/)", re.IGNORECASE | re.ASCII)
_INTO_MATRIX = re.compile(
    r"\bmatrix\.to/|\bmatrix:(?://)?[^/]|^(?:element|io\.element|im\.fluffychat|nheko)\b", re.IGNORECASE
)
_GAP = re.compile(r"([\s<>\"'(){}|]+)")
_LAST = re.compile(r"[.,;:!?\]*_~`]+$")
_EVERYBODY = re.compile(r"@(?=(?:room|everyone|everybody|here|all|channel)\b)", re.IGNORECASE)
_SILENT = "@\u200b"

_ANCHOR = re.compile(r"<a((?:\s[^>]*)?)>(.*?)</a>", re.DOTALL)
_HREF = re.compile(r'\shref="([^"]*)"')
_TAG = re.compile(r"(<[^>]*>)")
_ATTRIBUTE = re.compile(r'\s([a-z-]+)="([^"]*)"')
_READ = frozenset({"alt", "title", "data-mx-spoiler", "data-mx-maths"})
"""Attributes whose value people read."""


@dataclass(frozen=True, slots=True)
class Inert:
    """What makes words inert. `names` say what people are called where it is read.

    `hidden` are strings that must not be left in any coding, e.g. the id of the room that they come from. `veiled` are people who do not want to be
    known there, and what is said instead of their name.
    """

    names: Names
    hidden: frozenset[str] = frozenset()
    veiled: Mapping[str, str] = field(default_factory=dict)

    def name(self, user: str) -> str:
        """What this person is called in the copy."""
        if user in self.veiled:
            return self.veiled[user]
        name = self.names.of(user)
        return GONE if self.holds_address(name) else _EVERYBODY.sub(_SILENT, name)

    def text(self, text: str, called: Sequence[str] = ()) -> str:
        """Plain text whose ids of people are their names, which calls on nobody and leads to no room.

        `called` are people whom the message mentions: of these the veiled ones are not named.
        """
        parts = _GAP.split(text)
        parts[::2] = [self._word(part) for part in parts[::2]]
        return self._unseen(_EVERYBODY.sub(_SILENT, self._unnamed("".join(parts), called)))

    def html(self, source: str, called: Sequence[str] = ()) -> str:
        """The author's HTML with only what Matrix allows, and inert: pills of people are bold names, links into Matrix are their text."""
        parts = _TAG.split(_ANCHOR.sub(self._unlinked, clean_html(source)))
        parts[::2] = [html.escape(self.text(html.unescape(part), called), quote=False) for part in parts[::2]]
        parts[1::2] = [_ATTRIBUTE.sub(lambda found: self._attribute(found, called), part) for part in parts[1::2]]
        return clean_html("".join(parts))

    def is_harmless(self, text: str) -> bool:
        """Whether nothing in this would have to be taken out."""
        return self.text(text) == text

    def holds_address(self, text: str) -> bool:
        """Whether there is an address of Matrix in this, however it is coded."""
        plain = _decoded(text)
        return bool(_ID.search(plain) or _INTO_MATRIX.search(plain)) or any(
            each.casefold() in plain.casefold() for each in self.hidden
        )

    def people_in(self, source: str) -> tuple[str, ...]:
        """The people to whom pills in this HTML lead, sorted."""
        links = (html.unescape(found[1]) for found in _HREF.finditer(source))
        return tuple(sorted({user for link in links if (user := self._person(link))}))

    def _word(self, word: str) -> str:
        """What stands between two gaps: perhaps a link, with something before it."""
        link = _LINK.search(word)
        if link:
            bare = _LAST.sub("", word[link.start() :])
            after = word[link.start() + len(bare) :]
            return self._ids(word[: link.start()]) + (self._instead(bare) if self.holds_address(bare) else bare) + after
        return self._ids(word)

    def _ids(self, word: str) -> str:
        plain = _ID.sub(lambda found: self.name(found["user"]) if found["user"] else GONE, word)
        return GONE if ("%" in plain or "&" in plain) and self.holds_address(plain) else plain

    def _instead(self, link: str) -> str:
        user = self._person(link)
        return self.name(user) if user else GONE

    def _person(self, link: str) -> str | None:
        """The person to whom an address of Matrix leads, None when it leads elsewhere."""
        plain = _decoded(link)
        if plain.lower().startswith("matrix:") and (rest := plain.partition(":")[2].lstrip("/")).lower().startswith(
            "u/"
        ):
            plain = f"@{rest[2:]}"
        elif not self.holds_address(plain):
            return None
        first = _ID.search(plain)
        return first["user"] if first else None

    def _unlinked(self, found: re.Match[str]) -> str:
        """A link as it may stay: one that leads into Matrix is only its text, and one to a person their name."""
        href = _HREF.search(found[1])
        target = html.unescape(href[1]) if href else ""
        if not href or not self.holds_address(target):
            return found[0] if href else found[2]
        user = self._person(target)
        if user is None:
            return found[2]
        shown = _TAG.sub("", found[2])
        if user in self.veiled or not shown.strip() or self.holds_address(html.unescape(shown)):
            shown = html.escape(self.name(user))
        return f"<strong>{shown}</strong>"

    def _attribute(self, found: re.Match[str], called: Sequence[str]) -> str:
        name, value = found[1], html.unescape(found[2])
        if name in _READ:
            return f' {name}="{html.escape(self.text(value, called))}"'
        return "" if self.holds_address(value) else found[0]

    def _unnamed(self, text: str, called: Sequence[str]) -> str:
        """Without the names of veiled people on whom the message calls: clients write these beside the id."""
        for user in called:
            if user in self.veiled:
                for name in sorted({self.names.of(user), user[1:].partition(":")[0]}, key=len, reverse=True):
                    text = re.sub(rf"(?<!\w)@?{re.escape(name)}(?!\w)", lambda _, u=user: self.veiled[u], text)  # type: ignore[misc]
        return text

    def _unseen(self, text: str) -> str:
        for each in self.hidden:
            if each.casefold() in text.casefold():
                text = re.sub(re.escape(each), GONE, text, flags=re.IGNORECASE)
        return text


def _decoded(text: str) -> str:
    """Without percent-coding and HTML's, however often it was put on."""
    for _ in range(4):
        plain = html.unescape(unquote(text))
        if plain == text:
            break
        text = plain
    return text
