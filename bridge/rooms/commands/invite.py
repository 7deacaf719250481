"""The commands `invite`, `invite code`, `invite codes` and `invite revoke`: who may come in; never let anybody in themselves."""

import secrets
from dataclasses import dataclass
from typing import Literal

from bridge.arguments import Circle, Day, Duration, User
from bridge.commands import CIRCLE, DIRECT, STAFF, command
from bridge.community import circle_by_key
from bridge.context import Context, Reply
from bridge.errors import UsageError
from bridge.roles import Role
from bridge.rooms import codes as signs
from bridge.rooms import terms_told, terms_words
from bridge.rooms.admit import admit, is_barred, named
from bridge.rooms.assigning import close_settled, warn_staff
from bridge.rooms.joining import INVITED, REVOKED
from bridge.store import codes, ledger, people, rooms
from bridge.store.codes import Code
from bridge.store.rooms import Room
from bridge.text import link
from bridge.wall import local_date
from bridge.words import Text, lines, words, words_n

DAY_MS = 24 * 60 * 60 * 1000
USES, MOST_USES = 1, 1000
HOLDS_MS, LONGEST_MS = 14 * DAY_MS, 366 * DAY_MS
MOST_LISTED = 30
MEMBER = "member"


@command(where=STAFF | CIRCLE | DIRECT, role=Role.CURATOR, examples=("invite @ann:example.org #sleep",))
async def invite(ctx: Context, who: User, circle: Circle | None = None) -> Reply:
    """Invite somebody to this community.

    They get one invitation, to the space; everything else they can enter from there. A curator invites into the own circle.
    """
    room = await _circle(ctx, circle)
    if who.id == ctx.scene.me:
        raise UsageError(words("I am here already, thank you."))
    if await is_barred(ctx.scene, who.id):
        raise UsageError(
            words(
                "%(who)s is banned, and a ban beats an invitation. A moderator can lift it first, with %(unban)s.",
                who={"user": who.id},
                unban={"command": f"unban {who.id}"},
            )
        )
    entry = await _write_down(ctx, INVITED, who.id)
    cause = f"ledger/{entry}"
    way = await admit(ctx.scene, who.id, room.key if room else None, cause, by=ctx.event.id, intent=entry)
    if room is not None:
        await warn_staff(ctx.scene, who.id, room.key, ctx.event.id)
        await close_settled(ctx.scene, who.id)
    if way == "invited":
        return Reply(done=False)
    await ledger.settle(ctx.db, entry, {"done": 0}, ctx.scene.now_ms)
    person = {"user": who.id}
    if way == "waiting":
        text = words("%(who)s has an invitation that they have not answered yet. They get no second one.", who=person)
    else:
        text = words("%(who)s is in the space already.", who=person)
    return Reply(lines(text, words("Their circle is %(circle)s now.", circle=named(room))) if room else text)


@command(
    where=STAFF | CIRCLE | DIRECT,
    role=Role.CURATOR,
    name="invite code",
    examples=("invite code #sleep 5 7d", "invite code", "invite code #sleep member 30d"),
)
async def invite_code(
    ctx: Context, circle: Circle | None = None, limits: tuple[Duration | int | Day | Literal["member"], ...] = ()
) -> Text:
    """Make a code by which people can come in.

    A number says how many people may use it (one, if you say nothing), a span how long it holds (two weeks). I show it only once, and keep only
    a hash of it.

    Behind `member` a span or a day says how long whoever comes in by it is a member: `invite code #sleep member 30d`. Moderators can do that.
    """
    room = await _circle(ctx, circle)
    given = _limits(limits)
    uses, holds_ms, now_ms = given.uses, given.holds_ms, ctx.scene.now_ms
    _may_give(ctx, given.member)
    code = None
    while code is None:
        code = signs.make(secrets.token_bytes(signs.RANDOM_BYTES))
    secret = signs.keep(code, secrets.token_bytes(signs.SALT_BYTES))
    entry = await _write_down(ctx, "make a code", room.key if room else "space")
    number = await codes.add(
        ctx.db,
        secret,
        room.key if room else None,
        uses,
        now_ms + holds_ms,
        ctx.sender,
        entry,
        member_ms=given.member.ms if isinstance(given.member, Duration) else None,
        member_until=given.member.date if isinstance(given.member, Day) else None,
    )
    await ledger.settle(ctx.db, entry, {"code": number, "uses": uses}, now_ms)
    until = await _until(ctx, now_ms + holds_ms)
    space = ctx.config.community.space.name
    values = {"code": {"code": signs.shown(code)}, "until": until, "number": number}
    if room is None:
        first = words_n("Code number %(number)s lets %(count)s person in, until %(until)s: %(code)s", "Code number %(number)s lets %(count)s people in, until %(until)s: %(code)s", uses, **values)  # fmt: skip
    else:
        first = words_n("Code number %(number)s lets %(count)s person into %(circle)s, until %(until)s: %(code)s", "Code number %(number)s lets %(count)s people into %(circle)s, until %(until)s: %(code)s", uses, circle=named(room), **values)  # fmt: skip
    member = await codes.get(ctx.db, number)
    first = _with_membership(first, member) if member else first
    return lines(
        first,
        words("I show it only this once. This is a text to hand on:"),
        words(
            "You are invited to %(space)s! Open %(link)s, write me a message there, and send me this code: %(code)s",
            space=space, link=link(ctx.scene.me), code=values["code"],
        ),
    )  # fmt: skip


@command(where=STAFF | CIRCLE | DIRECT, role=Role.CURATOR, name="invite codes")
async def invite_codes(ctx: Context) -> Text:
    """See which codes hold, with numbers for `invite revoke`."""
    now_ms = ctx.scene.now_ms
    mine = [one for one in await codes.recent(ctx.db, now_ms) if one.holds(now_ms) and _may_see(ctx, one)]
    if not mine:
        return words("No code holds at the moment. %(command)s makes one.", command={"command": "invite code"})
    parts = [await _line(ctx, one) for one in mine[-MOST_LISTED:]]
    if len(mine) > MOST_LISTED:
        parts.append(words_n("- and %(count)s older one", "- and %(count)s older ones", len(mine) - MOST_LISTED))
    return lines(words("These codes hold:"), *parts)


@command(where=STAFF | CIRCLE | DIRECT, role=Role.CURATOR, name="invite revoke", examples=("invite revoke 3",))
async def invite_revoke(ctx: Context, number: int) -> Text:
    """Let a code hold no longer. Who came in by it stays."""
    code = await codes.get(ctx.db, number)
    if code is None or not _may_see(ctx, code):
        raise UsageError(
            words(
                "There is no code number %(number)s here. %(command)s shows which there are.",
                number=number,
                command={"command": "invite codes"},
            )
        )
    if not await codes.revoke(ctx.db, code.id, ctx.scene.now_ms):
        return words("Code number %(number)s was revoked before.", number=number)
    entry = await _write_down(ctx, REVOKED, f"code {code.id}")
    await ledger.settle(ctx.db, entry, {"used": code.used}, ctx.scene.now_ms)
    return words("Code number %(number)s lets nobody in any more.", number=number)


async def _circle(ctx: Context, given: Circle | None) -> Room | None:
    """The circle that is meant: the one that was named, the one where it was written, or a curator's only one. UsageError when that is not theirs."""
    room = await rooms.by_id(ctx.db, given.room) if given else ctx.circle
    if room is None and ctx.role < Role.MODERATOR:
        keys = [one.key for one in ctx.rooms if one.tag and ctx.say.curates(ctx.sender, one.tag)]
        if len(keys) != 1:
            raise UsageError(
                words("Please say into which of your circles, like %(example)s.", example={"code": "#sleep"})
            )
        room = await rooms.by_key(ctx.db, keys[0])
    if room is None:
        return None
    if circle_by_key(ctx.config, room.key) is None:
        raise UsageError(words("The circle #%(tag)s is archived; nobody can come into it.", tag=room.tag or ""))
    if not ctx.curates(room.tag or ""):
        raise UsageError(words("You can invite people into your own circle only."))
    return room


@dataclass(frozen=True, slots=True)
class _Limits:
    """How many uses, how long the code holds (ms), and how long whoever uses it is a member; None: without an end."""

    uses: int
    holds_ms: int
    member: Duration | Day | None


def _limits(given: tuple[Duration | int | Day | str, ...]) -> _Limits:
    """What is said behind the circle, in any order."""
    rest, member = list(given), None
    if MEMBER in rest:
        at = rest.index(MEMBER)
        member = next(iter(rest[at + 1 :]), None)
        del rest[at : at + 2]
    if (
        (member is None) == (MEMBER in given)
        or not isinstance(member, Duration | Day | None)
        or any(isinstance(one, Day | str) for one in rest)
    ):
        raise UsageError(
            words(
                "Please say behind %(member)s how long they are a member: %(span)s, or %(day)s.",
                member={"code": "member"},
                span={"code": "member 30d"},
                day={"code": "member 2027-03-01"},
            )
        )
    uses = [one for one in rest if isinstance(one, int)]
    spans = [one.ms for one in rest if isinstance(one, Duration)]
    if len(uses) > 1 or len(spans) > 1:
        raise UsageError(
            words("One number and one span are enough: how many people may use the code, and how long it holds.")
        )
    if uses and not 1 <= uses[0] <= MOST_USES:
        raise UsageError(words("A code can let in between 1 and %(most)s people.", most=MOST_USES))
    if spans and spans[0] > LONGEST_MS:
        raise UsageError(words("A code can hold for a year at most."))
    return _Limits(uses[0] if uses else USES, spans[0] if spans else HOLDS_MS, member)


def _may_give(ctx: Context, member: Duration | Day | None) -> None:
    """UsageError for who may not give memberships, where they have no end, and for a day that is over."""
    if member is None:
        return
    terms_told.refuse_without_ends(ctx)
    if ctx.role < Role.MODERATOR:
        raise UsageError(words("Only a moderator can make a code by which a membership begins."))
    if isinstance(member, Day) and member.date < local_date(ctx.scene.now_ms, ctx.config.zone):
        raise UsageError(words("That day is over. Please name one that is still to come."))


def _with_membership(text: Text, code: Code) -> Text:
    """What is said of a code, and of the membership that begins by it."""
    if code.member_until is not None:
        return words("%(code)s (a member until %(day)s)", code=text, day=terms_words.day(code.member_until))
    if code.member_ms is not None:
        return words("%(code)s (a member for %(time)s)", code=text, time={"duration_ms": code.member_ms})
    return text


def _may_see(ctx: Context, code: Code) -> bool:
    """A moderator sees every code, a curator those of the own circles and those made by themselves."""
    circle = circle_by_key(ctx.config, code.circle) if code.circle else None
    theirs = circle is not None and ctx.curates(circle.tag)
    return ctx.role >= Role.MODERATOR or theirs or code.maker == ctx.sender


async def _line(ctx: Context, code: Code) -> Text:
    circle = circle_by_key(ctx.config, code.circle) if code.circle else None
    values = {
        "number": code.id,
        "where": f"#{circle.tag}" if circle else words("the space"),
        "until": await _until(ctx, code.until_ms),
        "maker": {"user": code.maker},
    }
    line = words_n("- %(number)s: %(where)s, %(count)s use left, until %(until)s, made by %(maker)s", "- %(number)s: %(where)s, %(count)s uses left, until %(until)s, made by %(maker)s", code.uses - code.used, **values)  # fmt: skip
    return _with_membership(line, code)


async def _until(ctx: Context, time_ms: int) -> dict[str, object]:
    zone = (await people.get(ctx.db, ctx.sender)).zone
    return {"time_ms": time_ms, "zone": zone or ctx.config.zone}


async def _write_down(ctx: Context, action: str, target: str) -> int:
    return await ledger.write(
        ctx.db, ctx.sender, action, target, None, None, ctx.event.room, ctx.event.id, ctx.scene.now_ms
    )
