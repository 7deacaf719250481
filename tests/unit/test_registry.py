import sys
from pathlib import Path

import pytest

from bridge import registry
from bridge.commands import DIRECT, STAFF

COMMAND = '''"""A command."""
from typing import Any
from bridge.commands import command

@command()
async def {name}(ctx: Any) -> None:
    """Do something."""
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "fresh_commands"
    home.mkdir()
    (home / "__init__.py").write_text('"""Commands."""\n')
    (home / "first.py").write_text(COMMAND.format(name="first"))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("fresh_commands")]:
        monkeypatch.delitem(sys.modules, name)
    return home


def test_a_module_that_is_there_is_a_command_and_one_that_is_only_imported_is_not(package: Path) -> None:
    (package / "second.py").write_text("from fresh_commands.first import first\n" + COMMAND.format(name="second_one"))
    book = registry.load("fresh_commands")
    assert list(book.commands) == ["first", "second one"]
    with pytest.raises(TypeError):
        book.commands["third"] = book.commands["first"]  # type: ignore[index]


def test_two_commands_of_one_name_stop_the_start(package: Path) -> None:
    (package / "second.py").write_text(COMMAND.format(name="first"))
    with pytest.raises(ValueError, match="two commands are called “first”"):
        registry.load("fresh_commands")


def test_every_command_of_ours_can_be_found_and_explained() -> None:
    book = registry.book()
    assert {"help", "language", "timezone"} <= set(book.commands)
    for name, one in book.commands.items():
        assert book.named(name) is one
        assert one.help.endswith("."), name
        assert name == name.casefold()
        for example in one.examples:
            assert example.startswith(name), name


def test_a_command_of_direct_rooms_alone_may_share_its_name_with_one_of_other_rooms(package: Path) -> None:
    place = "from bridge.commands import DIRECT, STAFF\n"
    (package / "first.py").write_text(
        place + COMMAND.format(name="first").replace("@command(", "@command(where=STAFF, ")
    )
    (package / "second.py").write_text(
        place + COMMAND.format(name="first").replace("@command(", "@command(where=DIRECT, ")
    )
    book = registry.load("fresh_commands")
    here, there = book.named("first", direct=True), book.named("first")
    assert here is not None
    assert there is not None
    assert (here.where, there.where) == (DIRECT, STAFF)
    assert book.every in ((here, there), (there, here))
    (package / "third.py").write_text(
        place + COMMAND.format(name="first").replace("@command(", "@command(where=DIRECT, ")
    )
    with pytest.raises(ValueError, match="two commands are called “first”"):
        registry.load("fresh_commands")
