"""What of a text is recognised when a bridge or a relay bot says it again without our mark; pure. Never keeps a text, and never decides what follows.

Copies never feed copies. Another Hearth's copies carry its mark. A relay in both rooms says our copy again as a message of its own, with another name
before it, perhaps cut short, in other letters' forms and without HTML; what it cannot help saying is how our copy begins: with who said it and where.
Puppets and bots cannot be told from people by their names, so it is the words that are recognised, and only for a day.
"""

import hashlib
import unicodedata
from collections.abc import Iterator

HEAD = 64
"""So many letters and digits of a copy's beginning are compared, fewer where it has fewer."""

LEAST = 16
"""What is shorter than this says nothing of where it comes from."""

MOST_BEFORE = 160
"""So much may stand before it: the relay's own words for who speaks."""


def head(body: str) -> str | None:
    """How a copy begins, in letters and digits alone; None when that is too little to be recognised by, as a picture without words is."""
    first, _, rest = body.partition("\n")
    if not _letters(rest):
        return None
    found = _letters(f"{first} {rest}")[:HEAD]
    return found if len(found) >= LEAST else None


def places(body: str, length: int) -> Iterator[str]:
    """All of this length in a text that could be the head of a copy: whatever begins with a word, not too far from the beginning."""
    lines = body[: MOST_BEFORE * 8].split("\n")
    own = [
        line for line in lines if not line.startswith(">")
    ]  # who quotes a copy and answers it says something of their own
    words = [_letters(word) for word in " ".join(own if any(map(_letters, own)) else lines).split()]
    text = "".join(words)
    at = 0
    for word in words:
        if at > MOST_BEFORE or at + length > len(text):
            return
        if word:
            yield text[at : at + length]
        at += len(word)


def digest(text: str) -> str:
    """What is sealed of it, so that not even the key gives the words back."""
    return hashlib.sha256(text.encode()).hexdigest()


def _letters(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())
