"""What is written for people is true: every command, key, target, file and example that they read about is there.

`python tests/test_docs.py` writes the README's table of commands anew.
"""

import ast
import configparser
import importlib
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge import answer, registry
from bridge.__main__ import app
from bridge.catalogues import spellings
from bridge.commands import ANYWHERE, Book, Command, places
from bridge.config import Config
from bridge.config_file import PREFIX, load
from bridge.config_mistakes import field_at
from bridge.effects import Say
from bridge.events import Content, MemberChanged, Message
from bridge.example import example
from bridge.roles import Role
from bridge.scene import Scene
from bridge.store import journal, people, rooms
from bridge.store.db import Database
from bridge.store.rooms import Room
from bridge.text import render
from bridge.words import Text

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (
    README,
    ROOT / "CHANGELOG.md",
    ROOT / "config.example.yaml",
    ROOT / "docs/hearth.svg",
    ROOT / "deploy/hearth.service",
)
BEGIN, END = "<!-- commands: written by tests/test_docs.py -->\n", "<!-- end of commands -->\n"
YET_TO_BE_MADE = {"bridge/rooms/commands/curators.py", "bridge/locale/fr/LC_MESSAGES/hearth.po"}
WHO = {
    Role.STRANGER: "everybody",
    Role.MEMBER: "member",
    Role.CURATOR: "curator",
    Role.MODERATOR: "moderator",
    Role.OWNER: "owner",
}


class Names:
    def of(self, user: str) -> str:
        return user

    def find(self, name: str) -> tuple[str, ...]:
        return ()


def plain(value: object) -> str:
    return render(Text("%(it)s", {"it": value}), "en", Names()).body


def table() -> str:
    """The commands as a Markdown table, by role and name."""

    def row(one: Command) -> str:
        where = "anywhere" if one.where == ANYWHERE else plain(places(one.where))
        usage = plain(one.usage).strip("`").replace("|", r"\|")
        return f"| `{usage}` | {WHO[one.role]} | {where} | {one.help} |\n"

    found = sorted(registry.book().every, key=lambda one: (one.role, one.name))
    return "| command | who | where | what it does |\n| --- | --- | --- | --- |\n" + "".join(row(one) for one in found)


def readme() -> str:
    return README.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of a language."""
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", readme(), re.DOTALL | re.MULTILINE)


def test_the_table_of_commands_is_what_the_commands_say() -> None:
    _, _, rest = readme().partition(BEGIN)
    shown, _, _ = rest.partition(END)
    assert shown == table(), "run python tests/test_docs.py"


@pytest.mark.parametrize("name", list(registry.book().commands))
def test_every_command_has_its_line(name: str) -> None:
    assert re.search(rf"^\| `{re.escape(name)}[` ]", readme(), re.MULTILINE)


def test_every_part_of_the_command_line_is_there_and_explained() -> None:
    known = {one.name or (one.callback.__name__ if one.callback else "") for one in app.registered_commands}
    told = set(re.findall(r"`hearth ([a-z-]+)", readme()))
    told |= set(re.findall(r"(?:-u hearth|sh -c ')\s?hearth ([a-z-]+)", readme()))
    assert told == known


def test_the_configuration_to_begin_with_is_complete(tmp_path: Path) -> None:
    sample, further = blocks("yaml")
    (tmp_path / "config.yaml").write_text(sample, encoding="utf-8")
    (tmp_path / "password").write_text("secret", encoding="utf-8")
    config = load(tmp_path / "config.yaml", {})
    assert str(config.data_dir) == "/var/lib/hearth"
    (line,) = re.findall(r"`(database: .+)`", readme())
    (tmp_path / "config.yaml").write_text(f"{sample}{line}\n", encoding="utf-8")
    assert load(tmp_path / "config.yaml", {}).database.url
    service = sample.replace("password_file: password", "application_service: {}")
    (tmp_path / "config.yaml").write_text(service, encoding="utf-8")
    assert load(tmp_path / "config.yaml", {}, secrets=False).matrix.application_service
    (tmp_path / "config.yaml").write_text(sample + further, encoding="utf-8")  # the sample ends with `community`
    assert [room.key for room in load(tmp_path / "config.yaml", {}).community.rooms] == ["library", "lobby"]


def test_every_key_of_the_configuration_is_in_the_example() -> None:
    text = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    assert text == example(), "run make example"
    for key in Config.model_fields:
        assert re.search(rf"^#?{key}:", text, re.MULTILINE), key


def test_every_key_that_is_spelt_out_is_known() -> None:
    spelt = re.findall(r"`((?:matrix|community|database|digest|log)(?:\.[a-z_]+)+)[`:]", readme())
    assert len(spelt) > 2
    for key in spelt:
        assert field_at(tuple(key.split("."))) is not None, key


def test_every_target_of_make_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", readme())) | set(
        re.findall(r"^make ([a-z]+)", "\n".join(blocks("sh")), re.MULTILINE)
    )
    assert {"demo", "test", "lint"} <= named <= targets


def test_every_file_that_is_named_exists() -> None:
    text = readme()
    links = {link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link}
    files = set(re.findall(r"`((?:bridge|tests|docs|deploy)/[\w./]*)`", text))
    assert len(links) > 3
    assert len(files) > 30
    for name in links | files:
        assert (ROOT / name).exists() != (name in YET_TO_BE_MADE), name


def test_every_part_of_the_house_is_on_the_map() -> None:
    the_map = readme().partition("## The map of the house")[2].partition("### Add a command")[0]
    for part in (ROOT / "bridge").iterdir():
        if part.name not in {"__init__.py", "__pycache__"}:
            assert f"`bridge/{part.name}" in the_map, part.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_tells_of_somebodys_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(?:work|root|home|tmp|Users|private)/", text)
    assert not re.search(r"\b(?:TODO|FIXME|localhost:\d)", text)


def test_the_unit_sets_keys_that_there_are() -> None:
    unit = configparser.RawConfigParser(strict=False, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    text = (ROOT / "deploy/hearth.service").read_text(encoding="utf-8")
    unit.read_string(text)
    assert unit["Service"]["ExecStart"].split()[1:3] == ["run", "--config"]
    credentials = re.findall(r"^#?LoadCredential=(\w+):", text, re.MULTILINE)
    keys = credentials + [name.lower() for name in re.findall(rf"\b{PREFIX}(\w+)=", text)]
    assert len(keys) == 2
    for key in keys:
        assert field_at(tuple(key.split("__"))) is not None, key


ME, ANN, BEN = "@hearth:one.test", "@ann:one.test", "@ben:one.test"
CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "https://one.test", "user_id": ME},
        "community": {
            "space": {"name": "Space"},
            "common": {"name": "Common"},
            "staff": {"name": "Staff"},
            "circles": [{"name": "Sleep", "tag": "sleep", "curators": [BEN]}, {"name": "Grief", "tag": "grief"}],
        },
    }
)


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Book:
    """A book that holds only the README's command, read from a package as any other."""
    (source,) = (block for block in blocks("python") if "@command(" in block)
    home = tmp_path / "readme_commands"
    home.mkdir()
    (home / "__init__.py").write_text('"""Commands."""\n', encoding="utf-8")
    (home / "curators.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("readme_commands")]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()
    return registry.load("readme_commands")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "hearth.db")
    async with opened.writing() as db:
        for tag in ("sleep", "grief"):
            room = Room(
                room=f"!{tag}", key=f"circle/{tag}", kind="circle", tag=tag, encrypted=False, history="shared", made_ms=1
            )  # fmt: skip
            await rooms.add(db, room)
        await journal.remember(
            db, MemberChanged("$join", "!sleep", ANN, 1, user=ANN, membership="join"), frozenset(), 1
        )
        await people.change(db, ANN, direct_room="!ann")
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("curators #sleep", "#sleep is looked after by @ben:one.test."),
        ("curators #grief", "Nobody looks after #grief yet. Would you like to? Ask an owner."),
        ("curators #sleeep", "Write it like this: curators <circle>"),
    ],
)
async def test_the_command_of_the_readme_works(book: Book, database: Database, asked: str, answered: str) -> None:
    (one,) = book.commands.values()
    assert one.examples == ("curators #sleep",)
    assert spellings(book.commands, "command") == {}
    async with database.writing() as db:
        scene = Scene(db, CONFIG, ME, 1, Names())
        await answer.answer(scene, Message("$1", "!ann", ANN, 1, Content("m.text", asked)), direct=True, book=book)
    (said,) = (put.effect for put in scene.puts if isinstance(put.effect, Say))
    assert answered in render(said.text, said.language, Names()).body


def test_the_command_of_the_readme_is_written_as_ours_are() -> None:
    (source,) = (block for block in blocks("python") if "@command(" in block)
    module = ast.parse(source)
    assert "; never " in (ast.get_docstring(module) or "")
    assert max(len(line) for line in source.splitlines()) <= 120


if __name__ == "__main__":
    before, begin, rest = readme().partition(BEGIN)
    README.write_text(before + begin + table() + END + rest.partition(END)[2], encoding="utf-8")
