"""By what the people of a shared thread want to be named on its copies; never a name itself."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select

from bridge.store import shares as store
from bridge.store.db import Connection
from bridge.store.tables import copies, people, posts


@dataclass(frozen=True, slots=True)
class Face:
    """One author of a thread. `shown` is profile or anonymous, None for the name by which they are known here.

    `number` counts the authors from 1, in the order in which we heard of them: it stays what it is, whoever comes later.
    """

    shown: str | None
    number: int


async def of_thread(db: Connection, root: str, me: str) -> dict[str, Face]:
    """The authors of a thread and of what was carried into it, by their id; our own words (`me`) are none."""
    below = store.down(root)
    carried = select(copies.c.source).where(copies.c.root == root)
    query = (
        select(posts.c.author, people.c.shown, func.min(posts.c.seq).label("first"))
        .outerjoin(people, people.c.user == posts.c.author)
        .where(or_(posts.c.event.in_(select(below.c.event)), posts.c.event.in_(carried)), posts.c.author != me)
        .group_by(posts.c.author, people.c.shown)
        .order_by(func.min(posts.c.seq))
    )
    rows = (await db.execute(query)).all()
    return {row.author: Face(row.shown, number) for number, row in enumerate(rows, 1)}


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy, and where its source was written."""

    source: str
    source_room: str
    room: str


async def beside(db: Connection, user: str) -> tuple[Copied, ...]:
    """The copies in the threads of which this person has a copy, seen already or just on their way: theirs, and those that may speak of them; in the order of their sources."""
    theirs = select(copies.c.root).where(copies.c.author == user, copies.c.live)
    query = (
        select(copies.c.source, posts.c.room.label("source_room"), copies.c.room)
        .join(posts, posts.c.event == copies.c.source)
        .where(copies.c.root.in_(theirs), copies.c.live)
        .order_by(posts.c.seq, copies.c.room)
    )
    return tuple(Copied(row.source, row.source_room, row.room) for row in await db.execute(query))
