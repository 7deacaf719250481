"""Invite codes as people write them, and their hashes; pure. Randomness is an argument, and no code is ever kept.

A code has twelve signs of an alphabet in which none looks like another (Crockford's base 32), at least one of them a digit and one a letter:
60 bits, written as `K7QF-3MXD-2PVA`. Letter case, dashes and the usual misreadings do not matter.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SIGNS = 12
RANDOM_BYTES = 8
SALT_BYTES = 16

_READ_AS = str.maketrans("OIL", "011")
# Dashes of every kind, which phones like to put in; or none at all.
_DASH = "[-\u2010-\u2015\u2212]"
_WRITTEN = re.compile(rf"(?<![\w-])[0-9A-Za-z]{{4}}{_DASH}?[0-9A-Za-z]{{4}}{_DASH}?[0-9A-Za-z]{{4}}(?![\w-])", re.ASCII)
MOST_LOOKED_AT = 3
"""More codes in one message are no mistake of somebody who was invited."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What is kept of a code: a random salt, and the SHA-256 of salt and code, both in hex."""

    salt: str
    hash: str


def make(random: bytes) -> str | None:
    """The code that these RANDOM_BYTES give, without dashes; None when they give one without a digit or a letter: then take others."""
    number = int.from_bytes(random[:RANDOM_BYTES], "big")
    signs = "".join(ALPHABET[number >> 5 * place & 31] for place in range(SIGNS))
    return signs if _is_code(signs) else None


def shown(code: str) -> str:
    """As it is given to people."""
    return "-".join(code[at : at + 4] for at in range(0, SIGNS, 4))


def keep(code: str, salt: bytes) -> Secret:
    """What may be stored of it."""
    return Secret(salt.hex(), _digest(salt.hex(), code))


def fits(secret: Secret, code: str) -> bool:
    """Whether this is the code, in a time that does not depend on how nearly it is."""
    return hmac.compare_digest(secret.hash, _digest(secret.salt, code))


def written_in(body: str) -> tuple[str, ...]:
    """The first codes that stand in a text, or what looks like one, as `make` gives them."""
    found = dict.fromkeys(
        code
        for match in _WRITTEN.finditer(body)
        if _is_code(code := re.sub(_DASH, "", match[0]).upper().translate(_READ_AS)) and _sure_digit(match[0])
    )
    return tuple(found)[:MOST_LOOKED_AT]


def _is_code(signs: str) -> bool:
    return all(sign in ALPHABET for sign in signs) and _sure_digit(signs) and not signs.isdigit()


def _sure_digit(text: str) -> bool:
    """Whether there is a digit that nobody writes as a letter: so no word and no name is ever taken for a code."""
    return any(sign in "23456789" for sign in text)


def _digest(salt: str, code: str) -> str:
    return hashlib.sha256(bytes.fromhex(salt) + code.encode()).hexdigest()
