"""Invite codes that people write: in a direct room one lets in, in a room of ours it is burnt. Writes wishes, never acts."""

from collections.abc import Awaitable, Callable, Mapping

from bridge.context import language_of, later_answer
from bridge.effects import Put, Say, Tell
from bridge.events import Edited, Message
from bridge.rooms import codes as signs
from bridge.rooms import term, terms_change, terms_words
from bridge.rooms.admit import Way, admit, is_barred, is_inside, is_shut, named, room_of
from bridge.rooms.assigning import warn_staff
from bridge.rooms.door import WRONG_TRIES, counted, silent
from bridge.scene import Scene
from bridge.store import authority, belongs, codes, ledger, queue, rooms
from bridge.store.codes import Code
from bridge.store.rooms import Room
from bridge.words import Text, in_a_room, lines, words

REMEMBERED_MS = 60 * 24 * 60 * 60 * 1000
"""So long after its end a code is still told from a wrong one."""

USED, REVOKED, INVITED = "come in by code", "revoke a code", "invite"
"""What the ledger calls it."""


def has_code(event: Message | Edited) -> bool:
    """Whether something in this message looks like a code; no look into the database."""
    return bool(signs.written_in(event.content.body))


async def written(scene: Scene, event: Message) -> None:
    """Somebody wrote a code to us in their direct room: it lets them in, or they hear why not. Who guessed too often is not answered for an hour."""
    wrong, since_ms = await codes.wrong(scene.db, event.sender)
    if silent(wrong, since_ms, scene.now_ms):
        return
    code = await _known(scene, event)
    if code is None:
        wrong, since_ms = counted(wrong, since_ms, scene.now_ms)
        await codes.set_wrong(scene.db, event.sender, wrong, since_ms)
        await _say(scene, event, _wrong(wrong))
    elif code.holds(scene.now_ms) and await is_shut(scene, event.sender, await room_of(scene, code.circle)):
        await _say(scene, event, words("Nobody is let in at the moment. Your code stays as it is: please try it again later."))  # fmt: skip
    else:
        await _say(scene, event, await _used(scene, event, code))


async def shown_in_a_room(scene: Scene, event: Message | Edited) -> None:
    """A code that many can read is nobody's any more: it is revoked, and who wrote it and who made it hear so privately."""
    if event.sender == scene.me or event.marked or not has_code(event):
        return
    room = await rooms.by_id(scene.db, event.room)
    if room is None or room.kind == "staff":
        return
    code = await _known(scene, event)
    if code is None or not code.holds(scene.now_ms):
        return
    await codes.revoke(scene.db, code.id, scene.now_ms)
    entry = await ledger.write(
        scene.db, scene.me, REVOKED, f"code {code.id}", None, "shown in a room", event.room, event.id, scene.now_ms
    )
    await ledger.settle(scene.db, entry, {"by": event.sender}, scene.now_ms)
    where = {"room": room.room, "alias": room.alias, "name": f"#{room.tag}" if room.tag else words("the common room")}
    for user in dict.fromkeys((event.sender, code.maker)):
        text = lines(
            words("The invite code number %(number)s was written in %(room)s, where everybody can read it. So that nobody uses it who was not meant, it holds no longer.", number=code.id, room=where),
            words("Ask for a new one, please, and write it to me alone.") if user != code.maker
            else words("%(command)s makes a new one.", command={"command": "invite code"}),
        )  # fmt: skip
        language = await language_of(scene, user)
        scene.puts.append(Put(Tell(key=f"burnt/{event.id}/{user}", user=user, text=text, language=language)))


async def _known(scene: Scene, event: Message | Edited) -> Code | None:
    """The first code of ours in a message, if it has one. All are compared, so that the time says nothing."""
    known = await codes.recent(scene.db, scene.now_ms - REMEMBERED_MS)
    found = [one for given in signs.written_in(event.content.body) for one in known if signs.fits(one.secret, given)]
    return found[0] if found else None


def _wrong(count: int) -> Text:
    if count < WRONG_TRIES:
        return words(
            "I do not know this code. Perhaps a letter got lost: could you copy it once more, exactly as it was given to you?"
        )
    return words(
        "I do not know this one either. Please ask whoever gave it to you for a new one. I look at codes of yours again in an hour."
    )


async def _used(scene: Scene, event: Message, code: Code) -> Text:
    user = event.sender
    again = code.id in await codes.used_by(scene.db, user)
    begins = None if again else await _member_until(scene, user, code)
    over = begins is not None and term.ends_ms(begins, await terms_change.zone_of(scene, user)) <= scene.now_ms
    if over or (not again and not code.holds(scene.now_ms)):
        return words("This code does not hold any more. Please ask whoever gave it to you for a new one.")
    if await is_barred(scene, user):
        await _tell_staff(scene, event, code)
        return words(
            "I cannot let you in. If you think that this is a mistake, please speak to whoever gave you the code."
        )
    ended = await authority.has_ended(scene.db, scene.config, user)
    if ended and begins is None:
        return terms_words.over(await authority.named(scene.db, scene.config))  # the code stays as it is
    circle = await room_of(scene, code.circle)
    if circle is not None and await warn_staff(scene, user, circle.key, event.id):
        circle = None  # another one is looked for when they are in; why is nobody's business
    theirs = circle is None or circle.key in await belongs.circles_of(scene.db, user)
    inside = not ended and await is_inside(scene, user)
    if theirs and inside:
        return words("You are in already, so I left the code as it is: you can give it to somebody else.")
    if not await codes.use(scene.db, code.id, user, scene.now_ms):
        return words("This code does not hold any more. Please ask whoever gave it to you for a new one.")
    rule = f"code {code.id}"
    entry = await ledger.write(scene.db, user, USED, user, None, rule, event.room, event.id, scene.now_ms)
    if begins is not None and not inside:
        begins = (await terms_change.begin(scene, user, begins, None, entry)).until
    way = await admit(scene, user, circle.key if circle else None, f"code/{code.id}", by=event.id, intent=entry)
    if way != "invited":
        await ledger.settle(scene.db, entry, {"done": 0}, scene.now_ms)
    if begins is None or inside or ended:  # who comes back hears of the end otherwise
        return welcome(scene, way, circle)
    lasts = words("Your membership lasts until %(day)s, that day included.", day=terms_words.day(begins))
    return lines(welcome(scene, way, circle), lasts)


async def _member_until(scene: Scene, user: str, code: Code) -> str | None:
    """The last day of the membership that this code begins for somebody; None: it begins none."""
    if scene.config.membership is None or code.member_ms is None:
        return code.member_until if scene.config.membership is not None else None
    return term.last_day(scene.now_ms, await terms_change.zone_of(scene, user), code.member_ms)


def welcome(scene: Scene, way: Way, circle: Room | None) -> Text:
    """What somebody hears who is let in: where the invitation is, and which circle is theirs."""
    space = scene.config.community.space.name
    if way == "inside":
        parts = []
    elif way == "invited":
        parts = [words("Welcome! An invitation to %(space)s is on its way to you. Please accept it in your client.", space=space)]  # fmt: skip
    else:
        parts = [words("Welcome! You are invited already: please look for %(space)s among your invitations, and accept it.", space=space)]  # fmt: skip
    if circle is not None and way == "inside":
        parts.append(words("Your circle is %(circle)s. Write there, people are glad to hear from you.", circle=named(circle)))  # fmt: skip
    elif circle is not None:
        parts.append(words("Your circle is %(circle)s. Once you are in, you can enter it and write there.", circle=named(circle)))  # fmt: skip
    return lines(*parts)


async def _tell_staff(scene: Scene, event: Message, code: Code) -> None:
    """Somebody who is banned has a code: staff should know which."""
    staff = await rooms.by_key(scene.db, "staff")
    if staff is None:
        return
    text = in_a_room(
        words(
            "%(who)s is banned and tried to come in with the code number %(number)s. I did not let them in. %(command)s ends that code.",
            who={"user": event.sender, "with_id": True},
            number=code.id,
            command={"command": f"invite revoke {code.id}"},
        )
    )
    key = f"barred/{event.sender}/{code.id}"
    scene.puts.append(Put(Say(key=key, room=staff.room, text=text, language=scene.config.language)))


async def _say(scene: Scene, event: Message, text: Text) -> None:
    language = await language_of(scene, event.sender)
    scene.puts.append(Put(Say(key=f"answer/{event.id}", room=event.room, text=text, language=language)))


# --- what became of an invitation ----------------------------------------------------------------------------------------------------


async def code_done(scene: Scene, entry: ledger.Entry) -> None:
    """The invitation that a code brought is out, or was refused: then its person hears how it can still come."""
    error = await settled(scene, entry)
    if error and entry.event and entry.room:
        text = words(
            "The invitation could not reach you: a homeserver refused it (%(code)s). If your client blocks invitations, please allow those from me, and then write the same code again.",
            code={"code": error},
        )
        language = await language_of(scene, entry.actor)
        key = f"answered/{entry.event}/{entry.settled_ms or 0}"
        scene.puts.append(Put(Say(key=key, room=entry.room, text=text, language=language)))


async def invite_done(scene: Scene, entry: ledger.Entry) -> None:
    """The invitation that a command asked for is out, or was refused: whoever gave the command hears it."""
    error = await settled(scene, entry)
    if entry.event is None or entry.room is None:
        return
    who = {"user": entry.target}
    if error is None:
        text = words("%(who)s is invited to the space, and can enter everything else from there.", who=who)
    else:
        text = words(
            "%(who)s could not be invited: a homeserver refused it (%(code)s). Perhaps they accept no invitations from people they do not know; please ask them to write to me first, then invite them again.",
            who=who,
            code={"code": error},
        )
    scene.puts += await later_answer(scene, entry.event, entry.room, entry.actor, text, done=error is None)


async def settled(scene: Scene, entry: ledger.Entry) -> str | None:
    """Write the outcome into the ledger; the error code of what was refused, or None."""
    rows = await queue.of_intent(scene.db, entry.id)
    error = next((row.error or "M_UNKNOWN" for row in rows if row.state == "dead"), None)
    outcome = {"done": sum(row.state != "dead" for row in rows), "refused": error}
    await ledger.settle(scene.db, entry.id, outcome, scene.now_ms)
    return error


INTENT_DONE: Mapping[str, Callable[[Scene, ledger.Entry], Awaitable[None]]] = {USED: code_done, INVITED: invite_done}
"""By the ledger's action: what happens when the last effect of it is settled."""
