"""The whole configuration, as one strict schema; never reads a file, never knows a database or a homeserver.

A key that is not here is a mistake. Every field has a description: `config.example.yaml` is made of them.
"""

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from bridge.config_types import (
    Address,
    DatabaseUrl,
    Days,
    Entry,
    ExistingRoom,
    HookPath,
    Language,
    LocalAlias,
    Localpart,
    Picture,
    Powers,
    RoomKey,
    RoomVersion,
    ServerName,
    Tag,
    TimeOfDay,
    UserId,
    WebhookSecrets,
    Zone,
)
from bridge.section import Section as Section  # noqa: PLC0414 - the one door to the schema

if TYPE_CHECKING:
    Protections = Section
else:  # Made of the files of the protections, each with its own settings. By name, as the registry finds commands: the schema stands below them.
    Protections = importlib.import_module("bridge.moderation.protection").section()


class ApplicationService(Section):
    """Run as a namespace user of an application service: no rate limits slow it. `hearth registration` writes the file for the homeserver."""

    id: str = Field("hearth", description="Name of the registration.")
    as_token: SecretStr | None = Field(None, description="The registration's as_token. Better in as_token_file.")
    as_token_file: Path | None = Field(
        None, description="A file that holds only the as_token; nothing: as_token in data_dir."
    )
    hs_token: SecretStr | None = Field(None, description="The registration's hs_token. Better in hs_token_file.")
    hs_token_file: Path | None = Field(
        None, description="A file that holds only the hs_token; nothing: hs_token in data_dir."
    )
    sender_localpart: Localpart = Field(
        "hearth-service", description="A technical account that never speaks: it must not be the bot itself."
    )


class Matrix(Section):
    """Which homeserver Hearth talks to, and as whom."""

    homeserver: Address = Field(..., description="Address of the client API.", examples=["https://matrix.example.org"])
    user_id: UserId = Field(..., description="The bot's own account.", examples=["@hearth:example.org"])
    access_token: SecretStr | None = Field(None, description="A token for that account. Better in access_token_file.")
    access_token_file: Path | None = Field(None, description="A file that holds only the token.", examples=["token"])
    password: SecretStr | None = Field(
        None, description="Instead of a token: to log in at the first start, and whenever that session is lost."
    )
    password_file: Path | None = Field(None, description="A file that holds only the password.")
    application_service: ApplicationService | None = Field(None, description="Instead of a token or password.")
    encryption: bool = Field(
        True, description="Encrypted rooms and direct rooms. Without it Hearth reads only unencrypted ones."
    )


class Database(Section):
    """Where Hearth remembers."""

    url: DatabaseUrl | None = Field(None, description="postgresql://user@host/name, or nothing for a file in data_dir.")


class RoomSettings(Section):
    """What every room of the community can be told."""

    name: str = Field(..., min_length=1, max_length=100, description="As members see it.")
    alias: LocalAlias | None = Field(
        None, description="The local part of its address; made of the tag or the name when absent."
    )
    room: ExistingRoom | None = Field(
        None,
        description="An existing room to take instead of making one: its address or id. Hearth has to be invited there and to have power 100. "
        "Of an existing space also those rooms are taken that have the name or address of a room in this file.",
    )
    topic: str = Field("", max_length=1000, description="One line about the room.")
    avatar: Picture | None = Field(
        None, description="Its picture: the name of a file, which is uploaded once, or an mxc:// address."
    )
    entry: Entry = Field(
        "members",
        description="Who may enter: members of the space, only who is invited, whoever knocks and is let in, or everybody (public).",
    )
    encrypted: bool = Field(True, description="End-to-end encryption. It can be switched on later, never off.")
    history: Literal["shared", "invited", "joined"] = Field(
        "shared", description="What newcomers can read: all, since their invite, or since they joined."
    )
    servers: tuple[ServerName, ...] = Field(
        (), description="Only people of these servers may take part; `*` stands for any letters. Nothing: all servers."
    )
    retention_days: int | None = Field(
        None, ge=1, le=36500, description="Messages older than this need not be kept (m.room.retention). Nothing: kept."
    )
    power: Powers = Field(
        {},
        description="Who may do what: write, react, invite, kick, ban, redact, pin, name, topic, avatar or a type of event; "
        "by everybody, curators, moderators, owners or a number.",
    )
    welcome: str = Field(
        "",
        max_length=10_000,
        description="A message that Hearth says and pins, for everybody who comes; it is changed in place. Never encrypted, so that newcomers can read it.",
    )


class Space(RoomSettings):
    """The space that holds all rooms. Messages are not written here."""

    entry: Literal["invited", "knock", "public"] = Field(
        "invited",
        description="Who may enter: only who is invited, whoever knocks and is let in, or everybody (public).",
    )
    encrypted: bool = Field(False, description="A space holds no messages, so it needs no encryption.")


class Staff(RoomSettings):
    """The moderators' private room."""

    entry: Literal["invited", "knock"] = Field(
        "invited", description="Who may enter: only who is invited, or also whoever knocks and is let in."
    )


class FurtherRoom(RoomSettings):
    """One more room, such as a library, announcements or a lobby."""

    key: RoomKey = Field(..., description="A word by which the room is known for ever, whatever it is called.")
    members: tuple[UserId, ...] = Field((), description="Whom to invite, where only who is invited may enter.")


class Circle(RoomSettings):
    """A small room with its own curator and its own tag."""

    tag: Tag = Field(..., description="The circle's hashtag, without the #.")
    sharing: Literal["ask", "authors", "never"] = Field(
        "ask",
        description="May its threads be shared? ask: by their authors, and others may ask these; authors: nobody asks; never: not at all.",
    )
    was: Tag | None = Field(None, description="Its first tag, if the tag was changed since: by that its room is known.")
    curators: tuple[UserId, ...] = Field((), description="Who looks after it.")
    substitutes: tuple[UserId, ...] = Field((), description="Who looks after it while a curator is away.")
    former: tuple[UserId, ...] = Field(
        (), description="Who looked after it once: what power they had there is taken back."
    )
    language: Language | None = Field(
        None, description="In which language people write there; newcomers of another one are not assigned to it."
    )
    size: int | None = Field(
        None, ge=2, le=1000, description="With more people than this, two circles are proposed; nothing: circle_size."
    )
    members: tuple[UserId, ...] = Field(
        (), description="People whose circle this is; they are invited to the space and let in here."
    )


class Rules(Section):
    """What newcomers are asked to accept: one text for all, or one for each language. Markdown; nothing: no rules."""

    text: str = Field("", max_length=10_000, description="For every language that has none of its own.")
    en: str = Field("", max_length=10_000, description="In English.")
    ru: str = Field("", max_length=10_000, description="In Russian.")
    de: str = Field("", max_length=10_000, description="In German.")


def _one_for_all(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


class Community(Section):
    """What should exist."""

    space: Space = Field(..., description="The space.", examples=[{"name": "Our community"}])
    common: RoomSettings = Field(
        ...,
        description="The room where everybody is, and where shared threads appear.",
        examples=[{"name": "Common room"}],
    )
    staff: Staff = Field(..., description="The moderators' private control room.", examples=[{"name": "Staff room"}])
    circles: tuple[Circle, ...] = Field(
        (),
        description="The circles, each beginning with a dash.",
        examples=[
            [{"name": "Sleep", "tag": "sleep", "curators": ["@ben:example.org"], "members": ["@cleo:example.org"]}]
        ],
    )
    archived: tuple[Circle, ...] = Field(
        (), description="Circles that are no longer used: read only and out of the space; nobody is removed."
    )
    assign: bool = Field(
        True,
        description="Is a newcomer without a circle given one: with room, of their language, without whom they are kept apart from?",
    )
    apart: tuple[tuple[UserId, UserId], ...] = Field(
        (),
        description="Pairs of people who are not to be in one circle. Only staff is told.",
        examples=[[["@dora:example.org", "@emil:example.org"]]],
    )
    circle_size: int = Field(30, ge=2, le=1000, description="How many people a circle holds well, if it does not say.")
    rooms: tuple[FurtherRoom, ...] = Field(
        (),
        description="Further rooms, each beginning with a dash.",
        examples=[[{"key": "library", "name": "Library", "power": {"write": "curators"}}]],
    )
    archived_rooms: tuple[FurtherRoom, ...] = Field(
        (), description="Further rooms that are no longer used: read only and out of the space; nobody is removed."
    )
    district_size: int = Field(
        50,
        ge=1,
        le=50,
        description="The space shows at most so many rooms. When there are more, the circles are put into districts (sub-spaces) of this size, by themselves.",
    )
    district_name: str = Field(
        "Circles", min_length=1, max_length=80, description="What districts are called, with a number behind it."
    )
    owners: tuple[UserId, ...] = Field(
        (),
        description="Who decides everything. They keep the power over the rooms if the bot is ever lost.",
        examples=[["@ann:example.org"]],
    )
    moderators: tuple[UserId, ...] = Field(
        (), description="Who may moderate everywhere.", examples=[["@ben:example.org"]]
    )
    room_version: RoomVersion | None = Field(
        None, description="Version of new rooms; nothing: the homeserver's default."
    )
    share_tag: Tag = Field(
        "common", description="The tag by which an author carries a thread into the common room, without the #."
    )
    bundle_after: int = Field(
        10,
        ge=1,
        le=1000,
        description="So many threads of one circle appear in the common room within an hour, or the other way round; further ones stand together in one thread.",
    )
    onboarding: bool = Field(
        True, description="Lead newcomers through a few questions in their direct room, and ask curators to say hello."
    )
    rules: Annotated[Rules, BeforeValidator(_one_for_all)] = Field(
        Rules(),
        description="What newcomers are asked to accept, as Markdown; until then none of their threads is shared. One text (rules: Be kind.), or one for each language.",
    )
    encrypted_to_open: bool = Field(
        False,
        description="May a thread of an encrypted circle be shared into an unencrypted common room? Each circle is told before the first one is.",
    )
    beyond_servers: bool = Field(
        False,
        description="May a thread of a circle that is limited to certain servers be shared where people of others read it? Each circle is told before the first one is.",
    )


Points = Annotated[float, Field(ge=0, le=100)]


class Choosing(Section):
    """What matters more in a digest. A conversation's points are added up, and halved with age; the best ones are shown."""

    thread: Points = Field(4, description="A reason: the member follows the thread, or took part in it.")
    person: Points = Field(3, description="A reason: they follow the person, or the person with this tag.")
    circle: Points = Field(2, description="A reason: they follow the circle, or are in it.")
    tag: Points = Field(1, description="A reason: they follow the tag.")
    most_reasons: Points = Field(8, description="Reasons are added up, to at most this.")
    reason: Points = Field(4, description="Points for each of that.")
    author: Points = Field(2, description="Points for each further person in the conversation.")
    most_author: Points = Field(6, description="At most so many points for people.")
    reply: Points = Field(0.5, description="Points for each reply.")
    most_replies: int = Field(20, ge=0, le=1000, description="So many replies count.")
    reaction: Points = Field(
        1.5, description="Points when one person reacted; three people are twice, seven three times as much."
    )
    half_life_hours: float = Field(
        36, gt=0, le=8760, description="After so long the points are half of what they were."
    )
    per_circle: int = Field(3, ge=1, le=20, description="At most so many conversations of one circle.")
    per_author: int = Field(2, ge=1, le=20, description="At most so many conversations of one person.")
    unheard: int = Field(2, ge=0, le=10, description="Places kept for people whom nobody has answered.")

    def of(self, kind: str) -> float:
        """What a kind of reason (`bridge/digest/model.py`) weighs; 0 for those that do not go by weight."""
        named = {"taken": "thread", "person_tag": "person", "own": "circle"}.get(kind, kind)
        return float(getattr(self, named)) if named in ("thread", "person", "circle", "tag") else 0.0


class Digest(Section):
    """When digests are sent, unless a member chose for themselves; and what is in them."""

    default_time: TimeOfDay = Field("08:00", description="Local time of day.")
    most_items: int = Field(10, ge=1, le=20, description="More than this becomes a number.")
    gather_seconds: int = Field(
        20,
        ge=0,
        le=3600,
        description="So long answers and mentions gather, and may be read, before their member is told at once.",
    )
    bots: tuple[UserId, ...] = Field(
        (),
        description="Accounts that are programs: their answers are none. What comes as a notice is known as a program's word anyway.",
    )
    choosing: Choosing = Field(Choosing(), description="What matters more.")


class Webhook(Section):
    """Where whatever takes payments tells of them, signed as Standard Webhooks asks (standardwebhooks.com)."""

    bind: str = Field("127.0.0.1", description="The address to listen on; behind a reverse proxy that speaks HTTPS.")
    port: int = Field(..., ge=1, le=65535, description="The port to listen on.", examples=[8010])
    path: HookPath = Field("/hooks/membership", description="The path of the address to call.")
    secret: WebhookSecrets | None = Field(
        None, description="What the sender signs with, whsec_...; several, with blanks between, while it is changed."
    )
    secret_file: Path | None = Field(
        None, description="A file with the secret, or several, a line each.", examples=["webhook-secret"]
    )


class Membership(Section):
    """Memberships that end. Absent: nobody's membership has an end."""

    reminders: tuple[Days, ...] = Field((14, 3, 1), description="So many days before the end a member is reminded.")
    remind_at: TimeOfDay = Field("12:00", description="At this time of the member's own day.")
    grace_days: Days = Field(3, description="So many days after the end they can still read, and no longer write.")
    renew_hint: str = Field(
        "",
        max_length=500,
        description="What somebody who would like to stay can do: a sentence, or an address. Nothing: to ask a moderator.",
    )
    webhook: Webhook | None = Field(None, description="Notices of payments, from whatever takes them.")


class Reports(Section):
    """What members report to staff, and how long that may wait before the owners are called."""

    emoji: str = Field(
        "🚩",
        min_length=1,
        max_length=12,
        description="The reaction that reports a message. Hearth takes it away at once.",
    )
    crisis_minutes: int = Field(10, ge=1, le=1440, description="When somebody may be in danger of their life.")
    harm_hours: int = Field(2, ge=1, le=168, description="When somebody is being hurt.")
    other_hours: int = Field(48, ge=1, le=720, description="Anything else, and appeals.")
    admin_token: SecretStr | None = Field(
        None,
        description="A token of an administrator of your own Synapse: what its people report by their client's own button becomes a case, too. Better in admin_token_file.",
    )
    admin_token_file: Path | None = Field(None, description="A file that holds only that token.")


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
    protections: Protections = Field(Protections(), description="Rules that look at what is said, and at who comes.")
    reports: Reports = Field(Reports(), description="What members report.")
    membership: Membership | None = Field(None, description="Memberships that end; without this section none does.")
    log: Log = Field(Log(), description="Logging.")
