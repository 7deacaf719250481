"""What a member's words about following mean: a follow, or a reason why not; and what they follow, in words. Never sends anything."""

from collections.abc import Mapping
from typing import Any

from bridge.arguments import Circle, Tag, Thread, User
from bridge.context import Context
from bridge.digest import letter, store
from bridge.digest.model import Reason, Wish
from bridge.digest.visible import openings
from bridge.errors import UsageError
from bridge.store import happened, people, shares
from bridge.words import words


async def wanted(ctx: Context, who: int | User | Circle | Thread | Tag, tag: Tag | None) -> Reason:
    """What is to be followed; a number is one of the sender's newest digest. UsageError when that makes no sense."""
    if tag is not None and not isinstance(who, User):
        raise UsageError(words("Only a person can be followed together with a tag."))
    if isinstance(who, int):
        return await numbered(ctx, who)
    if isinstance(who, User):
        return await _person(ctx, who.id, tag)
    if isinstance(who, Circle):
        return Reason("circle", who.room)
    if isinstance(who, Thread):
        return Reason("thread", await _thread(ctx, who.event))
    return Reason("tag", who.tag)


async def numbered(ctx: Context, number: int) -> Reason:
    """The thread of what has this number in the sender's newest digest. UsageError when it is not there (any more)."""
    made = await store.newest_of(ctx.db, ctx.sender)
    item = made.digest.items[number - 1] if made is not None and 1 <= number <= len(made.digest.items) else None
    if item is None or item.event not in await opened(ctx, [item.event]):
        raise UsageError(words("There is no number %(number)s in your newest digest.", number=number))
    return Reason("thread", await _thread(ctx, item.event))


async def listed(ctx: Context, number: int, wish: Wish) -> Reason:
    """What has this number in the list that `follows` shows of this wish. UsageError when there is none."""
    mine = (await store.follows_of(ctx.db, [ctx.sender], wish)).get(ctx.sender, ())
    if not 1 <= number <= len(mine):
        raise UsageError(words("There is no number %(number)s. %(follows)s shows what you follow.", number=number, follows={"command": "follows"}))  # fmt: skip
    return mine[number - 1].reason


async def given(ctx: Context, who: User | Circle | Thread | Tag, tag: Tag | None) -> Reason:
    """What was followed or muted once and is not to be any more: also people who left, and threads that are closed to the member by now."""
    if isinstance(who, User):
        return Reason("person_tag", who.id, tag.tag) if tag else Reason("person", who.id)
    if isinstance(who, Circle):
        return Reason("circle", who.room)
    if isinstance(who, Thread):
        source = await store.source_of(ctx.db, who.event)
        top = await shares.top(ctx.db, source)
        return Reason("thread", top.event if top is not None else source)
    return Reason("tag", who.tag)


async def _person(ctx: Context, user: str, tag: Tag | None) -> Reason:
    if user == ctx.sender:
        raise UsageError(words("You know yourself what you write. Follow somebody else."))
    if user == ctx.scene.me:
        raise UsageError(words("I only carry what others say. Follow one of them."))
    if not await people.rooms_of(ctx.db, user):
        raise UsageError(words("%(who)s is not in this community.", who={"user": user}))
    return Reason("person_tag", user, tag.tag) if tag else Reason("person", user)


async def _thread(ctx: Context, event: str) -> str:
    """The root of the thread of this event, which its follower can open, itself or its copy."""
    source = await store.source_of(ctx.db, event)
    if event not in await opened(ctx, [event]):
        raise UsageError(words("I do not know that message, or you cannot open it. Copy its link from a room you are in."))  # fmt: skip
    top = await shares.top(ctx.db, source)
    return top.event if top is not None else source


async def opened(ctx: Context, events: list[str]) -> dict[str, tuple[str, str]]:
    """Where the sender can open each of these, as (room, event): only what they may read, at its own place or at its copy."""
    spans = (await happened.spans_of(ctx.db, [ctx.sender])).get(ctx.sender, ())
    places = {place.room: place for place in await happened.places(ctx.db, ctx.scene.me)}
    posts, _ = await happened.behind(ctx.db, events, ctx.scene.me)
    carried = await happened.copies_of(ctx.db, [post.event for post in posts.values()])
    found = {}
    for event in events:
        post = posts.get(event)
        if post is None:
            continue
        its_copies = [one for one in carried if one.source == post.event]
        opening = next(openings(spans, places, post, its_copies), None)
        if opening is not None:
            found[event] = (opening.room, opening.event)
    return found


async def in_words(ctx: Context, reasons: list[Reason]) -> list[Any]:
    """What is followed, as values for a Text, in the given order."""
    rooms = {room.room: room for room in ctx.rooms}
    threads = await opened(ctx, [reason.target for reason in reasons if reason.kind == "thread"])
    via = (ctx.scene.me.partition(":")[2],)
    return [letter.followed(reason, rooms, _link(threads.get(reason.target), rooms, via)) for reason in reasons]


def _link(where: tuple[str, str] | None, rooms: Mapping[str, Any], via: tuple[str, ...]) -> Any:
    if where is None:
        return words("a thread that you cannot open now")
    room, event = where
    link = {"event": event, "room": room, "name": words("a thread"), "via": via}
    return words("%(thread)s in %(room)s", thread=link, room=letter.place(rooms.get(room), room))
