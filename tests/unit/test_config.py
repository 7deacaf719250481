"""Every mistake in a configuration is found at once, with its line and a cure, and no secret is ever repeated."""

import os
import re
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from bridge.config import Config
from bridge.config_file import ConfigError, load
from bridge.events import Content
from bridge.example import example
from bridge.tags import find, fold

ROOT = Path(__file__).parents[2]

GOOD = """\
matrix:
  homeserver: https://matrix.test
  user_id: "@hearth:a.test"
  access_token: syt_secret
community:
  space: {name: Home}
  common: {name: Common room}
  staff: {name: Staff}
  circles:
    - name: Sleep
      tag: sleep
      curators: ["@ben:a.test"]
    - name: Тревога
      tag: тревога
  owners: ["@ann:a.test"]
zone: Europe/Berlin
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def mistakes(file: Path, text: str | None = None, **environment: str) -> list[str]:
    """What is wrong, without the file's directory."""
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environment)
    return [str(mistake).replace(f"{file.parent}/", "") for mistake in caught.value.mistakes]


def with_line(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_good_file_is_read(file: Path) -> None:
    config = load(file, {})
    assert config.community.circles[1].tag == "тревога"
    assert config.zone == "Europe/Berlin"
    assert config.matrix.access_token == SecretStr("syt_secret")
    assert config.data_dir == file.parent / "hearth-data"
    assert "syt_secret" not in repr(config)


MISTAKES = {
    "a misspelt key": (
        with_line("homeserver:", "homserver:"),
        ["config.yaml:1: matrix.homeserver: is missing; add it",
         "config.yaml:2: matrix.homserver: unknown key; did you mean 'homeserver'?"],
    ),
    "a key that is like none": (
        GOOD + "colour: red\n",
        ["config.yaml:17: colour: unknown key; known here: matrix, community, data_dir, database, language, zone, digest, protections, reports, membership, log"],
    ),
    "an unknown zone": (
        with_line("Europe/Berlin", "Europe/Berln"),
        ["config.yaml:16: zone: unknown time zone; did you mean 'Europe/Berlin'?"],
    ),
    "a zone that is like none": (
        with_line("Europe/Berlin", "q"),
        ["config.yaml:16: zone: unknown time zone; write it like Europe/Berlin"],
    ),
    "an unknown language": (
        GOOD + "language: dee\n",
        ["config.yaml:17: language: must be 'en', 'ru' or 'de'; did you mean 'de'?"],
    ),
    "two circles of one tag": (
        with_line("tag: тревога", "tag: SLEEP"),
        ["config.yaml:14: community.circles[2].tag: community.circles[1] has this tag too; give each circle its own"],
    ),
    "a circle with the tag for sharing": (
        with_line("tag: sleep", "tag: common"),
        ["config.yaml:11: community.circles[1].tag: is also the share_tag; choose another for one of the two"],
    ),
    "one alias for two rooms": (
        with_line("space: {name: Home}", "space: {name: Home, alias: home}").replace("{name: Staff}", "{name: Staff, alias: Home}"),
        ["config.yaml:8: community.staff.alias: community.space has this address too; give each room its own"],
    ),
    "one address for two rooms, by their names": (
        with_line("{name: Staff}", "{name: Common Room}"),
        ["config.yaml:8: community.staff: has the same address as community.common, 'common-room'; give one of them an alias of its own"],
    ),
    "an alias with its server": (
        with_line("{name: Staff}", "{name: Staff, alias: '#staff:a.test'}"),
        ["config.yaml:8: community.staff.alias: write only the first part of the address, without '#', ':' and spaces, like quiet-room"],
    ),
    "two rooms of one alias, and one of them a further one": (
        with_line("  owners:", "  rooms: [{key: library, name: Books, alias: Home}, {key: library, name: Lobby}]\n  owners:"),
        ["config.yaml:15: community.rooms[1].alias: community.space has this address too; give each room its own",
         "config.yaml:15: community.rooms[2].key: community.rooms[1] has this key too; give each room its own"],
    ),
    "a key that is none": (
        with_line("  owners:", "  rooms: [{key: The Library, name: Books}]\n  owners:"),
        ["config.yaml:15: community.rooms[1].key: write small letters, digits, '-' and '_', like library"],
    ),
    "a list of servers without our own": (
        with_line("{name: Staff}", "{name: Staff, servers: [b.test]}").replace("  owners:", "  moderators: ['@mod:c.test']\n  owners:"),
        ["config.yaml:8: community.staff.servers: our own server is missing, which would shut Hearth out; add it",
         "config.yaml:8: community.staff.servers: the server of community.moderators[1] is missing; add it"],
    ),
    "a curator of a server that may not take part": (
        with_line("@ben:a.test", "@ben:c.test").replace("tag: sleep", "tag: sleep\n      servers: [a.test, '*.b.test']"),
        ["config.yaml:13: community.circles[1].curators[1]: is of a server that may not take part here; add it to the servers"],
    ),
    "a server with its address": (
        with_line("{name: Staff}", "{name: Staff, servers: ['https://a.test']}"),
        ["config.yaml:8: community.staff.servers: our own server is missing, which would shut Hearth out; add it",
         "config.yaml:8: community.staff.servers[1]: this is not a server name; write it like example.org"],
    ),
    "a way in that is none": (
        with_line("{name: Staff}", "{name: Staff, entry: public}").replace("{name: Common room}", "{name: Common room, entry: knocking}"),
        ["config.yaml:7: community.common.entry: must be 'members', 'invited', 'knock' or 'public'; did you mean 'knock'?",
         "config.yaml:8: community.staff.entry: must be 'invited' or 'knock'"],
    ),
    "a space that is told what only rooms can be": (
        with_line("{name: Home}", "{name: Home, welcome: Hello, retention_days: 3}"),
        ["config.yaml:6: community.space.retention_days: a space holds no messages; say this of its rooms, or leave it out",
         "config.yaml:6: community.space.welcome: a space holds no messages; say this of its rooms, or leave it out"],
    ),
    "a picture that is not there": (
        with_line("{name: Staff}", "{name: Staff, avatar: staff.png}"),
        ["config.yaml:8: community.staff.avatar: there is no file staff.png; put the picture there, or name another one"],
    ),
    "a picture that is none": (
        with_line("{name: Staff}", "{name: Staff, avatar: config.yaml}").replace("{name: Home}", "{name: Home, avatar: 'mxc://a.test'}"),
        ["config.yaml:6: community.space.avatar: this is not the address of a picture; write it like mxc://example.org/AbCdEf, or name a file",
         "config.yaml:8: community.staff.avatar: this is not a picture; name a file that ends in .png, .jpg, .jpeg, .gif, .webp, or an mxc:// address"],
    ),
    "powers that are none": (
        with_line("{name: Staff}", "{name: Staff, power: {write: nobody, kick: 101}}").replace("{name: Home}", "{name: Home, power: {wrte: 50}}").replace("{name: Common room}", "{name: Common room, power: {m.room.encryption: 0}}"),
        ["config.yaml:6: community.space.power: holds an unknown name; write write, invite, kick, ban, redact, react, pin, name, topic, avatar, or a type of event like m.room.topic",
         "config.yaml:7: community.common.power: holds a type of event that only Hearth and the owners may send; remove it",
         "config.yaml:8: community.staff.power.kick: must be everybody, curators, moderators, owners, or a number from 0 to 100",
         "config.yaml:8: community.staff.power.write: must be everybody, curators, moderators, owners, or a number from 0 to 100"],
    ),
    "a district too large": (
        with_line("  owners:", "  district_size: 51\n  owners:"),
        ["config.yaml:15: community.district_size: must be at most 50"],
    ),
    "a tag with its sign": (
        with_line("tag: sleep", "tag: '#sleep'"),
        ["config.yaml:11: community.circles[1].tag: this is not a tag; write letters, digits, '-' and '_', without the '#', like sleep"],
    ),
    "a person without a server": (
        with_line('"@ann:a.test"', "ann"),
        ["config.yaml:15: community.owners[1]: this is not a user id; write it like '@ann:example.org', in quotes"],
    ),
    "the bot as a curator": (
        with_line("@ben:a.test", "@hearth:a.test"),
        ["config.yaml:12: community.circles[1].curators[1]: is Hearth's own account; remove it here"],
    ),
    "a person twice in a list": (
        with_line('["@ann:a.test"]', '["@ann:a.test", "@ann:a.test"]'),
        ["config.yaml:15: community.owners[2]: stands twice in this list; remove one"],
    ),
    "no list": (
        with_line('["@ann:a.test"]', '"@ann:a.test"'),
        ["config.yaml:15: community.owners: must be a list: one entry a line, each beginning with '- '"],
    ),
    "no section": (
        with_line("{name: Home}", "Home"),
        ["config.yaml:6: community.space: must be a section: its keys in the lines below, indented"],
    ),
    "a text instead of a number": (
        GOOD + "digest: {most_items: many, default_time: 24:00}\n",
        ["config.yaml:17: digest.default_time: this is not a time of day; write it like 08:00",
         "config.yaml:17: digest.most_items: must be a whole number"],
    ),
    "a number too big": (GOOD + "digest: {most_items: 21}\n", ["config.yaml:17: digest.most_items: must be at most 20"]),
    "neither yes nor no": (
        with_line("{name: Staff}", "{name: Staff, encrypted: perhaps}"),
        ["config.yaml:8: community.staff.encrypted: must be yes or no"],
    ),
    "an encrypted space": (
        with_line("{name: Home}", "{name: Home, encrypted: yes}"),
        ["config.yaml:6: community.space.encrypted: a space holds no messages, so it cannot be encrypted; leave this out"],
    ),
    "an empty name": (with_line("{name: Home}", "{name: ''}"), ["config.yaml:6: community.space.name: is empty; write something"]),
    "a name too long": (
        with_line("{name: Home}", "{name: " + "x" * 101 + "}"),
        ["config.yaml:6: community.space.name: is too long; at most 100 characters"],
    ),
    "an old room version": (
        with_line("  owners:", "  room_version: 6\n  owners:"),
        ["config.yaml:15: community.room_version: cannot be used; write one of 9, 10, 11, 12, or leave it out"],
    ),
    "another kind of database": (
        GOOD + "database: {url: 'mysql://root:hunter2@db/x'}\n",
        ["config.yaml:17: database.url: this is not a database; write postgresql://user@host/name, or leave it out to use a file"],
    ),
    "the name of a server instead of its address": (
        with_line("https://matrix.test", "matrix.test"),
        ["config.yaml:2: matrix.homeserver: this is not the address of a homeserver; write it like https://matrix.example.org"],
    ),
    "a key twice": (
        with_line("  access_token: syt_secret", "  access_token: syt_secret\n  access_token: syt_other"),
        ["config.yaml:5: matrix.access_token: stands here twice, first in line 4; keep one"],
    ),
    "nothing to sign in with": (
        with_line("  access_token: syt_secret\n", ""),
        ["config.yaml:1: matrix: there is nothing to sign in with; add access_token_file, password_file or application_service"],
    ),
    "two ways to sign in": (
        with_line("access_token: syt_secret", "access_token: syt_secret\n  application_service: {as_token: a, hs_token: b}"),
        ["config.yaml:1: matrix: access_token and application_service are both given; keep one way to sign in"],
    ),
    "a token and its file": (
        with_line("access_token: syt_secret", "access_token: syt_secret\n  access_token_file: token"),
        ["config.yaml:5: matrix.access_token_file: access_token is given too; keep one of the two"],
    ),
    "the service's technical account is the bot": (
        with_line("access_token: syt_secret", "application_service: {as_token: a, hs_token: b, sender_localpart: hearth}"),
        ["config.yaml:4: matrix.application_service.sender_localpart: is the bot itself, which could not read along then; leave it out"],
    ),
    "a tab": (with_line("  homeserver", "\thomeserver"), ["config.yaml:2: there is a tab; indent with spaces"]),
    "a colon": (
        with_line("zone: Europe/Berlin", "zone: Europe: Berlin"),
        ["config.yaml:16: there is a ':' where none can be; put a text that holds ': ' in quotes, or look at the indentation"],
    ),
    "an open bracket": (
        with_line('["@ann:a.test"]', '["@ann:a.test"'),
        ["config.yaml:16: this does not fit with the lines above; things of one kind begin in the same column, and brackets are closed"],
    ),
    "an open quote": (
        with_line('["@ben:a.test"]', '["@ben:a.test]'),
        ["config.yaml:15: a value cannot begin with this character; put it in quotes, or close the quotes above"],
    ),
    "a bare @": (
        with_line('["@ann:a.test"]', "[@ann:a.test]"),
        ["config.yaml:15: a value cannot begin with this character; put it in quotes, or close the quotes above"],
    ),
    "a list at the top": ("- a\n", ["config.yaml:1: this is not a configuration; it begins with a line like `matrix:`"]),
    "nothing at all": ("", ["config.yaml:1: community: is missing; add it", "config.yaml:1: matrix: is missing; add it"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_explained_with_its_line(file: Path, text: str, expected: list[str]) -> None:
    assert mistakes(file, text) == expected


@pytest.mark.parametrize("tag", ["sleep", "long-covid", "тревога", "Straße", "नींद", "การนอน", "a" * 64])
def test_a_tag_of_any_script_is_one(file: Path, tag: str) -> None:
    file.write_text(with_line("tag: sleep", "tag: other").replace("tag: тревога", f"tag: {tag}"), encoding="utf-8")
    assert tag in [circle.tag for circle in load(file, {}).community.circles]
    assert find(Content("m.text", f"so #{tag}!")) == {fold(tag)}


@pytest.mark.parametrize("tag", ["-sleep", "1st", "_x", "two words", "a#b", "a:b", "a" * 65, "a."])
def test_what_nobody_could_write_is_no_tag(file: Path, tag: str) -> None:
    assert "this is not a tag" in mistakes(file, with_line("tag: sleep", f"tag: '{tag}'"))[0]


def test_all_mistakes_come_at_once_in_the_order_of_the_file(file: Path) -> None:
    text = (
        GOOD.replace("https://", "")
        .replace("tag: sleep", "tag: тревога")
        .replace("Berlin", "Berln")
        .replace('"@ann:a.test"', "ann")
    )
    assert [re.sub(r": .*", "", line) for line in mistakes(file, text)] == [
        "config.yaml:2", "config.yaml:14", "config.yaml:15", "config.yaml:16",
    ]  # fmt: skip


def test_no_secret_is_ever_repeated(file: Path) -> None:
    text = """\
matrix:
  homeserver: syt_secret
  user_id: syt_secret
  access_token: [syt_secret]
  password: {syt_secret: hunter2}
  application_service: syt_secret
database: {url: "mysql://root:hunter2@db/x"}
zone: syt_secret
language: syt_secret
log: {level: syt_secret}
"""
    told = "\n".join(mistakes(file, text))
    assert told.count("\n") > 8
    assert "syt_secret" not in told.replace("matrix.password.syt_secret", "")
    assert "hunter2" not in told


def test_times_and_words_are_no_numbers_and_no_booleans(file: Path) -> None:
    file.write_text(
        with_line("{name: Home}", "{name: no, topic: 2026-01-02}") + "digest: {default_time: 18:30}\n", encoding="utf-8"
    )
    config = load(file, {})
    assert (config.community.space.name, config.community.space.topic) == ("no", "2026-01-02")
    assert config.digest.default_time == "18:30"


def test_a_room_can_be_told_all_of_this(file: Path) -> None:
    (file.parent / "books.PNG").write_bytes(b"png")
    room = "key: library, name: Library, avatar: books.PNG, entry: knock, servers: ['a.test:8448', '*.b.test'], retention_days: 90"
    power = "power: {write: curators, pin: 70, org.example.poll: everybody}, welcome: Hello"
    file.write_text(with_line("  owners:", f"  rooms: [{{{room}, {power}}}]\n  owners:"), encoding="utf-8")
    (library,) = load(file, {}).community.rooms
    assert library.avatar == str(file.parent / "books.PNG")
    assert (library.entry, library.servers, library.retention_days) == ("knock", ("a.test", "*.b.test"), 90)
    assert (library.power, library.welcome) == ({"write": 50, "pin": 70, "org.example.poll": 0}, "Hello")


def test_an_empty_key_means_the_default(file: Path) -> None:
    file.write_text(
        with_line("    - name: Sleep", "    - name: Sleep\n      topic:\n      alias: ~") + "digest:\n",
        encoding="utf-8",
    )
    config = load(file, {})
    assert (config.community.circles[0].topic, config.community.circles[0].alias, config.digest.most_items) == (
        "",
        None,
        10,
    )


@pytest.mark.parametrize("kind", ["missing", "directory", "binary"])
def test_a_file_that_cannot_be_read_is_a_clear_matter(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.yaml"
    if kind == "directory":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    expected = {
        "missing": "config.yaml: there is no such file; `hearth example-config > config.yaml` writes one to begin with",
        "directory": "config.yaml: this is a directory; name the file in it",
        "binary": "config.yaml: this is not a text file in UTF-8; save it as UTF-8",
    }
    assert mistakes(path) == [expected[kind]]


def test_a_file_without_permission_is_a_clear_matter(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> str:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "read_text", refuse)
    assert mistakes(file) == ["config.yaml: cannot be read (Permission denied); let the user that runs Hearth read it"]


def test_the_environment_wins_over_credentials_and_these_over_the_file(file: Path, tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "matrix__access_token").write_text("of-the-credential\n", encoding="utf-8")
    (credentials / "somebody-elses").write_text("x", encoding="utf-8")
    environment = {"CREDENTIALS_DIRECTORY": str(credentials)}

    def token(more: dict[str, str]) -> str:
        found = load(file, more).matrix.access_token
        assert found is not None
        return found.get_secret_value()

    assert token({}) == "syt_secret"
    assert token(environment) == "of-the-credential"
    assert token(environment | {"HEARTH_MATRIX__ACCESS_TOKEN": "of-the-environment"}) == "of-the-environment"


def test_every_key_can_come_from_the_environment(file: Path) -> None:
    config = load(
        file,
        {
            "HEARTH_LANGUAGE": "de",
            "HEARTH_DIGEST__MOST_ITEMS": "5",
            "HEARTH_COMMUNITY__MODERATORS": '["@ben:a.test"]',
            "HEARTH_SYNAPSE_VENV": "somebody else's",
            "OTHER": "x",
        },
    )
    assert (config.language, config.digest.most_items, config.community.moderators) == ("de", 5, ("@ben:a.test",))


def test_a_misspelt_variable_is_a_mistake(file: Path) -> None:
    assert mistakes(file, HEARTH_MATRIX__ACESS_TOKEN="x", HEARTH_ZONE="Mars", HEARTH_X__Y="z") == [
        "environment HEARTH_MATRIX__ACESS_TOKEN: matrix.acess_token: unknown; did you mean 'HEARTH_MATRIX__ACCESS_TOKEN'?",
        "environment HEARTH_X__Y: x.y: unknown; remove it",
        "environment HEARTH_ZONE: zone: unknown time zone; write it like Europe/Berlin",
    ]


def test_a_secret_is_read_from_its_file(file: Path) -> None:
    file.write_text(with_line("access_token: syt_secret", "access_token_file: token"), encoding="utf-8")
    path = file.parent / "token"
    assert mistakes(file) == [
        f"config.yaml:4: matrix.access_token_file: there is no file {path}; write the secret into it".replace(
            f"{file.parent}/", ""
        )
    ]
    path.write_text("\n", encoding="utf-8")
    assert "is empty" in mistakes(file)[0]
    path.write_text("one\ntwo\n", encoding="utf-8")
    assert "has several lines" in mistakes(file)[0]
    path.write_text("syt_from_file\n", encoding="utf-8")
    token = load(file, {}).matrix.access_token
    assert token is not None
    assert token.get_secret_value() == "syt_from_file"
    assert load(file, {"HEARTH_MATRIX__ACCESS_TOKEN": "mine"}).matrix.access_token == SecretStr("mine")


def test_an_application_service_finds_its_tokens_in_the_data_directory(file: Path) -> None:
    file.write_text(with_line("access_token: syt_secret", "application_service: {}"), encoding="utf-8")
    told = mistakes(file)
    assert len(told) == 2
    assert all("`hearth registration` makes it" in line for line in told)
    assert load(file, {}, secrets=False).matrix.application_service is not None
    data_dir = file.parent / "hearth-data"
    data_dir.mkdir()
    for name in ("as_token", "hs_token"):
        (data_dir / name).write_text(f"{name}-value", encoding="utf-8")
    service = load(file, {}).matrix.application_service
    assert service is not None
    assert service.as_token == SecretStr("as_token-value")


def test_the_example_is_what_the_schema_makes_complete_and_valid(tmp_path: Path) -> None:
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    assert text == example(), "run `make example`"
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "token").write_text("x", encoding="utf-8")
    config = load(path, {})
    assert config.community.circles[0].curators == ("@ben:example.org",)
    for name in _names(Config):
        assert re.search(rf"^\s*(- |#\s*)?{name}:", text, re.MULTILINE), name


def test_every_key_of_the_example_can_be_uncommented(tmp_path: Path) -> None:
    text = re.sub(r"^(\s*)#(?! )", r"\1", example(), flags=re.MULTILINE)
    text = re.sub(r"^(\s*)#(  )", r"\1\2", text, flags=re.MULTILINE)
    data = yaml.safe_load(text)
    assert set(data["matrix"]["application_service"]) == {
        "id", "as_token", "as_token_file", "hs_token", "hs_token_file", "sender_localpart",
    }  # fmt: skip
    assert set(data["membership"]) == {"reminders", "remind_at", "grace_days", "renew_hint", "webhook"}
    del data["matrix"]["application_service"], data["membership"]
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    defaults = load(path, {}, secrets=False)
    path.write_text(example(), encoding="utf-8")
    assert defaults == load(path, {}, secrets=False)


def _names(model: type) -> set[str]:
    found = set()
    for name, field in model.model_fields.items():  # type: ignore[attr-defined]
        if field.exclude:  # it stands in a file of its own
            continue
        found.add(name)
        for part in (field.annotation, field.default, *getattr(field.annotation, "__args__", ())):
            kind = part if isinstance(part, type) else type(part)
            if hasattr(kind, "model_fields"):
                found |= _names(kind)
    return found
