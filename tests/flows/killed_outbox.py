"""A process whose outbox is killed in the middle; every performed effect is one line in a file, as a homeserver would see it.

Arguments: where the database is, the file, and `/` before a path.
"""

import asyncio
import os
import sys
from pathlib import Path
from unittest.mock import Mock

from bridge.clock import now_ms
from bridge.config import Config
from bridge.effects import Effect, transaction_id
from bridge.outbox import Outbox, Performed
from bridge.scene import Scene
from bridge.store.db import Connection, Database


async def main(where: str, told: Path) -> None:
    database = await Database.open(Path(where) if where.startswith("/") else where)
    await database.lead(look_every_seconds=0.02)

    async def perform(effect: Effect, first_tried_ms: int | None) -> Performed:
        await asyncio.sleep(0.002)
        with told.open("a") as file:
            file.write(f"{effect.key} {transaction_id(effect.key)}\n")
        await asyncio.sleep(0.002)
        return Performed(f"${effect.key}")

    def scene(db: Connection) -> Scene:
        return Scene(db, Mock(spec=Config), "@hearth:x", now_ms(), Mock())

    outbox = Outbox(database, now_ms, perform, scene=scene, settlers={}, intent_done={})
    await outbox.drain(wait=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
    os._exit(0)
