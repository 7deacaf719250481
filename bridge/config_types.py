"""What single values of the configuration look like, each with words for what is wrong; never a section, never a default."""

import base64
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

Language = Literal["en", "ru", "de"]
ROOM_VERSIONS = ("9", "10", "11", "12")
"""Versions whose rooms can be entered by the members of a space and that homeservers still make."""

CURATOR, MODERATOR, BOT = 50, 60, 100
"""Levels of power. A curator can redact, pin, kick and ban in the own circle, a moderator also stands above all curators."""

LEVELS = {"everybody": 0, "curators": CURATOR, "moderators": MODERATOR, "owners": BOT}
"""What a level can be called in the file."""

POWERS = {
    "write": "events_default",
    "invite": "invite",
    "kick": "kick",
    "ban": "ban",
    "redact": "redact",
    "react": "m.reaction",
    "pin": "m.room.pinned_events",
    "name": "m.room.name",
    "topic": "m.room.topic",
    "avatar": "m.room.avatar",
}
"""What a power can be called in the file, and where `m.room.power_levels` has it: a key of its own, or a type of event."""

OUR_STATE = (
    "m.room.power_levels",
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.history_visibility",
    "m.room.join_rules",
    "m.room.guest_access",
    "m.room.canonical_alias",
    "m.room.retention",
    "m.room.tombstone",
    "m.space.child",
    "m.space.parent",
)
"""State that only Hearth and the owners set, whatever the file says of powers."""

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""Files that can be a room's picture, and their types."""


def _shaped(pattern: str, wrong: str) -> Callable[[str], str]:
    """A validator that asks for this shape, and says in plain words how to write the value."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(wrong)
        return value

    return check


@cache
def known_zones() -> frozenset[str]:
    """The names of all time zones (IANA). They are files: to look for them takes longer than to read a whole configuration."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in known_zones():
        raise ValueError("unknown time zone; write it like Europe/Berlin")
    return name


def _writable(tag: str) -> str:
    """A word of any script as people write it behind a '#': many scripts need combining marks and joiners."""
    letters = (char.isalnum() or char in "_-\u200c\u200d" or unicodedata.category(char).startswith("M") for char in tag)
    if not tag[:1].isalpha() or len(tag) > 64 or not all(letters):
        raise ValueError("this is not a tag; write letters, digits, '-' and '_', without the '#', like sleep")
    return tag


def _makeable(version: str) -> str:
    if version not in ROOM_VERSIONS:
        raise ValueError(f"cannot be used; write one of {', '.join(ROOM_VERSIONS)}, or leave it out")
    return version


def _level(value: Any) -> Any:
    """A level by its name, or as a whole number."""
    known = LEVELS.get(value, value) if isinstance(value, str) else value
    number = int(known) if isinstance(known, str) and known.isdecimal() else known
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= BOT:
        raise ValueError(f"must be {', '.join(LEVELS)}, or a number from 0 to {BOT}")
    return number


def _powers(powers: dict[str, int]) -> dict[str, int]:
    for name in powers:
        if name in OUR_STATE:
            raise ValueError("holds a type of event that only Hearth and the owners may send; remove it")
        if name not in POWERS and "." not in name:
            raise ValueError(f"holds an unknown name; write {', '.join(POWERS)}, or a type of event like m.room.topic")
    return powers


def _picture(value: str) -> str:
    if value.startswith("mxc://") and not re.fullmatch(r"mxc://[^/?#\s]+/[\w-]+", value):
        raise ValueError("this is not the address of a picture; write it like mxc://example.org/AbCdEf, or name a file")
    if not value.startswith("mxc://") and Path(value).suffix.lower() not in PICTURES:
        raise ValueError(f"this is not a picture; name a file that ends in {', '.join(PICTURES)}, or an mxc:// address")
    return value


def _signing(secrets: SecretStr) -> SecretStr:
    """One or several secrets as Standard Webhooks writes them: `whsec_` and base64."""
    for secret in secrets.get_secret_value().split():
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if len(key) < 16:
            raise ValueError("this is not the secret of a webhook; it is written like whsec_ and 32 or more characters")
    return secrets


def _server(name: str) -> str:
    """A server without its port, which does not count in a room's list (spec: "Server Access Control Lists")."""
    host = re.fullmatch(r"([\w.*?-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?", name)
    if not host:
        raise ValueError("this is not a server name; write it like example.org")
    return host[1]


UserId = Annotated[
    str,
    Field(max_length=255),
    AfterValidator(_shaped(r"@[^:\s]+:\S+", "this is not a user id; write it like '@ann:example.org', in quotes")),
]
LocalAlias = Annotated[
    str,
    Field(max_length=100),
    AfterValidator(
        _shaped(r"[^\s:#]+", "write only the first part of the address, without '#', ':' and spaces, like quiet-room")
    ),
]
Tag = Annotated[str, AfterValidator(_writable)]
TimeOfDay = Annotated[
    str, AfterValidator(_shaped(r"([01]\d|2[0-3]):[0-5]\d", "this is not a time of day; write it like 08:00"))
]
Address = Annotated[
    str,
    AfterValidator(
        _shaped(
            r"https?://[^\s/]+/?", "this is not the address of a homeserver; write it like https://matrix.example.org"
        )
    ),
]
Localpart = Annotated[
    str,
    AfterValidator(
        _shaped(r"[a-z0-9._=/+-]+", "write only the part between '@' and ':', in small letters, like hearth-service")
    ),
]
DatabaseUrl = Annotated[
    str,
    AfterValidator(
        _shaped(
            r"postgres(ql)?(\+asyncpg)?://\S+",
            "this is not a database; write postgresql://user@host/name, or leave it out to use a file",
        )
    ),
]
ServerName = Annotated[str, Field(max_length=255), AfterValidator(_server)]
RoomKey = Annotated[
    str,
    AfterValidator(_shaped(r"[a-z0-9][a-z0-9_-]{0,63}", "write small letters, digits, '-' and '_', like library")),
]
Picture = Annotated[str, AfterValidator(_picture)]
Level = Annotated[int, BeforeValidator(_level)]
Powers = Annotated[dict[str, Level], AfterValidator(_powers)]
Entry = Literal["members", "invited", "knock", "public"]
HookPath = Annotated[
    str, AfterValidator(_shaped(r"(/[A-Za-z0-9._~-]+)+", "this is not a path; write it like /hooks/membership"))
]
Days = Annotated[int, Field(ge=0, le=366)]
WebhookSecrets = Annotated[SecretStr, AfterValidator(_signing)]
ExistingRoom = Annotated[
    str,
    AfterValidator(
        _shaped(
            r"#[^:\s]+:\S+|!\S+",
            "this is not a room; write its address like '#lounge:example.org' or its id, in quotes",
        )
    ),
]
RoomVersion = Annotated[str, AfterValidator(_makeable)]
Zone = Annotated[str, AfterValidator(_known_zone)]
