"""Opens the keys of our device, kept by matrix-nio in one SQLite file; never speaks to a homeserver.

One process owns them: two that use one Olm session repeat keys and make it worthless.
"""

import fcntl
import logging
import os
import secrets
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nio.crypto import Olm
from nio.store import SqliteStore
from peewee import SqliteDatabase  # type: ignore[import-untyped]

from bridge.matrix.private_file import read_private, write_private
from bridge.matrix.problem import StartProblem

# nio logs the part of an event that it does not understand, which can be somebody's words; peewee logs what it stores.
logging.getLogger("nio").setLevel(logging.CRITICAL + 1)
logging.getLogger("peewee").setLevel(logging.WARNING)

_PICKLE_KEY = "pickle.key"


class _Store(SqliteStore):  # type: ignore[misc]
    """nio's store, with a journal that costs one write instead of three; a key that is sent must never be forgotten, hence FULL."""

    def _create_database(self) -> SqliteDatabase:
        pragmas = {"foreign_keys": 1, "secure_delete": 1, "journal_mode": "wal", "synchronous": "full"}
        return SqliteDatabase(self.database_path, pragmas=pragmas)


class Machine:
    """nio's Olm machine for one device, and the files that belong to it."""

    def __init__(self, olm: Any, store: SqliteStore, lock: int) -> None:
        """Made by `open_machine`."""
        self.olm = olm
        self.store = store
        self._lock = lock

    @property
    def atomic(self) -> Any:
        """A block whose writes become one transaction: a key each would cost a disk write each."""
        return self.store.database.atomic

    def close(self) -> None:
        """Close the file, and let another process have it."""
        self.store.database.close()
        os.close(self._lock)


def open_machine(directory: Path, user: str, device: str) -> Machine:
    """The keys of this device from `directory`, made there when it has none yet. Raises StartProblem when another process has them."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        secret = _pickle_key(directory)
        name = f"{quote(device, safe='')}.db"
        store = _Store(user, device, str(directory), pickle_key=secret, database_name=name)
        (directory / name).chmod(0o600)
        return Machine(Olm(user, device, store), store, lock)
    except BlockingIOError:
        os.close(lock)
        raise StartProblem(
            f"Another Hearth is using {directory}. Stop it first: two with one device destroy each other's encryption."
        ) from None
    except BaseException as trouble:
        os.close(lock)
        if isinstance(trouble, sqlite3.Error) or type(trouble).__name__ in {"PickleException", "DatabaseError"}:
            raise StartProblem(
                f"The encryption keys in {directory} cannot be read: they are damaged, or {_PICKLE_KEY} is not theirs. "
                "Put the whole directory back from your backup, or remove it and give Hearth a new access token, so "
                "that it begins as a new device."
            ) from trouble
        raise


def _pickle_key(directory: Path) -> str:
    file = directory / _PICKLE_KEY
    secret = read_private(file)
    if secret is None:
        secret = secrets.token_urlsafe(32)
        write_private(file, secret)
    return secret.strip()
