"""The command line: quick help, clear words and exit codes, no traceback for what can be expected."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from bridge.__main__ import app
from bridge.config_file import load
from bridge.errors import Refused, TokenLost, Unavailable
from bridge.example import example
from bridge.matrix.problem import StartProblem
from bridge.registration import tokens, write_registration
from bridge.store.errors import AlreadyRunning, StoreFull
from bridge.troubles import in_words

CONFIG = """\
matrix: {homeserver: "http://127.0.0.1:1", user_id: "@hearth:a.test", access_token: syt_secret}
community: {space: {name: Home}, common: {name: Common}, staff: {name: Staff}}
"""
SERVICE = CONFIG.replace("access_token: syt_secret", "application_service: {}")


def hearth(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"HEARTH_CONFIG": None})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def test_help_imports_nothing_heavy() -> None:
    heavy = ["nio", "sqlalchemy", "aiohttp", "pydantic", "jinja2", "apscheduler"]
    code = (
        "import sys\nsys.argv = ['hearth', '--help']\nfrom bridge.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', [name for name in {heavy} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "example-config" in said
    assert said.endswith("heavy: []\n")


def test_the_example_is_printed_as_it_is() -> None:
    result = hearth("example-config")
    assert (result.exit_code, result.stdout) == (0, example())


@pytest.mark.parametrize("command", ["run", "check", "plan", "apply", "registration"])
def test_a_mistake_in_the_file_ends_every_command_with_2(command: str, file: Path) -> None:
    file.write_text(CONFIG + "zone: Europe/Berln\n", encoding="utf-8")
    result = hearth(command, "--config", file)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"{file}:3: zone: unknown time zone; did you mean 'Europe/Berlin'?",
        "1 mistake. Nothing was started.",
    ]
    assert hearth(command, "--config", file.parent / "none.yaml").exit_code == 2


def test_an_unknown_benchmark_names_those_there_are() -> None:
    result = hearth("bench", "speed")
    assert result.exit_code == 2
    assert "There is no benchmark 'speed'. There are: " in result.stderr


def test_the_registration_is_written_once_and_stays_the_same(file: Path) -> None:
    file.write_text(SERVICE, encoding="utf-8")
    result = hearth("registration", "--config", file)
    assert result.exit_code == 0
    path = file.parent / "hearth-data" / "registration.yaml"
    first = path.read_text(encoding="utf-8")
    written = yaml.safe_load(first)
    assert written["namespaces"]["users"] == [{"regex": r"^@hearth:a\.test$", "exclusive": True}]
    assert written["namespaces"]["aliases"] == [{"regex": r"^#.*:a\.test$", "exclusive": False}]
    assert (written["url"], written["rate_limited"], written["sender_localpart"]) == (None, False, "hearth-service")
    assert written["io.element.msc4190"] is True
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(path) in result.stdout
    assert "app_service_config_files" in result.stdout
    for token in (written["as_token"], written["hs_token"]):
        assert len(token) > 60
        assert token not in result.output
    assert written["as_token"] != written["hs_token"]
    assert hearth("registration", "--config", file).exit_code == 0
    assert path.read_text(encoding="utf-8") == first
    service = load(file, {}).matrix.application_service
    assert service is not None
    assert service.as_token is not None
    assert service.as_token.get_secret_value() == written["as_token"]


def test_the_registration_uses_given_tokens_and_places(file: Path) -> None:
    file.write_text(SERVICE.replace("{}", "{as_token: mine, hs_token_file: theirs, id: our}"), encoding="utf-8")
    out = file.parent / "out.yaml"
    config = load(file, {}, secrets=False)
    assert write_registration(config, out) == out
    written = yaml.safe_load(out.read_text(encoding="utf-8"))
    assert (written["id"], written["as_token"]) == ("our", "mine")
    assert written["hs_token"] == (file.parent / "theirs").read_text(encoding="utf-8").strip()
    assert "mine" not in repr(tokens(config))


def test_a_place_that_cannot_be_written_is_told(file: Path) -> None:
    file.write_text(SERVICE, encoding="utf-8")
    (file.parent / "full").write_text("", encoding="utf-8")
    result = hearth("registration", "--config", file, "--out", file.parent / "full" / "x.yaml")
    assert result.exit_code == 1
    assert "Name another place with --out" in result.stderr


def test_an_account_that_is_no_service_yet_is_told_what_to_change(file: Path) -> None:
    result = hearth("registration", "--config", file)
    assert "`application_service: {}` below `matrix:`" in result.stdout


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StartProblem("Do this."), "Do this."),
        (AlreadyRunning(), "Hearth is running with this database already."),
        (StoreFull(), "There is no room left"),
        (TokenLost(401, "M_UNKNOWN_TOKEN"), "does not know the token"),
        (Refused(403, "M_FORBIDDEN", "GET /sync"), "(GET /sync 403 M_FORBIDDEN)"),
        (Unavailable("GET /sync 502"), "(GET /sync 502)"),
        (ExceptionGroup("", [ValueError(), ExceptionGroup("", [Unavailable("x")])]), "does not answer"),
    ],
)
def test_expected_errors_are_told_in_words(error: Exception, told: str) -> None:
    assert told in (in_words(error) or "")


def test_a_bug_is_not_hidden() -> None:
    assert in_words(ValueError("x")) is None
    assert in_words(ExceptionGroup("", [KeyError("x")])) is None
