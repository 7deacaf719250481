"""Which tags each text of an edited message had, so that the newest one that is not redacted holds, in whatever order things arrive. Never a text.

The newest edit is the one with the greatest (origin_server_ts, event id) of the message's own author (client-server API, `m.replace`).
"""

import json
from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, select, true, update

from bridge.store.db import Connection
from bridge.store.tables import early, post_tags, posts, versions
from bridge.store.upsert import insert_into

OWN_TEXT_MS = -1
"""When the message's own text was written, for ordering: before every edit of it."""


async def add(db: Connection, target: str, edit: str, at_ms: int, tags: Iterable[str]) -> None:
    """A message that is known has this edit of its author's, with these tags. A redaction of it that came before counts."""
    own = (await db.execute(select(post_tags.c.tag).where(post_tags.c.event == target))).scalars().all()
    unedited = (await db.execute(select(posts.c.edited).where(posts.c.event == target))).scalar() is None
    if unedited:
        await _keep(db, target, target, OWN_TEXT_MS, own)
    await _keep(db, edit, target, at_ms, tags)
    taken = delete(early).where(early.c.target == edit, early.c.kind == "redaction").returning(early.c.room)
    if (await db.execute(taken)).all():
        await db.execute(update(versions).where(versions.c.event == edit).values(redacted=True))
    await _hold(db, target)


async def redact(db: Connection, edit: str, room: str) -> bool:
    """An edit was emptied: what its message said before holds again. False when we know no such edit in that room."""
    found = await target_of(db, edit, room)
    if found is None:
        return False
    await db.execute(update(versions).where(versions.c.event == edit).values(redacted=True))
    await _hold(db, found)
    return True


async def target_of(db: Connection, edit: str, room: str) -> str | None:
    """The message in that room which this event is an edit of; None when it is none that we know."""
    query = select(versions.c.target).join(posts, posts.c.event == versions.c.target)
    return (
        await db.execute(query.where(versions.c.event == edit, versions.c.target != edit, posts.c.room == room))
    ).scalar()


async def newest_of(db: Connection, targets: Collection[str]) -> dict[str, int]:
    """Behind which `posts.seq` we heard of the newest text of each of these messages; of those that were never edited, nothing."""
    query = select(posts.c.event, versions.c.since_seq).join(versions, versions.c.event == posts.c.edited)
    rows = await db.execute(query.where(posts.c.event.in_(targets), versions.c.since_seq.is_not(None)))
    return {row.event: row.since_seq for row in rows}


async def forget(db: Connection, target: str) -> None:
    """The message itself was emptied: nothing that it ever said counts, and it is as if it had never been edited."""
    await db.execute(update(posts).where(posts.c.event == target).values(edited=None, edited_ms=None))
    await db.execute(delete(versions).where(versions.c.target == target))


async def _keep(db: Connection, event: str, target: str, at_ms: int, tags: Iterable[str]) -> None:
    row = {"event": event, "target": target, "at_ms": at_ms, "tags": json.dumps(sorted(tags), ensure_ascii=False)}
    newest = select(func.coalesce(func.max(posts.c.seq), 0)).scalar_subquery()
    await db.execute(insert_into(db, versions).values(**row, since_seq=newest).on_conflict_do_nothing())


async def _hold(db: Connection, target: str) -> None:
    """The newest text that is not redacted holds; a message that was edited before we kept this has no tags then."""
    query = select(versions).where(versions.c.target == target, versions.c.redacted.is_not(true()))
    newest = (await db.execute(query.order_by(versions.c.at_ms.desc(), versions.c.event.desc()).limit(1))).one_or_none()
    edit = newest if newest is not None and newest.at_ms != OWN_TEXT_MS else None
    values = {"edited": edit.event if edit else None, "edited_ms": edit.at_ms if edit else None}
    await db.execute(update(posts).where(posts.c.event == target).values(values))
    await replace_tags(db, target, json.loads(newest.tags) if newest is not None else ())


async def replace_tags(db: Connection, event: str, tags: Iterable[str]) -> None:
    """These are the tags of a message now; those of before are forgotten."""
    await db.execute(delete(post_tags).where(post_tags.c.event == event))
    await add_tags(db, event, tags)


async def add_tags(db: Connection, event: str, tags: Iterable[str]) -> None:
    """These are the tags of a message that had none."""
    rows = [{"event": event, "tag": tag} for tag in sorted(tags)]
    if rows:
        await db.execute(insert_into(db, post_tags), rows)
