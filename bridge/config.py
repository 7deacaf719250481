"""The whole configuration, as one strict schema; never reads a file, never knows a database or a homeserver.

A key that is not here is a mistake. Every field has a description: `config.example.yaml` is made of them.
"""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

Language = Literal["en", "ru", "de"]
UserId = Annotated[str, Field(pattern=r"^@[^:\s]+:\S+$", max_length=255)]
LocalAlias = Annotated[str, Field(pattern=r"^[^\s:#]+$", max_length=100)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("unknown time zone")
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class Section(BaseModel):
    """What every part has in common: frozen, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ApplicationService(Section):
    """Run as a namespace user of an application service: no rate limits slow it. `hearth registration` writes the file for the homeserver."""

    id: str = Field("hearth", description="Name of the registration.")
    as_token: SecretStr | None = Field(None, description="The registration's as_token. Better in as_token_file.")
    as_token_file: Path | None = Field(None, description="A file that holds only the as_token.")
    hs_token: SecretStr | None = Field(None, description="The registration's hs_token. Better in hs_token_file.")
    hs_token_file: Path | None = Field(None, description="A file that holds only the hs_token.")
    sender_localpart: str = Field(
        "hearth-service", description="A technical account that never speaks: it must not be the bot itself."
    )


class Matrix(Section):
    """Which homeserver Hearth talks to, and as whom."""

    homeserver: str = Field(
        ..., pattern=r"^https?://[^\s/]+/?$", description="Address of the client API, e.g. https://matrix.example.org"
    )
    user_id: UserId = Field(..., description="The bot's own account, e.g. @hearth:example.org")
    access_token: SecretStr | None = Field(None, description="A token for that account. Better in access_token_file.")
    access_token_file: Path | None = Field(None, description="A file that holds only the token.")
    password: SecretStr | None = Field(None, description="Instead of a token: used once, to log in at the first start.")
    password_file: Path | None = Field(None, description="A file that holds only the password.")
    application_service: ApplicationService | None = Field(None, description="Instead of a token or password.")
    encryption: bool = Field(
        True, description="Encrypted rooms and direct rooms. Without it Hearth reads only unencrypted ones."
    )


class Database(Section):
    """Where Hearth remembers."""

    url: str | None = Field(None, description="postgresql://user@host/name, or nothing for a file in data_dir.")


class RoomSettings(Section):
    """What every room of the community can be told."""

    name: str = Field(..., min_length=1, max_length=100, description="As members see it.")
    alias: LocalAlias | None = Field(
        None, description="The local part of its address; made of the tag or the name when absent."
    )
    topic: str = Field("", max_length=1000, description="One line about the room.")
    encrypted: bool = Field(True, description="End-to-end encryption. It can be switched on later, never off.")
    history: Literal["shared", "invited", "joined"] = Field(
        "shared", description="What newcomers can read: all, since their invite, or since they joined."
    )


class Space(RoomSettings):
    """The space that holds all rooms. Messages are not written here."""

    encrypted: bool = Field(False, description="A space holds no messages, so it needs no encryption.")


class Circle(RoomSettings):
    """A small room with its own curator and its own tag."""

    tag: str = Field(..., pattern=r"^[^\W\d_][\w-]{0,63}$", description="The circle's hashtag, without the #.")
    curators: tuple[UserId, ...] = Field((), description="Who looks after it.")
    members: tuple[UserId, ...] = Field(
        (), description="People whose circle this is; they are invited to the space and let in here."
    )


class Community(Section):
    """What should exist."""

    space: Space = Field(..., description="The space.")
    common: RoomSettings = Field(..., description="The room where everybody is, and where shared threads appear.")
    staff: RoomSettings = Field(..., description="The moderators' private control room.")
    circles: tuple[Circle, ...] = Field((), description="The circles.")
    owners: tuple[UserId, ...] = Field(
        (), description="Who decides everything. They keep the power over the rooms if the bot is ever lost."
    )
    moderators: tuple[UserId, ...] = Field((), description="Who may moderate everywhere.")
    room_version: str | None = Field(None, description="Version of new rooms; nothing: the homeserver's default.")
    share_tag: str = Field(
        "common",
        pattern=r"^[^\W\d_][\w-]{0,63}$",
        description="The tag by which an author carries a thread into the common room.",
    )
    encrypted_to_open: bool = Field(
        False, description="May a thread of an encrypted circle be shared into an unencrypted common room?"
    )


class Digest(Section):
    """When digests are sent, unless a member chose for themselves."""

    default_time: str = Field("08:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Local time of day.")
    most_items: int = Field(10, ge=1, le=20, description="More than this becomes a number.")


class Log(Section):
    """What Hearth tells the journal. Never anybody's words."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much.")
    format: Literal["json", "plain"] = Field("json", description="json for a journal, plain for a person.")


class Config(Section):
    """The whole file."""

    matrix: Matrix = Field(..., description="Homeserver and account.")
    community: Community = Field(..., description="Rooms and people.")
    data_dir: Path = Field(
        Path("hearth-data"), description="Database, encryption keys and session. Only Hearth should be able to read it."
    )
    database: Database = Field(Database(), description="Nothing to say for a small community.")
    language: Language = Field("en", description="For people who have not chosen one, and for rooms: en, ru or de.")
    zone: Zone = Field("UTC", description="For people who have not told theirs, e.g. Europe/Berlin.")
    digest: Digest = Field(Digest(), description="Digests.")
    log: Log = Field(Log(), description="Logging.")
