"""The commands `announce` and `announced`: say something once to several circles, and see what came of it; never carry answers anywhere."""

from collections.abc import Mapping
from typing import Literal

from bridge import confirm
from bridge.arguments import Circle
from bridge.commands import CIRCLE, DIRECT, STAFF, command
from bridge.community import circle_by_key
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import announcing, share_rule, share_told
from bridge.rooms.reach import Refusal
from bridge.store import announcements, journal
from bridge.store.announcements import Announcement
from bridge.store.rooms import Room
from bridge.words import Text, lines, words, words_n


async def _announce(ctx: Context, source: str, circles: list[str]) -> Reply:
    """Let it appear in these circles (room ids), where words of this room may stand."""
    post = await journal.post(ctx.db, source)
    if ctx.room is None or post is None or post.redacted or post.author != ctx.sender or post.room != ctx.room.room:
        raise UsageError(words("That message is not there any more."))
    chosen = [room for room in ctx.rooms if room.room in circles and room.replaced_by is None]
    why = {room.room: share_rule.refusal(ctx.config, ctx.room, room) for room in chosen}
    open_to = [room for room in chosen if why[room.room] is None]
    if not open_to:
        raise UsageError(lines(*_not_there(chosen, why), words("Please write it there yourself.")))
    announcement = Announcement(source, post.room, ctx.sender, ctx.scene.now_ms)
    await announcing.announce(ctx.scene, announcement, open_to, ctx.event.id)
    done = words_n(
        "Your message appears in %(count)s circle now. %(announced)s shows you what is answered.",
        "Your message appears in %(count)s circles now. %(announced)s shows you what is answered.",
        len(open_to),
        announced={"command": "announced"},
    )
    return Reply(lines(done, *_not_there(chosen, why)))


def _not_there(chosen: list[Room], why: Mapping[str, Refusal | None]) -> list[Text]:
    """In which circles it does not appear, and why not."""
    left = {
        reason: {"list": [share_told.name(room) for room in chosen if why[room.room] == reason]}
        for reason in ("never", "encryption", "servers", "untold")
        if reason in why.values()
    }
    found: list[Text] = []
    if "never" in left:
        found.append(words("This circle does not share, so I carry nothing out of it."))
    if "encryption" in left:
        found.append(words("Not in %(circles)s: it is not encrypted, and this room is.", circles=left["encryption"]))
    if "servers" in left:
        found.append(
            words(
                "Not in %(circles)s: people of servers read there that are not admitted here.", circles=left["servers"]
            )
        )
    if "untold" in left:
        found.append(
            words(
                "Not yet in %(circles)s: I first tell everybody here that messages can be carried further than this room. Please try again in a minute.",
                circles=left["untold"],
            )
        )
    return found


@command(
    where=STAFF | CIRCLE, role=Role.CURATOR, examples=("announce all", "announce #sleep #grief"), confirmed=_announce
)
async def announce(ctx: Context, *where: Circle | Literal["all"]) -> Reply:
    """Let a message of yours appear as a thread in some circles, or in all.

    Write the message first, then this as a reply to it. Edits follow, and redacting it takes it back everywhere. Answers stay in each
    circle; `announced` shows you how many there are, with links.
    """
    source = await _own_message(ctx)
    chosen = [room.room for room in _chosen(ctx, where)]
    if len(chosen) > confirm.MANY:
        effect = words_n(
            "Your message would appear in %(count)s circle.",
            "Your message would appear in %(count)s circles.",
            len(chosen),
        )
        return await confirm.ask(ctx, "announce", {"source": source, "circles": chosen}, effect)
    return await _announce(ctx, source, chosen)


async def _own_message(ctx: Context) -> str:
    about = ctx.event.reply_to or ctx.event.thread
    post = await journal.post(ctx.db, about) if about else None
    if post is None or post.room != ctx.event.room or post.redacted:
        raise UsageError(
            words("Write your message first, then %(command)s as a reply to it.", command={"command": "announce all"})
        )
    if post.author != ctx.sender:
        raise UsageError(words("That message is not yours. Only its author can announce it."))
    return post.event


def _chosen(ctx: Context, where: tuple[Circle | Literal["all"], ...]) -> list[Room]:
    named = {each.room for each in where if isinstance(each, Circle)}
    here = ctx.event.room
    chosen = [
        room
        for room in ctx.rooms
        if room.kind == "circle"
        and circle_by_key(ctx.config, room.key) is not None
        and room.room != here
        and ("all" in where or room.room in named)
    ]
    if not chosen:
        raise UsageError(words("In which circles? Name them, or write %(all)s.", all={"command": "announce all"}))
    return chosen


@command(where=DIRECT | STAFF, role=Role.CURATOR)
async def announced(ctx: Context) -> Reply:
    """See what was answered to your newest announcement, in each circle."""
    newest = await announcements.newest_of(ctx.db, ctx.sender)
    found = await announcements.heard(ctx.db, newest.source, ctx.scene.me) if newest else ()
    if newest is None or not found:
        return Reply(words("Nothing of yours is announced now."))
    by_id = {room.room: room for room in ctx.rooms}
    shown: list[Text] = []
    for each in found:
        circle = share_told.name(by_id[each.room]) if each.room in by_id else {"code": each.room}
        if each.copy is None:
            shown.append(words("- %(circle)s: it is on its way", circle=circle))
        else:
            link = {"event": each.copy, "room": each.room}
            shown.append(
                words_n(
                    "- %(circle)s: %(count)s answer, %(link)s", "- %(circle)s: %(count)s answers, %(link)s", each.answers,
                    circle=circle, link=link,
                )
            )  # fmt: skip
    total = sum(each.answers for each in found)
    head = words_n(
        "Your newest announcement has %(count)s answer.", "Your newest announcement has %(count)s answers.", total
    )
    return Reply(lines(head, *shown))
