"""Policy lists as other communities write them: what their state events say, and how ours are written; pure, and never believes a word unread.

Spec: "Moderation policy lists" (MSC2313), with hashed entities (MSC4205) and the recommendation to take down (MSC4204), and the older names of both.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from bridge.globs import host_of, is_glob
from bridge.grammar import parse_link

_NAMES = ("m.policy.rule.", "m.room.rule.", "org.matrix.mjolnir.rule.")
TYPES: Mapping[str, str] = {name + entity: entity for name in _NAMES for entity in ("user", "server", "room")}
"""The types of state events that hold rules, with what each is about. The newest name is first, and what we write ourselves."""

_BAN = ("m.ban", "org.matrix.mjolnir.ban")
_TAKEDOWN = ("m.takedown", "org.matrix.msc4204.takedown")
_HASHES = ("hashes", "org.matrix.msc4205.hashes")

MOST_CHARACTERS = 255
"""No id is longer, so no pattern has to be."""

MOST_REASON = 200

WATCHED = "org.matrix.mjolnir.watched_lists"
"""Account data in which Mjolnir and Draupnir keep the lists that they watch."""

MEOWLNIR = "fi.mau.meowlnir.watched_lists"
"""The state event of a management room in which Meowlnir is told the lists to watch."""


class Stance(StrEnum):
    """What is done with the rules of a list: follow them, ask staff about each that means somebody, or only show them."""

    ACT = "act"
    ASK = "ask"
    SHOW = "show"


class Unread(StrEnum):
    """Why a state event gives no rule: it was emptied, it recommends something else than we do, or it makes no sense."""

    EMPTY = "empty"
    OTHER = "other"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: of whom or what, by name or glob (`target`), or by the SHA-256 of a name in hex (`hash`; then the target is empty)."""

    entity: Literal["user", "server", "room"]
    target: str
    hash: str | None = None
    takedown: bool = False
    reason: str | None = None


def read(kind: str, content: Mapping[str, Any]) -> Rule | Unread:
    """The rule that a state event of this type (one of TYPES) holds."""
    if not content:
        return Unread.EMPTY
    recommendation, entity, reason = content.get("recommendation"), content.get("entity"), content.get("reason")
    if not isinstance(recommendation, str):
        return Unread.STRANGE
    if recommendation not in (*_BAN, *_TAKEDOWN):
        return Unread.OTHER
    about: Any = TYPES[kind]
    takedown = recommendation in _TAKEDOWN
    said = " ".join(reason.split())[:MOST_REASON] or None if isinstance(reason, str) and not takedown else None
    if isinstance(entity, str) and entity:
        sane = len(entity) <= MOST_CHARACTERS and entity.isprintable() and " " not in entity
        if about == "server" and ":" in entity:  # ports do not count
            entity = host_of(entity)
        return Rule(about, entity, None, takedown, said) if sane else Unread.STRANGE
    digest = _digest(next((content[name] for name in _HASHES if name in content), None))
    return Rule(about, "", digest, takedown, said) if digest else Unread.STRANGE


def _digest(hashes: Any) -> str | None:
    """The hash in hex, from whatever kind of base64 it was written in."""
    written = hashes.get("sha256") if isinstance(hashes, Mapping) else None
    if not isinstance(written, str):
        return None
    plain = written.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == hashlib.sha256().digest_size else None


def hashed(name: str) -> str:
    """The SHA-256 of a name in hex, as `Rule.hash` has it."""
    return hashlib.sha256(name.encode()).hexdigest()


def written(entity: str, target: str, reason: str, *, as_hash: bool) -> tuple[str, str, dict[str, Any]]:
    """The type, state key and content of the state event that says this ban of ours. A glob has no hash: it is always written out."""
    if entity == "server" and ":" in target:  # ports do not count
        target = host_of(target)
    if as_hash and not is_glob(target):
        digest = base64.b64encode(hashlib.sha256(target.encode()).digest()).decode()
        named: dict[str, Any] = {name: {"sha256": digest} for name in _HASHES}
        key = f"rule:{digest}"
    else:
        named, key = {"entity": target}, f"rule:{target}"
    return _NAMES[0] + entity, key, {**named, "recommendation": _BAN[0], "reason": reason}


def of_mjolnir(content: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...], Stance], ...]:
    """The lists that a Mjolnir or Draupnir watches (its account data `WATCHED`): room id or address, servers that know it, and that they act."""
    references = content.get("references")
    links = [parse_link(each) for each in references if isinstance(each, str)] if isinstance(references, list) else []
    return _once((link.target, link.via, Stance.ACT) for link in links if link and link.target[:1] in ("!", "#"))


def of_meowlnir(content: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...], Stance], ...]:
    """The same of a Meowlnir's state event `MEOWLNIR`; what it does not apply is only shown."""
    lists = content.get("lists")
    found = [each for each in lists if isinstance(each, Mapping)] if isinstance(lists, list) else []
    return _once(
        (str(each["room_id"]), (), Stance.SHOW if each.get("dont_apply") else Stance.ACT)
        for each in found
        if isinstance(each.get("room_id"), str) and each["room_id"].startswith("!")
    )


def _once(
    found: Iterable[tuple[str, tuple[str, ...], Stance]],
) -> tuple[tuple[str, tuple[str, ...], Stance], ...]:
    return tuple({each[0]: each for each in found}.values())
