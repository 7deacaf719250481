"""Reads what a copy is made of, and has it dressed; never sends anything, and keeps no text."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bridge import extensible
from bridge.effects import Copy, CopyFile, EditCopy
from bridge.events import COPY_MARK
from bridge.rooms import attached, echoes, share_rule
from bridge.rooms.attribution import faces_of
from bridge.rooms.dress import dress, filename, kind_of, silent
from bridge.rooms.inert import Inert
from bridge.scene import Desk, Lacking
from bridge.store import faces, rooms
from bridge.store.rooms import Room
from bridge.store.shares import Errand
from bridge.text import render
from bridge.words import Text, words

_COMMAND = re.compile(r"\s*!\w")
_MEGABYTE = 1_000_000


async def dressed(desk: Desk, effect: Copy | EditCopy | CopyFile, errand: Errand) -> dict[str, Any] | None:
    """The newest content of the source in the dress of a copy; None when the source is gone, or was spoken to us (a command).

    Also None when it may not leave its room (any more): that may have been encrypted since the copy was wished for. Raises Refused or Unavailable.
    """
    async with desk.reading() as db:
        circle = await rooms.by_id(db, effect.source_room)
        target = await rooms.by_id(db, effect.room)
        authors = await faces.of_thread(db, errand.root, desk.me)
    if circle is None or target is None or not await share_rule.may_go_now(desk, circle, target):
        return None
    event = await desk.read.event(effect.source_room, effect.source)
    content = event.get("content") if event else None
    if not event or not isinstance(content, Mapping) or not content or event.get("sender") != errand.author:
        return None
    if COPY_MARK in content:  # a copy made by another Hearth never feeds one of ours
        return None
    async with desk.reading() as db:
        if await echoes.said_again(db, desk.names, str(content.get("body", "")), desk.now_ms):
            return None
    if _COMMAND.match(str(content.get("body", ""))):
        return None
    kind = str(event.get("type"))
    names = faces_of(authors, desk, announced=circle.kind != "common" and target.kind == "circle")
    hidden = {effect.source_room, effect.source, errand.root, errand.author, circle.alias or ""} - {""}
    inert = Inert(names, frozenset(hidden), names.veiled)
    quiet = desk.lacking is None and silent(kind, content)
    head = _heading(inert.name(errand.author), circle, target, quiet=quiet)
    instead = _lacking(kind, content, desk.lacking) if desk.lacking else _unknown(kind_of(kind, content))
    return dress(
        kind,
        content,
        heading=render(head, desk.config.language, desk.names),
        placeholder=render(instead, desk.config.language, desk.names),
        inert=inert,
        file=desk.lacking is None,
        voting=render(_voting(circle), desk.config.language, desk.names),
    )


def _heading(author: str, source: Room, target: Room, *, quiet: bool) -> Text:
    """Who says it and where: in a circle, in the common room, or to the circles. `quiet`: no words follow."""
    if source.kind == "common":
        head = words("**%(name)s** in the common room", name=author)
    elif target.kind == "circle":
        head = words("**%(name)s** to the circles", name=author)
    else:
        head = words("**%(name)s** in %(circle)s", name=author, circle=f"#{source.tag}")
    return head if quiet else words("%(heading)s:", heading={"text": asdict(head)})


def _voting(source: Room) -> Text:
    """A vote given on the copy would count nowhere; and who voted how in the circle is the circle's."""
    if source.kind == "common":
        return words("(Votes are given in the common room.)")
    return words("(Votes are given in %(circle)s.)", circle=f"#{source.tag}")


def _unknown(kind: str) -> Text:
    return words("(something that cannot be shown here: %(kind)s)", kind={"code": kind[:50]})


def _lacking(kind: str, content: Mapping[str, Any], why: Lacking) -> Text:
    """What is said in the place of a file that cannot be had."""
    said = extensible.as_message(kind, content) or content
    name, size = filename(said) or "?", attached.size(said)
    if why == "later":
        return words("(%(name)s: this file comes as soon as the server that has it answers)", name=name)
    if why == "gone":
        return words("(%(name)s: this file is not there any more)", name=name)
    if size is None:
        return words("(%(name)s: this file is too large to be carried here)", name=name)
    megabytes = max(1, round(size / _MEGABYTE))
    return words("(%(name)s, %(size)s MB: this file is too large to be carried here)", name=name, size=megabytes)
