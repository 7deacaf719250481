"""One Hearth on one database file; never waits, and never knows what is in the file."""

import fcntl
import os
from pathlib import Path

from bridge.store.errors import AlreadyRunning


class FileLock:
    """An exclusive lock on a file of its own beside the database. The kernel frees it when the process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        """Nothing is locked yet."""
        self._path = database.with_name(database.name + ".lock")
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock; taking it twice is taking it once. AlreadyRunning when another process has it."""
        if self._handle is not None:
            return
        handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise AlreadyRunning(f"another Hearth is running with this database ({self._path.name} is held)") from None
        self._handle = handle

    def release(self) -> None:
        """Give it back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
