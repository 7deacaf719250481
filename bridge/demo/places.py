"""Where a laboratory lives: a directory and addresses that nobody else has; it never starts anything."""

import errno
import fcntl
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bridge.demo.homeserver_install import LabError

_ATTEMPTS = 20


@contextmanager
def own_directory(workdir: Path | None) -> Iterator[Path]:
    """Give a new directory below `workdir` (default: the system's place for temporary files); remove it at the end.

    What runs that were killed left there is removed first. A run holds a lock on a file of its directory; the system
    drops the lock when the run dies, whatever the way. Raises LabError when the place is not ours to write.
    """
    shared = (workdir or Path(tempfile.gettempdir()) / f"hearth-lab-{os.getuid()}").absolute()
    try:
        shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        if workdir is None and (shared.is_symlink() or shared.stat().st_uid != os.getuid()):
            raise LabError(f"{shared} belongs to somebody else. Remove it, or set TMPDIR to another directory.")
        with (shared / "lock").open("w", encoding="ascii") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)  # held for milliseconds: nobody sweeps a directory that is being made
            _sweep(shared)
            mine = Path(tempfile.mkdtemp(prefix="run-", dir=shared))
            alive = (mine / "alive").open("w", encoding="ascii")
            fcntl.flock(alive, fcntl.LOCK_EX)
    except OSError as failure:
        raise LabError(f"The laboratory cannot write in {shared}: {failure.strerror}.") from failure
    with alive:
        try:
            yield mine
        finally:
            shutil.rmtree(mine, ignore_errors=True)


def _sweep(shared: Path) -> None:
    for left in shared.glob("run-*"):
        try:
            with (left / "alive").open("r+", encoding="ascii") as alive:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except OSError:
            pass  # killed before it had a lock to hold
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def reserved(count: int, wishes: tuple[int, int]) -> Iterator[list[tuple[str, tuple[int, int]]]]:
    """Hold `count` loopback addresses with two free ports each: the wished ones, or others where those are taken.

    The ports stay ours until the end, also while a server is down: each is bound by a socket that never listens, which
    lets a listener of our own in and keeps everybody else's connection from finding one. Raises LabError.
    """
    block = f"127.{1 + secrets.randbelow(254)}.{1 + secrets.randbelow(254)}"
    with ExitStack() as stack:
        yield [
            (address, (_hold(stack, address, wishes[0]), _hold(stack, address, wishes[1])))
            for address in (f"{block}.{number}" for number in range(1, count + 1))
        ]


def _hold(stack: ExitStack, address: str, wish: int) -> int:
    for attempt in range(_ATTEMPTS):
        holder = stack.enter_context(socket.socket())
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind((address, 0 if attempt else wish))
        except OSError as failure:
            if failure.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise LabError(
                    f"This machine does not let us use the address {address}: {failure.strerror}."
                ) from failure
        else:
            return int(holder.getsockname()[1])
    raise LabError(f"No free port was found on {address}.")
