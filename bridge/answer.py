"""Answers commands: whether a message is one for us, who may give it, and what is answered where. Never does itself what a command wants.

What a command writes is undone when it turns out to be mistaken. Only text that people wrote is looked at: no notices, no edits, nothing of ours.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from bridge import confirm, registry, welcome
from bridge.arguments import Directory, Place
from bridge.catalogues import spellings
from bridge.commands import ANYWHERE, CIRCLE, COMMON, DIRECT, STAFF, SURE, Book, Command, Where, places
from bridge.community import everything
from bridge.context import DONE, SEEN, Context, Reply, language_of, rather_people, role_in
from bridge.effects import Put, React, Say, Tell
from bridge.errors import UsageError
from bridge.events import AnyEvent, Content, Message, Reacted
from bridge.grammar import Line, read_line
from bridge.greeting import courtesy
from bridge.roles import Role
from bridge.rooms import joining, terms_words
from bridge.rooms.invites import has_open
from bridge.rooms.share import answer as yes_or_no
from bridge.scene import Names, Scene
from bridge.store import authority, confirmations, failures, people, rooms
from bridge.store.errors import LeadershipLost, StoreUnavailable
from bridge.store.rooms import Room
from bridge.times import DAY_MS
from bridge.understanding import arguments
from bridge.words import Text, in_a_room, lines, words

_PREFIXES = frozenset({"!h", "!hearth"})
_MX_REPLY = re.compile(r"<mx-reply>.*?</mx-reply>", re.DOTALL | re.IGNORECASE)
MOST_WORDS_REPEATED = 3

_WHOSE = {
    Role.MEMBER: words("%(command)s is for members of this community."),
    Role.CURATOR: words("%(command)s is for curators, in their own circle."),
    Role.MODERATOR: words("%(command)s is for moderators."),
    Role.OWNER: words("%(command)s is for owners."),
}
_WHERE = {"staff": STAFF, "circle": CIRCLE, "common": COMMON}


@dataclass(frozen=True, slots=True)
class Call:
    """A message that speaks to us: its words, the number of the first one after the address, and whether it can only mean us."""

    line: Line
    at: int
    certain: bool


def called(event: Message, *, direct: bool, me: str, names: Names) -> Call | None:
    """Whether a message speaks to us: in a direct room always; elsewhere by `!hearth`, `!h`, `!command`, or our name first. None when it does not."""
    if event.sender == me or event.marked or event.content.msgtype != "m.text":
        return None
    line = _line(event)
    if not line.words:
        return None
    first = line.words[0]
    plain = first.text.casefold()
    name = plain.rstrip(":,")
    pill = first.link is not None and first.link.target == me and first.link.event is None
    by_name = plain != name and name in {names.of(me).casefold(), me.casefold().partition(":")[0].removeprefix("@")}
    if pill or by_name or name == me.casefold() or plain in _PREFIXES or (direct and plain == "!"):
        return Call(line, 1, certain=True)
    if len(plain) > 1 and plain.startswith("!") and first.link is None:
        bare = replace(first, text=first.text[1:], start=first.start + 1)
        return Call(replace(line, words=(bare, *line.words[1:])), 0, certain=direct)
    return Call(line, 0, certain=True) if direct else None


def _line(event: Message) -> Line:
    body, formatted = event.content.body, event.content.formatted_body
    if event.reply_to and body.startswith("> "):  # older clients quote what they reply to
        kept = body.split("\n")
        while kept and kept[0].startswith(">"):
            kept.pop(0)
        body = "\n".join(kept)
    return read_line(body, _MX_REPLY.sub("", formatted) if formatted else None)


async def react(scene: Scene, event: AnyEvent) -> None:
    """Answer a message that is a command for us, and go on with a command that is confirmed; anything else is let be."""
    if isinstance(event, Reacted):
        await go_on(scene, event, registry.book())
        return
    if not isinstance(event, Message) or called(event, direct=not scene.ours, me=scene.me, names=scene.names) is None:
        return  # most of what is said is settled without a look into the database
    person = None if scene.ours else await people.by_direct_room(scene.db, event.room)
    direct = person is not None and person.user == event.sender
    if direct and await _answered_us(scene, event):
        return
    await answer(scene, event, direct=direct, book=registry.book())
    if direct:
        await welcome.catch_up(scene, event.sender)


async def _answered_us(scene: Scene, event: Message) -> bool:
    """Whether somebody whom we asked something answered it, in words that are no command."""
    call = called(event, direct=True, me=scene.me, names=scene.names)
    if call is None or call.at >= len(call.line.words) or registry.book().at(call.line, call.at) is not None:
        return False
    if joining.has_code(event):
        return False
    return await welcome.heard(scene, event, call.line.rest(call.at))


async def answer(scene: Scene, event: Message, *, direct: bool, book: Book) -> None:
    """Read and run one command. `direct`: this is the direct room of its sender. All that follows is appended to `scene.puts`."""
    call = called(event, direct=direct, me=scene.me, names=scene.names)
    if call is None:
        return
    room = None if direct else await rooms.by_id(scene.db, event.room)
    if not direct and room is None:
        return
    asked = _Asked(scene, event, call, room, await role_in(scene, event.sender, room), book)
    found = book.at(call.line, call.at, direct=direct)
    stranger = asked.role is Role.STRANGER
    if direct and (found is None or stranger) and joining.has_code(event):
        await joining.written(scene, event)
    elif stranger and (found is None or found[0].role > Role.STRANGER):
        await _greet(scene, event, direct=direct)
    elif found is None:
        await _puzzled(asked)
    else:
        wanted, behind = found
        await _run(asked, wanted, lambda inner: _performed(asked, wanted, behind, inner))


async def go_on(scene: Scene, event: Reacted, book: Book) -> None:
    """Do what waits for this reaction, with the rights that its giver has now; or leave it. Anybody else's reaction is nothing.

    Where it takes another person's yes, that is one who may give the same command there.
    """
    prompt = await people.prompt(scene.db, event.target)
    yes = yes_or_no(event.key)
    if prompt is None or yes is None or not prompt.kind.startswith((confirm.KIND, confirm.ANOTHER)):
        return
    family, _, number = prompt.kind.partition("/")
    theirs = prompt.user == event.sender
    if f"{family}/" == confirm.ANOTHER:
        if (theirs and yes) or not (theirs or await _may_confirm(scene, event, book, int(number))):
            return
    elif not theirs:
        return
    waiting = await confirmations.take(scene.db, int(number), scene.now_ms)
    wanted = book.commands.get(waiting.command) if waiting else None
    if waiting is None or wanted is None or wanted.confirmed is None:
        return
    person = await people.by_direct_room(scene.db, waiting.room)
    direct = person is not None and person.user == waiting.actor
    room = None if direct else await rooms.by_id(scene.db, waiting.room)
    given = Message(waiting.event, waiting.room, waiting.actor, waiting.made_ms, Content("m.text", ""))
    role = await role_in(scene, waiting.actor, room)
    asked = _Asked(scene, given, Call(Line("", ()), 0, certain=True), room, role, book, f"answer/{event.id}")
    if not yes:
        await _say(asked, words("Nothing was changed."))
    elif scene.now_ms - waiting.made_ms > confirm.WAIT_MS:
        await _say(asked, words("That was too long ago, so nothing was changed. Please write it again."))
    else:
        act = wanted.confirmed
        await _run(asked, wanted, lambda inner: _confirmed(asked, wanted, act, waiting, inner))


async def _may_confirm(scene: Scene, event: Reacted, book: Book, number: int) -> bool:
    """Whether whoever reacts may give the waiting command where it was given."""
    waiting = await confirmations.get(scene.db, number)
    wanted = book.commands.get(waiting.command) if waiting else None
    if waiting is None or wanted is None or event.sender == scene.me:
        return False
    return await role_in(scene, event.sender, await rooms.by_id(scene.db, waiting.room)) >= wanted.role


async def _confirmed(
    asked: "_Asked",
    wanted: Command,
    act: Callable[..., Awaitable[Any]],
    waiting: confirmations.Waiting,
    inner: Scene,
) -> Reply:
    _permit(wanted, asked.role, asked.room)
    given = await act(await _context(asked, inner), **waiting.args)
    return given if isinstance(given, Reply) else Reply(given)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One call with its surroundings; `room` is None in a direct room."""

    scene: Scene
    event: Message
    call: Call
    room: Room | None
    role: Role
    book: Book
    key: str = ""
    """The key of the answer; made of the event's id when there is none."""


async def _run(asked: _Asked, wanted: Command, perform: Callable[[Scene], Awaitable[Reply]]) -> None:
    scene, event = asked.scene, asked.event
    inner = replace(scene, puts=[])
    try:
        async with scene.db.begin_nested():
            reply = await perform(inner)
    except UsageError as error:
        await _say(asked, cast("Text", error.text), personal=_personal(wanted))
        return
    except (StoreUnavailable, LeadershipLost):
        raise  # nobody's mistake: the whole batch is handled again
    except Exception as error:  # noqa: BLE001 - a mistake of ours: the person hears of it, and staff finds it among the failures
        await failures.record(scene.db, event.id, event.room, error, scene.now_ms)
        sorry = words(
            "Something went wrong on my side, and nothing was changed. The people who look after me can see it. "
            "Please try again later."
        )
        await _say(asked, sorry)
        return
    emoji, key = (DONE, "done") if reply.done else (SEEN, "seen")
    scene.puts.append(Put(React(key=f"{key}/{event.id}", room=event.room, event=event.id, emoji=emoji)))
    scene.puts += [*inner.puts, *reply.puts]
    if reply.text is not None:
        await _say(asked, reply.text, public=wanted.public, personal=_personal(wanted))


def _personal(wanted: Command) -> bool:
    """Whether its answer is about the asker alone, as with all that every member may ask; such answers are nobody else's, in the staff room neither."""
    return wanted.role is Role.MEMBER


async def _performed(asked: _Asked, wanted: Command, behind: int, inner: Scene) -> Reply:
    _permit(wanted, asked.role, asked.room)
    ours = tuple(await rooms.all_rooms(inner.db))
    values = arguments(wanted, asked.call.line, behind, _directory(inner, ours, wanted, asked.room))
    given = await wanted.run(await _context(asked, inner), *values)
    return given if isinstance(given, Reply) else Reply(given)


async def _context(asked: _Asked, inner: Scene) -> Context:
    ours = tuple(await rooms.all_rooms(inner.db))
    language = await language_of(inner, asked.event.sender)
    say = await authority.current(inner.db, inner.config, asked.event.sender)
    return Context(inner, asked.event, asked.role, say, asked.room, asked.room is None, language, ours, asked.book)


def _permit(wanted: Command, role: Role, room: Room | None) -> None:
    """UsageError when this role may not use the command, or not here."""
    name = {"command": wanted.name}
    if role < wanted.role:
        text = _WHOSE[wanted.role]
        raise UsageError(replace(text, values={"command": name}))
    here = DIRECT if room is None else _WHERE.get(room.kind, Where(0))
    if not (wanted.where & here or wanted.where == ANYWHERE):
        allowed = places(wanted.where)
        raise UsageError(words("You can use %(command)s here: %(places)s.", command=name, places=allowed))


def _directory(scene: Scene, ours: tuple[Room, ...], wanted: Command, here: Room | None) -> Directory:
    names = {key: settings.name for key, settings in everything(scene.config).items()}
    places = tuple(
        Place(one.room, one.key, one.kind, one.tag, one.alias, names.get(one.key))
        for one in ours
        if one.replaced_by is None
    )
    choices = (label for parameter in wanted.parameters for label in parameter.labels if label.context == "choice")
    in_circle = here is not None and here.kind == "circle"
    return Directory(places, scene.names, spellings((choice.source for choice in choices), "choice"), in_circle)


async def _puzzled(asked: _Asked) -> None:
    """Help with a command that is not there: the nearest ones, and where to find all."""
    call, book, role = asked.call, asked.book, asked.role
    given = call.line.joined(call.at, len(call.line.words))
    first = call.line.joined(call.at, call.at + 1)
    # In the staff room people rely on us: silence there would look like obedience.
    for_us = call.certain or (asked.room is not None and asked.room.kind == "staff")
    polite = courtesy(given) if asked.room is None else None
    near = () if polite else book.beginning(first, role)
    if not polite and not near:
        own = spellings(book.commands, "command", [await language_of(asked.scene, asked.event.sender)])
        # A mistyped `!word` in a room may be meant for another bot, so it has to come near to a command of ours.
        near = book.near(given, role, own, 0.6 if for_us else SURE)
    if not for_us and not near:
        return
    everything = words("Write %(help)s to see what I can do.", help={"command": "help"})
    if near:
        names = {"list": [{"command": name} for name in (_mended(call, near[0]), *near[1:])]}
        await _say(asked, lines(words("I am not sure what you mean. Perhaps: %(near)s", near=names), everything))
    elif given:
        as_to_people = asked.room is None and (polite is not None or " " in given)
        people_instead = await rather_people(asked.scene, asked.event.sender) if as_to_people else None
        kind = (people_instead,) if people_instead else ()
        await _say(asked, lines(polite or words("I did not understand that, sorry."), *kind, everything))
    else:
        await _say(asked, lines(words("I am listening."), everything))


def _mended(call: Call, name: str) -> str:
    """The right name with the few words that followed the wrong one, to be copied; the name alone where there was a pill, or more than a few."""
    rest = call.line.words[call.at + 1 :]
    if " " in name or not 1 <= len(rest) <= MOST_WORDS_REPEATED or any(word.link for word in rest):
        return name
    return f"{name} {call.line.rest(call.at + 1)[:100]}"


async def _greet(scene: Scene, event: Message, *, direct: bool) -> None:
    """Somebody who is in no room of ours: one kind word, once, with the way in. Whose membership has ended hears so alone, and once a day."""
    language = await language_of(scene, event.sender)
    if await authority.has_ended(scene.db, scene.config, event.sender):
        over = terms_words.over(await authority.named(scene.db, scene.config))
        key = f"over/{event.sender}/{scene.now_ms // DAY_MS}"
        said = Say(key=key, room=event.room, text=over, language=language) if direct else None
        scene.puts.append(Put(said or Tell(key=key, user=event.sender, text=over, language=language)))
        return
    memberships = await people.memberships_of(scene.db, event.sender)
    if has_open(memberships):
        text = words(
            "Hello! You are invited already: please look for %(space)s among your invitations and accept it, and then write to me again.",
            space=scene.config.community.space.name,
        )
    else:
        text = words(
            "Hello! I look after a community that you are not in yet. If somebody gave you an invite code, just write it here. "
            "If you have none, please ask the person from whom you heard of us."
        )
    kind = "invited" if has_open(memberships) else "stranger"
    key = f"{kind}/{event.room}/{event.sender}"
    scene.puts.append(Put(Say(key=key, room=event.room, text=text, language=language)))


async def _say(asked: _Asked, text: Text, *, public: bool = False, personal: bool = False) -> None:
    """The answer: where the command was written if that is a direct room, or if the command is public; in the staff room unless it is personal; else to the person alone."""
    event, room = asked.event, asked.room
    key, language = asked.key or f"answer/{event.id}", await language_of(asked.scene, event.sender)
    if room is None:
        answer: Say | Tell = Say(key=key, room=event.room, text=text, language=language, thread=event.thread)
    elif public or (room.kind == "staff" and not personal):
        said = in_a_room(text)
        answer = Say(key=key, room=event.room, text=said, language=language, thread=event.thread, reply_to=event.id)
    else:
        answer = Tell(key=key, user=event.sender, text=text, language=language)
    asked.scene.puts.append(Put(answer))
