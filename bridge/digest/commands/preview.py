"""The command `digest preview`: why something is in a member's digest or not; never shows words, and of what its giver may not read not even where it stands."""

from typing import Any

from bridge.arguments import Thread, User
from bridge.commands import STAFF, command
from bridge.context import Context
from bridge.digest import following, ladder, letter, rhythm, store
from bridge.digest.compose import compose
from bridge.digest.explain import Why, explain
from bridge.digest.make import look, members
from bridge.digest.model import Item, Kind, Reason
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.store import happened, people, shares
from bridge.words import Text, lines, words

_REASONS: dict[Kind, Text] = {
    "reply": words("it answers them"),
    "mention": words("they are mentioned"),
    "thread": words("they follow the thread"),
    "taken": words("they took part in it"),
    "person": words("they follow its author"),
    "person_tag": words("they follow its author with this tag"),
    "circle": words("they follow the circle"),
    "own": words("it is from their circle"),
    "tag": words("they follow a tag of it"),
    "unheard": words("nobody has answered it"),
}
_VERDICTS: dict[Why, Text] = {
    "own": words("No: it is their own."),
    "unseen": words("No: they may not read it now, or could not when it was written."),
    "muted": words("No: they mute it, or one of the two blocks the other."),
    "earlier": words("No: it is from another time than this digest."),
    "read": words("No: they have read it already."),
    "unwanted": words("No: nothing that they follow is in it, and it is not from their circle."),
}


@command(where=STAFF, role=Role.MODERATOR, examples=("digest preview @anna:example.org",), name="digest preview")
async def preview(ctx: Context, who: User, message: Thread | None = None) -> Text:
    """See what somebody's next digest would hold and why, or with a link, what becomes of this one message.

    It shows no words. Of what you may not read yourself it shows only the circle.
    """
    person = await people.get(ctx.db, who.id)
    since_seq = await rhythm.since(ctx.db, person, ctx.scene.now_ms)
    until_seq = await happened.newest_seq(ctx.db)
    source = await store.source_of(ctx.db, message.event) if message is not None else None
    where = await shares.room_of(ctx.db, source) if source is not None else None
    theirs = {*await people.rooms_of(ctx.db, who.id), *([where] if where is not None else [])}
    what = await look(ctx.db, since_seq, until_seq, ctx.config, ctx.scene.now_ms, rooms=sorted(theirs))
    member = (await members(ctx.db, [who.id]))[who.id]
    most = ladder.most_of(person, ctx.config.digest.most_items)
    if source is not None:
        if where is None:
            raise UsageError(words("I do not know that message. Copy its link from one of our rooms."))
        if await _would_name(ctx, source, where):
            raise UsageError(words("Whoever wrote that is not named where you can read it. By what becomes of it for one person or another you could find out who it was, so I do not say."))  # fmt: skip
        verdict = explain(member, what, source, since_seq=since_seq, most_items=most)
        if verdict is None:
            return _VERDICTS["earlier"]
        if verdict.why in _VERDICTS:
            return _VERDICTS[verdict.why]
        why = _because(verdict.reasons)
        if verdict.why == "in":
            return words("Yes, because %(why)s.", why=why)
        return words("No: %(why)s, but other conversations matter more to them.", why=why)
    digest = compose(member, what, since_seq=since_seq, most_items=most)
    if digest is None:
        return words("There is nothing new for %(who)s, so no digest would come.", who={"user": who.id})
    posts, _ = await happened.behind(ctx.db, [item.event for item in digest.items], ctx.scene.me)
    may = await following.opened(ctx, [posts[item.event].event for item in digest.items])
    rooms = {room.room: room for room in ctx.rooms}
    entries = [
        words("- %(what)s: %(why)s", what=_named(ctx, item, may.get(posts[item.event].event), rooms), why=_because(item.reasons))
        for item in digest.items
    ]  # fmt: skip
    return lines(words("The next digest of %(who)s would hold:", who={"user": who.id}), *entries)


async def _would_name(ctx: Context, source: str, room: str) -> bool:
    """Whether whoever asks is not told of whom this message is: its author goes without a name, and they can open a copy at most."""
    posts, _ = await happened.behind(ctx.db, [source], ctx.scene.me)
    nameless = source in posts and posts[source].nameless
    return nameless and (await following.opened(ctx, [source])).get(source) != (room, source)


def _because(reasons: tuple[Reason, ...]) -> dict[str, Any]:
    return {"list": [_REASONS[kind] for kind in dict.fromkeys(reason.kind for reason in reasons)]}


def _named(ctx: Context, item: Item, open_at: tuple[str, str] | None, rooms: dict[str, Any]) -> Any:
    """A conversation as whoever asks may know of it: with a link where they could open it themselves."""
    if open_at is None:
        return words("a conversation in %(room)s", room=letter.place(rooms.get(item.room), item.room, linked=False))
    room, event = open_at
    link = {"event": event, "room": room, "name": words("a conversation"), "via": (ctx.scene.me.partition(":")[2],)}
    return words("%(thread)s in %(room)s", thread=link, room=letter.place(rooms.get(room), room))
