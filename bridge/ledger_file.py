"""The whole ledger as lines of a file, JSON or CSV; never changes it, and there is nothing in it that members said."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

from bridge.store import ledger
from bridge.store.db import Database

FORMATS = ("jsonl", "csv")
COLUMNS = tuple(field.name.replace("_ms", "") for field in fields(ledger.Entry))
_PAGE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def written(where: str | Path, kind: str) -> AsyncIterator[str]:
    """Every row of the ledger in this database, oldest first, as a line without its end; of CSV the names of the columns first.

    Times are ISO 8601 in UTC. Hearth may run meanwhile. Raises StoreUnavailable.
    """
    database = await Database.open(where, migrated=False)
    try:
        if kind == "csv":
            yield _csv(COLUMNS)
        newest = 0
        while True:
            async with database.reading() as db:
                page = await ledger.after(db, newest, _PAGE)
            for entry in page:
                yield line(entry, kind)
            if len(page) < _PAGE:
                return
            newest = page[-1].id
    finally:
        await database.close()


def line(entry: ledger.Entry, kind: str) -> str:
    """One row. In CSV whatever a spreadsheet could take for a formula begins with an apostrophe, ids of people too."""
    values = {name.replace("_ms", ""): value for name, value in asdict(entry).items()}
    for name, moment in (("at", entry.at_ms), ("settled", entry.settled_ms)):
        values[name] = None if moment is None else datetime.fromtimestamp(moment / 1000, UTC).isoformat()
    if kind == "jsonl":
        return json.dumps(values, ensure_ascii=False)
    outcome = None if entry.outcome is None else json.dumps(entry.outcome, ensure_ascii=False, sort_keys=True)
    cells = {**values, "outcome": outcome}.values()
    return _csv(tuple(f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in cells))


def _csv(cells: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)  # without an end of lines it would not quote those in a cell
    return out.getvalue().removesuffix("\r\n")
