"""The command `circles`: the circles in numbers; never a word or a name of anybody in them but their curators'."""

from typing import Any

from bridge.commands import STAFF, command
from bridge.community import circle_key, most
from bridge.config import Circle
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import circles as shared
from bridge.store import circles as store
from bridge.store.rooms import Room
from bridge.times import DAY_MS, HOUR_MS
from bridge.words import Text, lines, words, words_n

FEWEST = 5
"""Numbers about a group of fewer people are withheld: they would be about somebody."""

ON_A_PAGE = 20


@command(where=STAFF, role=Role.MODERATOR, name="circles", examples=("circles", "circles 2"))
async def circles(ctx: Context, page: int = 1) -> Reply:
    """Show the circles in numbers: how many people, who looks after them, when somebody last wrote."""
    found = ctx.config.community.circles
    pages = max(1, -(-len(found) // ON_A_PAGE))
    if not found:
        make = {"command": "help circles make"}
        return Reply(words("There are no circles yet. %(command)s says how to make one.", command=make))
    if not 1 <= page <= pages:
        raise UsageError(words_n("There is %(count)s page.", "There are %(count)s pages.", pages))
    by_key = {room.key: room for room in ctx.rooms}
    sizes, last = await store.sizes(ctx.db, ctx.scene.me), await store.last_said(ctx.db, ctx.scene.me)
    parts: list[Text] = []
    for circle in found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE]:
        room = by_key.get(circle_key(circle))
        if room is None:
            parts.append(words("- %(circle)s: not made yet", circle=f"#{circle.tag}"))
        else:
            facts = _facts(ctx, circle, room, sizes.get(room.room, 0), last.get(room.room))
            parts.append(words("- %(circle)s: %(facts)s", circle=shared.name(room), facts={"list": facts}))
    head = words_n("%(count)s circle:", "%(count)s circles:", len(found))
    more = {"command": f"circles {page + 1}"}
    foot = (words("%(command)s shows the next page.", command=more),) if page < pages else ()
    return Reply(lines(head, *parts, *foot))


def _facts(ctx: Context, circle: Circle, room: Room, people: int, last_ms: int | None) -> list[Any]:
    lead = ctx.say.leads(circle)
    people_lead = {"list": [{"user": user} for user in lead]}
    led = words("looked after by %(people)s", people=people_lead) if lead else words("**nobody looks after it**")
    secret = words("encrypted") if room.encrypted else words("not encrypted")
    if people < FEWEST:
        return [words_n("fewer than %(count)s person", "fewer than %(count)s people", FEWEST), led, secret]
    size = words_n("%(count)s person", "%(count)s people", people)
    limit = most(circle, ctx.config)
    full = [words("more than the %(most)s that it holds well", most=limit)] if people > limit else []
    return [size, *full, led, secret, _quiet(ctx.scene.now_ms, last_ms)]


def _quiet(now_ms: int, last_ms: int | None) -> Text:
    """How long nobody has written: in whole hours, from two days on in whole days."""
    if last_ms is None:
        return words("nobody has written yet")
    past = max(0, now_ms - last_ms)
    if past < HOUR_MS:
        return words("written in within the hour")
    whole = past - past % (DAY_MS if past >= 2 * DAY_MS else HOUR_MS)
    return words("quiet for %(time)s", time={"duration_ms": whole})
