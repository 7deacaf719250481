"""Puts Synapse into an environment of its own, once; it never shares ours and never starts a server."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.demo.homeserver_settings import template_settings

LOCK_FILE = Path(__file__).with_name("synapse.lock")
VENV_VARIABLE = "HEARTH_SYNAPSE_VENV"

_INSTALL_DEADLINE_SECONDS = 900
_TEMPLATE_DEADLINE_SECONDS = 120
_NETWORK_WORDS = re.compile(
    r"no matching distribution|could not find a version|connection|timed? ?out|name resolution|max retries|network",
    re.IGNORECASE,
)
# pip runs inside a Python that ends when we do: a killed `hearth demo` leaves no installer working on.
_PIP = """
import os, runpy, sys, threading
def watch():
    os.read(0, 1)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


class LabError(Exception):
    """The laboratory cannot do what was asked; the message says in plain words why and what would help."""


def ensure_synapse(root: Path, say: Callable[[str], None], *, lock: Path = LOCK_FILE) -> Path:
    """Return the environment that holds Synapse, installing the packages of `lock` under `root` when needed.

    A finished installation is recognised by a stamp written last, so the second call only reads a file and an
    interrupted installation is done again. Two callers at once wait for each other. The environment variable
    HEARTH_SYNAPSE_VENV names an existing environment to use instead. `say` gets one short sentence before the long
    wait. Raises LabError when that environment holds no Synapse, or when the installation fails.
    """
    given = os.environ.get(VENV_VARIABLE)
    if given:
        synapse_version(Path(given))
        return Path(given).absolute()
    venv = root.absolute() / "venv"
    stamp = venv / "hearth-stamp"
    wanted = _fingerprint(lock)
    if _is_finished(venv, stamp, wanted):
        return venv
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root / "lock", say):
        if not _is_finished(venv, stamp, wanted):
            say("Fetching the homeserver (Synapse) for this machine. This happens once and takes about a minute.")
            _install(root, venv, lock)
            stamp.write_text(wanted, encoding="ascii")
    return venv


def synapse_version(venv: Path) -> str:
    """Return the version of the Synapse in this environment. Raises LabError when it holds none that we can run."""
    if (venv / "bin" / "python").exists():
        for found in venv.glob("lib/python*/site-packages/matrix_synapse-*.dist-info"):
            if (found.parent / "synapse" / "app" / "complement_fork_proxied_reactor.py").exists():
                return found.name.removeprefix("matrix_synapse-").removesuffix(".dist-info")
    raise LabError(
        f"There is no Synapse that we can start in {venv}. Unset {VENV_VARIABLE} to have one installed, "
        "or point it at an environment with matrix-synapse 1.163 or newer."
    )


def database_template(venv: Path, scratch: Path) -> Path:
    """Return an empty, fully migrated Synapse database to copy for each new server; making it takes a few seconds, once.

    It is kept inside `venv`, or in the directory `scratch` when that cannot be written. Raises LabError.
    """
    name = f"hearth-template-{synapse_version(venv)}.sqlite3"
    kept = venv / name
    if kept.exists():
        return kept
    fresh = scratch / name
    settings = scratch / "template.json"
    settings.write_text(json.dumps(template_settings(fresh)), encoding="utf-8")
    log = scratch / "template.log"
    command = ["-I", "-m", "synapse._scripts.update_synapse_database", "--run-background-updates"]
    try:
        _run(venv, [*command, "--database-config", str(settings)], log, _TEMPLATE_DEADLINE_SECONDS)
    except subprocess.SubprocessError as failure:
        raise LabError(f"Synapse could not prepare its database. Its last words:\n{last_lines(log)}") from failure
    try:
        beside = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(fresh, beside)
        beside.replace(kept)
    except OSError:
        return fresh
    return kept


def last_lines(log: Path, count: int = 15) -> str:
    """Return the last `count` lines of a log file, indented; a remark when there are none."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join(f"  {line[:300]}" for line in lines) or "  (it said nothing)"


def _fingerprint(lock: Path) -> str:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return hashlib.sha256(python.encode() + b"\n" + lock.read_bytes()).hexdigest()


def _is_finished(venv: Path, stamp: Path, wanted: str) -> bool:
    # The interpreter may be gone although the stamp is there: a system upgrade leaves a dangling link.
    try:
        return stamp.read_text(encoding="ascii") == wanted and (venv / "bin" / "python").exists()
    except (OSError, UnicodeDecodeError):
        return False


@contextmanager
def _alone(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock file; the system lets go of it when its holder dies."""
    deadline = time.monotonic() + _INSTALL_DEADLINE_SECONDS
    told = False
    with path.open("w", encoding="ascii") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError("Another process has been installing the homeserver for too long. End it.") from None
                if not told:
                    say("Another process is installing the homeserver already; waiting for it.")
                    told = True
                time.sleep(0.2)
        yield


def _install(root: Path, venv: Path, lock: Path) -> None:
    log = root / "install.log"
    log.unlink(missing_ok=True)
    shutil.rmtree(venv, ignore_errors=True)
    try:
        made = subprocess.run(  # noqa: S603 - our own interpreter, a fixed command
            [sys.executable, "-m", "venv", str(venv)],
            capture_output=True,
            text=True,
            check=False,
            timeout=_INSTALL_DEADLINE_SECONDS,
        )
        if made.returncode:
            log.write_text(made.stdout + made.stderr, encoding="utf-8")
            raise LabError(
                f"Python could not make an environment in {venv}. On Debian the package python3-venv is needed. "
                f"Its last words:\n{last_lines(log, 5)}"
            )
        options = ["--no-input", "--disable-pip-version-check", "--retries=2", "--timeout=20", "--progress-bar=off"]
        command = ["-c", _PIP, "install", *options, "--only-binary=:all:", "--requirement", str(lock)]
        _run(venv, command, log, _INSTALL_DEADLINE_SECONDS)
    except (subprocess.SubprocessError, OSError) as failure:
        raise LabError(_install_trouble(log, failure)) from failure
    synapse_version(venv)


def _install_trouble(log: Path, failure: Exception) -> str:
    if isinstance(failure, OSError):
        return f"The homeserver could not be installed: {failure.strerror}. Is there room on the disk (250 MB)?"
    words = last_lines(log, 5)
    if isinstance(failure, subprocess.TimeoutExpired) or _NETWORK_WORDS.search(words):
        return (
            "The homeserver could not be fetched: the Python package registry did not answer or does not have it. "
            "Check the network (and the settings of pip), then run this again; what was begun is cleaned up. "
            f"Without a network, set {VENV_VARIABLE} to an environment that has matrix-synapse. "
            f"All that pip said is in {log}."
        )
    return f"The homeserver could not be installed. All that pip said is in {log}; its last words:\n{words}"


def _run(venv: Path, arguments: Sequence[str], log: Path, deadline_seconds: float) -> None:
    """Run the environment's Python with the far end of a pipe as its input, so that it can see us die."""
    with log.open("ab") as output:
        command = [str(venv / "bin" / "python"), *arguments]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output) as process:  # noqa: S603 - a fixed command
            try:
                status = process.wait(deadline_seconds)
            except BaseException:
                process.kill()
                raise
    if status:
        raise subprocess.CalledProcessError(status, "python")
