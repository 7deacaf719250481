"""Finds words and patterns of a list in a text, however they are dressed up; pure. Never a regular expression, so that nothing can stall it.

A pattern is one or several words: `*` stands for any letters of a word, `?` for one letter, and `...` between words for up to four words. All
patterns of a list are looked for at once by one automaton, whose states are the bits of a number: the time is that of the text's length, whatever
stands in the patterns or in the text. Before, both are folded: what cannot be seen is dropped, and letters go by what they look like
(`skeleton.py`). A word is also found with signs or blanks between its letters, with letters drawn out (`freeee`), and with some of them
masked (`fr*e`); one of at least DOUBLED letters also with a letter written twice that it has once, or once that it has twice.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bridge.skeleton import skeleton

MOST_WORDS_BETWEEN = 4
"""So many words may stand where a pattern has `...`."""

LONG, SHORT = 7, 4
"""A word (or several) of at least LONG letters is also found across blanks; single letters in a row are words of at least SHORT."""

DOUBLED = 6
"""In shorter words a letter more makes another word too often (`god`, `good`)."""

_LUNATE = str.maketrans("Ϲϲ", "cc")
"""Greek letters that look like a c, and are decomposed into one that does not."""

_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
"""Letters by their category, and nothing to be seen."""

_INSIDE = frozenset("@$!|*€£¢+")
"""Signs that can stand for a letter in the middle of a word."""

_GAP, _AGAIN, _MASK = " ", "\x01", "*"
_BETWEEN, _MAY_SKIP = "\x02", "\x03"
"""What stands for `...` in a pattern that is spelt out, and in front of each word that may be missing there."""
_REVERSED = "\u202e"
"""Right-to-left override: what follows is shown backwards."""


@dataclass(frozen=True, slots=True)
class Match:
    """What was found: the pattern as the list has it."""

    pattern: str


class Patterns:
    """A list of patterns, made ready once."""

    def __init__(self, listed: Sequence[str]) -> None:
        """The patterns as people write them; those without any letter are passed over."""
        whole: list[tuple[str, tuple[str, ...]]] = []
        tight: list[tuple[str, tuple[str, ...]]] = []
        single: list[tuple[str, tuple[str, ...]]] = []
        for pattern in listed:
            spelt = _spelt_out(pattern)
            said = tuple(word for word in spelt if word != _BETWEEN)
            if not said:
                continue
            whole.append((pattern, spelt))
            letters = sum(len(word) for word in said)
            bare = (said[0].lstrip("*"), *said[1:])
            bare = (*bare[:-1], bare[-1].rstrip("*"))
            if "*" not in "".join(bare):
                if letters >= LONG:
                    tight.append((pattern, ("".join(bare),)))
                if letters >= SHORT:
                    single.append((pattern, ("".join(bare),)))
        self._whole, self._tight, self._single = (
            _Automaton(whole),
            _Automaton(tight, loose=True),
            _Automaton(single, loose=True),
        )

    def find(self, text: str) -> Match | None:
        """The first pattern that is in the text, or None."""
        for stream, automaton in self._streams(text):
            pattern = automaton.run(stream)
            if pattern is not None:
                return Match(pattern)
        return None

    def _streams(self, text: str) -> Iterator[tuple[str, "_Automaton"]]:
        shown = _seen(text)
        yield from self._ways(shown)
        if _REVERSED in text:
            yield from self._ways(shown[::-1])

    def _ways(self, shown: str) -> Iterator[tuple[str, "_Automaton"]]:
        parted = _words(shown)
        folded = [_fold(word) for word in parted]
        stream = _stream(folded)
        yield stream, self._whole
        glued = _stream([_fold(word.replace("*", "")) for word in shown.split()])
        if glued != stream:
            yield glued, self._whole
        yield stream, self._tight
        if singles := _single_letters(parted):
            yield _stream(singles), self._single


class _Automaton:
    """All patterns at once: bit n of the state says that the text up to here fits what the n-th place stands behind (Baeza-Yates and Gonnet, shift-and)."""

    def __init__(self, patterns: Sequence[tuple[str, tuple[str, ...]]], *, loose: bool = False) -> None:
        """`loose`: a gap may stand between any two letters of a pattern."""
        self._start = 0
        self._letters: dict[str, int] = {}
        self._any = self._stay = self._gaps = self._maskable = self._twice = self._once = self._skip = 0
        self._last = 0
        self._names: dict[int, str] = {}
        at = 0
        for name, said in patterns:
            self._start |= 1 << at
            before = ""
            for letter, long in _with_length(said):
                if letter == "*":  # any letters, also none: the state stays where it is
                    self._stay |= 1 << at
                    continue
                if letter == _MAY_SKIP:
                    self._skip |= 1 << at
                    continue
                at += 1
                if letter == "?":
                    self._any |= 1 << at
                else:
                    self._letters[letter] = self._letters.get(letter, 0) | 1 << at
                if letter != _GAP:
                    self._maskable |= 1 << at
                if letter != _GAP and loose:
                    self._gaps |= 1 << at
                if long and letter.isalpha():
                    self._twice |= 1 << at
                    self._once |= (letter == before) << at
                before = letter
            self._last |= 1 << at
            self._names[at] = name
            at += 1

    def run(self, stream: str) -> str | None:
        """The name of a pattern that stands in the stream, or None."""
        if not self._last:
            return None
        start, letters, anyone, stay, gaps, last, twice, once, skip = (
            self._start,
            self._letters,
            self._any,
            self._stay,
            self._gaps,
            self._last,
            self._twice,
            self._once,
            self._skip,
        )
        state, before = start, _GAP
        for letter in stream:
            if letter == _GAP:
                state = ((state << 1) & letters.get(_GAP, 0)) | (state & gaps) | start
                while (
                    more := (state & skip) << 2 & ~state
                ):  # such a word has two places: its letters, and the gap behind it
                    state |= more
            elif letter == _AGAIN:  # the letter before, any number of times
                here = letters.get(before, 0) | anyone
                for _ in range(3):
                    state |= (state << 1) & here
            elif letter == _MASK:
                state = ((state << 1) & (self._maskable | anyone)) | (state & stay) | start
            else:
                here = letters.get(letter, 0)
                again = state & here & twice if letter == before else 0  # it was read once, and stands there twice
                state = ((state << 1) & (here | anyone)) | (state & stay) | start | again
                state |= (state << 1) & once & here  # it stands there once, and is to be read twice
                before = letter
            if state & last:
                found = state & last
                return self._names[(found & -found).bit_length() - 1]
        return None


def _with_length(said: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The letters of words with gaps around them, each with whether its word is long enough for `DOUBLED`."""
    yield _GAP, False
    for word in said:
        if word == _BETWEEN:
            yield from ((letter, False) for letter in (_MAY_SKIP, "?", "*", _GAP) * MOST_WORDS_BETWEEN)
            continue
        long = sum(letter.isalpha() for letter in word) >= DOUBLED
        yield from ((letter, long) for letter in word)
        yield _GAP, False


def plain(text: str) -> str:
    """A text as a reader sees it: without what cannot be seen, with letters of other shapes as usual ones (NFKC)."""
    return unicodedata.normalize("NFKC", _seen(text))


def _spelt_out(pattern: str) -> tuple[str, ...]:
    """The words of a pattern, folded, `...` as _BETWEEN; none when there is no letter in them."""
    found: list[str] = []
    for part in _seen(pattern.replace("…", "...")).split():
        if part.strip(".") == "" and len(part) > 1:
            found.append(_BETWEEN)
            continue
        found += [word for word in (_fold_pattern(word) for word in _parts(part, "*?")) if word]
    return tuple(found) if any(set(word) - {*"*?", _BETWEEN} for word in found) else ()


def _fold_pattern(word: str) -> str:
    """A word of a pattern: folded between its `*` and `?`, with at most two of a letter in a row."""
    folded, piece = "", ""
    for letter in word:
        if letter in "*?":
            folded, piece = folded + skeleton(piece) + letter, ""
        else:
            piece += letter
    folded += skeleton(piece)
    kept = ""
    for letter in folded:
        if not (letter not in "*?" and kept.endswith(letter * 2)) and not (letter == "*" and kept.endswith("*")):
            kept += letter
    return kept


def _seen(text: str) -> str:
    """The text without what cannot be seen, and with letters in boxes and flags as letters."""
    kept = []
    for letter in text.translate(_LUNATE):
        code = ord(letter)
        if code < 0x80:
            kept.append(letter if letter.isprintable() else " ")
        elif 0x1F1E6 <= code <= 0x1F1FF:
            kept.append(chr(ord("a") + code - 0x1F1E6))
        elif 0x1F130 <= code <= 0x1F189 and code not in (0x1F16A, 0x1F16B):
            kept.append(chr(ord("a") + (code - 0x1F130) % 32) if (code - 0x1F130) % 32 < 26 else " ")
        elif letter not in _FILLERS:
            kind = unicodedata.category(letter)
            if kind[0] == "Z" or kind == "Cc":
                kept.append(" ")
            elif kind not in ("Cf", "Mn", "Me", "Cs", "Co", "Cn"):
                kept.append(letter)
    return "".join(kept)


def _words(text: str) -> list[str]:
    """The words of a text that was `_seen`; a wide gap between them is an empty one."""
    found: list[str] = []
    for chunk in text.replace("\n", " ").split(" "):
        if chunk:
            found += [word.lstrip("!|*+@£€").rstrip("!|*+") for word in _parts(chunk, "")]
        else:
            found.append("")
    return [word for number, word in enumerate(found) if word or (number and found[number - 1])]


def _parts(chunk: str, more: str) -> list[str]:
    """What stands between the signs of a chunk; signs that can stand for a letter, and those in `more`, belong to it."""
    word, found = "", []
    for letter in chunk:
        if letter.isalnum() or letter in _INSIDE or letter in more:
            word += letter
        elif word:
            found.append(word)
            word = ""
    return [*found, word] if word else found


def _fold(word: str) -> str:
    """A word as it goes into a stream: folded; letters that stand there three times or more as one and the sign for again; a few masked letters as such."""
    return _folded(word) if len(word) <= 64 else _fold_plain(word)


def _fold_plain(word: str) -> str:
    inner = word.strip("*")
    pieces = inner.split("*")
    masked = len(pieces) - 1
    letters = sum(map(len, pieces))
    sign = _MASK if 0 < masked <= max(1, letters) and letters > 1 else ""
    return _drawn_out(sign.join(skeleton(piece) for piece in pieces))


_folded = lru_cache(maxsize=50_000)(_fold_plain)


def _drawn_out(word: str) -> str:
    kept: list[str] = []
    run = 0
    for letter in word:
        run = run + 1 if kept and letter in (kept[-1], kept[-2] if kept[-1] == _AGAIN else "") else 1
        if run < 3 or letter == _MASK:
            kept.append(letter)
        elif run == 3:
            kept[-2:] = [letter, _AGAIN]
    return "".join(kept)


def _stream(words: Sequence[str]) -> str:
    return _GAP + _GAP.join(word for word in words if word) + _GAP


def _single_letters(parted: Sequence[str]) -> list[str]:
    """The single letters that stand in a row of three or more, each as a word of its own, folded."""
    found: list[str] = []
    row: list[str] = []
    for word in [*parted, "--"]:
        if len(word) == 1:
            row.append(word)
        elif word:
            found += [skeleton(letter) for letter in row] if len(row) > 2 else []
            row = []
    return found
