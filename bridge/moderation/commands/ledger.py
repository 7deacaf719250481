"""The command `ledger`: shows who did what to whom, when, why and with what outcome; never changes anything."""

from collections.abc import Mapping
from typing import Any

from bridge.arguments import Duration, Rest, RoomRef, Target
from bridge.commands import STAFF, command
from bridge.context import Context, Reply
from bridge.globs import is_glob
from bridge.roles import Role
from bridge.store import ledger as store
from bridge.store import people
from bridge.times import read_duration
from bridge.words import Text, lines, words, words_n

PAGE = 12


@command(
    where=STAFF,
    role=Role.MODERATOR,
    examples=("ledger", "ledger @eve:example.org", "ledger 7d ban", "ledger @mod:example.org 30d 2"),
)
async def ledger(
    ctx: Context,
    who: Target | RoomRef | None = None,
    since: Duration | None = None,
    page: int | None = None,
    what: Rest = Rest(""),
) -> Reply:
    """Show who did what to whom, the newest first; a name (of either), a room, a time, or an action or rule makes the list shorter.

    `hearth ledger` on Hearth's machine writes all of it as a file.
    """
    zone = (await people.get(ctx.db, ctx.sender)).zone or ctx.config.zone
    said = str(what).casefold().split()
    ms = since.ms if since else read_duration(said[-1]) if said else None
    if ms and not since:  # `ledger ban 7d`
        said.pop()
    wanted = store.Search(
        person=who.pattern if isinstance(who, Target) else None,
        room=(who.room, who.key) if isinstance(who, RoomRef) else None,
        since_ms=ctx.scene.now_ms - ms if ms else None,
        what=" ".join(said) or None,
    )
    number = await store.count(ctx.db, wanted)
    pages = max(1, -(-number // PAGE))
    now = min(max(page or 1, 1), pages)
    found = await store.search(ctx.db, wanted, (now - 1) * PAGE, PAGE)
    head = words_n("The ledger has %(count)s row of that.", "The ledger has %(count)s rows of that.", number)
    more = [words("Page %(page)s of %(pages)s.", page=now, pages=pages)] if pages > 1 else []
    keys = {room.room: room.key for room in ctx.rooms}
    return Reply(lines(head, *(_line(each, zone, keys) for each in found), *more))


def _line(entry: store.Entry, zone: str, keys: Mapping[str, str]) -> Text:
    parts: list[Any] = [
        {"time_ms": entry.at_ms, "zone": zone},
        _one(entry.actor),
        {"code": entry.action},
        _one(entry.target),
    ]
    if entry.rule:
        parts.append({"code": entry.rule})
    if entry.room in keys:
        parts.append({"code": keys[entry.room or ""]})
    if entry.reason:
        parts.append(entry.reason)
    parts.append(_outcome(entry))
    return words("- %(what)s", what={"list": parts, "between": " · "})


def _one(name: str) -> dict[str, Any]:
    return {"user": name} if name.startswith("@") and ":" in name and not is_glob(name) else {"code": name}


def _outcome(entry: store.Entry) -> Text:
    if entry.outcome is None:
        return words("under way")
    refused = entry.outcome.get("refused")
    if isinstance(refused, Mapping) and refused:
        return words("refused in %(rooms)s", rooms=len(refused))
    return words("done")
