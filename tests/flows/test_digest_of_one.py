"""A digest for one person is chosen from what stands in their rooms alone, and is the one that would be chosen from everything."""

from pathlib import Path

from bridge.bench.digest import NOW_MS, populate
from bridge.config import Config
from bridge.digest.board import Board
from bridge.digest.compose import compose
from bridge.digest.make import look, members
from bridge.store import people
from bridge.store.db import Database

MEMBERS, MESSAGES = 45, 500
CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "https://bench.test", "user_id": "@hearth:bench.test"},
        "community": {"space": {"name": "Home"}, "common": {"name": "Common"}, "staff": {"name": "Staff"}},
    }
)


async def test_what_stands_in_their_rooms_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "hearth.db"
    await populate(file, MEMBERS, MESSAGES)
    database = await Database.open(file)
    everybody = [f"@member{number}:server{number % 7}.bench.test" for number in range(MEMBERS)]

    async def seen(rooms: tuple[str, ...] | None) -> Board:
        async with database.reading() as db:
            return await look(db, 0, 10 * MESSAGES, CONFIG, NOW_MS, rooms=rooms)

    whole = await seen(None)
    async with database.reading() as db:
        them = await members(db, everybody)
        rooms = {user: await people.rooms_of(db, user) for user in everybody}
    told, shared = 0, 0
    for user in everybody:
        wanted = compose(them[user], whole, since_seq=0, most_items=10)
        theirs = await seen(rooms[user])
        assert len(theirs.posts) < len(whole.posts)
        assert compose(them[user], theirs, since_seq=0, most_items=10) == wanted
        told += wanted is not None
        shared += bool(wanted and any(item.room == rooms[user][-1] for item in wanted.items))
    assert told > MEMBERS / 2
    assert shared
    await database.close()
